// The life of every job in one partition, as a pure state machine: no clock, thread, I/O or randomness of its
// own.
//
// Who drives it (the engine, or the simulation) does, for each command:
//     needs(command) → load what is missing, until needs() adds nothing more → apply(command) …
// then, once for a batch:  match() → flush() → commit → after_commit() → window_requests(), named_requests(),
// timer_request() →
//     load_window(), load_named(), load_timers().
//
// What it keeps in memory: queues, active jobs with their leases, waiting workers, a window at the head of
// each queue's ready order, a window of the nearest timers, and whatever was loaded or touched since the last
// after_commit(). Thread: engine, or the one thread of a test.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/command.h"
#include "broker/core/end_writer.h"
#include "broker/core/outbox.h"

namespace pawl::core {

struct MachineOptions {
  std::size_t window_jobs = 4096;         // for each queue, most that wait in memory
  std::size_t window_bytes = 8u << 20;    // for each queue
  std::size_t windows_bytes = 96u << 20;  // of all queues; above it windows stay at window_jobs_idle
  std::size_t window_jobs_idle = 16;      // of a queue that nobody asks for work
  std::size_t window_jobs_lane = 16;      // of each of many lanes; few share what a queue may have
  std::size_t timer_window = 32'768;      // nearest timers in memory
  Millis soon_ms = 5'000;                 // jobs that are due within this time are in memory before they are…
  std::size_t soon_bytes = 32u << 20;     // …as many as this holds
  std::size_t soon_slice = 128;           // most that are read at once for that
  std::size_t active_bytes = 512u << 20;  // payloads of active jobs in all; no grants above it
  std::size_t named_scan = 2000;  // rows looked at in one turn for a worker that takes only some names
  // Most timers that one tick fires; up to four times as many when workers have room for them, and a quarter
  // when they have none.
  std::size_t due_slice = 128;
  // So many timers of one tick are erased as a range. A range costs later readers something: it must be worth
  // it.
  std::size_t due_together = 32;
  std::size_t queues_max = 10'000;
  std::size_t limits_max = 100'000;
  std::size_t lanes_max = 100'000;  // that wait, of all queues: a submit that would make one more is refused
  const EndWriter* ends = nullptr;  // null: there are no callbacks
  std::size_t lanes_idle_max = 20'000;  // kept in memory, with those that wait
  std::size_t schedules_max = 10'000;
  std::size_t schedule_slice = 64;  // most runs that one tick makes
  std::size_t waits_max = 100'000;  // jobs that wait for events
  std::size_t triggers_max = 10'000;
  std::size_t trigger_slice = 64;     // most batches that one tick starts
  std::size_t release_slice = 1'000;  // most jobs that wait for others that one batch looks at
  Millis worker_forget_ms = 60'000;   // workers that were not seen for so long leave the list
};

/// Rows that a command needs and memory lacks.
struct Needs {
  std::vector<JobId> jobs;
  std::vector<std::pair<QueueNumber, std::string>> unique_keys;
  std::vector<std::string> idempotency_keys;
  std::vector<JobId> dependents;  // who waits for the job, and for how many more
  std::vector<JobId> parents;     // whom the job waits for
  std::vector<WorkflowId> workflows;
  std::vector<WorkflowId> members;
  std::vector<std::pair<QueueNumber, LaneKey>> lanes;
  bool empty() const {
    return jobs.empty() && unique_keys.empty() && idempotency_keys.empty() && dependents.empty() &&
           parents.empty() && workflows.empty() && members.empty() && lanes.empty();
  }
  void clear() {
    lanes.clear();
    dependents.clear();
    parents.clear();
    workflows.clear();
    members.clear();
    jobs.clear();
    unique_keys.clear();
    idempotency_keys.clear();
  }
};

/// The next rows of a lane's ready order (0: the queue's own): those after `after` (from the head when
/// absent), at most `count` of them, and at most `bytes` of payload (but one at least).
struct WindowRequest {
  QueueNumber queue{};
  std::uint32_t lane = 0;
  std::optional<ReadyKey> after;
  std::size_t count = 0;
  std::size_t bytes = 0;
};
/// Jobs further down a queue's ready order for workers that take only some names and found none in the
/// window: rows after `after` whose name is one of `names`, `count` of them at most, looking at `scan` rows
/// at most.
struct NamedRequest {
  QueueNumber queue{};
  std::uint32_t lane = 0;
  std::optional<ReadyKey> after;
  std::vector<std::string> names;  // sorted
  std::size_t count = 0;
  std::size_t scan = 0;
};
/// The next timers after (due, id).
struct TimerRequest {
  std::optional<std::pair<Millis, JobId>> after;
  std::size_t count = 0;
};

class Machine {
 public:
  /// `seed` feeds jitter and the random part of ids; the same seed and calls give the same bytes. The
  /// calendar outlives the machine; without one, schedules by cron never run.
  Machine(MachineOptions options, std::uint64_t seed, const Calendar* calendar = nullptr);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Recovery, before anything else: marks, queues, retained counts, schedules, then grants. Each live lease
  // is armed with its full length from `now`.
  void restore_marks(const Marks& marks);
  void restore_queue(QueueRow row);
  void restore_retained(const RetainedRow& row);
  void restore_schedule(ScheduleRow row);
  void restore_owed(Owed row);
  void restore_wait(const JobId& id, const Wait& wait);
  void restore_limit(LimitRow row);
  void restore_group(GroupRow row, Now now);
  void restore_order(const OrderRow& row);
  /// A lane that has rows; the first of them says what it is.
  void restore_lane(const Job& first);
  /// Before what it has gathered, which comes in the order of its numbers.
  void restore_trigger(TriggerRow row);
  void restore_gathered(GatheredRow row);
  /// jobs: the ready or else the parked rows that the grant's entries name, absent ones left out. Entries
  /// whose lease is over are ignored.
  void restore_grant(const Grant& grant, std::vector<Job> jobs, Now now);

