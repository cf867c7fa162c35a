// Times in tests as people write them: "2026-03-29 02:30:00".
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "broker/calendar/cron.h"
#include "broker/calendar/next_run.h"

namespace pawl::calendar::test {

/// Seconds may be left out.
inline std::chrono::local_seconds civil(const std::string& text) {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0;
  const int read =
      std::sscanf(text.c_str(), "%d-%u-%u %d:%d:%d", &year, &month, &day, &hour, &minute, &second);
  EXPECT_GE(read, 5) << text;
  using namespace std::chrono;
  return local_days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}} +
         hours{hour} + minutes{minute} + seconds{second};
}

inline std::string text_of(std::chrono::local_seconds time) {
  using namespace std::chrono;
  const local_days date = floor<days>(time);
  const year_month_day day{date};
  const hh_mm_ss clock{time - date};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

/// "2026-03-29 01:00" in UTC as Unix milliseconds.
inline std::int64_t utc_ms(const std::string& text) {
  return std::chrono::milliseconds{civil(text).time_since_epoch()}.count();
}

inline std::string utc_text(std::int64_t unix_ms) {
  if (unix_ms == never) return "never";
  return text_of(std::chrono::local_seconds{
      std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds{unix_ms})});
}

inline CronExpression cron(const std::string& text) {
  auto parsed = CronExpression::parse(text);
  if (!parsed) {
    ADD_FAILURE() << text << ": " << parsed.error().what;
    return *CronExpression::parse("* * * * *");
  }
  return *parsed;
}

inline Zone zone(const std::string& name) {
  auto found = Zone::find(name);
  if (!found) {
    ADD_FAILURE() << name << ": " << found.error().what;
    return *Zone::find("UTC");
  }
  return *found;
}

}  // namespace pawl::calendar::test
