// Durations, times, tables and JSON as people write and read them.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "client/cli/text/duration.h"
#include "client/cli/text/json.h"
#include "client/cli/text/moment.h"
#include "client/cli/text/table.h"
#include "client/cli/text/terminal.h"
#include "client/cli/verbs/schedule_text.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

TEST(DurationTest, IsReadWithItsUnit) {
  struct Row {
    const char* text;
    std::int64_t ms;
  };
  for (const Row& row : {Row{"0", 0}, Row{"250ms", 250}, Row{"30s", 30'000}, Row{"5m", 300'000},
                         Row{"2h", 7'200'000}, Row{"1d", 86'400'000}, Row{"1w", 604'800'000},
                         Row{"1h30m", 5'400'000}, Row{"1.5s", 1500}, Row{"0.25s", 250}}) {
    const auto ms = parse_duration(row.text);
    ASSERT_TRUE(ms) << row.text << ": " << ms.error();
    EXPECT_EQ(*ms, row.ms) << row.text;
  }
}

TEST(DurationTest, IsRefusedWithASentenceThatShowsHow) {
  for (const char* text :
       {"", "30", "s", "-5s", "5 s", "5x", "1h30", "nan", "inf", "9999999999999w", "5S", "1e3s"}) {
    const auto ms = parse_duration(text);
    ASSERT_FALSE(ms) << text;
    EXPECT_NE(ms.error().find("30s"), std::string::npos) << ms.error();
  }
}

TEST(DurationTest, IsWrittenWithAtMostTwoUnits) {
  struct Row {
    std::int64_t ms;
    const char* text;
  };
  for (const Row& row :
       {Row{0, "0 ms"}, Row{999, "999 ms"}, Row{4230, "4.2 s"}, Row{59'999, "59.9 s"}, Row{200'000, "3m20s"},
        Row{3'600'000, "1h00m"}, Row{90'000'000, "1d01h"}, Row{-1500, "-1.5 s"}}) {
    EXPECT_EQ(duration_text(row.ms), row.text);
  }
}

TEST(DurationTest, IsWrittenExactlyAsItIsRead) {
  for (const char* text : {"0", "250ms", "1s", "5m", "1h30m", "2d", "1d1ms", "366d"}) {
    EXPECT_EQ(exact_duration_text(parse_duration(text).value()), text);
  }
  EXPECT_EQ(exact_duration_text(90'000), "1m30s");
}

TEST(ScheduleTextTest, SaysWhenAndWhatIsNext) {
  const auto of = [](const char* text) { return Json::parse(text).value(); };
  EXPECT_EQ(when_text(of(R"({"everyMs":5400000})")), "every 1h30m");
  EXPECT_EQ(when_text(of(R"({"cron":"30 2 * * *","timezone":"Asia/Tokyo"})")), "30 2 * * * Asia/Tokyo");
  EXPECT_EQ(next_run_line(of(R"({"scheduleId":"s","paused":true,"nextRuns":[]})")), "s  paused\n");
  EXPECT_EQ(next_run_line(of(R"({"scheduleId":"s","paused":false,"nextRuns":[]})")), "s  no run to come\n");
  EXPECT_EQ(schedules_line(of(R"({"schedules":[],"nextCursor":null})")), "");
  EXPECT_EQ(schedules_line(of(R"({"schedules":[{"scheduleId":"s","nextRuns":[]}],"nextCursor":"c"})")),
            "schedules 1+\n");
  const std::string line = schedules_line(of(R"({"schedules":[
      {"scheduleId":"late","nextRuns":["2099-01-01T00:00:00.000Z"]},
      {"scheduleId":"soon","nextRuns":["2098-01-01T00:00:00.000Z"]}],"nextCursor":null})"));
  EXPECT_TRUE(line.starts_with("schedules 2  next soon in ")) << line;
}

TEST(CountTest, IsGroupedByThrees) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1 000");
  EXPECT_EQ(count_text(-1234567), "-1 234 567");
}

TEST(RateTest, KeepsWhatIsSmallVisible) {
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(0.03), "0.03");
  EXPECT_EQ(rate_text(4.24), "4.2");
  EXPECT_EQ(rate_text(1234.4), "1 234");
}

TEST(BytesTest, UseTheLargestUnitThatFits) {
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(1u << 20), "1.0 MiB");
}

class MomentTest : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "Europe/Berlin", 1);
    ::tzset();
  }
  static std::int64_t utc(const char* text) { return wire::parse_time(text).value(); }
  const std::int64_t now = utc("2026-11-24T20:56:01Z");  // 21:56:01 in Berlin
};

TEST_F(MomentTest, IsReadInEveryWayThatTheHelpNames) {
  struct Row {
    const char* text;
    const char* utc;
  };
  for (const Row& row :
       {Row{"2026-12-01T08:00:00Z", "2026-12-01T08:00:00Z"},
        Row{"2026-12-01T08:00:00.250+02:00", "2026-12-01T06:00:00.250Z"},
        Row{"2026-12-01 08:00", "2026-12-01T07:00:00Z"}, Row{"2026-07-01 08:00:30", "2026-07-01T06:00:30Z"},
        Row{"23:30", "2026-11-24T22:30:00Z"}, Row{"06:15", "2026-11-25T05:15:00Z"},
        Row{"+30m", "2026-11-24T21:26:01Z"}}) {
    const auto ms = parse_moment(row.text, now);
    ASSERT_TRUE(ms) << row.text << ": " << ms.error();
    EXPECT_EQ(wire::format_time(*ms), wire::format_time(utc(row.utc))) << row.text;
  }
}

