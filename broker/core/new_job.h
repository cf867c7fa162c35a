// What a submitter says of a job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/job.h"

namespace pawl::core {

/// One job to submit; what is absent comes from the queue's defaults, then from Job's.
struct NewJob {
  std::string queue;  // made on first use
  std::string name;   // empty: the queue's name
  Bytes payload;      // null: JSON null
  std::optional<int> priority;
  std::optional<Millis> delay_ms;
  std::optional<Millis> run_at;  // at most one of the two
  std::optional<std::uint32_t> max_attempts;
  std::optional<std::uint32_t> max_stalls;
  std::optional<Backoff> backoff;
  std::optional<Millis> lease_ms;
  std::optional<Millis> timeout_ms;
  std::string unique_key;
  Millis unique_for_ms = 0;
  std::string group;
  std::optional<Retention> retention;
  std::vector<std::string> tags;
  std::string traceparent;
};

}  // namespace pawl::core
