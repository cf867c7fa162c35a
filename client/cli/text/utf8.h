// Walking over UTF-8 that may be broken.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pawl::cli {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;  // that it takes
  bool valid = false;     // false: one byte that begins no character
};

/// The first character of `text`. REQUIRES: not empty.
CodePoint first_code_point(std::string_view text);

/// `text` with U+FFFD for every byte that belongs to no character.
std::string valid_utf8(std::string_view text);

}  // namespace pawl::cli
