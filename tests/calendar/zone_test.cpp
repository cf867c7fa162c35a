// Zones by name, and the rules that zones follow after the last change that their files list.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/calendar/posix_rule.h"
#include "tests/calendar/civil.h"

namespace pawl::calendar::test {
namespace {

std::chrono::sys_seconds utc(const std::string& text) {
  return std::chrono::sys_seconds{civil(text).time_since_epoch()};
}

std::string utc_text(std::chrono::sys_seconds time) {
  return text_of(std::chrono::local_seconds{time.time_since_epoch()});
}

TEST(ZoneTest, AStretchEndsWithTheChange) {
  const Zone berlin = zone("Europe/Berlin");
  const Stretch summer = berlin.at(utc("2024-07-01 00:00"));
  EXPECT_EQ(utc_text(summer.begin), "2024-03-31 01:00:00");
  EXPECT_EQ(utc_text(summer.end), "2024-10-27 01:00:00");
  EXPECT_EQ(summer.offset, std::chrono::hours{2});
  EXPECT_EQ(berlin.at(summer.end).begin, summer.end);
  EXPECT_EQ(berlin.at(summer.begin).begin, summer.begin);
  EXPECT_EQ(berlin.at(summer.begin - std::chrono::seconds{1}).offset, std::chrono::hours{1});
}

// Between the last change that the file lists and what its yearly rule gives, nothing is lost or told twice.
TEST(ZoneTest, StretchesFollowOneAnotherBeyondTheFile) {
  for (const char* name : {"America/New_York", "Europe/Dublin", "Asia/Gaza", "Africa/Casablanca",
                           "Australia/Lord_Howe", "America/Nuuk", "America/Santiago"}) {
    const Zone in = zone(name);
    int changes_after_2040 = 0;
    for (Stretch stretch = in.at(utc("2000-01-01 00:00")); stretch.end < utc("2120-01-01 00:00");) {
      const Stretch next = in.at(stretch.end);
      ASSERT_EQ(next.begin, stretch.end) << name;
      ASSERT_LT(next.begin, next.end) << name;
      if (next.begin > utc("2040-01-01 00:00") && next.offset != stretch.offset) ++changes_after_2040;
      stretch = next;
    }
    EXPECT_GT(changes_after_2040, 80) << name;
  }
}

TEST(ZoneTest, AnUnknownNameIsAnsweredWithTheNearest) {
  struct Row {
    std::string name;
    std::string what;
  };
  const std::vector<Row> ledger{
      {"europe/berlin", "no such time zone: did you mean Europe/Berlin?"},
      {"Europe/Berlim", "no such time zone: did you mean Europe/Berlin?"},
      {"Berlin", "no such time zone: did you mean Europe/Berlin?"},
      {"America/New York", "no such time zone: did you mean America/New_York?"},
      {"Xyzzy/Nowhere", "no such time zone: write a name such as Europe/Berlin or UTC"},
      {"../../../etc/passwd", "no such time zone: write a name such as Europe/Berlin or UTC"},
      {"/usr/share/zoneinfo/UTC", "no such time zone: write a name such as Europe/Berlin or UTC"},
      {"", "the time zone is empty: write a name such as Europe/Berlin or UTC"},
      {std::string(65, 'x'), "a time zone has at most 64 bytes"},
  };
  for (const Row& row : ledger) {
    const auto found = Zone::find(row.name);
    ASSERT_FALSE(found) << row.name;
    EXPECT_EQ(found.error().what, row.what) << row.name;
  }
}

TEST(ZoneTest, WhatLiesBesideTheZonesIsNone) {
  for (const std::string name : {"right/UTC", "posix/UTC", "posixrules", "localtime", "Factory", "tzdata.zi",
                                 "zone.tab", "Europe", "Europe/", "UTC\n"}) {
    EXPECT_FALSE(Zone::find(name)) << name;
  }
  EXPECT_FALSE(Zone::find(std::string_view("UTC\0", 4)));
}

TEST(PosixRuleTest, ARuleGivesTheStretchOfEachTime) {
  struct Row {
    const char* rule;
    const char* time;
    int offset_minutes;
    const char* begin;
    const char* end;
  };
  const std::vector<Row> ledger{
      {"EST5EDT,M3.2.0,M11.1.0", "2050-07-01 00:00", -240, "2050-03-13 07:00:00", "2050-11-06 06:00:00"},
      {"EST5EDT,M3.2.0,M11.1.0", "2050-01-01 00:00", -300, "2049-11-07 06:00:00", "2050-03-13 07:00:00"},
      {"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-01-15 00:00", 0, "2049-10-31 01:00:00", "2050-03-27 01:00:00"},
      {"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-07-15 00:00", 60, "2050-03-27 01:00:00", "2050-10-30 01:00:00"},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2051-06-01 00:00", -60, "2051-03-26 01:00:00",
       "2051-10-29 01:00:00"},
      {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2052-07-01 00:00", 180, "2052-03-30 00:00:00",
       "2052-10-25 23:00:00"},
      {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2060-01-01 00:00", 660, "2059-10-04 15:30:00",
       "2060-04-03 15:00:00"},
      {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2060-06-01 00:00", 630, "2060-04-03 15:00:00",
       "2060-10-02 15:30:00"},
      {"<+0330>-3:30<+0430>,J79/24,J263/24", "2052-06-01 00:00", 270, "2052-03-20 20:30:00",
       "2052-09-20 19:30:00"},
      {"<+0330>-3:30<+0430>,79/24,263/24", "2052-06-01 00:00", 270, "2052-03-20 20:30:00",
       "2052-09-20 19:30:00"},
      {"ABC+1:30DEF+0:15:00,M2.5.4/-2:30,M9.4.6/+3", "2051-05-01 00:00", -15, "2051-02-22 23:00:00",
       "2051-09-23 03:15:00"},
  };
  for (const Row& row : ledger) {
    const auto rule = PosixRule::parse(row.rule);
    ASSERT_TRUE(rule) << row.rule;
    const Stretch stretch = rule->at(utc(row.time));
    EXPECT_EQ(stretch.offset, std::chrono::minutes{row.offset_minutes}) << row.rule << ' ' << row.time;
    EXPECT_EQ(utc_text(stretch.begin), row.begin) << row.rule << ' ' << row.time;
    EXPECT_EQ(utc_text(stretch.end), row.end) << row.rule << ' ' << row.time;
  }
}

TEST(PosixRuleTest, ARuleWithoutChangesHoldsForever) {
  for (const auto& [text, offset] :
       std::vector<std::pair<const char*, std::chrono::seconds>>{{"UTC0", std::chrono::hours{0}},
                                                                 {"<+0545>-5:45", std::chrono::minutes{345}},
                                                                 {"<-00>0", std::chrono::hours{0}},
                                                                 {"HST10", std::chrono::hours{-10}}}) {
    const auto rule = PosixRule::parse(text);
    ASSERT_TRUE(rule) << text;
    const Stretch stretch = rule->at(utc("2050-01-01 00:00"));
    EXPECT_EQ(stretch.offset, offset) << text;
    EXPECT_EQ(stretch.begin, std::chrono::sys_seconds::min()) << text;
    EXPECT_EQ(stretch.end, std::chrono::sys_seconds::max()) << text;
  }
}

TEST(PosixRuleTest, DaylightTimeMayLastAllYear) {
  const auto rule = PosixRule::parse("XXX3EDT4,0/0,J365/23");
  ASSERT_TRUE(rule);
  for (const char* time :
       {"2050-01-01 03:59:59", "2050-01-01 04:00", "2050-06-01 00:00", "2052-12-31 23:59:59"}) {
    EXPECT_EQ(rule->at(utc(time)).offset, std::chrono::hours{-4}) << time;
  }
}

TEST(PosixRuleTest, WhatIsNoRuleIsRefused) {
  for (const char* text :
       {"", "E5", "EST", "5", "<EST5", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,",
        "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,M3.2.0,M11.1.0x", "EST5EDT,J0,J365", "EST5EDT,0,366", "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5:60", "EST5EDT,M3.2.0/,M11.1.0", "EST99999999999"}) {
    EXPECT_FALSE(PosixRule::parse(text)) << text;
  }
}

}  // namespace
}  // namespace pawl::calendar::test
