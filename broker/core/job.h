// A job and all that is kept about it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "broker/core/ids.h"
#include "broker/core/lane.h"
#include "broker/core/pace.h"
#include "broker/core/push.h"
#include "broker/core/states.h"
#include "broker/core/wait.h"

namespace pawl::core {

/// How long to wait before another attempt. Values are on disk.
struct Backoff {
  enum class Type : std::uint8_t { exponential = 0, linear = 1, fixed = 2 };
  Type type = Type::exponential;
  Millis delay_ms = 10'000;         // 0…; the first wait
  double factor = 4;                // 1…100; exponential only
  Millis max_delay_ms = 3'600'000;  // the cap, before jitter
  double jitter = 0.1;              // 0…1; a share added on top, never taken off

  friend bool operator==(const Backoff&, const Backoff&) = default;
};

/// The wait after failed attempt number `attempt` (1…): exponential delay·factor^(attempt−1), linear
/// delay·attempt, fixed delay; capped at max_delay_ms, then plus jitter·wait·unit with unit in [0, 1).
/// Saturates, never overflows.
Millis backoff_wait(const Backoff& backoff, std::uint32_t attempt, double unit);

/// How long an ended job is kept; negative keeps it until somebody deletes it, 0 keeps nothing.
struct Retention {
  Millis completed_ms = 86'400'000;  // completed and cancelled jobs
  Millis failed_ms = -1;             // the dead letter queue

  friend bool operator==(const Retention&, const Retention&) = default;
};

struct Transition {
  Status status;
  Millis at;
};

/// Why an attempt did not succeed.
struct AttemptError {
  std::uint32_t attempt = 0;  // 1…; the attempt during which it happened
  Millis at = 0;
  std::string type;
  std::string message;
  std::string stack;
  std::string worker_id;
};

/// What the last settle did, so that its repetition gets the same answer.
struct LastSettle {
  LeaseNumber lease = LeaseNumber::none;
  Status status = Status::pending;  // the status that was answered
  Millis run_at = 0;                // when delayed
  bool by_worker = false;           // false: the lease was lost (stall, timeout), a late settle is refused
};

inline constexpr std::size_t history_max = 200;  // older middle entries are dropped, the first is kept
/// What the unique keys of those begin with; others have no control characters.
inline constexpr char latest_mark = '\3';

/// What the tag of a job that was moved here begins with; its id before follows.
inline constexpr std::string_view moved_tag = "moved-from:";

inline constexpr std::size_t errors_max = 50;  // the newest are kept
inline constexpr std::size_t log_lines_max = 10'000;

/// Value type. The machine owns the live ones; replies carry copies.
struct Job {
  JobId id;
  QueueNumber queue{};
  Status status = Status::pending;
  bool cancel_requested = false;

  // What the submitter said.
  std::string name;
  Bytes payload;  // JSON text, byte for byte; null is "null"
  int priority = 0;
  std::uint32_t max_attempts = 3;
  std::uint32_t max_stalls = 3;
  Backoff backoff;
  Millis lease_ms = 30'000;
  Millis timeout_ms = 0;  // 0: none
  std::string unique_key;
  Millis unique_for_ms = 0;
  std::string group;
  std::vector<std::string> limits;  // names, sorted, each once
  bool ordered = false;             // with a group: one at a time, in the order of their submits
  bool aged = false;                // its queue let priorities age: its lane has jobs of its priority only
  std::shared_ptr<const Callback> callback;  // null: that of its queue
  std::string target;                        // where a push queue sends it instead; of callbacks
  std::uint32_t lane = 0;  // what it waits in (lane.h); its id says it too; 0: its queue's own order
  Retention retention;
  std::vector<std::string> tags;
  std::string traceparent;

  // What became of it.
  Millis created_at = 0;
  Millis run_at = 0;                // not before; the submit time when there was no delay
  Millis started_at = 0;            // of the latest attempt; 0: never
  Millis finished_at = 0;           // 0: not ended
  Millis expires_at = 0;            // ended jobs: when retention drops it; 0: kept
  std::uint32_t attempts_made = 0;  // completed or failed ones, this series
  std::uint32_t stalls = 0;         // this series
  std::uint32_t replays = 0;        // series before this one
  std::uint32_t log_lines = 0;
  double progress = -1;   // 0…100; negative: none told
  std::string message;    // beside the progress
  std::string worker_id;  // of the latest attempt
  Bytes result;           // JSON text
  LastSettle last_settle;
  LeaseNumber last_lease = LeaseNumber::none;  // the newest lease that is over; a grant above it is live
  std::vector<AttemptError> errors;
  std::vector<Transition> history;
  std::vector<Step> steps;            // in the order in which they were kept
  std::shared_ptr<const Wait> wait;   // while it is blocked for an event
  WorkflowId workflow;                // none: it belongs to none
  std::string ref;                    // its name there
  bool has_dependents = false;        // jobs wait for it, or did
  std::vector<ParentResult> parents;  // those that it has waited for, in the order of their ids

