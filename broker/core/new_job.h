// What a submitter says of a job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/job.h"

namespace pawl::core {

/// What a submit does when another with the same key, to the same queue, came before it.
struct Gathering {
  enum class Mode : std::uint8_t {
    throttle,  // for window_ms after a job was made, another is not: the submit is answered with that job
    debounce,  // a job waits for window_ms; another submit meanwhile gives it its payload, and it waits anew
    latest,    // one runs and one waits: another submit gives the one that waits its payload
  };
  Mode mode = Mode::throttle;
  std::string key;       // not empty; each mode has keys of its own
  Millis window_ms = 0;  // 1…; latest: 0
  Millis max_wait_ms =
      0;  // debounce: the job waits no longer, from the first submit on; 0: as long as it takes

  friend bool operator==(const Gathering&, const Gathering&) = default;
};

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
  std::optional<Gathering> gathering;  // not with a unique key
  std::string group;
  std::vector<std::string> limits;  // at most limits_named_max, sorted, each once
  std::shared_ptr<const Callback> callback;
  std::string target;    // of a callback's job
  bool ordered = false;  // needs a group; its priority is 0, and it has no delay
  std::optional<Retention> retention;
  std::vector<std::string> tags;
  std::string traceparent;
};

}  // namespace pawl::core
