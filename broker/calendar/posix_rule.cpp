#include "broker/calendar/posix_rule.h"

#include <algorithm>
#include <array>

namespace pawl::calendar {

namespace {

bool is_digit_of_rule(char c) { return c >= '0' && c <= '9'; }

}  // namespace

/// Takes the parts of a rule from the front of `rest`; false or nothing when the part is not there.
struct PosixRule::Reader {
  std::string_view rest;

  bool take(char c) {
    if (!rest.starts_with(c)) return false;
    rest.remove_prefix(1);
    return true;
  }

  bool name() {
    std::size_t end = 0;
    if (take('<')) {
      end = rest.find('>');
      if (end == std::string_view::npos) return false;
      rest.remove_prefix(end + 1);
      return true;
    }
    while (end < rest.size() &&
           ((rest[end] >= 'A' && rest[end] <= 'Z') || (rest[end] >= 'a' && rest[end] <= 'z')))
      ++end;
    rest.remove_prefix(end);
    return end >= 3;
  }

  std::optional<int> number() {
    if (rest.empty() || !is_digit_of_rule(rest[0])) return std::nullopt;
    int value = 0;
    for (; !rest.empty() && is_digit_of_rule(rest[0]); rest.remove_prefix(1)) {
      value = std::min(value * 10 + (rest[0] - '0'), 9999);
    }
    return value;
  }

  /// [+-]h[:mm[:ss]], up to 167 hours.
  std::optional<std::chrono::seconds> time() {
    const int sign = take('-') ? -1 : 1;
    if (sign == 1) take('+');
    int total = 0;
    for (const int unit : {3600, 60, 1}) {
      if (unit != 3600 && !take(':')) break;
      const auto value = number();
      if (!value || *value > (unit == 3600 ? 167 : 59)) return std::nullopt;
      total += *value * unit;
    }
    return std::chrono::seconds{sign * total};
  }

  /// A number from `low` to `high`, after `before` unless that is zero.
  std::optional<unsigned> within(char before, int low, int high) {
    if (before != '\0' && !take(before)) return std::nullopt;
    const auto value = number();
    if (!value || *value < low || *value > high) return std::nullopt;
    return static_cast<unsigned>(*value);
  }

  std::optional<Change> change() {
    Change change;
    if (!take(',')) return std::nullopt;
    if (take('M')) {
      const auto month = within('\0', 1, 12);
      const auto week = within('.', 1, 5);
      const auto weekday = within('.', 0, 6);
      if (!month || !week || !weekday) return std::nullopt;
      change.month = *month;
      change.week = *week;
      change.weekday = *weekday;
    } else {
      const bool without_leap = take('J');
      const auto day = within('\0', without_leap ? 1 : 0, 365);
      if (!day) return std::nullopt;
      change.kind = without_leap ? Change::Kind::without_leap : Change::Kind::with_leap;
      change.day = static_cast<int>(*day);
    }
    if (take('/')) {
      const auto at = time();
      if (!at) return std::nullopt;
      change.time = *at;
    }
    return change;
  }
};

std::chrono::local_seconds PosixRule::Change::in(std::chrono::year year) const {
  using namespace std::chrono;
  const local_days new_year{year / January / 1};
  switch (kind) {
    case Kind::nth_weekday: {
      const year_month in_month = year / std::chrono::month{month};
      const std::chrono::weekday on{weekday};
      const local_days date = week == 5 ? local_days{in_month / on[last]} : local_days{in_month / on[week]};
      return date + time;
    }
    case Kind::without_leap: {
      const bool after_leap_day = year.is_leap() && day > 31 + 28;
      return new_year + days{day - 1 + (after_leap_day ? 1 : 0)} + time;
    }
    case Kind::with_leap:
      break;
  }
  return new_year + days{day} + time;
}

std::optional<PosixRule> PosixRule::parse(std::string_view text) {
  // Offsets in the text are what is added to get UTC: east of Greenwich is negative.
  PosixRule rule;
  Reader reader{text};
  if (!reader.name()) return std::nullopt;
  const auto standard = reader.time();
  if (!standard) return std::nullopt;
  rule.standard_ = rule.daylight_ = -*standard;
  if (reader.rest.empty()) return rule;

  if (!reader.name()) return std::nullopt;
  rule.daylight_ = rule.standard_ + std::chrono::hours{1};
  if (!reader.rest.starts_with(',')) {
    const auto daylight = reader.time();
    if (!daylight) return std::nullopt;
    rule.daylight_ = -*daylight;
  }
  const auto start = reader.change();
  const auto end = start ? reader.change() : std::nullopt;
  if (!end || !reader.rest.empty()) return std::nullopt;
  rule.start_ = *start;
  rule.end_ = *end;
  return rule;
}

Stretch PosixRule::at(std::chrono::sys_seconds time) const {
  using namespace std::chrono;
  if (daylight_ == standard_) return {sys_seconds::min(), sys_seconds::max(), standard_};
  struct Instant {
    sys_seconds at;
    seconds offset;  // from here on
  };
  // Daylight time all year: it ends at the moment when the next year's begins, and the end comes first then.
  std::array<Instant, 6> instants;
  const year this_year = year_month_day{floor<days>(time)}.year();
  for (int i = 0; i < 3; ++i) {
    const year in = this_year + years{i - 1};
    const auto n = static_cast<std::size_t>(i) * 2;
    instants[n] = {sys_seconds{end_.in(in).time_since_epoch() - daylight_}, standard_};
    instants[n + 1] = {sys_seconds{start_.in(in).time_since_epoch() - standard_}, daylight_};
  }
  std::ranges::stable_sort(instants, {}, &Instant::at);
  // Not the first nor past the last, since a year lies before and one after.
  const auto next = std::ranges::upper_bound(instants, time, {}, &Instant::at);
  return {std::prev(next)->at, next->at, std::prev(next)->offset};
}

}  // namespace pawl::calendar
