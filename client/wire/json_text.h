// Writing JSON text. Reading is each side's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pawl::wire {

/// Appends `text` as a JSON string with its quotes. REQUIRES: text is UTF-8.
void append_json_string(std::string& out, std::string_view text);
/// Appends the shortest text that reads back as the same double; null for what JSON cannot say (NaN,
/// infinity).
void append_json_number(std::string& out, double value);
void append_json_integer(std::string& out, std::int64_t value);
void append_json_integer(std::string& out, std::uint64_t value);

/// The longest beginning of `text` with at most `bytes_max` bytes that does not cut a UTF-8 sequence.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max);

}  // namespace pawl::wire
