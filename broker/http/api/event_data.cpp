#include "broker/http/api/event_data.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace pawl::http::api {

namespace {

constexpr double integers_end = 9'007'199'254'740'992;  // 2^53: a double below is exact

std::string number_text(const JsonReader::Number& number) {
  const char* const end = number.text.data() + number.text.size();
  if (number.integer) {
    std::int64_t value = 0;
    if (std::from_chars(number.text.data(), end, value).ec == std::errc{}) return std::to_string(value);
  }
  double value = 0;
  std::from_chars(number.text.data(), end, value);
  if (std::abs(value) < integers_end && value == std::trunc(value))
    return std::to_string(static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

}  // namespace

std::optional<std::string> read_scalar(JsonReader& json) {
  switch (json.peek()) {
    case JsonKind::string:
      return '"' + std::string(json.read_string());
    case JsonKind::number:
      return number_text(json.read_number());
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
