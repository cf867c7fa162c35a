// What the model remembers, row by row, in words of its own.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/core/command.h"
#include "broker/core/machine.h"
#include "broker/core/reply.h"

namespace pawl::sim {

/// What the submitter asked for, defaults filled in.
struct Spec {
  std::string queue;
  std::string name;
  core::Bytes payload;
  int priority = 0;
  std::uint32_t max_attempts = 3;
  std::uint32_t max_stalls = 3;
  core::Backoff backoff;
  core::Millis lease_ms = 30'000;
  core::Millis timeout_ms = 0;
  std::string unique_key;
  core::Millis unique_for_ms = 0;
  core::Retention retention;
  std::vector<std::string> tags;
  std::string group;
  std::vector<std::string> limits;
  bool ordered = false;

  core::LaneKey lane(bool aged = false) const {
    return {group, limits, ordered, aged ? priority : 0, keeps_latest() ? unique_key : std::string()};
  }
  std::shared_ptr<const core::Callback> callback;
  std::string target;
  bool keeps_latest() const { return unique_key.starts_with('\3'); }
};

/// What a callback of the simulation says.
std::string end_text(const core::Job& job);

/// A job that another waits for.
struct ModelAwait {
  std::string ref;
  core::OnParentFailure policy = core::OnParentFailure::fail;
  std::optional<core::Status> ended;
  core::Bytes result;
  bool invoked = false;
  bool added = false;  // as a child, by the one that waits
};

struct ModelJob {
  std::shared_ptr<const Spec> spec;
  core::QueueNumber queue{};
  std::string resumed_by;  // a worker of another name took its lease over; a restart forgets that
  bool aged = false;       // its lane has jobs of its priority only
  core::Status status = core::Status::pending;
  bool cancel_requested = false;
  std::uint32_t attempts = 0;
  std::uint32_t stalls = 0;
  std::uint32_t replays = 0;
  std::uint32_t log_lines = 0;
  std::vector<std::string> error_types;  // oldest first, as many as are kept
  core::Millis created_at = 0;
  core::Millis run_at = 0;
  core::Millis moved_at = 0;
  core::Millis started_at = 0;
  core::Millis finished_at = 0;
  core::Millis expires_at = 0;
  core::Bytes result;
  std::string worker;
  // The lease: `lease` is none unless active; `newest_lease` is the newest that was ever granted.
  core::LeaseNumber lease = core::LeaseNumber::none;
  core::LeaseNumber newest_lease = core::LeaseNumber::none;
  core::Ticket connection = core::Ticket::none;
  core::Millis expires_mono = 0;
  core::Millis first_expires_mono = 0;  // without heartbeats
  core::Millis timeout_mono = core::never;
  bool in_grace = false;    // its connection closed
  bool may_go_on = false;   // ran out while the broker stood still
  bool must_go_on = false;  // and that for more than a second
  bool promoted = false;    // run_at does not hold it back any more
  std::uint32_t beats = 0;  // heartbeats of this lease
  // The last settle: what its repetition is answered.
  core::LeaseNumber settled = core::LeaseNumber::none;
  bool settled_by_worker = false;
  core::Status settled_status = core::Status::pending;
  core::Millis settled_run_at = 0;
  std::uint32_t settled_in_run = 0;
  std::vector<core::Step> steps;
  std::optional<core::Wait> wait;                     // while it is blocked for an event
  std::map<core::JobId, ModelAwait> awaits;           // while it is blocked for others
  std::map<core::JobId, core::ParentResult> parents;  // what became of those
  bool member = false;                                // made as a part of a graph
  bool after_parents = false;                         // it is, or was, blocked for those it was to run after
  bool unreleased = false;                            // and ended so
  std::uint32_t in_run = 0;                           // when it began to wait
  std::optional<std::uint32_t> changed_in_run;        // when its priority was changed last

