// Schedules by their texts.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "broker/calendar/almanac.h"
#include "tests/calendar/civil.h"

namespace pawl::calendar::test {
namespace {

TEST(AlmanacTest, TheNextRunIsThatOfTheTexts) {
  const Almanac almanac;
  for (int i = 0; i < 2; ++i) {  // parsed, then kept
    EXPECT_EQ(utc_text(almanac.next("0 9 * * MON-FRI", "Europe/Berlin", utc_ms("2024-03-29 12:00"))),
              "2024-04-01 07:00:00");
    EXPECT_EQ(utc_text(almanac.next("0 9 * * MON-FRI", "UTC", utc_ms("2024-03-29 12:00"))),
              "2024-04-01 09:00:00");
  }
}

TEST(AlmanacTest, AWrongTextNeverRuns) {
  const Almanac almanac;
  EXPECT_EQ(almanac.next("0 75 * * *", "UTC", 0), never);
  EXPECT_EQ(almanac.next("0 0 * * *", "Europe/Nowhere", 0), never);
  EXPECT_EQ(almanac.next("", "", 0), never);
}

TEST(AlmanacTest, CheckSaysWhichTextIsWrongAndWhere) {
  const Almanac almanac;
  EXPECT_TRUE(almanac.check("0 0 * * *", "America/New_York"));

  const auto cron = almanac.check("0 75 * * *", "UTC");
  ASSERT_FALSE(cron);
  EXPECT_EQ(cron.error().part, Problem::Part::cron);
  EXPECT_EQ(cron.error().offset, 2u);
  EXPECT_EQ(cron.error().text, "hour 75 is out of 0-23");

  const auto timezone = almanac.check("0 0 * * *", "Europe/Berlim");
  ASSERT_FALSE(timezone);
  EXPECT_EQ(timezone.error().part, Problem::Part::timezone);
  EXPECT_EQ(timezone.error().offset, 0u);
  EXPECT_EQ(timezone.error().text, "no such time zone: did you mean Europe/Berlin?");

  const auto both = almanac.check("0 75 * * *", "Europe/Berlim");
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().part, Problem::Part::cron);
}

TEST(AlmanacTest, MoreExpressionsThanAreKeptAreAnswered) {
  const Almanac almanac;
  for (int minute = 0; minute < 60; ++minute) {
    for (int second = 0; second < 60; ++second) {
      for (const int hour : {3, 4}) {
        const std::string text = fmt::format("{} {} {} * * *", second, minute, hour);
        ASSERT_EQ(almanac.next(text, "UTC", 0), ((hour * 60 + minute) * 60 + second) * 1000) << text;
      }
    }
  }
}

TEST(AlmanacTest, ManyThreadsMayAskAtOnce) {
  const Almanac almanac;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int minute = 0; minute < 600; ++minute) {
        const std::string text = fmt::format("{} 12 * * *", minute % 60);
        EXPECT_EQ(almanac.next(text, minute % 2 == 0 ? "Asia/Tokyo" : "Etc/GMT-9", 0),
                  (180 + minute % 60) * 60'000);
      }
    });
  }
}

}  // namespace
}  // namespace pawl::calendar::test