TEST_F(MomentTest, IsRefusedWhenItIsNoTime) {
  for (const char* text :
       {"", "tomorrow", "2026-02-30 08:00", "25:00", "08:60", "2026-12-01", "30m", "+30"}) {
    EXPECT_FALSE(parse_moment(text, now)) << text;
  }
}

TEST_F(MomentTest, DistanceSaysWhichWay) {
  EXPECT_EQ(distance_text(now - 12'000, now), "12.0 s ago");
  EXPECT_EQ(distance_text(now + 200'000, now), "in 3m20s");
  EXPECT_EQ(distance_text(now, now), "now");
}

TEST(PrintableTest, NothingReachesTheTerminalThatMovesItsCursor) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a·[31mb");
  EXPECT_EQ(printable("one\ntwo"), "one·two");
  EXPECT_EQ(printable("one\ntwo", true), "one\ntwo");
  EXPECT_EQ(printable("broken \xff\xc3"), "broken \xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "·31m");
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "x"),
            "·x");
}

TEST(WidthTest, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("größe"), 5u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);
  EXPECT_EQ(fitted("größe", 5), "größe");
  EXPECT_EQ(fitted("größer", 5), "größ…");
  EXPECT_EQ(fitted("日本語", 4), "日…");
  EXPECT_EQ(fitted("x", 0), "");
}

TEST(BarTest, FillsByEighths) {
  EXPECT_EQ(bar_text(0, 4), "    ");
  EXPECT_EQ(bar_text(50, 4), "██  ");
  EXPECT_EQ(bar_text(100, 4), "████");
  EXPECT_EQ(bar_text(12.5, 4), "▌   ");
  EXPECT_EQ(bar_text(-5, 2), "  ");
  EXPECT_EQ(bar_text(1e9, 2), "██");
}

TEST(TableTest, AlignsAndLeavesNoBlanksAtTheEnd) {
  Table table{{{"NAME"}, {"N", Column::Align::right}, {"NOTE"}}};
  table.add({"größe", "7", ""});
  table.add({"b", "1 234", "x"});
  EXPECT_EQ(table.text(Screen{}), "NAME       N  NOTE\ngröße      7\nb      1 234  x\n");
}

TEST(TableTest, OnANarrowScreenFlexibleColumnsGiveWay) {
  Table table{{{"ID"}, {"MESSAGE", Column::Align::left, true}}};
  table.add({"0123456789", "a message that is too long for this screen"});
  Screen screen;
  screen.columns = 24;
  EXPECT_EQ(table.text(screen), "ID          MESSAGE\n0123456789  a message t…\n");
}

TEST(FieldsTest, LeaveOutWhatHasNoValue) {
  Fields fields;
  fields.add("job", "1");
  fields.add("worker", "");
  fields.add("longer", "2");
  fields.add_block("payload", "{\n}");
  EXPECT_EQ(fields.text(Screen{}), "job     1\nlonger  2\npayload\n  {\n  }\n");
}

TEST(JsonTest, WhatIsNotThereReadsAsNull) {
  const auto json = Json::parse(R"({"a":{"b":[1,"x"]},"n":1.5,"t":true})");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["a"]["b"].items()[1].text(), "x");
  EXPECT_TRUE((*json)["missing"]["deeper"].is_null());
  EXPECT_EQ((*json)["missing"].text("-"), "-");
  EXPECT_EQ((*json)["n"].number(), 1.5);
  EXPECT_TRUE((*json)["t"].truth());
  EXPECT_EQ((*json)["a"].dump(), R"({"b":[1,"x"]})");
}

TEST(JsonTest, FaultsAreFoundBeforeATreeIsBuilt) {
  EXPECT_FALSE(Json::fault_of(R"({"a":[1,2,{"b":null}]})"));
  for (const char* text : {"", "{", "nope", "{\"a\":1} x", "\"\xff\"", "{'a':1}"})
    EXPECT_TRUE(Json::fault_of(text)) << text;
  EXPECT_FALSE(Json::fault_of(std::string(64, '[') + std::string(64, ']')));
  EXPECT_TRUE(Json::fault_of(std::string(100'000, '[')));
  EXPECT_FALSE(Json::fault_of("\"" + std::string(1000, '[') + "\\\"[\""));
}

TEST(JsonObjectTest, WritesInOrderAndKeepsRawText) {
  EXPECT_EQ(JsonObject{}
                .add("s", "a\"\n\xff")
                .add("n", std::int64_t{-3})
                .add("t", true)
                .add("none", std::optional<std::int64_t>{})
                .add("list", std::vector<std::string>{"x", "y"})
                .add_raw("raw", "1.0")
                .text(),
            "{\"s\":\"a\\\"\\n\xef\xbf\xbd\",\"n\":-3,\"t\":true,\"list\":[\"x\",\"y\"],\"raw\":1.0}");
}

}  // namespace
}  // namespace pawl::cli
