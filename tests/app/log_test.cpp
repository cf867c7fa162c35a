#include "broker/app/log.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pawl::app {
namespace {

TEST(LogTest, TextAndJsonLinesLookAsDocumented) {
  EXPECT_EQ(render_log_line(1'700'000'000'123, "info", "ready", false),
            "2023-11-14T22:13:20.123Z info  ready");
  EXPECT_EQ(render_log_line(1'700'000'000'007, "warning", "a \"b\"", true),
            R"({"time":"2023-11-14T22:13:20.007Z","level":"warn","message":"a \"b\""})");
}

TEST(LogTest, OneEventIsOneLineWhateverItHolds) {
  EXPECT_EQ(escaped("a\nb\r\tc"), R"(a\nb\u000d\tc)");
  EXPECT_EQ(escaped("\x1b[31mred\x1b[0m"), R"(\u001b[31mred\u001b[0m)");
  EXPECT_EQ(escaped(std::string_view("nul\0", 4)), R"(nul\u0000)");
  EXPECT_EQ(escaped("back\\slash"), R"(back\\slash)");
  EXPECT_EQ(escaped("\x7f"), R"(\u007f)");
  EXPECT_EQ(escaped("\xc2\x9b"
                    "31m"),
            R"(\u009b31m)");
  EXPECT_EQ(escaped("größe 日本 🚀"), "größe 日本 🚀");
}

TEST(LogTest, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(escaped("a\xff"
                    "b"),
            R"(a\ufffdb)");
  EXPECT_EQ(escaped("\xc0\xaf"), R"(\ufffd\ufffd)");            // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), R"(\ufffd\ufffd\ufffd)");  // a surrogate
  EXPECT_EQ(escaped("cut \xe6\x97"), R"(cut \ufffd\ufffd)");
}

TEST(LogTest, EveryByteGivesALineWithoutControls) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::string line = render_log_line(0, "info", all, true);
  EXPECT_TRUE(std::ranges::none_of(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
}

}  // namespace
}  // namespace pawl::app
