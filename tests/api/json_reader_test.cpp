#include "broker/http/api/json_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace pawl::http::api {
namespace {

using namespace std::string_view_literals;

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

/// Reads a whole document as one raw value.
std::optional<JsonError> read(std::string_view text) {
  JsonReader json(text);
  json.skip();
  json.finish();
  return json.error();
}

TEST(JsonReaderTest, WhatIsJsonIsRead) {
  for (const std::string_view text : {"null"sv,
                                      " true "sv,
                                      "false"sv,
                                      "0"sv,
                                      "-0"sv,
                                      "-1.5e-3"sv,
                                      "1E+2"sv,
                                      "123456789012345678901234567890"sv,
                                      "1e-999"sv,
                                      "0.00000000000000000000000000001"sv,
                                      "\"\""sv,
                                      "\"a\\\"b\\\\\\/\\b\\f\\n\\r\\t\\u00e4\""sv,
                                      "\"\\ud83d\\ude00\""sv,
                                      "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""sv,
                                      "[]"sv,
                                      "{}"sv,
                                      "[ 1 , [ ] , { } ]"sv,
                                      "{\"a\":1,\"a\":2}"sv,
                                      "\"\x7f\""sv,
                                      "{ \"a\" : { \"b\" : [ 1, 2, {\"c\":[]} ] } , \"\" : null }\r\n\t "sv,
                                      "\"\\u0000\""sv}) {
    const auto error = read(text);
    EXPECT_FALSE(error) << text << ": " << (error ? error->what : "");
  }
}

struct BrokenRow {
  std::string_view text;
  std::size_t offset;
};

TEST(JsonReaderTest, WhatIsNotJsonIsRefusedWithItsPlace) {
  const BrokenRow rows[]{
      {"", 0},
      {"  ", 2},
      {"\xef\xbb\xbf{}", 0},
      {"nul", 0},
      {"nulll", 4},
      {"True", 0},
      {"NaN", 0},
      {"+1", 0},
      {"01", 1},
      {"-", 1},
      {"1.", 2},
      {".5", 0},
      {"1e", 2},
      {"1e+", 3},
      {"1e999", 0},
      {"[1, -1e400]", 4},
      {"0x10", 1},
      {"'a'", 0},
      {"\"a", 2},
      {"\"a\\", 3},
      {"\"a\\x\"", 2},
      {"\"a\\u12g4\"", 2},
      {"\"a\\u12", 2},
      {"\"\\ud83d\"", 1},
      {"\"\\ude00\"", 1},
      {"\"\\ud83d\\u0041\"", 1},
      {"\"a\nb\"", 2},
      {std::string_view("\"a\0b\"", 5), 2},
      {std::string_view("\0", 1), 0},
      {"\"\xff\"", 1},
      {"\"\xc0\xaf\"", 1},
      {"\"\xed\xa0\x80\"", 1},
      {"\"\xf4\x90\x80\x80\"", 1},
      {"{\"a\":\"\xe2\x82\"}", 6},
      {"[", 1},
      {"[1", 2},
      {"[1,", 3},
      {"[1,]", 3},
      {"[,1]", 1},
      {"[1 2]", 3},
      {"[1}", 2},
      {"{", 1},
      {"{\"a\"", 4},
      {"{\"a\":", 5},
      {"{\"a\":1", 6},
      {"{\"a\":1,", 7},
      {"{\"a\":1,}", 7},
      {"{\"a\" 1}", 5},
      {"{a:1}", 1},
      {"{1:1}", 1},
      {"{\"a\":1]", 6},
      {"{} {}", 3},
      {"1 //", 2},
      {"/* */ 1", 0},
  };
  for (const BrokenRow& row : rows) {
    const auto error = read(row.text);
    ASSERT_TRUE(error) << row.text;
    EXPECT_EQ(error->offset, row.offset) << row.text << ": " << error->what;
  }
}

TEST(JsonReaderTest, DepthIsBoundedInWhatIsSkippedAndInWhatIsEntered) {
  EXPECT_FALSE(read(nested(64)));
  ASSERT_TRUE(read(nested(65)));
  EXPECT_EQ(read(nested(65))->offset, 64u);
  EXPECT_TRUE(read(std::string(1'000'000, '[')));
  EXPECT_TRUE(read(std::string(200'000, '{')));

  const std::string inside = "[" + nested(64) + "]";
  JsonReader json(inside);
  json.peek();
  json.enter();
  EXPECT_TRUE(json.next_item());
  json.skip();
  EXPECT_TRUE(json.error());
}

TEST(JsonReaderTest, SlicesKeepTheirBytes) {
  constexpr std::string_view text =
      R"( { "p" :  {"z": 1.50, "a":[1 ,2], "a":"\u00e4\/" } , "q":-0.0 , "r" : "x" } )";
  JsonReader json(text);
  ASSERT_EQ(json.peek(), JsonKind::object);
  json.enter();
  ASSERT_TRUE(json.next_member());
  EXPECT_EQ(json.key(), "p");
  EXPECT_EQ(json.skip(), R"({"z": 1.50, "a":[1 ,2], "a":"\u00e4\/" })");
  ASSERT_TRUE(json.next_member());
  EXPECT_EQ(json.skip(), "-0.0");
  ASSERT_TRUE(json.next_member());
  EXPECT_EQ(json.skip(), "\"x\"");
  EXPECT_FALSE(json.next_member());
  json.finish();
  EXPECT_FALSE(json.error());
}

TEST(JsonReaderTest, KeysAndStringsAreDecoded) {
  JsonReader json(R"({"\u0071ueue":"a\u00e4\ud83d\ude00\n"})");
  json.peek();
  json.enter();
  ASSERT_TRUE(json.next_member());
  EXPECT_EQ(json.key(), "queue");
  ASSERT_EQ(json.peek(), JsonKind::string);
  EXPECT_EQ(json.read_string(), "a\xc3\xa4\xf0\x9f\x98\x80\n");
}

TEST(JsonReaderTest, LongStringsAreSearchedToTheirEndAtEveryAlignment) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string plain = '"' + std::string(length, 'x') + '"';
    EXPECT_FALSE(read(plain)) << length;
    for (std::size_t at = 0; at < length; ++at) {
      std::string text = plain;
      text[1 + at] = '\x1f';
      ASSERT_TRUE(read(text));
      EXPECT_EQ(read(text)->offset, 1 + at) << length;
      text[1 + at] = '\x80';
      ASSERT_TRUE(read(text));
      EXPECT_EQ(read(text)->offset, 1 + at) << length;
    }
  }
}

TEST(JsonReaderTest, EveryBeginningOfADocumentIsBroken) {
  constexpr std::string_view text =
      R"({"queue":"q\u00e4","payload":[1,2.5e3,{"a":null}],"tags":["x"],"b":true})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_TRUE(read(text.substr(0, length))) << text.substr(0, length);
  }
  EXPECT_FALSE(read(text));
}

TEST(JsonReaderTest, AMemberIsFoundByItsName) {
  JsonReader json(R"({"a":{"b":[1]},"b":{"c":"yes"}})");
  ASSERT_TRUE(json.enter_member("b"));
  ASSERT_TRUE(json.enter_member("c"));
  EXPECT_EQ(json.read_string(), "yes");
  EXPECT_FALSE(JsonReader(R"({"a":"b"})").enter_member("b"));
  EXPECT_FALSE(JsonReader(R"(["b"])").enter_member("b"));
  EXPECT_FALSE(JsonReader(R"({"a":tru,"b":1})").enter_member("b"));
}

}  // namespace
}  // namespace pawl::http::api