  const Step* step(std::string_view wanted) const;
  std::size_t steps_bytes() const;
  std::size_t parents_bytes() const;
  ReadyKey ready_key() const { return {priority, id}; }
  /// Only the newest of its key waits while one runs. The key stands among the unique keys while it waits.
  bool keeps_latest() const { return !unique_key.empty() && unique_key.front() == latest_mark; }
  LaneTerms lane_terms() const {
    return {group, limits, ordered, aged ? priority : 0,
            keeps_latest() ? std::string_view(unique_key) : std::string_view()};
  }
  LaneKey lane_key() const { return lane_terms().key(); }
  /// Moves along the table and keeps the time. Returns false, and changes nothing, when there is no such
  /// edge.
  bool transit(Event event, Millis at);
  /// What an ended job sheds to run again, attempts counted anew. What was done stays done, unless all of it
  /// was: then its steps go too.
  void begin_again(Millis at);
  /// When a timer moves it: the end of a delay, or of a wait that has one.
  std::optional<Millis> timer_due() const;
};

static_assert(std::is_nothrow_move_constructible_v<Job>, "lists of jobs would copy them as they grow");

/// An active job's lease.
struct LeaseState {
  LeaseNumber number = LeaseNumber::none;
  std::string worker_id;
  Millis granted_wall = 0;
  Millis expires_mono = 0;
  Millis expires_wall = 0;  // what was told
  Millis timeout_mono = never;
  // What its worker let hear of itself; forgotten at a restart, as heartbeats are.
  Millis heard_mono = 0;      // the grant, a heartbeat, or the worker's return
  Millis heard_wall = 0;      // the same
  std::uint32_t beats = 0;    // heartbeats so far
  Millis longest_gap_ms = 0;  // without a word, so far; what goes on since `heard` is not in it

  /// Something came from its worker.
  void hear(Now now) {
    longest_gap_ms = std::max(longest_gap_ms, now.mono - heard_mono);
    heard_mono = now.mono;
    heard_wall = now.wall;
  }
};

/// All leases given in one batch, as they are kept: one row, whoever the workers are. It is written once and
/// erased when the last of its leases is over.
struct Grant {
  std::uint64_t number = 0;  // equals its first lease's number
  Millis granted_wall = 0;
  std::vector<std::string> workers;  // worker ids
  struct Entry {
    LeaseNumber lease;
    JobId id;
    std::int32_t priority;  // with the id: where the job's ready row stands
    std::uint32_t worker;   // index into workers
    Millis lease_ms;
  };
  std::vector<Entry> entries;
};

/// What a queue gives to jobs that do not say, and what an operator set.
struct QueueSettings {
  bool paused = false;
  std::string pause_reason;
  std::optional<int> priority;
  std::optional<std::uint32_t> max_attempts;
  std::optional<std::uint32_t> max_stalls;
  std::optional<Backoff> backoff;
  std::optional<Millis> lease_ms;
  std::optional<Millis> timeout_ms;
  std::optional<Retention> retention;
  std::optional<std::uint32_t> max_concurrency;  // 1…1 000 000 active jobs at once
  std::optional<RateLimit> rate_limit;
  std::optional<std::uint32_t> group_concurrency;  // of each group
  std::optional<RateLimit> group_rate_limit;       // of each group
  /// A job that has waited so long since its submit stands one priority higher, and so on; of jobs of one
  /// group.
  std::optional<Millis> priority_ageing_ms;
  std::shared_ptr<const Callback> callback;  // of its jobs without one of their own; null: none
  std::shared_ptr<const Push> push;          // null: its jobs wait for workers alone
  bool skip_failed = false;  // a failed job lets the next of its strict order run; else it holds that up
  std::vector<std::string> searchable;  // paths into payloads, such as user.id: lists can be filtered by them
};

}  // namespace pawl::core
