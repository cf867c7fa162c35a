#include "client/wire/time.h"

#include <algorithm>
#include <chrono>

namespace pawl::wire {
namespace {

void write_digits(std::int64_t value, int count, char* out) {
  for (int i = count - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

/// Takes characters from the front; every step after a failed one fails too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  int number(std::size_t digits) {
    if (!good_ || text_.size() < digits) return fail();
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return fail();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return value;
  }
  bool take(char wanted) {
    if (!good_ || text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) good_ = false;
  }
  /// Digits after the point, as milliseconds.
  int fraction_ms() {
    int ms = 0;
    int scale = 100;
    std::size_t digits = 0;
    while (digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9') {
      ms += (text_[digits] - '0') * scale;
      scale /= 10;
      ++digits;
    }
    if (digits == 0) good_ = false;
    text_.remove_prefix(digits);
    return ms;
  }
  /// Z, or ±hh:mm, in minutes.
  int offset_minutes() {
    if (take('Z') || take('z')) return 0;
    const bool west = take('-');
    if (!west) expect('+');
    const int hours = number(2);
    expect(':');
    const int minutes = number(2);
    if (hours > 23 || minutes > 59) good_ = false;
    const int sum = hours * 60 + minutes;
    return west ? -sum : sum;
  }
  bool ended() const { return good_ && text_.empty(); }

 private:
  int fail() {
    good_ = false;
    return 0;
  }
  std::string_view text_;
  bool good_ = true;
};

}  // namespace

void write_time(std::int64_t ms, char* out) {
  ms = std::clamp<std::int64_t>(ms, 0, time_ms_max);
  const std::int64_t in_day = ms % 86'400'000;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{ms / 86'400'000}}};
  write_digits(static_cast<int>(date.year()), 4, out);
  out[4] = '-';
  write_digits(static_cast<unsigned>(date.month()), 2, out + 5);
  out[7] = '-';
  write_digits(static_cast<unsigned>(date.day()), 2, out + 8);
  out[10] = 'T';
  write_digits(in_day / 3'600'000, 2, out + 11);
  out[13] = ':';
  write_digits(in_day / 60'000 % 60, 2, out + 14);
  out[16] = ':';
  write_digits(in_day / 1000 % 60, 2, out + 17);
  out[19] = '.';
  write_digits(in_day % 1000, 3, out + 20);
  out[23] = 'Z';
}

std::string format_time(std::int64_t ms) {
  std::string text(time_chars, '\0');
  write_time(ms, text.data());
  return text;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  Scanner scan(text);
  const int year = scan.number(4);
  scan.expect('-');
  const int month = scan.number(2);
  scan.expect('-');
  const int day = scan.number(2);
  if (!scan.take('T') && !scan.take('t')) scan.expect(' ');
  const int hour = scan.number(2);
  scan.expect(':');
  const int minute = scan.number(2);
  scan.expect(':');
  const int second = scan.number(2);
  const int milli = scan.take('.') ? scan.fraction_ms() : 0;
  const int offset = scan.offset_minutes();
  if (!scan.ended()) return std::nullopt;

  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t minutes = days * 1440 + hour * 60 + minute - offset;
  const std::int64_t ms = (minutes * 60 + second) * 1000 + milli;
  if (ms < 0 || ms > time_ms_max) return std::nullopt;
  return ms;
}

}  // namespace pawl::wire
