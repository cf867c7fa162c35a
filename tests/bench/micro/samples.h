// The jobs that the micro-benchmarks work on: small ones as in `pawl bench`, and larger ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "broker/core/command.h"
#include "broker/core/job.h"

namespace pawl::micro {

inline constexpr core::Millis wall = 1'760'000'000'000;
inline constexpr core::QueueNumber queue_number{1};

/// JSON of so many bytes (or a few more).
inline std::string payload_of(std::uint64_t number, std::size_t bytes) {
  std::string text = R"({"id":)" + std::to_string(number) + R"(,"kind":"email.welcome","pad":")";
  if (text.size() + 2 < bytes) text.append(bytes - text.size() - 2, 'x');
  return text + "\"}";
}

inline core::Bytes bytes_of(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

inline core::NewJob new_job(std::uint64_t number, std::size_t bytes) {
  core::NewJob job;
  job.queue = "mail";
  job.payload = bytes_of(payload_of(number, bytes));
  return job;
}

/// In the order of the numbers.
inline core::JobId id_of(std::uint64_t number) {
  constexpr std::uint64_t in_a_millisecond = 0x1000;
  const std::uint64_t ms = static_cast<std::uint64_t>(wall) + number / in_a_millisecond;
  const std::uint64_t queue = static_cast<std::uint64_t>(queue_number) << 38;
  return core::JobId::from_words(ms << 16 | 0x7000 | number % in_a_millisecond,
                                 1ull << 63 | queue | 1000ull << 27 | (number & 0x7ffffff));
}

inline core::Job pending_job(std::uint64_t number, std::size_t bytes) {
  core::Job job;
  job.id = id_of(number);
  job.queue = queue_number;
  job.name = "mail";
  job.payload = bytes_of(payload_of(number, bytes));
  job.created_at = job.run_at = wall;
  job.history = {{core::Status::pending, wall}};
  return job;
}

inline core::Job completed_job(std::uint64_t number, std::size_t bytes) {
  core::Job job = pending_job(number, bytes);
  job.transit(core::Event::lease, wall + 3);
  job.transit(core::Event::complete, wall + 5);
  job.started_at = wall + 3;
  job.finished_at = wall + 5;
  job.expires_at = job.finished_at + job.retention.completed_ms;
  job.attempts_made = 1;
  job.worker_id = "host-4711-12345";
  job.result = bytes_of(R"({"sent":true})");
  return job;
}

}  // namespace pawl::micro
