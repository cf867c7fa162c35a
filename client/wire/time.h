// RFC 3339 times; milliseconds since 1970-01-01T00:00Z in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::wire {

inline constexpr std::size_t time_chars = 24;
inline constexpr std::int64_t time_ms_max = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

/// Writes time_chars characters: 2026-10-04T09:08:07.006Z. Times outside 1970…9999 are written as the nearest
/// bound.
void write_time(std::int64_t ms, char* out);
std::string format_time(std::int64_t ms);
/// RFC 3339 with any offset and any number of fractional digits (those below a millisecond are dropped);
/// years 1970…9999 in UTC; a second 60 counts as the next minute's first. Nothing for any other text.
std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace pawl::wire