  core::LaneKey lane() const { return spec->lane(aged); }
};

struct ModelMember {
  core::JobId id;
  std::string ref;
  core::OnParentFailure policy = core::OnParentFailure::fail;
  std::vector<std::uint32_t> depends_on;
  std::optional<core::Status> end;
  std::optional<core::JobId> adds_to{};  // the job that added it as a child
};
struct ModelWorkflow {
  std::vector<ModelMember> members;
};

/// When a timer stands for the job.
std::optional<core::Millis> timer_of(const ModelJob& job);

/// A start that counts against a rate limit.
struct ModelStart {
  core::Millis at = 0;
  core::Millis counts_until = 0;       // at least
  core::Millis counts_until_most = 0;  // as late as the machine may count it
  bool of_this_limit = true;           // the limit has not changed since
  std::uint32_t in_run = 0;
};

/// The starts that count against one.
struct ModelPace {
  std::deque<ModelStart> starts{};        // while there is a rate limit; the newest, and all that count
  std::int64_t tokens_back_us = 0;        // a whole burst is allowed again, at the latest
  std::int64_t tokens_back_least_us = 0;  // and at the earliest
};

/// What a strict order waits for, that does not stand in its line.
struct ModelOrder {
  core::JobId job;
  bool failed = false;
  core::Millis until = 0;
  std::uint32_t in_run = 0;
};

struct ModelLimit {
  core::Millis created_at = 0;
  std::optional<std::uint32_t> concurrency;
  std::optional<core::RateLimit> rate;
  ModelPace pace;
  core::Millis held_until = 0;
  std::uint32_t held_in_run = 0;
};

struct ModelPause {
  core::GroupPause said;
  std::uint32_t in_run = 0;
};

struct ModelQueue {
  core::QueueNumber number{};
  core::Millis created_at = 0;
  core::QueueSettings settings;
  core::Millis held_until = 0;
  std::uint32_t held_in_run = 0;
  ModelPace pace{};
  std::map<std::string, ModelPace> group_paces{};
  std::map<std::string, ModelPause> paused_groups{};
  std::map<core::LaneKey, ModelOrder> orders{};
};

struct ModelKey {
  core::JobId id;
  core::Millis until = 0;  // 0: while the job lives
};
struct ModelIdempotency {
  std::array<std::uint64_t, 2> body_hash{};
  core::Millis expires_at = 0;
  std::vector<core::Submitted::Item> jobs;
  std::uint32_t in_run = 0;
};

struct ModelSchedule {
  core::Schedule said;
  core::Millis created_at = 0;
  core::Millis updated_at = 0;
  core::Millis grid = 0;            // everyMs: one point of it, not after the next tick
  core::Millis next = core::never;  // the next tick; while paused, nothing
  std::uint64_t runs = 0;
  std::uint64_t skipped = 0;
  core::Millis last_at = 0;
  core::JobId last_job;
  bool failed = false;  // the last run made no job
  std::uint32_t in_run = 0;
};

struct ModelTrigger {
  core::Trigger said;
  core::Millis created_at = 0;
  core::Millis updated_at = 0;
  std::uint64_t events = 0;
  std::uint64_t jobs = 0;
  core::Millis last_at = 0;
  core::JobId last_job;
  std::vector<core::Bytes> gathered;
  core::Millis gathers_since = 0;
  std::uint64_t next_number = 1;
  std::uint32_t in_run = 0;
};

struct ModelWaiter {
  std::string worker_id;
  bool connection = false;
  std::vector<std::string> queues;
  std::vector<std::string> names;
  std::uint32_t credit = 0;
  core::Millis deadline_mono = core::never;
  std::set<std::string> served;  // queues that gave it something
};

inline bool same_bytes(const core::Bytes& a, const core::Bytes& b) { return a == b || (a && b && *a == *b); }

inline bool same_push(const core::QueueSettings& a, const core::QueueSettings& b) {
  return a.push == b.push || (a.push && b.push && *a.push == *b.push);
}
inline bool same_settings(const core::QueueSettings& a, const core::QueueSettings& b) {
  return a.paused == b.paused && a.priority == b.priority && a.max_attempts == b.max_attempts &&
         a.max_stalls == b.max_stalls && a.backoff == b.backoff && a.lease_ms == b.lease_ms &&
         a.timeout_ms == b.timeout_ms && a.retention == b.retention && same_push(a, b);
}
inline bool same_limits(const core::QueueSettings& a, const core::QueueSettings& b) {
  return a.max_concurrency == b.max_concurrency && a.rate_limit == b.rate_limit &&
         a.group_concurrency == b.group_concurrency && a.group_rate_limit == b.group_rate_limit &&
         a.skip_failed == b.skip_failed && a.priority_ageing_ms == b.priority_ageing_ms;
}

}  // namespace pawl::sim
