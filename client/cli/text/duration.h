// Durations as people write and read them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pawl::cli {

/// "250ms", "30s", "5m", "2h", "1d", "1.5h", "1h30m", "0" → milliseconds. A number without a unit is refused,
/// since seconds and milliseconds are both a fair guess. The error is one sentence that shows how to write
/// it.
std::expected<std::int64_t, std::string> parse_duration(std::string_view text);

/// "0 ms", "830 ms", "4.2 s", "3m20s", "2h05m", "3d04h": at most two units, for columns of a table.
std::string duration_text(std::int64_t ms);

/// "250ms", "30s", "5m", "1h30m", "2d": exact, and as parse_duration reads it.
std::string exact_duration_text(std::int64_t ms);

/// "512 B", "1.2 KiB", "3.4 MiB".
std::string bytes_text(std::uint64_t bytes);

/// "1 234 567": thin groups of three, as the tables show counts.
std::string count_text(std::int64_t count);

/// "0", "0.03", "4.2", "12", "1 234": a rate for each second.
std::string rate_text(double per_second);

}  // namespace pawl::cli
