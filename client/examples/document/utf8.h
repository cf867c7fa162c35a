// Whether bytes are text, and how much of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace document {

struct TextCounts {
  std::size_t characters = 0;  // code points
  std::size_t words = 0;       // runs of anything but white space
  std::size_t lines = 0;       // a last line without its newline counts
};

/// Nothing when the bytes are no text: invalid UTF-8 (RFC 3629) or a NUL among them.
std::optional<TextCounts> count_text(std::string_view bytes);

/// The nearest place at or before `at` that is between two characters. REQUIRES: valid UTF-8, at <=
/// text.size().
std::size_t character_start(std::string_view text, std::size_t at);

}  // namespace document
