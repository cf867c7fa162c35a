// The grammar as ledgers: what is taken and what it names, what is refused, where and with which words.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "tests/calendar/civil.h"

namespace pawl::calendar::test {
namespace {

constexpr std::uint64_t every_minute = (1ull << 60) - 1;
constexpr std::uint64_t every_hour = (1ull << 24) - 1;
constexpr std::uint64_t every_day = ((1ull << 31) - 1) << 1;
constexpr std::uint64_t every_month = ((1ull << 12) - 1) << 1;
constexpr std::uint64_t every_weekday = (1ull << 7) - 1;

std::uint64_t set(std::initializer_list<unsigned> values) {
  std::uint64_t bits = 0;
  for (const unsigned value : values) bits |= 1ull << value;
  return bits;
}

TEST(CronParseTest, EachFieldTakesStarsNumbersNamesListsRangesAndSteps) {
  struct Row {
    const char* text;
    std::uint64_t CronFields::* field;
    std::uint64_t names;
  };
  const std::vector<Row> ledger{
      {"* * * * *", &CronFields::minutes, every_minute},
      {"* * * * *", &CronFields::hours, every_hour},
      {"* * * * *", &CronFields::days, every_day},
      {"* * * * *", &CronFields::months, every_month},
      {"* * * * *", &CronFields::weekdays, every_weekday},
      {"* * * * *", &CronFields::seconds, set({0})},
      {"* * * * * *", &CronFields::seconds, every_minute},
      {"30 * * * * *", &CronFields::seconds, set({30})},
      {"7 * * * *", &CronFields::minutes, set({7})},
      {"007 * * * *", &CronFields::minutes, set({7})},
      {"5,10,59 * * * *", &CronFields::minutes, set({5, 10, 59})},
      {"5,5 * * * *", &CronFields::minutes, set({5})},
      {"1-3,7 * * * *", &CronFields::minutes, set({1, 2, 3, 7})},
      {"*/15 * * * *", &CronFields::minutes, set({0, 15, 30, 45})},
      {"*/1 * * * *", &CronFields::minutes, every_minute},
      {"*/59 * * * *", &CronFields::minutes, set({0, 59})},
      {"10-30/10 * * * *", &CronFields::minutes, set({10, 20, 30})},
      {"40/10 * * * *", &CronFields::minutes, set({40, 50})},
      {"1,*/20 * * * *", &CronFields::minutes, set({0, 1, 20, 40})},
      {"0 0 */10 * *", &CronFields::days, set({1, 11, 21, 31})},
      {"0 0 20/5 * *", &CronFields::days, set({20, 25, 30})},
      {"0 0 * JAN,mar-May *", &CronFields::months, set({1, 3, 4, 5})},
      {"0 0 * */4 *", &CronFields::months, set({1, 5, 9})},
      {"0 0 * * MON-fri", &CronFields::weekdays, set({1, 2, 3, 4, 5})},
      {"0 0 * * 7", &CronFields::weekdays, set({0})},
      {"0 0 * * 0,7", &CronFields::weekdays, set({0})},
      {"0 0 * * 5-7", &CronFields::weekdays, set({5, 6, 0})},
      {"0 0 * * 0-7", &CronFields::weekdays, every_weekday},
      {"0 0 * * 7-7", &CronFields::weekdays, set({0})},
      {"0 0 * * 7-2", &CronFields::weekdays, set({0, 1, 2})},
      {"0 0 * * */2", &CronFields::weekdays, set({0, 2, 4, 6})},
      {"0 0 * * 3/2", &CronFields::weekdays, set({3, 5})},
      {"0 0 ? * ?", &CronFields::days, every_day},
      {"0 0 ? * ?", &CronFields::weekdays, every_weekday},
      {"0 0 ? * 1", &CronFields::weekdays, set({1})},
      {" \t0  0 * *\t* ", &CronFields::minutes, set({0})},
  };
  for (const Row& row : ledger) EXPECT_EQ(cron(row.text).fields().*row.field, row.names) << row.text;
}

TEST(CronParseTest, ARangeMayGoOverTheEndOfItsField) {
  struct Row {
    const char* text;
    std::uint64_t CronFields::* field;
    std::uint64_t names;
  };
  const std::vector<Row> ledger{
      {"50-10/10 * * * *", &CronFields::minutes, set({50, 0, 10})},
      {"0 22-3 * * *", &CronFields::hours, set({22, 23, 0, 1, 2, 3})},
      {"0 22-3/2 * * *", &CronFields::hours, set({22, 0, 2})},
      {"0 0 30-2 * *", &CronFields::days, set({30, 31, 1, 2})},
      {"0 0 * NOV-FEB *", &CronFields::months, set({11, 12, 1, 2})},
      {"0 0 * * FRI-MON", &CronFields::weekdays, set({5, 6, 0, 1})},
      {"0 0 * * MON-SUN", &CronFields::weekdays, every_weekday},
      {"0 0 * * SAT-7", &CronFields::weekdays, set({6, 0})},
  };
  for (const Row& row : ledger) EXPECT_EQ(cron(row.text).fields().*row.field, row.names) << row.text;
}

TEST(CronParseTest, LastDaysAndNthWeekdays) {
  EXPECT_EQ(cron("0 0 L * *").fields().days_before_last, set({0}));
  EXPECT_EQ(cron("0 0 L * *").fields().days, 0u);
  EXPECT_EQ(cron("0 0 l-3,15 * *").fields().days_before_last, set({3}));
  EXPECT_EQ(cron("0 0 l-3,15 * *").fields().days, set({15}));
  for (const char* text :
       {"0 0 * * L5", "0 0 * * 5L", "0 0 * * FRIL", "0 0 * * fril", "0 0 * * LFRI", "0 0 * * l5"}) {
    const CronFields fields = cron(text).fields();
    EXPECT_EQ(fields.nth_weekdays[5], set({0})) << text;
    EXPECT_EQ(fields.weekdays, 0u) << text;
  }
  for (const char* text : {"0 0 * * 7L", "0 0 * * L7", "0 0 * * SUNL", "0 0 * * 0L"}) {
    EXPECT_EQ(cron(text).fields().nth_weekdays[0], set({0})) << text;
  }
  const CronFields fields = cron("0 0 * * 5#2,MON#1,5#5,WED").fields();
  EXPECT_EQ(fields.nth_weekdays[5], set({2, 5}));
  EXPECT_EQ(fields.nth_weekdays[1], set({1}));
  EXPECT_EQ(fields.weekdays, set({3}));
}

TEST(CronParseTest, AMacroIsWhatItStandsFor) {
  struct Row {
    const char* macro;
    const char* means;
  };
  for (const Row& row : std::vector<Row>{{"@yearly", "0 0 1 1 *"},
                                         {"@annually", "0 0 1 1 *"},
                                         {"@monthly", "0 0 1 * *"},
                                         {"@weekly", "0 0 * * SUN"},
                                         {"@daily", "0 0 * * *"},
                                         {"@midnight", "0 0 * * *"},
                                         {"@hourly", "0 * * * *"},
                                         {"  @Daily ", "0 0 * * *"}}) {
    EXPECT_EQ(cron(row.macro).fields(), cron(row.means).fields()) << row.macro;
  }
}

TEST(CronParseTest, HoursAreFixedWhenOneIsLeftOut) {
  for (const char* text :
       {"0 * * * *", "0 */1 * * *", "0 0-23 * * *", "0 0/1 * * *", "0 5-4 * * *", "@hourly"}) {
    EXPECT_FALSE(cron(text).has_fixed_hours()) << text;
  }
  for (const char* text : {"0 3 * * *", "0 */2 * * *", "* 0-22 * * *", "@daily"}) {
    EXPECT_TRUE(cron(text).has_fixed_hours()) << text;
  }
}

TEST(CronParseTest, WhatIsWrongIsNamedWithItsPlace) {
  const std::string count =
      "an expression has 5 fields (minute hour day-of-month month day-of-week) or 6 (second first), not ";
  struct Row {
    const char* text;
    std::size_t offset;
    std::string what;
  };
  const std::vector<Row> ledger{
      {"", 0, "the expression is empty: write minute hour day-of-month month day-of-week"},
      {" \t ", 0, "the expression is empty: write minute hour day-of-month month day-of-week"},
      {"* * * *", 7, count + "4"},
      {"* * * * * * *", 12, count + "7"},
      {"@daily 5", 8, count + "2"},
      {"@reboot", 0,
       "no such macro: there are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly"},
      {"75 * * * *", 0, "minute 75 is out of 0-59"},
      {"0 0 0 * *", 4, "day-of-month 0 is out of 1-31"},
      {"0 24 * * *", 2, "hour 24 is out of 0-23"},
      {"0 0 * 13 *", 6, "month 13 is out of 1-12"},
      {"0 0 * * 8", 8, "day-of-week 8 is out of 0-7"},
      {"60 0 0 * * *", 0, "second 60 is out of 0-59"},
      {"99999999999999999999 * * * *", 0, "minute 9999 is out of 0-59"},
      {"5,75 * * * *", 2, "minute 75 is out of 0-59"},
      {"5-75 * * * *", 2, "minute 75 is out of 0-59"},
      {"5, * * * *", 2, "a minute is missing here: 0-59"},
      {",5 * * * *", 0, "a minute is missing here: 0-59"},
      {"5- * * * *", 2, "a minute is missing here: 0-59"},
      {"-5 * * * *", 0, "a minute is missing here: 0-59"},
      {"*/0 * * * *", 2, "step 0 is out of 1-59 for minute"},
      {"*/60 * * * *", 2, "step 60 is out of 1-59 for minute"},
      {"*/ * * * *", 2, "/ needs a step, 1-59"},
      {"*/x * * * *", 2, "/ needs a step, 1-59"},
      {"0 */24 * * *", 4, "step 24 is out of 1-23 for hour"},
      {"*5 * * * *", 1, "'5' does not belong here in minute"},
      {"5-7-9 * * * *", 3, "'-' does not belong here in minute"},
      {"5/2/2 * * * *", 3, "'/' does not belong here in minute"},
      {"5\xc3\xa4 * * * *", 1, "this character does not belong here in minute"},
      {"MON * * * *", 0, "MON is no minute: write 0-59"},
      {"0 0 * JANUARY *", 6, "JANUARY is no month: write 1-12 or JAN-DEC"},
      {"0 0 * anf *", 6, "ANF is no month: write 1-12 or JAN-DEC"},
      {"0 0 * * Montag", 8, "MONTAG is no day-of-week: write 0-7 or SUN-SAT"},
      {"0 0 * * MON-", 12, "a day-of-week is missing here: 0-7 or SUN-SAT"},
      {"? * * * *", 0, "? is for day-of-month and day-of-week: write * for every minute"},
      {"0 0 * ? *", 6, "? is for day-of-month and day-of-week: write * for every month"},
      {"0 0 ?,5 * *", 4, "a day-of-month is missing here: 1-31"},
      {"0 0 5L * *", 5, "'L' does not belong here in day-of-month"},
      {"0 0 L- * *", 6, "L- needs a number of days, 1-30, before the last"},
      {"0 0 L-31 * *", 6, "L-31 is out of L-1 to L-30"},
      {"0 0 L5 * *", 5, "'5' does not belong here in day-of-month"},
      {"0 0 * * L", 8, "L needs a day of the week: 5L, L5 or FRIL for the last Friday"},
      {"0 0 * * L8", 9, "day-of-week 8 is out of 0-7"},
      {"0 0 * * 1-5L", 11, "'L' does not belong here in day-of-week"},
      {"0 0 * * 5#6", 10, "#6 is out of #1 to #5"},
      {"0 0 * * 5#0", 10, "#0 is out of #1 to #5"},
      {"0 0 * * 5#", 10, "# needs a number, 1-5: FRI#2 is the second Friday"},
      {"0 0 * * 5#2x", 11, "'x' does not belong here in day-of-week"},
      {"0 0 2#1 * *", 5, "'#' does not belong here in day-of-month"},
      {"0 0 30 2 *", 4, "30 February never comes"},
      {"0 0 31 APR *", 4, "31 April never comes"},
      {"0 0 0 31 6 ?", 6, "31 June never comes"},
      {"0 0 30,31 2 *", 4, "day-of-month 30,31 never comes in month 2"},
      {"0 0 31 4,6,9,11 *", 4, "day-of-month 31 never comes in month 4,6,9,11"},
      {"0 0 L-29 2 *", 4, "day-of-month L-29 never comes in month 2"},
  };
  for (const Row& row : ledger) {
    const auto parsed = CronExpression::parse(row.text);
    ASSERT_FALSE(parsed) << row.text;
    EXPECT_EQ(parsed.error(), (CronError{row.offset, row.what}))
        << row.text << ": " << parsed.error().offset << ' ' << parsed.error().what;
  }
}

TEST(CronParseTest, AVeryLongTextIsRefused) {
  std::string text = "0";
  while (text.size() <= 256) text += ",0";
  const auto parsed = CronExpression::parse(text + " * * * *");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().what, "an expression has at most 256 bytes");
}

TEST(CronParseTest, AnyBytesAreAnsweredWithAnExpressionOrAPlaceInTheText) {
  std::uint64_t state = 1;
  const auto draw = [&](std::size_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  constexpr std::string_view alphabet = "0123456789*/-,#?L@ JANFRIMONSUN\t\n\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const std::size_t length = draw(24);
    while (text.size() < length) text += alphabet[draw(alphabet.size())];
    const auto parsed = CronExpression::parse(text);
    if (!parsed) {
      EXPECT_LE(parsed.error().offset, text.size()) << text;
      EXPECT_FALSE(parsed.error().what.empty()) << text;
    }
  }
}

}  // namespace
}  // namespace pawl::calendar::test
