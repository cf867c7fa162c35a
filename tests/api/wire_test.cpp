#include <gtest/gtest.h>

#include <limits>

#include "client/wire/ids.h"
#include "client/wire/json_text.h"
#include "client/wire/protocol.h"
#include "client/wire/status.h"
#include "client/wire/time.h"

namespace pawl::wire {
namespace {

TEST(WireTest, AUuidReadsBackAsItWasWritten) {
  const std::string text = "0199b3c2-7a10-7000-8000-0000a1f4ffe1";
  ASSERT_TRUE(parse_uuid(text));
  EXPECT_EQ(format_uuid(*parse_uuid(text)), text);
  EXPECT_EQ(parse_uuid("0199B3C2-7A10-7000-8000-0000A1F4FFE1"), parse_uuid(text));
}

TEST(WireTest, WhatIsNoUuidIsRefused) {
  for (const char* text :
       {"", "0199b3c2", "0199b3c27a107000800000000a1f4ffe1aaa", "0199b3c2-7a10-7000-8000-0000a1f4ffe",
        "0199b3c2-7a10-7000-8000-0000a1f4ffe1a", "0199b3c2-7a10-7000-8000+0000a1f4ffe1",
        "g199b3c2-7a10-7000-8000-0000a1f4ffe1", "{199b3c2-7a10-7000-8000-0000a1f4ffe1"}) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
}

TEST(WireTest, ALeaseIdIsSixteenDigits) {
  EXPECT_EQ(format_lease_id(0x4d2), "00000000000004d2");
  EXPECT_EQ(format_lease_id(UINT64_MAX), "ffffffffffffffff");
  EXPECT_EQ(parse_lease_id("00000000000004d2"), 0x4d2u);
  EXPECT_EQ(parse_lease_id("FFFFFFFFFFFFFFFF"), UINT64_MAX);
  for (const char* text :
       {"", "4d2", "00000000000004d", "00000000000004d2f", "00000000000004dg", "0x000000000004d2"}) {
    EXPECT_FALSE(parse_lease_id(text)) << text;
  }
}

struct TimeRow {
  const char* text;
  std::int64_t ms;
};

TEST(WireTest, TimesWithAnyOffsetAreRead) {
  constexpr TimeRow rows[]{
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T00:00:00.000Z", 0},
      {"2026-10-04T09:08:07.006Z", 1'791'104'887'006},
      {"2026-10-04T11:08:07.006+02:00", 1'791'104'887'006},
      {"2026-10-04t03:38:07.006-05:30", 1'791'104'887'006},
      {"2026-10-04 09:08:07.0069999z", 1'791'104'887'006},
      {"2024-02-29T12:00:00Z", 1'709'208'000'000},
      {"2016-12-31T23:59:60Z", 1'483'228'800'000},
      {"9999-12-31T23:59:59.999Z", time_ms_max},
  };
  for (const TimeRow& row : rows) EXPECT_EQ(parse_time(row.text), row.ms) << row.text;
}

TEST(WireTest, WhatIsNoTimeIsRefused) {
  for (const char* text :
       {"", "now", "2026-10-04", "2026-10-04T09:08:07", "2026-10-04T09:08:07.Z", "2026-10-04T09:08Z",
        "2026-13-04T09:08:07Z", "2026-02-29T09:08:07Z", "2026-10-04T24:08:07Z", "2026-10-04T09:60:07Z",
        "2026-10-04T09:08:61Z", "2026-10-04T09:08:07+0200", "2026-10-04T09:08:07+24:00",
        "2026-10-04T09:08:07Z ", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "10000-01-01T00:00:00Z",
        "-026-10-04T09:08:07Z"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(WireTest, TimesAreWrittenInUtcWithMilliseconds) {
  EXPECT_EQ(format_time(1'791'104'887'006), "2026-10-04T09:08:07.006Z");
  EXPECT_EQ(format_time(-5), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_time(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999Z");
}

TEST(WireTest, JsonStringsAreEscaped) {
  std::string out;
  append_json_string(out, std::string_view("a\"b\\c\n\t\x01\0z\x7f\xc3\xa4", 13));
  EXPECT_EQ(out, std::string("\"a\\\"b\\\\c\\n\\t\\u0001\\u0000z\x7f\xc3\xa4\""));
}

TEST(WireTest, NumbersJsonCannotSayBecomeNull) {
  std::string out;
  append_json_number(out, std::numeric_limits<double>::infinity());
  out += ' ';
  append_json_number(out, 0.1);
  out += ' ';
  append_json_integer(out, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(out, "null 0.1 -9223372036854775808");
}

TEST(WireTest, ACutNeverSplitsACharacter) {
  EXPECT_EQ(utf8_prefix("abc", 5), "abc");
  EXPECT_EQ(utf8_prefix("a\xc3\xa4z", 2), "a");
  EXPECT_EQ(utf8_prefix("a\xc3\xa4z", 3), "a\xc3\xa4");
  EXPECT_EQ(utf8_prefix("\xf0\x9f\x98\x80", 3), "");
}

TEST(WireTest, NamesHaveAnAlphabetAndALength) {
  EXPECT_TRUE(is_name("Video.encode_2:high-4K"));
  EXPECT_TRUE(is_name(std::string(128, 'a')));
  EXPECT_FALSE(is_name(std::string(129, 'a')));
  for (const char* text : {"", "a b", "a/b", "\xc3\xa4", "a\n", "a%", "a+b"})
    EXPECT_FALSE(is_name(text)) << text;
}

TEST(WireTest, EveryNameReadsBack) {
  for (std::size_t i = 0; i < status_names.size(); ++i) {
    EXPECT_EQ(name_of(*parse_status(status_names[i])), status_names[i]);
  }
  for (const std::string_view name : outcome_names) EXPECT_EQ(name_of(*parse_outcome(name)), name);
  for (const std::string_view name : backoff_type_names) EXPECT_EQ(name_of(*parse_backoff_type(name)), name);
  EXPECT_FALSE(parse_status("Pending"));
}

}  // namespace
}  // namespace pawl::wire
