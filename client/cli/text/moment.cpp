#include "client/cli/text/moment.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

#include "client/cli/text/duration.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

/// Reads a text from the left; every step says whether it fitted.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool digits(std::size_t count, int& value) {
    if (rest_.size() < count) return false;
    value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return true;
  }
  bool one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

struct Clock {
  int hour = 0;
  int minute = 0;
  int second = 0;
};

bool read_date(Reader& reader, std::chrono::year_month_day& date) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!reader.digits(4, year) || !reader.one_of("-") || !reader.digits(2, month) || !reader.one_of("-") ||
      !reader.digits(2, day)) {
    return false;
  }
  date =
      std::chrono::year_month_day{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                  std::chrono::day{static_cast<unsigned>(day)}};
  return date.ok();
}

bool read_clock(Reader& reader, Clock& clock) {
  if (!reader.digits(2, clock.hour) || !reader.one_of(":") || !reader.digits(2, clock.minute)) return false;
  if (reader.one_of(":") && !reader.digits(2, clock.second)) return false;
  return clock.hour < 24 && clock.minute < 60 && clock.second < 60;
}

std::tm local(std::int64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return parts;
}

std::int64_t local_ms(std::tm day, const Clock& clock) {
  day.tm_hour = clock.hour;
  day.tm_min = clock.minute;
  day.tm_sec = clock.second;
  day.tm_isdst = -1;
  return static_cast<std::int64_t>(std::mktime(&day)) * 1000;
}

std::optional<std::int64_t> parse_local(std::string_view text, std::int64_t now) {
  Clock clock;
  Reader only_clock{text};
  if (read_clock(only_clock, clock) && only_clock.at_end()) {
    std::tm today = local(now);
    const std::int64_t then = local_ms(today, clock);
    if (then > now) return then;
    ++today.tm_mday;
    return local_ms(today, clock);
  }
  Reader reader{text};
  std::chrono::year_month_day date;
  clock = {};
  if (!read_date(reader, date) || !reader.one_of("T ") || !read_clock(reader, clock) || !reader.at_end()) {
    return std::nullopt;
  }
  std::tm day{};
  day.tm_year = static_cast<int>(date.year()) - 1900;
  day.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  day.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
  return local_ms(day, clock);
}

}  // namespace

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::expected<std::int64_t, std::string> parse_moment(std::string_view text, std::int64_t now) {
  if (text.starts_with('+')) {
    const auto wait = parse_duration(text.substr(1));
    if (!wait) return std::unexpected(wait.error());
    return now + *wait;
  }
  if (const auto exact = wire::parse_time(text)) return *exact;
  if (const auto here = parse_local(text, now)) return *here;
  return std::unexpected(fmt::format(
      "\"{}\" is not a time; write 2026-11-24T20:56:00Z, or \"2026-11-24 20:56\" or 20:56 in local time, "
      "or +30m from now",
      text));
}

std::string wire_text(std::chrono::sys_time<std::chrono::milliseconds> time) {
  return wire::format_time(time.time_since_epoch().count());
}

std::string local_text(std::int64_t ms) {
  const std::tm parts = local(ms);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string clock_text(std::int64_t ms) {
  const std::tm parts = local(ms);
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string distance_text(std::int64_t ms, std::int64_t now) {
  if (ms > now) return "in " + duration_text(ms - now);
  if (now - ms < 1000) return "now";
  return duration_text(now - ms) + " ago";
}

}  // namespace pawl::cli
