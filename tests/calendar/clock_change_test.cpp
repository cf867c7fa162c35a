// Schedules across the changes of clocks, zone by zone. Past years, which no new law can change.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/calendar/civil.h"

namespace pawl::calendar::test {
namespace {

/// All in UTC. `runs` follow one another without gap.
struct Row {
  const char* zone;
  const char* cron;
  const char* after;
  std::vector<const char*> runs;
};

void check(const std::vector<Row>& ledger) {
  for (const Row& row : ledger) {
    const CronExpression expression = cron(row.cron);
    const Zone in = zone(row.zone);
    std::int64_t time = utc_ms(row.after);
    for (const char* run : row.runs) {
      time = next_run(expression, in, time);
      ASSERT_EQ(utc_text(time), utc_text(utc_ms(run)))
          << row.cron << " in " << row.zone << " after " << row.after;
    }
  }
}

// Berlin, 2024: 02:00 → 03:00 on 31 March at 01:00 UTC, 03:00 → 02:00 on 27 October at 01:00 UTC.

TEST(ClockChangeTest, AFixedTimeThatIsSkippedRunsAtTheChange) {
  check({
      {"Europe/Berlin", "0 2 * * *", "2024-03-30 12:00", {"2024-03-31 01:00", "2024-04-01 00:00"}},
      {"Europe/Berlin", "30 2 * * *", "2024-03-30 12:00", {"2024-03-31 01:00", "2024-04-01 00:30"}},
      {"Europe/Berlin", "59 59 2 * * *", "2024-03-30 12:00", {"2024-03-31 01:00", "2024-04-01 00:59:59"}},
      {"Europe/Berlin", "30 2 31 3 *", "2023-04-01 12:00", {"2024-03-31 01:00", "2025-03-31 00:30"}},
  });
}

TEST(ClockChangeTest, SeveralSkippedTimesRunOnce) {
  check({
      {"Europe/Berlin",
       "*/15 2 * * *",
       "2024-03-30 12:00",
       {"2024-03-31 01:00", "2024-04-01 00:00", "2024-04-01 00:15"}},
      {"Europe/Berlin",
       "0 2,3 * * *",
       "2024-03-30 12:00",
       {"2024-03-31 01:00", "2024-04-01 00:00", "2024-04-01 01:00"}},
      {"Europe/Berlin",
       "30 1-3 * * *",
       "2024-03-30 12:00",
       {"2024-03-31 00:30", "2024-03-31 01:00", "2024-03-31 01:30"}},
      {"Europe/Berlin", "* * 2 * * *", "2024-03-30 12:00", {"2024-03-31 01:00", "2024-04-01 00:00"}},
  });
}

TEST(ClockChangeTest, AFixedTimeThatComesTwiceRunsTheFirstTime) {
  check({
      {"Europe/Berlin", "30 2 * * *", "2024-10-26 12:00", {"2024-10-27 00:30", "2024-10-28 01:30"}},
      {"Europe/Berlin", "0 3 * * *", "2024-10-26 12:00", {"2024-10-27 02:00", "2024-10-28 02:00"}},
      {"Europe/Berlin",
       "*/30 1-3 * * *",
       "2024-10-26 23:10",
       {"2024-10-26 23:30", "2024-10-27 00:00", "2024-10-27 00:30", "2024-10-27 02:00", "2024-10-27 02:30"}},
      // Asked within the second pass, as after a restart.
      {"Europe/Berlin", "30 2 * * *", "2024-10-27 01:00", {"2024-10-28 01:30"}},
      {"Europe/Berlin", "30 2 * * *", "2024-10-27 01:15", {"2024-10-28 01:30"}},
      {"Europe/Berlin", "*/10 0-12 * * *", "2024-10-27 01:15", {"2024-10-27 02:00", "2024-10-27 02:10"}},
  });
}

TEST(ClockChangeTest, EveryHourFollowsRealTime) {
  check({
      {"Europe/Berlin",
       "*/15 * * * *",
       "2024-03-31 00:40",
       {"2024-03-31 00:45", "2024-03-31 01:00", "2024-03-31 01:15"}},
      {"Europe/Berlin", "30 * * * *", "2024-03-31 00:00", {"2024-03-31 00:30", "2024-03-31 01:30"}},
      {"Europe/Berlin",
       "30 * * * *",
       "2024-10-26 23:45",
       {"2024-10-27 00:30", "2024-10-27 01:30", "2024-10-27 02:30"}},
      {"Europe/Berlin",
       "*/20 */1 * * *",
       "2024-10-27 00:30",
       {"2024-10-27 00:40", "2024-10-27 01:00", "2024-10-27 01:20"}},
  });
}

TEST(ClockChangeTest, LordHoweMovesByHalfAnHour) {
  check({
      {"Australia/Lord_Howe", "15 2 * * *", "2024-10-04 16:00", {"2024-10-05 15:30", "2024-10-06 15:15"}},
      {"Australia/Lord_Howe", "45 1 * * *", "2024-04-05 16:00", {"2024-04-06 14:45", "2024-04-07 15:15"}},
      {"Australia/Lord_Howe", "*/10 * * * *", "2024-04-06 14:40", {"2024-04-06 14:50", "2024-04-06 15:00"}},
      {"Australia/Lord_Howe", "45 * * * *", "2024-04-06 14:00", {"2024-04-06 14:45", "2024-04-06 15:15"}},
      {"Australia/Lord_Howe", "0 * * * *", "2024-10-05 14:30", {"2024-10-05 16:00"}},  // 02:00 is skipped
  });
}

TEST(ClockChangeTest, CasablancaGoesBackForRamadan) {
  check({
      {"Africa/Casablanca", "30 2 * * *", "2024-03-09 12:00", {"2024-03-10 01:30", "2024-03-11 02:30"}},
      {"Africa/Casablanca", "30 2 * * *", "2024-04-13 12:00", {"2024-04-14 02:00", "2024-04-15 01:30"}},
  });
}

TEST(ClockChangeTest, SaintJohnsChangedAMinutePastMidnight) {
  check({
      {"America/St_Johns", "30 0 * * *", "2011-03-12 12:00", {"2011-03-13 03:31", "2011-03-14 03:00"}},
      {"America/St_Johns", "30 23 * * *", "2011-11-05 12:00", {"2011-11-06 02:00", "2011-11-07 03:00"}},
      {"America/St_Johns", "0 0 * * *", "2011-11-05 12:00", {"2011-11-06 02:30", "2011-11-07 03:30"}},
      {"America/St_Johns", "0 0 6 11 *", "2011-11-05 12:00", {"2011-11-06 02:30", "2012-11-06 03:30"}},
  });
}

TEST(ClockChangeTest, ApiaHadNoThirtiethOfDecember2011) {
  check({
      {"Pacific/Apia",
       "0 12 * * *",
       "2011-12-29 00:00",
       {"2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00"}},
      {"Pacific/Apia", "*/5 8-17 30 12 *", "2011-12-29 00:00", {"2011-12-30 10:00", "2012-12-29 18:00"}},
      {"Pacific/Apia",
       "0 * * * *",
       "2011-12-30 08:30",
       {"2011-12-30 09:00", "2011-12-30 10:00", "2011-12-30 11:00"}},
      {"Pacific/Apia", "0 * 30 12 *", "2011-12-29 00:00", {"2012-12-29 10:00"}},
  });
}

TEST(ClockChangeTest, KathmanduIsAQuarterOff) {
  check({
      {"Asia/Kathmandu", "0 9 * * *", "2024-01-01 00:00", {"2024-01-01 03:15", "2024-01-02 03:15"}},
      {"Asia/Kathmandu", "5 0 * * *", "1985-12-31 00:00", {"1985-12-31 18:30", "1986-01-01 18:20"}},
  });
}

TEST(ClockChangeTest, TrollMovesByTwoHours) {
  check({
      {"Antarctica/Troll",
       "30 1,2 * * *",
       "2024-03-30 12:00",
       {"2024-03-31 01:00", "2024-03-31 23:30", "2024-04-01 00:30"}},
      {"Antarctica/Troll",
       "30 1,2 * * *",
       "2024-10-26 12:00",
       {"2024-10-26 23:30", "2024-10-27 00:30", "2024-10-28 01:30"}},
      {"Antarctica/Troll",
       "30 * * * *",
       "2024-10-27 00:00",
       {"2024-10-27 00:30", "2024-10-27 01:30", "2024-10-27 02:30"}},
  });
}

TEST(ClockChangeTest, DublinHasItsChangeInWinter) {
  check({
      {"Europe/Dublin", "30 1 * * *", "2024-03-30 12:00", {"2024-03-31 01:00", "2024-04-01 00:30"}},
      {"Europe/Dublin", "30 1 * * *", "2024-10-26 12:00", {"2024-10-27 00:30", "2024-10-28 01:30"}},
      {"Europe/Dublin", "30 * * * *", "2024-10-27 00:00", {"2024-10-27 00:30", "2024-10-27 01:30"}},
  });
}

TEST(ClockChangeTest, SaoPauloChangedAtMidnight) {
  check({
      {"America/Sao_Paulo", "0 0 * * *", "2018-11-03 12:00", {"2018-11-04 03:00", "2018-11-05 02:00"}},
      {"America/Sao_Paulo", "@daily", "2018-02-17 12:00", {"2018-02-18 03:00", "2018-02-19 03:00"}},
      {"America/Sao_Paulo", "30 23 * * *", "2018-02-17 12:00", {"2018-02-18 01:30", "2018-02-19 02:30"}},
      {"America/Sao_Paulo", "30 0 4 11 *", "2018-01-01 12:00", {"2018-11-04 03:00", "2019-11-04 03:30"}},
  });
}

TEST(ClockChangeTest, GazaChangesOnASaturday) {
  check({
      {"Asia/Gaza", "30 2 * * *", "2024-04-19 12:00", {"2024-04-20 00:00", "2024-04-20 23:30"}},
      {"Asia/Gaza", "30 1 * * *", "2024-10-25 12:00", {"2024-10-25 22:30", "2024-10-26 23:30"}},
      {"Asia/Gaza",
       "30 * * * *",
       "2024-10-25 22:00",
       {"2024-10-25 22:30", "2024-10-25 23:30", "2024-10-26 00:30"}},
  });
}

TEST(NextRunTest, IsStrictlyAfterToTheMillisecond) {
  const CronExpression expression = cron("* * * * * *");
  const Zone utc = zone("UTC");
  EXPECT_EQ(next_run(expression, utc, 999), 1000);
  EXPECT_EQ(next_run(expression, utc, 1000), 2000);
  EXPECT_EQ(next_run(expression, utc, 1001), 2000);
}

TEST(NextRunTest, AnswersForAnyTime) {
  const Zone berlin = zone("Europe/Berlin");
  for (const char* text : {"* * * * *", "0 0 * * *"}) {
    EXPECT_EQ(next_run(cron(text), zone("UTC"), INT64_MIN), 0) << text;
    EXPECT_EQ(next_run(cron(text), zone("UTC"), -1), 0) << text;
    EXPECT_EQ(next_run(cron(text), berlin, never), never) << text;
    EXPECT_EQ(next_run(cron(text), berlin, never - 1), never) << text;
    EXPECT_EQ(next_run(cron(text), berlin, utc_ms("9999-12-31 12:00")), never) << text;
  }
  EXPECT_EQ(next_run(cron("0 0 1 1 *"), zone("America/New_York"), utc_ms("9999-06-01 00:00")), never);
}

// Whatever the expression and the zone, runs go forward, and each is a time that matches or the end of a gap.
TEST(NextRunTest, RunsOnlyGoForwardAndMatch) {
  const std::vector<std::string> zones{"Europe/Berlin",
                                       "Australia/Lord_Howe",
                                       "Africa/Casablanca",
                                       "America/St_Johns",
                                       "Pacific/Apia",
                                       "Asia/Kathmandu",
                                       "Antarctica/Troll",
                                       "Europe/Dublin",
                                       "America/Sao_Paulo",
                                       "Asia/Gaza",
                                       "UTC"};
  const std::vector<std::string> minutes{"*", "0", "30", "*/15", "5,59", "0/7"};
  const std::vector<std::string> hours{"*", "*", "*/1", "2", "0", "23-2", "*/3"};
  const std::vector<std::string> days{"* * *", "* * SUN", "1 * *", "L * *", "* 3,10 SUNL", "29 2 *"};
  std::mt19937_64 chance(20260103);
  const auto draw = [&](const std::vector<std::string>& from) { return from[chance() % from.size()]; };
  for (int i = 0; i < 3000; ++i) {
    const std::string text = fmt::format("{} {} {}", draw(minutes), draw(hours), draw(days));
    const std::string name = draw(zones);
    const CronExpression expression = cron(text);
    const Zone in = zone(name);
    auto time = static_cast<std::int64_t>(chance() % 4'102'444'800'000);  // until 2100
    for (int run = 0; run < 10; ++run) {
      const std::int64_t next = next_run(expression, in, time);
      ASSERT_GT(next, time) << text << " in " << name;
      ASSERT_NE(next, never) << text << " in " << name;
      ASSERT_EQ(next_run(expression, in, next - 1), next) << text << " in " << name << " after " << time;
      const std::chrono::sys_seconds at{std::chrono::seconds{next / 1000}};
      const Stretch stretch = in.at(at);
      const bool at_gap_end = expression.has_fixed_hours() && at == stretch.begin;
      ASSERT_TRUE(at_gap_end || expression.matches(stretch.shown_at(at)))
          << text << " in " << name << " at " << next;
      time = next;
    }
  }
}

}  // namespace
}  // namespace pawl::calendar::test
