// Numbers and names that both sides of the wire must agree on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pawl::wire {

inline constexpr std::uint16_t port_default = 7711;
inline constexpr std::string_view url_default = "http://127.0.0.1:7711";
inline constexpr std::string_view worker_subprotocol = "pawl.worker.v1";
inline constexpr std::string_view worker_path = "/worker";

// Limits of a request; the broker refuses what is outside.
inline constexpr std::size_t name_chars_max = 128;  // queue and job names
inline constexpr std::size_t text_bytes_max = 256;  // workerId, uniqueKey, group, a tag, an error's type
inline constexpr std::size_t tags_max = 16;
inline constexpr std::size_t names_max = 100;  // job names in a lease, queues of a worker
inline constexpr std::size_t batch_jobs_max = 10'000;
inline constexpr std::size_t batch_bytes_max = 16u << 20;
inline constexpr std::size_t settlements_max = 10'000;
inline constexpr std::size_t payload_bytes_default_max = 1u << 20;
inline constexpr std::size_t json_depth_max = 64;
inline constexpr int priority_min = -1000;
inline constexpr int priority_max = 1000;
inline constexpr std::int64_t attempts_max = 1000;
inline constexpr std::int64_t stalls_max = 1000;
inline constexpr std::int64_t lease_ms_min = 1000;
inline constexpr std::int64_t lease_ms_max = 86'400'000;
inline constexpr std::int64_t timeout_ms_max = 31'536'000'000;   // a year
inline constexpr std::int64_t delay_ms_max = 3'155'760'000'000;  // a hundred years
inline constexpr std::int64_t lease_jobs_max = 1000;             // `max` of a lease
inline constexpr std::int64_t credit_max = 10'000;               // `credit` of a worker
inline constexpr std::int64_t weight_max = 1000;
inline constexpr std::int64_t wait_ms_max = 30'000;
inline constexpr std::int64_t page_limit_default = 50;
inline constexpr std::int64_t page_limit_max = 1000;
inline constexpr std::int64_t replay_ids_max = 1000;
inline constexpr std::int64_t frame_id_max = 9'007'199'254'740'991;  // 2^53 - 1: what every JSON reader keeps

// Free text is kept up to so many bytes and cut after them; a worker must always be able to say why it
// failed.
inline constexpr std::size_t error_message_bytes_max = 8u << 10;
inline constexpr std::size_t error_stack_bytes_max = 32u << 10;
inline constexpr std::size_t progress_message_bytes_max = 1u << 10;
inline constexpr std::size_t log_line_bytes_max = 8u << 10;
inline constexpr std::size_t log_lines_max = 1000;  // in one call

/// Queue, job and schedule names: [A-Za-z0-9._:-]{1,128}.
constexpr bool is_name(std::string_view text) {
  if (text.empty() || text.size() > name_chars_max) return false;
  for (const char c : text) {
    const bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == ':' || c == '-';
    if (!good) return false;
  }
  return true;
}

}  // namespace pawl::wire
