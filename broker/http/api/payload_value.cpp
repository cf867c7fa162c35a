#include "broker/http/api/payload_value.h"

#include <algorithm>

#include "broker/http/api/json_reader.h"

namespace pawl::http::api {
namespace {

constexpr std::size_t path_bytes_max = 128;
constexpr std::ptrdiff_t path_dots_max = 7;

}  // namespace

std::optional<std::string> payload_value(std::string_view text, std::string_view path) {
  JsonReader json(text);
  while (true) {
    const std::size_t dot = path.find('.');
    if (!json.enter_member(path.substr(0, dot))) return std::nullopt;
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  switch (json.peek()) {
    case JsonKind::string:
      return std::string(json.read_string());
    case JsonKind::number:
    case JsonKind::boolean: {
      const std::string_view value = json.skip();
      if (json.error()) return std::nullopt;
      return std::string(value);
    }
    case JsonKind::object:
    case JsonKind::array:
    case JsonKind::null:
    case JsonKind::broken:
      break;
  }
  return std::nullopt;
}

bool is_payload_path(std::string_view path) {
  if (path.empty() || path.size() > path_bytes_max) return false;
  if (path.front() == '.' || path.back() == '.' || path.find("..") != std::string_view::npos) return false;
  if (std::ranges::count(path, '.') > path_dots_max) return false;
  return std::ranges::none_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace pawl::http::api
