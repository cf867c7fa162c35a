// Jobs that events start.
#pragma once

#include <cstdint>
#include <string>

#include "broker/core/new_job.h"
#include "broker/core/wait.h"

namespace pawl::core {

/// What a client says of a trigger.
struct Trigger {
  std::string id;
  std::string event;
  Match match;
  /// The template. The payload is made: {"event":NAME,"data":DATA}, or {"event":NAME,"events":[DATA,…]} for a
  /// batch.
  NewJob job;
  std::uint32_t batch_max = 0;  // 0: each event starts a job; else 1…1000 events start one together…
  Millis batch_timeout_ms = 0;  // …or those that came until so long after the first
};
inline constexpr std::size_t batch_bytes_max = 512 << 10;    // of gathered data; then the job starts earlier
inline constexpr std::string_view trigger_tag = "trigger:";  // with the id: each job gets it

/// A trigger as it is kept.
struct TriggerRow {
  Trigger trigger;
  Millis created_at = 0;
  Millis updated_at = 0;
  std::uint64_t events = 0;       // that matched
  std::uint64_t jobs = 0;         // that it started
  Millis last_at = 0;             // when it started a job last; 0: not yet
  JobId last_job;                 // and which
  std::uint64_t next_number = 1;  // of the next event that is gathered
  Millis gathers_since = 0;       // when the first of them came; 0: there are none
};

/// An event that waits for others to start a job with.
struct GatheredRow {
  std::string trigger;
  std::uint64_t number = 0;
  Bytes data;  // JSON text
};

}  // namespace pawl::core
