#include "broker/http/api/event_data.h"

#include <gtest/gtest.h>

namespace pawl::http::api {
namespace {

std::string text_of(std::string_view json) {
  JsonReader reader(json);
  auto text = read_scalar(reader);
  reader.finish();
  EXPECT_FALSE(reader.error()) << json;
  return text.value_or("none");
}

TEST(EventDataTest, EqualValuesAreOneTextAndNoOthersAre) {
  struct Row {
    std::string_view json;
    std::string_view text;
  };
  constexpr Row rows[] = {
      {"7", "7"},
      {"7.0", "7"},
      {"70e-1", "7"},
      {"-7.00", "-7"},
      {"0", "0"},
      {"-0", "0"},
      {"0.000", "0"},
      {"-0e999999999", "0"},
      {"9007199254740993", "9007199254740993"},
      {"9007199254740993.0", "9007199254740993"},
      {"9007199254740993.5", "9007199254740993.5"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551614", "18446744073709551614"},
      {"18446744073709551615", "18446744073709551615"},
      {"1000000000000000000", "1000000000000000000"},
      {"1e18", "1000000000000000000"},
      {"1E+18", "1000000000000000000"},
      {"0.001e21", "1000000000000000000"},
      {"0.5", "0.5"},
      {"5e-1", "0.5"},
      {"12.340", "12.34"},
      {"-0.00120", "-0.0012"},
      {"1.00000000000000000001", "1.00000000000000000001"},
      {"0.000001", "0.000001"},
      {"0.0000001", "1e-7"},
      {"12e-9", "12e-9"},
      {"1e-999999999", "1e-999999999"},
      {R"("7")", "\"7"},
      {"true", "true"},
      {"null", "null"},
      {"[7]", "none"},
  };
  for (const Row& row : rows) EXPECT_EQ(text_of(row.json), row.text) << row.json;
  EXPECT_EQ(text_of("1e308"), "1" + std::string(308, '0'));
}

TEST(EventDataTest, AnExponentBeyondAllRangesMakesNoLongText) {
  for (const std::string exponent : {"e-999999999", "e-9223372036854775808", "e-99999999999999999999999"})
    EXPECT_LT(text_of("1.5" + exponent).size(), 32u) << exponent;
  JsonReader reader("1e999999999");
  EXPECT_EQ(read_scalar(reader), std::nullopt);
  EXPECT_TRUE(reader.error());
}

TEST(EventDataTest, ALongNumberIsFoundByItsDigits) {
  const JsonEventData data(
      std::make_shared<const std::string>(R"({"order":{"id":18446744073709551614,"eur":1e18}})"));
  EXPECT_EQ(data.value_at("order.id"), "18446744073709551614");
  EXPECT_EQ(data.value_at("order.eur"), "1000000000000000000");
  EXPECT_EQ(data.value_at("order"), std::nullopt);
  EXPECT_EQ(data.value_at("order.name"), std::nullopt);
}

}  // namespace
}  // namespace pawl::http::api
