// Work over many jobs that goes on in the broker, survives a restart, and keeps a pace: replay and purge of a
// dead letter queue, drain of a queue, and one action over all jobs that a filter names (bulk).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/engine/audit.h"
#include "broker/engine/fingerprint.h"
#include "broker/engine/lists.h"

namespace pawl::engine {

struct OperationSpec {
  /// Values are on disk.
  enum class Action : std::uint8_t {
    replay = 0,
    purge = 1,
    drain = 2,
    retry = 3,  // from here on: bulk
    cancel = 4,
    promote = 5,
    remove = 6
  };
  Action action = Action::replay;
  std::string queue;  // empty, for bulk only: any
  /// Which jobs of it; the filter's own queue and order are not looked at. Replay, purge and drain look at
  /// name, error_type and fingerprint alone.
  JobFilter filter = {};
  double per_second = 0;         // 0: as fast as it goes; else never more in any second
  std::optional<Actor> actor{};  // whose action it is, for the audit log
  // Of replay only.
  std::string into = {};  // they run again in this queue, under other ids (core::Move); empty: in their own
  std::uint32_t canary =
      0;  // so many are replayed, then all of them must have ended before the others; 0: none
  /// 0…1. It stops when a larger share of the replayed jobs that have ended failed again. A canary's, without
  /// it: when one did.
  std::optional<double> stop_on_failure_rate = {};

  bool is_bulk() const { return action >= Action::retry; }
};

/// The replay of one dead letter: into its own queue when `into` is empty.
core::CommandBody replay_of(const core::JobId& id, const std::string& into);

/// Why one job of a bulk operation was refused.
struct OperationError {
  core::JobId job;
  std::string detail;
};

inline constexpr std::size_t operation_errors_max = 100;

struct OperationView {
  std::string id;  // a UUIDv7
  OperationSpec spec;
  /// stopped: too many of the replayed jobs failed again. Values are on disk.
  enum class State : std::uint8_t { running = 0, done = 1, cancelled = 2, paused = 3, stopped = 4 };
  State state = State::running;
  std::uint64_t done = 0;     // jobs it changed
  std::uint64_t skipped = 0;  // jobs that had changed meanwhile; but for bulk, also those that were refused
  // Of a replay with a canary or a stop_on_failure_rate only.
  bool canary_passed = false;
  std::uint64_t ended = 0;             // replayed jobs that have ended since
  std::uint64_t failed = 0;            // of those: failed again
  std::vector<core::JobId> under_way;  // replayed, not yet seen to have ended
  // Of bulk only.
  std::uint64_t refused = 0;
  std::uint64_t found = 0;             // jobs that match, counted before the first is changed
  bool counted = false;                // found is whole
  std::vector<OperationError> errors;  // of the first that were refused, at most operation_errors_max
  core::Millis started_at = 0;
  core::Millis finished_at = 0;
};

class Operations {
 public:
  virtual ~Operations() = default;
  using Answer = std::function<void(std::expected<OperationView, ListError>)>;
  /// Thread: any. Answers when the operation is on disk. `wait`: when it ended, at the latest after 2 s.
  virtual void start(OperationSpec spec, bool wait, Answer answer) = 0;
  virtual void get(std::string id, Answer answer) = 0;
  virtual void cancel(std::string id, std::optional<Actor> actor, Answer answer) = 0;
  /// A paused operation does nothing until it is resumed, restarts included. No effect once it has ended.
  virtual void pause(std::string id, bool paused, std::optional<Actor> actor, Answer answer) = 0;
  using ListAnswer = std::function<void(std::expected<std::vector<OperationView>, ListError>)>;
  /// All that run, and that ended within a week; by id, which is the order of their starts.
  virtual void list(ListAnswer answer) = 0;
};

}  // namespace pawl::engine
