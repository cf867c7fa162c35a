// is_json against nlohmann::json::accept, on texts that people write and on texts that nobody would.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <vector>

#include "client/src/json_check.h"

namespace pawl::client {
namespace {

using namespace std::string_literals;

const std::vector<std::string> taken{
    "null",
    " true\n",
    "false",
    "0",
    "-0",
    "-1.5e+10",
    "1E5",
    "0.25",
    "12345678901234567890123",
    "\"\"",
    R"("a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00")",
    "\"h\xc3\xa9llo \xf0\x9f\x98\x80\"",
    "[]",
    "[ ]",
    "{}",
    "{ }",
    "[1,[2,{}],\"3\"]",
    R"({"a":{"b":[true,false,null]},"a":1})",
    " { \"x\" : [ 1 , 2 ] } ",
    "\"\x7f\"",
};
const std::vector<std::string> refused{
    "",
    " ",
    "nul",
    "nulll",
    "tru",
    "True",
    "+1",
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x1",
    "NaN",
    "Infinity",
    "\"",
    "\"a",
    "'a'",
    "\"\n\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    R"("\ud83d")",
    R"("\ud83d\n")",
    R"("\ude00")",
    R"("\ud83d\u0041")",
    "\"\x80\"",
    "\"\xc0\xaf\"",
    "\"\xed\xa0\x80\"",
    "\"\xf5\x80\x80\x80\"",
    "\"\xe2\x82\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{1:2}",
    "{\"a\":1 \"b\":2}",
    "[}",
    "{]",
    "[1}",
    "1 2",
    "null,",
    "{}{}",
    "[] []",
    "\"a\"\"b\"",
    "1],[2",
    "1}, {\"queue\":\"x\"",
    "null\0"s,
    "\0"s,
    "//\n1",
    "\"a\0b\""s,
};

TEST(JsonCheckTest, TakesJsonAndNothingElse) {
  for (const std::string& text : taken) EXPECT_TRUE(is_json(text)) << text;
  for (const std::string& text : refused) EXPECT_FALSE(is_json(text)) << text;
}

TEST(JsonCheckTest, NestsAsDeepAsItLikes) {
  constexpr std::size_t depth = 1'000'000;
  const std::string open(depth, '['), close(depth, ']');
  EXPECT_TRUE(is_json(open + close));
  EXPECT_FALSE(is_json(open + close + "]"));
  EXPECT_FALSE(is_json(open + close.substr(1)));
}

// Of texts with a few bytes changed, both say the same: but for a number that no double holds, and for a zero
// byte, which the parser takes for the end.
TEST(JsonCheckTest, AgreesWithAParserOnDamagedText) {
  std::vector<std::string> seeds = taken;
  seeds.insert(seeds.end(), refused.begin(), refused.end());
  const std::string alphabet = "{}[]\",:\\u0123456789abcdefDEtrulns+-. \n\xc3\xa9\xf0\x9f\x98\x80\x01"s;
  std::mt19937 random(7);
  const auto below = [&](std::size_t most) { return random() % most; };
  std::size_t good = 0;
  for (int i = 0; i < 300'000; ++i) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t n = 1 + below(3); n > 0; --n) {
      const char c = alphabet[below(alphabet.size())];
      switch (below(4)) {
        case 0:
          text.insert(text.begin() + static_cast<std::ptrdiff_t>(below(text.size() + 1)), c);
          break;
        case 1:
          if (!text.empty()) text.erase(below(text.size()), 1);
          break;
        case 2:
          if (!text.empty()) text[below(text.size())] = c;
          break;
        default:
          text += seeds[below(seeds.size())];
      }
    }
    const bool huge = text.contains("e") || text.contains("E");
    if (text.contains('\0')) {
      EXPECT_FALSE(is_json(text)) << text;
      continue;
    }
    const bool parsed = nlohmann::json::accept(text);
    good += parsed ? 1 : 0;
    if (parsed || !huge) {
      EXPECT_EQ(is_json(text), parsed) << text;
    }
  }
  EXPECT_GT(good, 10'000u);
}

}  // namespace
}  // namespace pawl::client
