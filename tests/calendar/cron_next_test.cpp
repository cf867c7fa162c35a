// Civil times: which one comes next.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/calendar/civil.h"

namespace pawl::calendar::test {
namespace {

using std::chrono::local_seconds;
using namespace std::chrono_literals;

std::vector<std::string> next_runs(const std::string& text, const std::string& after, std::size_t count) {
  const CronExpression expression = cron(text);
  std::vector<std::string> runs;
  local_seconds time = civil(after);
  while (runs.size() < count) {
    const auto next = expression.next(time);
    if (!next) {
      runs.push_back("never");
      break;
    }
    time = *next;
    runs.push_back(text_of(time));
  }
  return runs;
}

TEST(CronNextTest, TheNextRunsOfEachForm) {
  struct Row {
    const char* cron;
    const char* after;
    std::vector<std::string> runs;
  };
  const std::vector<Row> ledger{
      // Strictly after, over each carry.
      {"* * * * *", "2026-01-01 00:00", {"2026-01-01 00:01:00", "2026-01-01 00:02:00"}},
      {"* * * * *", "2026-12-31 23:59:59", {"2027-01-01 00:00:00"}},
      {"* * * * * *", "2026-12-31 23:59:58", {"2026-12-31 23:59:59", "2027-01-01 00:00:00"}},
      {"30 15 * * * *", "2026-01-01 00:15:29", {"2026-01-01 00:15:30", "2026-01-01 01:15:30"}},
      {"*/15 9-17 * * MON-FRI", "2026-01-02 17:44", {"2026-01-02 17:45:00", "2026-01-05 09:00:00"}},
      {"59 23 31 12 *", "2026-12-31 23:58", {"2026-12-31 23:59:00", "2027-12-31 23:59:00"}},
      {"0 22-3/2 * * *",
       "2026-01-01 21:00",
       {"2026-01-01 22:00:00", "2026-01-02 00:00:00", "2026-01-02 02:00:00", "2026-01-02 22:00:00"}},
      // Months of every length, leap years, centuries.
      {"0 0 31 * *", "2026-01-31 00:00", {"2026-03-31 00:00:00", "2026-05-31 00:00:00"}},
      {"0 0 30 * *", "2026-01-30 00:00", {"2026-03-30 00:00:00"}},
      {"0 12 29 2 *", "2026-01-01 00:00", {"2028-02-29 12:00:00", "2032-02-29 12:00:00"}},
      {"0 12 29 2 *", "2096-02-29 12:00", {"2104-02-29 12:00:00"}},
      {"0 0 29 2 *", "1996-03-01 00:00", {"2000-02-29 00:00:00", "2004-02-29 00:00:00"}},
      // The longest wait: a fifth Monday in February over the year 2100, which has no leap day.
      {"0 0 * 2 MON#5", "2072-02-29 00:00", {"2112-02-29 00:00:00"}},
      // The last day, and days before it.
      {"0 0 L * *",
       "2026-01-30 00:00",
       {"2026-01-31 00:00:00", "2026-02-28 00:00:00", "2026-03-31 00:00:00"}},
      {"0 0 L 2 *", "2027-01-01 00:00", {"2027-02-28 00:00:00", "2028-02-29 00:00:00"}},
      {"0 0 15,L * *",
       "2026-02-01 00:00",
       {"2026-02-15 00:00:00", "2026-02-28 00:00:00", "2026-03-15 00:00:00"}},
      {"0 0 L-1 * *", "2028-02-01 00:00", {"2028-02-28 00:00:00", "2028-03-30 00:00:00"}},
      {"0 0 L-30 * *", "2026-01-02 00:00", {"2026-03-01 00:00:00", "2026-05-01 00:00:00"}},
      // The nth and the last of a weekday.
      {"0 0 * * 5#2", "2026-01-01 00:00", {"2026-01-09 00:00:00", "2026-02-13 00:00:00"}},
      {"0 0 * * THU#5", "2026-01-01 00:00", {"2026-01-29 00:00:00", "2026-04-30 00:00:00"}},
      {"0 0 * * SAT#1", "2026-07-31 00:00", {"2026-08-01 00:00:00", "2026-09-05 00:00:00"}},
      {"0 0 * * 5L", "2026-01-01 00:00", {"2026-01-30 00:00:00", "2026-02-27 00:00:00"}},
      {"0 0 * * MON#1,FRIL",
       "2026-01-01 00:00",
       {"2026-01-05 00:00:00", "2026-01-30 00:00:00", "2026-02-02 00:00:00"}},
      // Both day fields restricted: either. One of them: that one.
      {"0 0 13 * FRI",
       "2026-01-01 00:00",
       {"2026-01-02 00:00:00", "2026-01-09 00:00:00", "2026-01-13 00:00:00"}},
      {"0 0 1 * MONL",
       "2026-01-02 00:00",
       {"2026-01-26 00:00:00", "2026-02-01 00:00:00", "2026-02-23 00:00:00"}},
      {"0 0 13 * *", "2026-01-01 00:00", {"2026-01-13 00:00:00", "2026-02-13 00:00:00"}},
      {"0 0 13 * ?", "2026-01-01 00:00", {"2026-01-13 00:00:00", "2026-02-13 00:00:00"}},
      {"0 0 ? * FRI", "2026-01-01 00:00", {"2026-01-02 00:00:00", "2026-01-09 00:00:00"}},
      {"0 0 30 2 SUN", "2026-02-01 00:00", {"2026-02-08 00:00:00", "2026-02-15 00:00:00"}},
      // A step leaves days out, so it restricts; one that leaves none out does not.
      {"0 0 */10 * MON",
       "2026-01-01 00:00",
       {"2026-01-05 00:00:00", "2026-01-11 00:00:00", "2026-01-12 00:00:00"}},
      {"0 0 1-31 * MON", "2026-01-01 00:00", {"2026-01-05 00:00:00", "2026-01-12 00:00:00"}},
      {"0 0 10 * 0-7", "2026-01-01 00:00", {"2026-01-10 00:00:00", "2026-02-10 00:00:00"}},
      // The ends of what is looked at.
      {"0 0 1 1 *", "9998-06-01 00:00", {"9999-01-01 00:00:00", "never"}},
      {"* * * * * *", "9999-12-31 23:59:58", {"9999-12-31 23:59:59", "never"}},
      {"0 0 1 1 *", "1700-01-01 00:00", {"1900-01-01 00:00:00"}},
  };
  for (const Row& row : ledger) {
    EXPECT_EQ(next_runs(row.cron, row.after, row.runs.size()), row.runs)
        << row.cron << " after " << row.after;
  }
}

TEST(CronNextTest, TimesFarOutsideTheCalendarAreAnswered) {
  EXPECT_EQ(cron("* * * * *").next(local_seconds::max()), std::nullopt);
  EXPECT_EQ(cron("* * * * *").next(local_seconds::min()), civil("1900-01-01 00:00"));
}

/// A text for one field: a few of its values, or all of them.
std::string draw_field(std::mt19937_64& chance, unsigned low, unsigned high) {
  const auto draw = [&](unsigned from, unsigned to) {
    return std::uniform_int_distribution{from, to}(chance);
  };
  switch (draw(0, 5)) {
    case 0:
      return std::to_string(draw(low, high));
    case 1:
      return fmt::format("{}-{}", draw(low, high), draw(low, high));
    case 2:
      return fmt::format("*/{}", draw(1, high));
    case 3:
      return fmt::format("{}-{}/{}", draw(low, high), draw(low, high), draw(1, 5));
    case 4:
      return fmt::format("{},{}", draw(low, high), draw(low, high));
    default:
      return "*";
  }
}

// Against the walk over every second: what comes next is the first that matches, so nothing is passed over.
TEST(CronNextTest, NextIsTheFirstSecondThatMatches) {
  std::mt19937_64 chance(20260101);
  for (int i = 0; i < 150; ++i) {
    const std::string text = fmt::format("{} {} {} * * *", draw_field(chance, 0, 59),
                                         draw_field(chance, 0, 59), draw_field(chance, 0, 23));
    const CronExpression expression = cron(text);
    local_seconds time =
        civil("2027-12-31 00:00") + std::chrono::seconds{std::uniform_int_distribution{0, 86'400}(chance)};
    const auto next = expression.next(time);
    ASSERT_TRUE(next) << text;
    for (time += 1s; time < *next; time += 1s)
      ASSERT_FALSE(expression.matches(time)) << text << ' ' << text_of(time);
    EXPECT_TRUE(expression.matches(*next)) << text << ' ' << text_of(*next);
  }
}

TEST(CronNextTest, NextIsTheFirstDayThatMatches) {
  std::mt19937_64 chance(20260102);
  const std::vector<std::string> weekdays{"*", "*", "*", "MON", "SAT-SUN", "2#3", "FRIL", "1#5,L6"};
  const std::vector<std::string> more_days{"L", "L-2", "15,L"};
  for (int i = 0; i < 2000; ++i) {
    const bool last = chance() % 8 == 0;
    const std::string days = last ? more_days[chance() % more_days.size()] : draw_field(chance, 1, 31);
    const std::string text =
        fmt::format("0 0 {} {} {}", days, draw_field(chance, 1, 12), weekdays[chance() % weekdays.size()]);
    const auto parsed = CronExpression::parse(text);
    if (!parsed) {
      EXPECT_NE(parsed.error().what.find("never comes"), std::string::npos) << text;
      continue;
    }
    local_seconds time = civil("2000-01-01 00:00") + std::chrono::days{chance() % 40'000};
    for (int run = 0; run < 5; ++run) {
      const auto next = parsed->next(time);
      ASSERT_TRUE(next) << text;
      for (time += 24h; time < *next; time += 24h)
        ASSERT_FALSE(parsed->matches(time)) << text << ' ' << text_of(time);
      ASSERT_TRUE(parsed->matches(*next)) << text;
      ASSERT_EQ(time, *next) << text;
    }
  }
}

}  // namespace
}  // namespace pawl::calendar::test
