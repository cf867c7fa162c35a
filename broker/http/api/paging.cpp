#include "broker/http/api/paging.h"

#include <charconv>

namespace pawl::http::api {
namespace {

std::optional<std::string> key_of_cursor(std::string_view cursor) {
  if (cursor.size() % 2 != 0) return std::nullopt;
  std::string key;
  for (std::size_t i = 0; i < cursor.size(); i += 2) {
    unsigned char byte = 0;
    const char* end = cursor.data() + i + 2;
    const auto result = std::from_chars(cursor.data() + i, end, byte, 16);
    if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
    key += static_cast<char>(byte);
  }
  return key;
}

}  // namespace

PageQuery::PageQuery(Query& query)
    : limit(static_cast<std::size_t>(
          query.integer("limit", 1, wire::page_limit_max, wire::page_limit_default))) {
  const auto cursor = query.text("cursor");
  if (!cursor || cursor->empty()) return;
  after = key_of_cursor(*cursor);
  if (!after) query.wrong("cursor", "is not a cursor of this list");
}

std::string cursor_after(std::string_view key) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string cursor;
  cursor.reserve(2 * key.size());
  for (const char c : key) {
    cursor += digits[static_cast<unsigned char>(c) >> 4];
    cursor += digits[static_cast<unsigned char>(c) & 15];
  }
  return cursor;
}

}  // namespace pawl::http::api