  /// Adds to `needs` what must be loaded before apply(command). Ask again after loading: a loaded job may
  /// name a unique key that is needed too.
  void needs(const Command& command, Needs& needs) const;
  /// Adds what must be loaded before tick(now): due timers and lost leases.
  void tick_needs(Now now, Needs& needs) const;
  /// What the store has, as of every batch handed to commit. What memory already knows wins.
  void load_job(const JobId& id, std::optional<Job> job);
  void load_unique(QueueNumber queue, const std::string& key, std::optional<UniqueRow> row);
  /// joins: of each that waits, for how many it still does; nothing when it does not.
  /// The number that the lane was given, if it was.
  void load_lane(QueueNumber queue, const LaneKey& key, std::optional<std::uint32_t> number);
  void load_dependents(const JobId& parent, std::vector<Dependent> rows,
                       const std::vector<std::optional<Join>>& joins);
  void load_parents(const JobId& child, std::vector<ParentResult> rows);
  void load_workflow(const WorkflowId& id, std::optional<WorkflowRow> row);
  void load_members(const WorkflowId& id, std::vector<MemberRow> rows);
  void load_idempotency(const std::string& key, std::optional<IdempotencyRow> row);

  /// Carries out one command. REQUIRES: its needs are loaded.
  void apply(const Command& command, Now now, Outbox& outbox);
  /// Carries out what is due: timers, lost leases, time limits, ends of waits, retention. Does a bounded
  /// slice; next_deadline() stays in the past while more is due. A broker that was itself stopped (nothing
  /// called the machine for over a second after a lease ran out) gives the leases that ran out meanwhile
  /// their full length again, since their heartbeats could not be heard. REQUIRES: tick_needs are loaded.
  void tick(Now now, Outbox& outbox);
  /// What ended jobs owe to those that wait for them. After the commands and the tick of a batch: load what
  /// pay_needs() adds, then pay(), again while it says that there is more.
  void pay_needs(Needs& needs) const;
  bool pay(Now now, Outbox& outbox);
  /// Something is owed that no batch has paid yet: let the next one come soon.
  bool owes() const;
  /// Matches waiting workers with waiting jobs; apply and tick only note what could be matched, so that one
  /// grant row serves many. Call it once before flush().
  void match(Now now, Outbox& outbox);

  /// While held, schedules make no jobs by their timetable, as submits are refused; then `missed` decides.
  void hold_schedules(bool held);

  struct Deadline {
    Millis wall = never;  // timers, schedules, retention
    Millis mono = never;  // leases, time limits, waits
  };
  Deadline next_deadline() const;

  /// Emits the rows that are written once for a batch: counters, marks, grants.
  void flush(Now now, Outbox& outbox);
  /// The batch was handed to commit: forgets what is only touched. REQUIRES: no load is under way.
  void after_commit();

  std::vector<WindowRequest> window_requests() const;
  /// Rows in ready order as asked; `exhausted` when the store has no more after them. Afterwards call
  /// match().
  void load_window(QueueNumber queue, std::uint32_t lane, std::vector<Job>&& jobs, bool exhausted);
  std::vector<NamedRequest> named_requests() const;
  /// scanned_to: the last row looked at; exhausted: the store has no more after it. Afterwards call match().
  void load_named(QueueNumber queue, std::uint32_t lane, std::vector<Job> jobs,
                  std::optional<ReadyKey> scanned_to, bool exhausted);
  std::optional<TimerRequest> timer_request() const;
  void load_timers(const std::vector<std::pair<Millis, JobId>>& timers, bool exhausted);
  /// Jobs to read, by load_job(), before they are due: what is due at one moment is not read at that moment.
  /// Names each once, a slice at a time: after a whole one there may be more. What has no room, or is not
  /// read, is read when it is due.
  std::vector<JobId> due_soon(Now now);

  // Looking in, for lists, metrics and tests.
  std::optional<QueueNumber> queue_number(const std::string& name) const;
  const std::string* queue_name(QueueNumber number) const;
  std::vector<QueueView> queue_views(Now now) const;
  /// Some of its jobs have waited in a lane.
  bool has_lanes(QueueNumber queue) const;
  std::vector<QueueNumber> queues_with_lanes() const;
  /// Every queue's row as it will be after the next flush().
  void each_queue(const std::function<void(const QueueRow&)>& visit) const;
  std::size_t active_count() const;
  std::size_t waiter_count() const;
  std::size_t resident_count() const;
  /// Every active job with its lease, for audits.
  std::vector<std::pair<JobId, LeaseState>> active_leases() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pawl::core
