#include "broker/http/api/event_data.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace pawl::http::api {

namespace {

constexpr std::int64_t zeros_max = 6;  // after the point, and before the first digit
constexpr std::int64_t exponent_min = std::numeric_limits<std::int64_t>::min() / 2;

/// Behind the e. One beyond the range is far below zero: with another the number would be beyond a double.
std::int64_t exponent_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), exponent);
  return read.ec == std::errc{} ? std::max(exponent, exponent_min) : exponent_min;
}

// By its digits, since a double has too few. A whole number is written in full: it has 309 digits at most,
// for the reader refuses what is beyond a double.
std::string number_text(std::string_view text) {
  const std::string_view sign = text.starts_with('-') ? "-" : "";
  text.remove_prefix(sign.size());
  const std::size_t e = text.find_first_of("eE");
  std::int64_t exponent = e == std::string_view::npos ? 0 : exponent_of(text.substr(e + 1));
  std::string digits(text.substr(0, e));
  if (const std::size_t point = digits.find('.'); point != std::string::npos) {
    digits.erase(point, 1);
    exponent -= static_cast<std::int64_t>(digits.size() - point);
  }
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.empty()) return "0";
  const std::size_t used = digits.find_last_not_of('0') + 1;
  exponent += static_cast<std::int64_t>(digits.size() - used);
  digits.resize(used);

  const auto before_point = static_cast<std::int64_t>(used) + exponent;
  if (exponent >= 0)
    digits.append(static_cast<std::size_t>(exponent), '0');
  else if (before_point > 0)
    digits.insert(static_cast<std::size_t>(before_point), ".");
  else if (before_point > -zeros_max)
    digits.insert(0, "0." + std::string(static_cast<std::size_t>(-before_point), '0'));
  else
    digits += 'e' + std::to_string(exponent);
  return digits.insert(0, sign);
}

}  // namespace

std::optional<std::string> read_scalar(JsonReader& json) {
  switch (json.peek()) {
    case JsonKind::string:
      return '"' + std::string(json.read_string());
    case JsonKind::number: {
      const std::string_view text = json.read_number().text;
      if (json.error()) return std::nullopt;
      return number_text(text);
    }
    case JsonKind::boolean:
      return json.read_boolean() ? "true" : "false";
    case JsonKind::null:
      json.skip();
      return "null";
    case JsonKind::object:
    case JsonKind::array:
    case JsonKind::broken:
      break;
  }
  json.skip();
  return std::nullopt;
}

std::optional<std::string> JsonEventData::value_at(const std::string& path) const {
  const auto [found, fresh] = found_.try_emplace(path);
  if (fresh) found->second = find(path);
  return found->second;
}

std::optional<std::string> JsonEventData::find(std::string_view path) const {
  if (data_ == nullptr) return std::nullopt;
  JsonReader json(*data_);
  for (;;) {
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    if (json.peek() != JsonKind::object) return std::nullopt;
    json.enter();
    bool here = false;
    while (!here && json.next_member()) {
      here = json.key() == name;
      if (!here) json.skip();
    }
    if (!here) return std::nullopt;
    if (dot == std::string_view::npos) return read_scalar(json);
    path.remove_prefix(dot + 1);
  }
}

}  // namespace pawl::http::api
