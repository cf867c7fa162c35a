// What the machine answers. A reply may be told only when the batch it was made in is durable.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/core/job.h"
#include "broker/core/lane.h"
#include "broker/core/schedule.h"
#include "broker/core/trigger.h"
#include "broker/core/workflow.h"

namespace pawl::core {

/// Why a command was refused; nothing was changed.
enum class Refusal : std::uint8_t {
  unknown_job,
  unknown_queue,
  lease_lost,            // the lease is not the job's current one
  wrong_state,           // the state table has no such edge, or `only_from` does not hold
  idempotency_mismatch,  // the key was used with another body
  unique_key_taken,      // a retry would make a second live job for its key
  queue_in_use,          // it has jobs that stand against deleting it
  too_many_queues,
  too_many_log_lines,
  unknown_schedule,
  too_many_schedules,
  step_exists,     // a suspension would keep a step under a name that is taken
  too_many_steps,  // or too many bytes of them
  too_many_waits,  // the broker holds its limit of jobs that wait for events
  unknown_trigger,
  too_many_triggers,
  unknown_workflow,
  unknown_limit,
  limit_in_use,
  too_many_limits,
  too_many_groups,  // that wait
  too_many_paused_groups,
  schedule_in_use,
};

/// What is wrong in the light of what there is: a field as a JSON Pointer into the body, and why.
struct WrongField {
  std::string pointer;
  std::string detail;
};
inline constexpr std::size_t wrong_fields_max = 20;

struct Refused {
  Refusal why;
  std::string detail;                // one sentence
  std::optional<JobId> job;          // unique_key_taken, schedule_in_use: who holds it
  std::optional<Status> status;      // wrong_state, schedule_in_use: the job's
  std::vector<WrongField> fields{};  // unknown_limit of a submit: the first of them
};

struct Submitted {
  struct Item {
    JobId id;
    Status status = Status::pending;
    Millis created_at = 0;
    bool deduplicated = false;  // the id is an earlier job's
    std::string queue;          // empty in a repeated idempotent answer: see `repeated`
  };
  std::vector<Item> jobs;
  bool repeated = false;  // the answer of an earlier submit with this Idempotency-Key
};

/// What a worker gets of a job.
struct GrantedJob {
  JobId id;
  LeaseNumber lease = LeaseNumber::none;
  Millis lease_expires_at = 0;
  Millis lease_ms = 0;
  std::string queue;
  std::string name;
  Bytes payload;
  std::uint32_t attempt = 1;
  std::uint32_t max_attempts = 1;
  std::uint32_t stalls = 0;
  double progress = -1;  // what an earlier attempt told last
  std::string message;
  Millis timeout_ms = 0;
  Millis created_at = 0;
  int priority = 0;
  std::string group;
  std::string traceparent;
  std::vector<std::string> tags;
  std::vector<Step> steps{};
  std::vector<ParentResult> parents{};
  std::string target{};  // of a callback: where it goes
};
struct Granted {
  std::vector<GrantedJob> jobs;
};
struct WorkerOpened {
  std::vector<JobId> resumed;
  std::vector<JobId> lost;  // their leases are not current any more
};
/// Something a worker connection must know.
struct Notice {
  enum class Kind : std::uint8_t { cancel, lease_lost, drain };
  Kind kind;
  JobId id;                               // not for drain
  LeaseNumber lease = LeaseNumber::none;  // not for drain
};

struct SettleResult {
  std::optional<Refused> refused;
  Status status = Status::pending;  // completed, failed, delayed, pending, blocked or cancelled
  Millis run_at = 0;                // when delayed
};
struct Settled {
  std::vector<SettleResult> results;
};
struct BeatResult {
  std::optional<Refused> refused;
  Millis lease_expires_at = 0;
  bool cancel_requested = false;
};
struct HeartbeatDone {
  std::vector<BeatResult> results;
};
struct StepKept {
  Step step;              // as it is kept
  bool repeated = false;  // it was there before
};
struct EventRaised {
  std::uint64_t resumed = 0;   // jobs that waited for it
  std::uint64_t started = 0;   // jobs that triggers made
  std::uint64_t gathered = 0;  // triggers that keep it until there are more
};
struct WorkflowSubmitted {
  WorkflowId workflow;                // none: children of a job that is in no workflow
  std::vector<Submitted::Item> jobs;  // in order
};
struct WorkflowChanged {
  WorkflowId workflow;
  std::uint64_t jobs = 0;  // that it concerned
};
struct TriggerView {
  TriggerRow row;
  std::uint64_t gathered = 0;  // events that wait
};
struct TriggerList {
  std::vector<TriggerView> triggers;  // by id
};
struct TriggerDeleted {
  std::string trigger;
};
struct LogsKept {
  std::uint32_t lines = 0;  // kept in all
};

/// A job as it stands, with its lease when active.
struct JobView {
  Job job;
  std::string queue;
  std::optional<LeaseState> lease;
};
/// Why a job does not run now.
struct Reason {
  enum class Code : std::uint8_t {
    running,             // it does: worker_id
    ended,               // status
    queue_paused,        // text: the operator's reason
    group_paused,        // text: the group; words: the operator's reason
    delayed,             // until
    blocked,             // waits for other jobs
    waiting_for_event,   // text: the event's name; until, when that has an end
    behind,              // `ahead` jobs of its queue come first (at least; the exact number when `exact`),
                         // when the queue has groups: of its group, text
    no_worker,           // nobody asks for work of its queue; `pushed`: not even the broker itself
    no_worker_for_name,  // workers ask, but for other names
    group_turn,          // the first of its group, and `ahead` other groups come first; text: the group
    workers_busy,        // it is next, and all who ask have as much as they take; a push queue's: `limit`
    starting,            // it is next
    draining,            // the broker is stopping
    concurrency_limit,   // as many of its queue run as may: `limit`
    rate_limit,          // as many of its queue have started as may, until
    held,                // a worker met a limit outside and said to wait, until
    group_concurrency_limit,  // as many of its group run as may: `limit`; text: the group
    group_rate_limit,         // as many of its group have started as may, until; text: the group
    named_concurrency_limit,  // as `concurrency_limit`, for the limit named `text`
    named_rate_limit,
    named_limit_held,
    ordered_behind,  // another job of its strict order must end first: `parent`; text: the group
    ordered_failed,  // a dead job holds up its strict order: `parent`; text: the group
  };
  Code code;
  Status status = Status::pending;
  std::uint64_t ahead = 0;
  bool exact = true;
  std::uint32_t limit = 0;
  Millis until = 0;
  std::string text;
  std::string queue;
  std::string worker_id;
  std::string words{};
  bool pushed = false;            // the broker itself posts the jobs of its queue
  std::optional<JobId> parent{};  // blocked: the first that it waits for; `ahead` says how many, text its ref
};
/// Those of the asked that memory knows; the others stand as the snapshot said.
struct Resident {
  struct Item {
    JobId id;
    bool gone = false;  // deleted since
    JobView view;
  };
  std::vector<Item> jobs;
};

struct JobChanged {
  JobId id;
  Status status = Status::pending;
  bool cancel_requested = false;  // cancel of an active job: its worker is told
};
struct JobDeleted {
  JobId id;
};

struct QueueView {
  std::string name;
  QueueNumber number{};
  Millis created_at = 0;
  QueueSettings settings;
  std::array<std::uint64_t, status_count> counts{};  // by Status
  Millis oldest_pending_ms = 0;  // age of the oldest waiting job near the head; 0: none waits
  std::uint32_t workers = 0;     // polls and connections that ask for its jobs now
  std::uint32_t slots = 0;       // jobs they could hold in all, with those held
  std::uint64_t lifetime_completed = 0;
  std::uint64_t lifetime_failed = 0;
  Millis held_until = 0;     // 0: not held
  std::uint64_t groups = 0;  // that have jobs in memory which wait or run
};
struct QueueList {
  std::vector<QueueView> queues;  // by name
};
struct QueueDeleted {
  std::uint64_t jobs = 0;
};

/// A group as it stands in memory.
struct GroupView {
  std::string queue;
  std::string group;
  std::uint64_t active = 0;
  std::uint64_t waiting = 0;   // that are ready, in memory…
  bool waiting_exact = true;   // …and there are no more
  double jobs_per_minute = 0;  // runs that ended, of late: group_memory_ms
  double worker_share = 0;     // 0…1, of the worker time that the queue's jobs used of late
  std::optional<GroupPause> pause{};
};
struct GroupList {
  std::vector<GroupView> groups;  // paused ones first, by name; then who used the most worker time of late
  std::uint64_t total = 0;        // that are paused, or have jobs in memory which wait or run
};

struct WorkerView {
  std::string worker_id;
  bool connected = false;  // by WebSocket
  std::vector<std::string> queues;
  std::uint32_t credit = 0;
  std::vector<JobId> active;
  Millis last_seen = 0;
};
struct WorkerList {
  std::vector<WorkerView> workers;  // by id
};
inline constexpr std::size_t next_runs_told = 5;
struct ScheduleView {
  ScheduleRow row;
  std::vector<Millis> next_runs;        // next_runs_told at most; none while paused
  std::optional<Status> last_status{};  // of last_job; absent when that is gone, and in lists
};
struct ScheduleList {
  std::vector<ScheduleView> schedules;  // by id
};
struct ScheduleDeleted {
  std::string schedule;
};

struct LimitView {
  LimitRow row;
  std::uint64_t active = 0;  // jobs that hold it
};
struct LimitList {
  std::vector<LimitView> limits;  // by name
};
struct LimitDeleted {
  std::string limit;
};

struct StoppedLeasing {
  std::uint64_t active = 0;  // leases still held
};

using Reply =
    std::variant<Refused, Submitted, Granted, WorkerOpened, Notice, Settled, HeartbeatDone, LogsKept, JobView,
                 Reason, Resident, JobChanged, JobDeleted, QueueView, QueueList, GroupView, GroupList,
                 QueueDeleted, WorkerList, ScheduleView, ScheduleList, ScheduleDeleted, StepKept, EventRaised,
                 WorkflowSubmitted, WorkflowChanged, TriggerView, TriggerList, TriggerDeleted, LimitView,
                 LimitList, LimitDeleted, StoppedLeasing>;

}  // namespace pawl::core
