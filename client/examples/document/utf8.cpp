#include "client/examples/document/utf8.h"

namespace document {
namespace {

// Bytes of the character at text[at], 0 when it is malformed.
std::size_t length_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : static_cast<unsigned char>(0);
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool too_high = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || too_high ? 0 : length;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

std::optional<TextCounts> count_text(std::string_view bytes) {
  TextCounts counts;
  bool in_word = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = length_at(bytes, at);
    const char c = bytes[at];
    if (length == 0 || c == '\0') return std::nullopt;
    ++counts.characters;
    if (c == '\n') ++counts.lines;
    const bool space = is_space(c);
    if (!space && !in_word) ++counts.words;
    in_word = !space;
    at += length;
  }
  if (!bytes.empty() && bytes.back() != '\n') ++counts.lines;
  return counts;
}

std::size_t character_start(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return at;
}

}  // namespace document
