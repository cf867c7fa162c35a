// What happened, in order, to whoever listens: SSE streams, ?waitMs, the dashboard.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/job.h"

namespace pawl::engine {

/// One thing that happened and is durable (progress and log lines of live jobs: was told).
struct JobEvent {
  enum class Kind : std::uint8_t { status, progress, log };
  std::uint64_t id = 0;  // grows by one; the epoch is in the upper 24 bits, so it grows over restarts too
  Kind kind = Kind::status;
  core::JobId job;
  std::string queue;
  std::string name;
  core::Status status = core::Status::pending;
  core::Millis at = 0;
  std::uint32_t attempt = 0;
  double progress = -1;
  std::string message;             // progress
  std::string error_type;          // status failed or delayed after a failed attempt
  std::vector<std::string> lines;  // log
};

/// Gets events. Thread: the one that makes them durable; must not block.
class EventTarget {
 public:
  virtual ~EventTarget() = default;
  virtual void on_events(const std::vector<std::shared_ptr<const JobEvent>>& events) = 0;
};

struct EventFilter {
  std::optional<core::JobId> job;
  std::optional<std::string> queue;
};

class EventHub {
 public:
  struct Subscription {
    std::uint64_t token = 0;
    /// Kept events after `after`, oldest first; those that follow go to the target, with no gap and no
    /// repeat.
    std::vector<std::shared_ptr<const JobEvent>> backlog;
    /// `after` is older than what is kept (or of the future): some are missing.
    bool gap = false;
    std::uint64_t newest = 0;  // id of the newest event at the time of subscribing
  };
  virtual ~EventHub() = default;
  /// Thread: any. after: the Last-Event-ID; absent: from now on.
  virtual Subscription subscribe(std::weak_ptr<EventTarget> target, EventFilter filter,
                                 std::optional<std::uint64_t> after) = 0;
  virtual void unsubscribe(std::uint64_t token) = 0;
};

}  // namespace pawl::engine
