// What can be asked of the machine. Commands are values that cross from any thread into the engine; they are
// already checked for form (types, ranges, lengths) by whoever made them. The machine checks what depends on
// its state.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/core/job.h"
#include "broker/core/lane.h"
#include "broker/core/new_job.h"
#include "broker/core/schedule.h"
#include "broker/core/trigger.h"
#include "broker/core/workflow.h"

namespace pawl::core {

/// The header Idempotency-Key: for so long the same key and body get the same answer; another body is
/// refused.
struct Idempotency {
  std::string key;
  std::array<std::uint64_t, 2> body_hash{};
  Millis keep_ms = 86'400'000;  // 1…
};

/// All jobs or none. → Submitted
struct Submit {
  std::vector<NewJob> jobs;
  std::optional<Idempotency> idempotency;
  bool listed = false;  // they came as a list, and a refusal says which of it is wrong
};

/// Long poll for work, one answer. → Granted, perhaps empty
struct Lease {
  std::string queue;
  std::string worker_id;
  std::uint32_t max = 1;  // 1…1000
  Millis wait_ms = 0;
  std::vector<std::string> names;  // empty: any
};
/// The poller of a Lease went away; nothing is answered.
struct AbandonLease {
  Ticket waiter = Ticket::none;
};

/// A connection that takes jobs as they come, until CloseWorker. Its ticket names it from then on: Granted
/// and Notice replies keep coming to it. Opening it again changes its queues, names and credit. →
/// WorkerOpened, then Granted…
struct OpenWorker {
  struct Queue {
    std::string name;
    std::uint32_t weight = 1;  // 1…1000: share of the grants when several queues have work
  };
  struct Held {
    JobId id;
    LeaseNumber lease;
  };
  std::string worker_id;
  std::vector<Queue> queues;
  std::vector<std::string> names;  // empty: any
  std::uint32_t credit = 1;        // 0…10 000: most jobs held at once
  std::vector<Held> resume;        // leases from before a reconnect, to go on with
};
/// The worker changes how many jobs it wants to hold; 0 drains it. No reply.
struct SetCredit {
  Ticket worker = Ticket::none;
  std::uint32_t credit = 0;
};
/// Its connection closed: its leases run for grace_ms at most, then stall. No reply.
struct CloseWorker {
  Ticket worker = Ticket::none;
  Millis grace_ms = 5000;
};

/// A worker's verdict on one attempt.
struct Settlement {
  enum class Outcome : std::uint8_t { complete, fail, release, rate_limited, suspend };
  JobId id;
  LeaseNumber lease = LeaseNumber::none;
  Outcome outcome = Outcome::complete;
  Bytes result;            // complete
  std::string error_type;  // fail
  std::string error_message;
  std::string error_stack;
  bool permanent = false;
  std::optional<Millis> retry_delay_ms;  // fail: instead of the backoff
  Millis delay_ms = 0;                   // release
  Millis retry_after_ms = 0;             // rate_limited: none of its limits, or else its queue, lets
                                         // a job start before
  std::shared_ptr<const Suspension> suspension{};  // suspend
};
/// Each settlement stands alone. → Settled, one result each, in order
struct Settle {
  std::vector<Settlement> settlements;
};

struct Beat {
  JobId id;
  LeaseNumber lease = LeaseNumber::none;
  std::optional<double> progress;
  std::optional<std::string> message;
  std::optional<Millis> lease_ms;
};
/// Extends leases; lives in memory only. → HeartbeatDone, one result each, in order
struct Heartbeat {
  std::vector<Beat> beats;
};
/// → LogsKept
struct AppendLogs {
  JobId id;
  LeaseNumber lease = LeaseNumber::none;
  std::vector<std::string> lines;
};

/// The result of a step is kept, unless there is one of that name, which stays. → StepKept
struct KeepStep {
  JobId id;
  LeaseNumber lease = LeaseNumber::none;
  Step step;
};

/// All jobs of a graph, or none. → WorkflowSubmitted
struct SubmitWorkflow {
  std::string name;
  std::vector<NewMember> members;  // 1…workflow_jobs_max, without cycles
};
/// The jobs are made, and the one that is held waits for all of them, blocked; costs no attempt. →
/// WorkflowSubmitted
struct AddChildren {
  JobId id;
  LeaseNumber lease = LeaseNumber::none;
  std::vector<NewMember> members;
  bool invoked = false;  // one, in no workflow, whose result becomes the step that its ref names
};
struct CancelWorkflow {  // → WorkflowChanged
  WorkflowId workflow;
};
/// What failed or was cancelled runs again. → WorkflowChanged
struct RetryWorkflow {
  WorkflowId workflow;
};

/// Every job that waits for it goes on, and every trigger that matches gets it. → EventRaised
struct RaiseEvent {
  std::string name;
  Bytes data;  // JSON text; null: JSON null
  std::shared_ptr<const EventData> values;
};

/// Makes the trigger or puts another in its place; what it did and what it has gathered is kept. →
/// TriggerView
struct PutTrigger {
  Trigger trigger;
};
struct GetTrigger {  // → TriggerView
  std::string trigger;
};
struct ListTriggers {};  // → TriggerList
struct DeleteTrigger {   // what it has gathered is gone; its jobs stay. → TriggerDeleted
  std::string trigger;
};

struct GetJob {  // → JobView
  JobId id;
};
struct Why {  // → Reason
  JobId id;
};
/// For lists that were read from a snapshot: what memory knows better. → Resident
struct LookResident {
  std::vector<JobId> ids;
};

struct Cancel {  // → JobChanged
  JobId id;
};
/// An ended job runs again, attempts counted anew. With `only_from`, refused unless it stands there: replay
/// of a dead letter. → JobChanged
struct Retry {
  JobId id;
  std::optional<Status> only_from;
  bool only_released = false;  // refused for one of a workflow that ended while it waited for its parents
};
/// An ended job runs again in another queue. An id names its queue, so it is made anew there, in the batch in
/// which its record here goes: name, payload, settings, steps, errors and history go with it; its unique key
/// and its log lines do not. To its own queue: as Retry. Refused for one of a workflow, and one that another
/// job waited for: those know it by its id. → JobChanged with the new id
struct Move {
  JobId id;
  std::optional<Status> only_from;  // as in Retry
  std::string queue;                // one that exists
  std::string tag;                  // moved_tag and the id that it has: in place of an earlier such tag
};
struct Promote {  // delayed → pending. → JobChanged
  JobId id;
};
/// Another time or another priority for a job that waits; what is absent stays as it is. Refused, whole,
/// while active and at an end; the time of one that waits for an event or its turn in a strict order; the
/// priority of one in a strict order, or where priorities age. → JobChanged
struct ChangeJob {
  JobId id;
  std::optional<Millis> run_at;    // not before; not in the future: now
  std::optional<Millis> delay_ms;  // the same, from now; not with run_at
  std::optional<int> priority;     // -1000…1000
};
/// Removes the record; refused while active. With `only_from` as in Retry. → JobDeleted
struct Delete {
  JobId id;
  std::optional<Status> only_from;
};

struct GetQueue {  // → QueueView
  std::string name;
};
struct ListQueues {};  // → QueueList
/// Creates the queue or changes what is given; an inner nullopt of a double optional clears the setting. →
/// QueueView
struct PutQueue {
  std::string name;
  std::optional<bool> paused;
  std::optional<std::string> pause_reason;
  std::optional<std::optional<int>> priority;
  std::optional<std::optional<std::uint32_t>> max_attempts;
  std::optional<std::optional<std::uint32_t>> max_stalls;
  std::optional<std::optional<Backoff>> backoff;
  std::optional<std::optional<Millis>> lease_ms;
  std::optional<std::optional<Millis>> timeout_ms;
  std::optional<std::optional<Retention>> retention;
  std::optional<std::optional<std::uint32_t>> max_concurrency;
  std::optional<std::optional<RateLimit>> rate_limit;
  std::optional<std::optional<std::uint32_t>> group_concurrency;
  std::optional<std::optional<RateLimit>> group_rate_limit;
  std::optional<std::optional<Millis>> priority_ageing_ms;
  std::optional<std::shared_ptr<const Push>> push;
  std::optional<std::shared_ptr<const Callback>> callback;
  std::optional<bool> skip_failed;
  std::optional<std::vector<std::string>> searchable;
  bool clear_hold = false;  // ends what a rate-limited settlement holds back
  bool must_exist = false;  // pause and resume of an unknown queue are refused
};
struct ListGroups {  // → GroupList
  std::string queue;
  std::size_t max = 100;
  bool only_paused = false;
  std::optional<std::string> group{};  // only this one
};
/// Paused, its jobs do not start; those that run go on. A group needs no jobs to be paused. A pause that is
/// there keeps its beginning. → GroupView
struct PauseGroup {
  std::string queue;
  std::string group;  // not empty: those without a group are not one that can be paused
  bool paused = true;
  std::string reason{};
};
/// Refused while jobs are active, and, unless `with_jobs`, while any are waiting or dead. → QueueDeleted
struct DeleteQueue {
  std::string name;
  bool with_jobs = false;
};
struct ListWorkers {};  // → WorkerList

/// Makes the schedule or puts another in its place; what it did so far is kept, and so is the next run when
/// the timetable stays the same. → ScheduleView
struct PutSchedule {
  Schedule schedule;
  bool keep_pause = false;  // one that is there stays paused, or not, as it is
};
struct GetSchedule {  // → ScheduleView
  std::string schedule;
};
struct ListSchedules {};  // → ScheduleList
/// Its jobs stay. Refused, unless `force`, while the last of them has not ended: the overlap rule of a
/// schedule that comes after it would not know of that one. → ScheduleDeleted
struct DeleteSchedule {
  std::string schedule;
  bool force = false;
};
/// One run now, whatever the timetable, the overlap rule and a pause say. → Submitted
struct RunSchedule {
  std::string schedule;
};
/// Paused, it makes no jobs, and what it does not run then is not made up for. → ScheduleView
struct PauseSchedule {
  std::string schedule;
  bool paused = true;
};

/// Makes the limit or puts another in its place; what has started and a hold count on. → LimitView
struct PutLimit {
  std::string name;
  std::optional<std::uint32_t> concurrency;
  std::optional<RateLimit> rate;
};
struct GetLimit {  // → LimitView
  std::string limit;
};
struct ListLimits {};  // → LimitList
/// Refused while jobs that wait or run, schedules or triggers name it. → LimitDeleted
struct DeleteLimit {
  std::string limit;
};
/// Ends what a rate-limited settlement holds back. → LimitView
struct ResumeLimit {
  std::string limit;
};

/// No more grants: waiting polls are answered empty, workers are told to drain. For shutdown. →
/// StoppedLeasing
struct StopLeasing {};

using CommandBody =
    std::variant<Submit, Lease, AbandonLease, OpenWorker, SetCredit, CloseWorker, Settle, Heartbeat,
                 AppendLogs, GetJob, Why, LookResident, Cancel, Retry, Move, Promote, ChangeJob, Delete,
                 GetQueue, ListQueues, PutQueue, ListGroups, PauseGroup, DeleteQueue, ListWorkers,
                 PutSchedule, GetSchedule, ListSchedules, DeleteSchedule, RunSchedule, PauseSchedule,
                 SubmitWorkflow, AddChildren, CancelWorkflow, RetryWorkflow, KeepStep, RaiseEvent, PutTrigger,
                 GetTrigger, ListTriggers, DeleteTrigger, PutLimit, GetLimit, ListLimits, DeleteLimit,
                 ResumeLimit, StopLeasing>;

struct Command {
  Ticket ticket = Ticket::none;  // who gets the reply
  CommandBody body;
};

}  // namespace pawl::core
