// From what a command wrote and how it ended to the verdict on the attempt.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "client/cli/exec/process.h"

namespace pawl::cli {

inline constexpr std::size_t result_bytes_max = 1u << 20;
inline constexpr int exit_data_error = 65;    // EX_DATAERR of sysexits.h: no further attempt can help
inline constexpr int exit_rate_limited = 75;  // EX_TEMPFAIL, when it was said for how long

/// Standard output as the job's result: nothing is null, JSON stays byte for byte, other text becomes a JSON
/// string without its last line break. Nothing: it is larger than result_bytes_max.
std::expected<std::string, std::string> result_of(std::string_view output);

struct Completed {
  std::string result;  // JSON
};
struct Failed {
  std::string type;
  std::string message;
  bool permanent = false;
};
/// Given back, and what starts with it waits for so long.
struct RateLimited {
  std::int64_t retry_after_ms = 0;
};
/// The attempt was ended from outside; what that means for the job depends on who asked.
struct Ended {};

using Verdict = std::variant<Completed, Failed, RateLimited, Ended>;

/// `retry_after_ms`: for how long something outside told it to slow down, if it said so.
Verdict verdict_of(const ProcessEnd& end, std::optional<std::int64_t> retry_after_ms = {});

}  // namespace pawl::cli
