// Points in time as people write and read them. Times on the wire are RFC 3339 in UTC with milliseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pawl::cli {

/// Milliseconds since 1970-01-01T00:00Z, by the wall clock.
std::int64_t now_ms();

/// "2026-11-24T20:56:01Z", with a fraction or an offset as you like; "2026-11-24 20:56[:01]" and "20:56[:01]"
/// in the local time zone (the latter the next time the clock shows it after `now`); "+30m" from `now` on.
/// The error is one sentence that shows how to write it.
std::expected<std::int64_t, std::string> parse_moment(std::string_view text, std::int64_t now);

/// "2026-11-24T20:56:01.000Z", as the broker reads it.
std::string wire_text(std::chrono::sys_time<std::chrono::milliseconds> time);
/// "2026-11-24 21:56:01" in the local time zone, for people.
std::string local_text(std::int64_t ms);
/// "21:56:01"
std::string clock_text(std::int64_t ms);

/// "12s ago", "in 3m20s", "now"
std::string distance_text(std::int64_t ms, std::int64_t now);

}  // namespace pawl::cli
