#include "client/src/json_slices.h"

#include <gtest/gtest.h>

#include <vector>

#include <nlohmann/json.hpp>

namespace pawl::client {
namespace {

TEST(JsonSliceTest, FindsMembersAndKeepsTheirBytes) {
  const std::string text = R"( {"a" : 1.50, "b":{"c":[1, {"d":"}]\""}]} ,"e":null,"f":true,"g":"x"} )";
  const JsonSlice slice{text};
  EXPECT_EQ(slice["a"].text(), "1.50");
  EXPECT_EQ(slice["a"].number(), 1.5);
  EXPECT_EQ(slice["b"].text(), R"({"c":[1, {"d":"}]\""}]})");
  EXPECT_EQ(slice["b"]["c"].text(), R"([1, {"d":"}]\""}])");
  EXPECT_FALSE(slice["e"].present());
  EXPECT_TRUE(slice["f"].is_true());
  EXPECT_EQ(slice["g"].plain(), "x");
  EXPECT_FALSE(slice["nothing"].present());
  EXPECT_FALSE(slice["a"]["b"].present());
}

TEST(JsonSliceTest, WalksLists) {
  std::vector<std::string> seen;
  EXPECT_TRUE(
      JsonSlice(R"([1,"two",[3],{}])").elements([&](JsonSlice each) { seen.emplace_back(each.text()); }));
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "\"two\"", "[3]", "{}"}));
  EXPECT_TRUE(JsonSlice("[]").elements([](JsonSlice) { FAIL(); }));
  EXPECT_TRUE(JsonSlice("{}").members([](std::string_view, JsonSlice) { FAIL(); }));
}

TEST(JsonSliceTest, FromReachesToTheEndAndIsReadAsFarAsItsValue) {
  const JsonSlice slice{R"({"a":[[1],"x"] ,"b":{"c":2 } , "d":3})"};
  EXPECT_EQ(slice.from("a").text(), R"([[1],"x"] ,"b":{"c":2 } , "d":3})");
  EXPECT_EQ(slice.from("b")["c"].text(), "2");
  EXPECT_FALSE(slice.from("nothing").present());
  std::vector<std::string> seen;
  EXPECT_TRUE(slice.from("a").elements([&](JsonSlice each) { seen.emplace_back(each.text()); }));
  EXPECT_EQ(seen, (std::vector<std::string>{"[1]", "\"x\""}));
  std::vector<std::string> keys;
  const auto note = [&](std::string_view key, JsonSlice) { keys.emplace_back(key); };
  EXPECT_EQ(slice.from("b").read_members(note), std::string_view(R"({"c":2 })").size());
  EXPECT_EQ(keys, std::vector<std::string>{"c"});
  for (std::size_t length = 0; length < slice.text().size(); ++length) {
    const std::vector<char> bytes(slice.text().begin(),
                                  slice.text().begin() + static_cast<std::ptrdiff_t>(length));
    (void)JsonSlice::whole({bytes.data(), bytes.size()}).from("b").read_members(note);
    (void)JsonSlice::whole({bytes.data(), bytes.size()}).from("a").elements([](JsonSlice) {});
  }
}

TEST(JsonSliceTest, ElementsThatSayTheirLengthAreReadOnce) {
  const std::string text = R"([ {"a":1} , {"a":{"b":"}"}} ]tail)";
  std::vector<std::string> values;
  const auto each = [&](JsonSlice rest) {
    return rest.read_members([&](std::string_view, JsonSlice value) { values.emplace_back(value.text()); });
  };
  EXPECT_TRUE(JsonSlice::whole(text).read_elements(each));
  EXPECT_EQ(values, (std::vector<std::string>{"1", R"({"b":"}"})"}));
  for (std::size_t length = 0; length + 4 < text.size(); ++length) {
    const std::vector<char> bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(JsonSlice::whole({bytes.data(), bytes.size()}).read_elements(each)) << length;
  }
  EXPECT_FALSE(JsonSlice::whole(R"([{"a":1},2])").read_elements(each)) << "not an object";
}

TEST(JsonSliceTest, ResolvesEscapesAsTheJsonLibraryDoes) {
  for (const std::string text : {R"("")", R"("plain")", R"("a\"b\\c\/d\b\f\n\r\t")", R"("\u00e9\u20AC")",
                                 R"("\ud83d\udc18!")", R"("caf\u00e9 and \\u0041")"}) {
    EXPECT_EQ(JsonSlice(text).string(), nlohmann::json::parse(text).get<std::string>()) << text;
  }
}

TEST(JsonSliceTest, BrokenTextIsLikeAbsentAndNeverReadPastItsEnd) {
  const std::string good = R"({"a":[1,{"b":"x\"y"}],"c":"\u00e9"})";
  for (std::size_t length = 0; length < good.size(); ++length) {
    // A copy of its own, so that a sanitizer sees every byte that is too much.
    const std::vector<char> bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    const JsonSlice slice{std::string_view(bytes.data(), bytes.size())};
    EXPECT_FALSE(slice["c"].is_string() && slice["c"].string() == "\xc3\xa9") << length;
    EXPECT_FALSE(slice.members([](std::string_view, JsonSlice) {})) << length;
  }
  for (const char* broken :
       {"", "{", "}", "{\"a\"}", "{\"a\":}", "{a:1}", "[1,", "[,]", "\"", "\"\\", "\"\\u12", "]"}) {
    const JsonSlice slice{broken};
    (void)slice.string();
    (void)slice["a"].string();
    (void)slice.elements([](JsonSlice each) { (void)each.integer(); });
  }
}

TEST(AppendQuotedTest, IsReadBackByTheJsonLibrary) {
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("q\" b\\ n\n t\t nul\0!", 15),
        std::string("caf\xc3\xa9 \xf0\x9f\x90\x98"), std::string("\x01\x1f")}) {
    std::string out;
    append_quoted(out, text);
    EXPECT_EQ(nlohmann::json::parse(out).get<std::string>(), text);
  }
}

TEST(AppendQuotedTest, ReplacesBytesThatAreNoUtf8) {
  std::string out;
  append_quoted(out, "a\xff\xc3z\xed\xa0\x80");
  EXPECT_EQ(nlohmann::json::parse(out).get<std::string>(),
            "a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace pawl::client
