#include "broker/calendar/cron.h"

#include <algorithm>
#include <bit>

#include "broker/calendar/month_days.h"

namespace pawl::calendar {
namespace {

using namespace std::chrono;

constexpr local_seconds earliest = local_days{January / 1 / 1900};
constexpr local_seconds latest = local_days{December / 31 / 9999} + 24h - 1s;

// The longest wait is that for 29 February on a given weekday when a year without a leap day, such as 2100,
// comes between: 40 years.
constexpr int search_years_max = 40;

/// The lowest member of `set` that is at least `from`.
std::optional<unsigned> at_least(std::uint64_t set, unsigned from) {
  const std::uint64_t rest = from < 64 ? set & (~0ull << from) : 0;
  if (rest == 0) return std::nullopt;
  return static_cast<unsigned>(std::countr_zero(rest));
}

bool has(std::uint64_t set, unsigned value) { return (set >> value) & 1; }

unsigned lowest(std::uint64_t set) { return static_cast<unsigned>(std::countr_zero(set)); }

seconds time_of_day(unsigned hour, unsigned minute, unsigned second) {
  return seconds{hour * 3600 + minute * 60 + second};
}

/// The first time of a day that the fields name, at or after `from`.
std::optional<seconds> first_time(const CronFields& fields, seconds from) {
  const hh_mm_ss clock{from};
  const auto hour = static_cast<unsigned>(clock.hours().count());
  const auto minute = static_cast<unsigned>(clock.minutes().count());
  const auto second = static_cast<unsigned>(clock.seconds().count());
  if (has(fields.hours, hour)) {
    if (has(fields.minutes, minute)) {
      if (const auto found = at_least(fields.seconds, second)) return time_of_day(hour, minute, *found);
    }
    if (const auto found = at_least(fields.minutes, minute + 1)) {
      return time_of_day(hour, *found, lowest(fields.seconds));
    }
  }
  if (const auto found = at_least(fields.hours, hour + 1)) {
    return time_of_day(*found, lowest(fields.minutes), lowest(fields.seconds));
  }
  return std::nullopt;
}

/// The first day that the fields name, at or after `from`.
std::optional<local_days> first_day(const CronFields& fields, local_days from) {
  const year_month_day start{from};
  year_month month = start.year() / start.month();
  unsigned day = static_cast<unsigned>(start.day());
  for (const year_month end = month + years{search_years_max}; month <= end; month += months{1}) {
    if (has(fields.months, static_cast<unsigned>(month.month()))) {
      if (const auto found = at_least(days_in(fields, month), day)) {
        return local_days{month / std::chrono::day{*found}};
      }
    }
    day = 1;
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t days_in(const CronFields& fields, year_month month) {
  const auto length = static_cast<unsigned>((month / last).day());
  const std::uint64_t all = bits(1, length);
  const unsigned first_weekday = weekday{local_days{month / 1}}.c_encoding();

  std::uint64_t by_date = fields.days;
  for (unsigned before = 0; before < length; ++before) {
    if (has(fields.days_before_last, before)) by_date |= 1ull << (length - before);
  }
  std::uint64_t by_weekday = 0;
  for (unsigned weekday = 0; weekday < 7; ++weekday) {
    const unsigned first = 1 + (weekday + 7 - first_weekday) % 7;
    for (unsigned nth = 1, day = first; day <= length; ++nth, day += 7) {
      const bool is_last = day + 7 > length;
      const unsigned which = fields.nth_weekdays[weekday];
      if (has(fields.weekdays, weekday) || has(which, nth) || (is_last && has(which, 0))) {
        by_weekday |= 1ull << day;
      }
    }
  }
  if (!days_restricted(fields)) return by_weekday & all;
  if (!weekdays_restricted(fields)) return by_date & all;
  return (by_date | by_weekday) & all;
}

std::optional<local_seconds> CronExpression::next(local_seconds after) const {
  if (after >= latest) return std::nullopt;
  const local_seconds from = std::max(after + 1s, earliest);
  const local_days today = floor<days>(from);
  std::optional<local_days> day = first_day(fields_, today);
  if (day == today) {
    if (const auto time = first_time(fields_, from - today)) return today + *time;
    day = first_day(fields_, today + days{1});
  }
  if (!day || *day > latest) return std::nullopt;
  return *day + time_of_day(lowest(fields_.hours), lowest(fields_.minutes), lowest(fields_.seconds));
}

bool CronExpression::matches(local_seconds time) const {
  const local_days date = floor<days>(time);
  const year_month_day day{date};
  const hh_mm_ss clock{time - date};
  return has(fields_.months, static_cast<unsigned>(day.month())) &&
         has(days_in(fields_, day.year() / day.month()), static_cast<unsigned>(day.day())) &&
         has(fields_.hours, static_cast<unsigned>(clock.hours().count())) &&
         has(fields_.minutes, static_cast<unsigned>(clock.minutes().count())) &&
         has(fields_.seconds, static_cast<unsigned>(clock.seconds().count()));
}

bool CronExpression::has_fixed_hours() const { return fields_.hours != bits(0, 23); }

}  // namespace pawl::calendar
