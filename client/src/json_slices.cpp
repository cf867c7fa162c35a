#include "client/src/json_slices.h"

#include <algorithm>
#include <charconv>

#include "client/src/utf8.h"
#include "client/wire/json_text.h"

namespace pawl::client {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// The position after the string that begins at `at`, or npos.
std::size_t after_string(std::string_view text, std::size_t at) {
  const std::size_t begin = ++at;
  for (;;) {
    at = text.find('"', at);
    if (at == std::string_view::npos) return at;
    // Escaped, when an odd number of backslashes stands before it.
    std::size_t first = at;
    while (first > begin && text[first - 1] == '\\') --first;
    ++at;
    if ((at - first) % 2 != 0) return at;
  }
}

// The position after the object or list that begins at `at`, or npos. Brackets are only counted.
std::size_t after_nested(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    switch (text[at]) {
      case '"':
        at = after_string(text, at);
        if (at == std::string_view::npos) return at;
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
    ++at;
  }
  return std::string_view::npos;
}

std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (text.size() < at + 4) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = text.data() + at + 4;
  const auto [stop, error] = std::from_chars(text.data() + at, end, value, 16);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// Resolves one escape; `at` stands on the backslash and moves behind the escape.
void append_escape(std::string& out, std::string_view body, std::size_t& at) {
  const char c = at + 1 < body.size() ? body[at + 1] : '\\';
  at += 2;
  switch (c) {
    case 'n':
      out += '\n';
      return;
    case 't':
      out += '\t';
      return;
    case 'r':
      out += '\r';
      return;
    case 'b':
      out += '\b';
      return;
    case 'f':
      out += '\f';
      return;
    case 'u':
      break;
    default:
      out += c;
      return;
  }
  auto code = hex4(body, at);
  if (!code) return;
  at += 4;
  if (*code >= 0xd800 && *code < 0xdc00 && body.substr(at, 2) == "\\u") {
    const auto low = hex4(body, at + 2);
    if (low && *low >= 0xdc00 && *low < 0xe000) {
      at += 6;
      append_utf8(out, 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00));
      return;
    }
  }
  append_utf8(out, *code >= 0xd800 && *code < 0xe000 ? 0xfffd : *code);
}

}  // namespace

JsonSlice::JsonSlice(std::string_view text) {
  Cursor cursor{text};
  text_ = cursor.value();
}

void JsonSlice::Cursor::skip_space() {
  while (at < text.size() && is_space(text[at])) ++at;
}

bool JsonSlice::Cursor::take(char wanted) {
  skip_space();
  if (at >= text.size() || text[at] != wanted) return false;
  ++at;
  return true;
}

std::string_view JsonSlice::Cursor::value() {
  skip_space();
  if (at >= text.size()) return {};
  const std::size_t from = at;
  std::size_t end = 0;
  switch (text[at]) {
    case '"':
      end = after_string(text, at);
      break;
    case '{':
    case '[':
      end = after_nested(text, at);
      break;
    default:
      end = text.find_first_of(",]} \n\r\t:", at);
      if (end == std::string_view::npos) end = text.size();
  }
  if (end == std::string_view::npos || end > text.size() || end == from) {
    at = text.size();
    return {};
  }
  at = end;
  return text.substr(from, end - from);
}

JsonSlice JsonSlice::from(std::string_view key) const {
  Cursor cursor{text_};
  if (!cursor.take('{')) return {};
  do {
    const std::string_view name = cursor.value();
    if (name.size() < 2 || name.front() != '"' || !cursor.take(':')) return {};
    cursor.skip_space();
    if (name.substr(1, name.size() - 2) == key) return JsonSlice(text_.substr(cursor.at), exact);
    if (cursor.value().empty()) return {};
  } while (cursor.take(','));
  return {};
}

JsonSlice JsonSlice::operator[](std::string_view key) const {
  Cursor cursor{from(key).text_};
  return JsonSlice(cursor.value(), exact);
}

std::string_view JsonSlice::plain() const {
  if (!is_string() || text_.size() < 2) return {};
  return text_.substr(1, text_.size() - 2);
}

std::string JsonSlice::string() const {
  const std::string_view body = plain();
  std::string out;
  out.reserve(body.size());
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t escape = std::min(body.find('\\', at), body.size());
    out.append(body, at, escape - at);
    at = escape;
    if (at < body.size()) append_escape(out, body, at);
  }
  return out;
}

std::optional<double> JsonSlice::number() const {
  double value = 0;
  const char* end = text_.data() + text_.size();
  const auto [stop, error] = std::from_chars(text_.data(), end, value);
  if (text_.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<std::int64_t> JsonSlice::integer() const {
  std::int64_t value = 0;
  const char* end = text_.data() + text_.size();
  const auto [stop, error] = std::from_chars(text_.data(), end, value);
  if (text_.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

void append_quoted(std::string& out, std::string_view value) {
  std::size_t at = 0;  // the first byte that is not UTF-8
  for (std::size_t length = 1; at < value.size() && length > 0; at += length) length = utf8_length(value, at);
  if (at == value.size()) return wire::append_json_string(out, value);
  std::string mended(value.substr(0, at));
  while (at < value.size()) {
    const std::size_t length = utf8_length(value, at);
    if (length == 0)
      mended += "\xef\xbf\xbd";
    else
      mended.append(value, at, length);
    at += std::max<std::size_t>(length, 1);
  }
  wire::append_json_string(out, mended);
}

void append_key(std::string& out, std::string_view key) {
  if (!out.empty() && out.back() != '{') out += ',';
  out += '"';
  out += key;
  out += "\":";
}

}  // namespace pawl::client
