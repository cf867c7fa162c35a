// The inside of the machine. Only the sources of broker/core include it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/core/machine.h"
#include "broker/core/machine_memory.h"

namespace pawl::core {

struct Machine::State {
  State(MachineOptions machine_options, std::uint64_t seed, const Calendar* calendar_in)
      : options(machine_options), random(seed), calendar(calendar_in) {}

  MachineOptions options;
  std::uint64_t random;
  const Calendar* calendar;
  Marks marks;
  bool marks_dirty = false;
  bool draining = false;
  Millis seen_mono = -1;          // newest time that was handed in
  Millis stood_still_until = -1;  // leases that ran out before this did so while nobody called

  std::map<std::string, std::unique_ptr<Queue>> queues;
  std::unordered_map<std::uint32_t, Queue*> queues_by_number;
  std::unordered_set<Queue*> dirty_queues;
  std::set<Lane*, LaneOrder> named_lanes;            // waiters want names that the window lacks
  std::set<Lane*, LaneOrder> refill_lanes;           // window low and more in the store
  std::set<std::pair<Millis, std::uint32_t>> wakes;  // queues by limited_until
  Millis matched_at = 0;                             // wall, of the match under way
  std::vector<Queue*> matchable;                     // something changed that may let a job meet a waiter

  std::map<std::string, std::unique_ptr<Limit>> limits;
  std::size_t limits_made = 0;
  std::set<std::string> dirty_limits;
  std::vector<std::pair<QueueNumber, std::string>> groups_over;    // their rows go
  std::vector<std::pair<QueueNumber, std::uint32_t>> orders_over;  // their rows go
  std::set<std::pair<std::uint32_t, std::string>> dirty_groups;
  std::set<std::pair<Millis, std::string>> limit_wakes;
  std::set<std::tuple<Millis, std::uint32_t, std::string>> group_wakes;
  std::set<std::tuple<Millis, std::uint32_t, std::uint32_t>> lane_wakes;  // strict orders
  std::map<std::pair<std::uint32_t, LaneKey>, std::optional<std::uint32_t>>
      lane_numbers;                                                    // since the last commit
  std::map<std::pair<std::uint32_t, std::uint32_t>, OrderRow> orders;  // by queue and lane
  std::size_t lanes_count = 0;                                         // in memory
  std::size_t latest_count = 0;                                        // of these: of a latest key
  std::size_t lanes_looked_at = 0;  // how many there were when the idle ones were dropped last

  std::unordered_map<JobId, std::unique_ptr<Entry>, JobIdHash> jobs;
  std::size_t windows_bytes = 0;
  std::vector<JobId> touched;                   // may be forgotten after the commit
  std::unordered_set<JobId, JobIdHash> absent;  // looked up, not there
  std::map<std::pair<std::uint32_t, std::string>, std::optional<UniqueRow>> unique;  // since the last commit
  std::unordered_map<std::string, std::optional<IdempotencyRow>> idempotency;        // since the last commit

  std::unordered_map<std::uint64_t, GrantState> grants;
  std::vector<std::uint64_t> spent_grants;  // found empty at recovery
  Grant open_grant;                         // of this batch, written by flush
  Millis open_grant_deadline = never;
  bool held_back = false;  // grants wait for active_bytes to fall
  std::uint64_t grants_given = 0;
  std::size_t active_jobs = 0;
  std::size_t active_bytes = 0;
  using GrantDeadline = std::pair<Millis, std::uint64_t>;
  std::priority_queue<GrantDeadline, std::vector<GrantDeadline>, std::greater<>> grant_deadlines;

  std::unordered_map<std::uint64_t, std::unique_ptr<Waiter>> waiters;  // by ticket
  std::set<std::pair<Millis, std::uint64_t>> waits;                    // polls by deadline
  std::vector<Ticket> impatient;                                       // polls that do not wait
  std::map<std::string, Millis> workers_seen;                          // wall

  std::set<std::pair<Millis, JobId>> timers;
  std::optional<std::pair<Millis, JobId>> timer_cursor;
  std::optional<Timer> timers_erased_to;  // while they fire: these need no erase each
  std::vector<JobId> fired;               // in this batch, and not yet written as ready
  bool timers_beyond = false;
  std::optional<Timer> soon_cursor;  // nearer ones were looked at by due_soon()
  std::size_t soon_bytes = 0;        // of the jobs that are kept because they are due soon
  bool soon_full = false;            // until half of them have gone

  std::map<std::string, ScheduleRow> schedules;
  std::set<std::pair<Millis, std::string>> schedules_due;  // those that are not paused and have a next run
  bool schedules_held = false;

  // Jobs that wait for an event: by its name, the paths that they look at, and the values there.
  using WaitsByValues = std::map<std::vector<std::string>, std::set<JobId>>;
  std::map<std::string, std::map<std::vector<std::string>, WaitsByValues>> event_waits;
  std::size_t event_waits_count = 0;

  std::map<std::string, TriggerState> triggers;
  std::map<std::string, std::set<std::string>> triggers_by_event;
  std::set<std::pair<Millis, std::string>> triggers_due;  // those that have gathered something

  // Graphs; all but `owed` since the last commit.
  std::deque<Owed> owed;
  std::uint64_t owed_number = 0;                                // the last that was given
  std::map<JobId, std::vector<Dependent>> dependents;           // by parent, whole
  std::map<JobId, std::vector<Dependent>> dependents_news;      // of parents that are not loaded…
  std::map<JobId, std::set<JobId>> dependents_gone;             // …and who waits for them no more
  std::map<JobId, std::optional<Join>> joins;                   // by child; nothing: it does not wait
  std::map<JobId, std::vector<ParentResult>> parents;           // by child, as loaded…
  std::map<JobId, std::map<JobId, ParentResult>> parents_news;  // …and what is newer
  std::map<WorkflowId, std::optional<WorkflowRow>> workflows;
  std::map<WorkflowId, std::vector<MemberRow>> members;
  std::map<WorkflowId, std::vector<MemberRow>> members_news;  // of those that are not loaded

  std::map<RetainedKey, std::uint64_t> retained;
  std::set<RetainedKey> retained_dirty;

  // random.cpp
  std::uint64_t random_word();
  double random_unit();
  std::uint64_t next_id_high(Millis wall);
  JobId new_id(Millis wall, const Queue& queue, const Job& job);

  // residence.cpp: what is in memory, and the windows
  Entry* find(const JobId& id);
  const Entry* find(const JobId& id) const;
  /// As find, but an ended job that retention has dropped is not there.
  Entry* find(const JobId& id, Now now);
  Entry& adopt(Job job);
  void touch(const Entry& entry) { touched.push_back(entry.job.id); }
  bool known(const JobId& id) const { return jobs.contains(id) || absent.contains(id); }
  void enter(Line& line, Entry& entry);
  void leave_line(Entry& entry);
  bool closes_window(Lane& lane, const ReadyKey& key);
  void trim_window(Lane& lane);
  void trim_finds(Lane& lane);
  void forget_finds(Lane& lane);
  static bool in_window_reach(const Lane& lane, const Job& job);
  static bool in_finds_reach(const Lane& lane, const Job& job);
  std::size_t lane_share(const Queue& queue) const;
  std::size_t window_limit(const Lane& lane) const;
  void note_refills(Queue& queue);
  void note_refill(Lane& lane);
  bool refill_due(const Lane& lane) const;
  void want_named(Queue& queue);
  void want_named(Lane& lane, const std::vector<std::string>& names);
  bool reads_on(const Queue& queue) const;
  void add_timer(Millis due, const JobId& id);
  void keep_if_soon(Entry& entry);
  void keep_no_longer(Entry& entry);

  // queues
  Queue* queue_of(const std::string& name);
  Queue* queue_of(QueueNumber number);
  Queue& make_queue(const std::string& name, Millis wall);
  bool has_room_for_queues(std::size_t more) const;
  void mark_dirty(Queue& queue);
  void note_matchable(Queue& queue) {
    if (matchable.empty() || matchable.back() != &queue) matchable.push_back(&queue);
  }

  // lanes.cpp: groups, named limits and strict orders, of queues that have them
  void lane_needs(const NewJob& spec, Needs& needs) const;
  void move_needs(const Job& job, const std::string& queue, Needs& needs) const;
  void set_lane(Queue& queue, Job& job, Outbox& outbox);
  Lane& lane_of(const Entry& entry);
  Lane& make_lane(Queue& queue, std::uint32_t number, LaneKey key);
  Lane* lane_at(std::uint32_t queue, std::uint32_t number);
  void forget_idle_lanes();
  void forget_lanes(Queue& queue);
  void forget_lane(Lane& lane);
  bool lane_is_known(const Queue& queue, const LaneTerms& terms) const;
  void keep_order(const Entry& entry, Outbox& outbox);
  void free_order(const Entry& entry, Outbox& outbox);
  bool explain_lane(const Entry& entry, Millis wall, Reason& why);

  // turns.cpp
  void stand(Lane& lane);
  void stand_anew(Queue& queue);
  Limit* closed_limit(const Lane& lane, Millis& opens) const;
  bool order_waits(const Lane& lane, Millis& until) const;
  void park(Lane& lane, Limit* on, Millis until);
  void unpark(Lane& lane);
  void wake_at(Limit& limit, Millis at);
  bool reopen(Queue& queue);
  Entry* first_in(Group& group, const Waiter& waiter);
  Entry* first_in(const Lane& lane, const Waiter& waiter) const;
  Entry* pick(Queue& queue, const Waiter& waiter);
  void start_in_lane(Entry& entry, Now now);
  void hold_in_lane(const Entry& entry);
  void end_in_lane(const Entry& entry);
  void unpark_all(Queue& queue);
  void wake_lanes(Now now);
  Millis next_lane_wake() const;
  void flush_lanes(Outbox& outbox);

  // groups.cpp
  Group& make_group(Queue& queue, const std::string& name);
  Group* group_at(std::uint32_t queue, const std::string& name);
  void enter_turns(Group& group);
  void leave_turns(Group& group);
  template <typename Change>
  void change_turn(Group& group, Change&& change);
  Millis opens_at(const Group& group, Millis wall) const;
  void park(Group& group, Millis until);
  void unpark(Group& group);
  void forget_if_idle(Group& group);
  void change_group_rate(Queue& queue, const std::optional<RateLimit>& limit, Now now);
  std::optional<Refused> set_pause(Queue& queue, const PauseGroup& pause, Now now);
  GroupView view(const Group& group, Now now) const;

  // limits.cpp
  Limit& limit_named(const std::string& name);
  void forget_unused(Limit& limit);
  void count_live(const Job& job, bool lives);
  void forget_live(QueueNumber queue);
  Millis opens_at(const Limit& limit, Millis wall) const;
  void keep_limit(Limit& limit);
  void note_room(Limit& limit);
  bool hold_limits(const Job& job, Millis until);
  void note_unknown_limits(const NewJob& spec, std::optional<std::size_t> index,
                           std::vector<WrongField>& wrong) const;
  std::optional<Refused> check_room(const NewJob& spec) const;
  std::optional<Refused> check_terms(const NewJob& spec) const;
  std::optional<Refused> check_terms(const Submit& submit) const;
  std::optional<Refused> check_terms(const std::vector<NewMember>& members) const;
  std::string users_of(const std::string& limit) const;
  LimitView view(const Limit& limit, Now now) const;

  // moves.cpp: one function an edge's effect on rows, counters, windows
  void place_ready(Entry& entry, Outbox& outbox);
  void line_up(Entry& entry);
  void fire(Entry& entry, Now now, Outbox& outbox);
  void write_fired(Outbox& outbox);
  void rewrite(Entry& entry, Outbox& outbox);
  void place_delayed(Entry& entry, Outbox& outbox);
  void drop_timer(Entry& entry, Outbox& outbox);
  void leave_place(Entry& entry, Outbox& outbox);
  void change(Entry& entry, Event event, Now now, Outbox& outbox);
  void end(Entry& entry, Event event, Now now, Outbox& outbox);
  void retain(const Job& job, bool arrives);
  void end_lease(Entry& entry, LastSettle settle);
  void hold_unique(const Job& job, Outbox& outbox);
  void free_unique(const Job& job, Now now, Outbox& outbox);
  void fail_attempt(Entry& entry, AttemptError error, bool permanent, std::optional<Millis> delay,
                    bool by_worker, Now now, Outbox& outbox);
  void stall(Entry& entry, Now now, Outbox& outbox);
  void tell_lost(const Entry& entry, Outbox& outbox);

  // machine.cpp
  void need_job(const JobId& id, Needs& needs) const;
  void submit_needs(const NewJob& spec, Needs& needs) const;

  // schedules.cpp
  void set_next_run(ScheduleRow& row, Millis after);
  void arm(const ScheduleRow& row);
  void disarm(const ScheduleRow& row);
  std::vector<std::string> due_schedules(Now now) const;
  void run_schedules(Now now, Outbox& outbox);
  void fire_schedule(ScheduleRow& row, Now now, Outbox& outbox);
  void make_run(ScheduleRow& row, Millis due, Now now, Outbox& outbox);
  bool lacks_queue(const ScheduleRow& row) const;
  Submitted::Item make_job_of(ScheduleRow& row, Millis due, Now now, Outbox& outbox);
  void schedule_needs(const ScheduleRow& row, Needs& needs) const;
  ScheduleView view(const ScheduleRow& row, bool with_status) const;

  // workflows.cpp
  WorkflowId new_workflow_id(Millis wall);
  Entry& make_member(const NewMember& member, const WorkflowId& workflow, Now now, Outbox& outbox);
  std::vector<Submitted::Item> make_graph(const std::vector<NewMember>& members, const WorkflowId& workflow,
                                          std::uint32_t first_index, const JobId& adds_to, Now now,
                                          Outbox& outbox);
  void keep_member(MemberRow row, Outbox& outbox);
  void place_members(const std::vector<Submitted::Item>& items, Outbox& outbox);
  void after_owed_ends(const JobId& parent, const JobId& child, Outbox& outbox);
  void waits_no_more(const JobId& child, const JobId& parent, Outbox& outbox);
  void wait_for(const JobId& child, const Job& parent, Dependent dependent, Outbox& outbox);
  void set_join(const JobId& child, const Join& join, Outbox& outbox);
  bool lacks_room(const std::vector<NewMember>& members) const;
  void keep_workflow(const WorkflowRow& row, Outbox& outbox);
  void unblock(Entry& entry, Now now, Outbox& outbox);
  void take_parents(Entry& entry, Outbox& outbox);
  void stop_waiting(Entry& entry, Outbox& outbox);
  void forget_parents(const Job& job, Outbox& outbox);
  /// Those that a blocked job waits for, as far as they are loaded.
  std::vector<ParentResult> parents_of(const JobId& child) const;
  void workflow_needs(const WorkflowId& id, Needs& needs) const;
  const WorkflowRow* known_workflow(const WorkflowId& id) const;
  struct Again;
  void run_again(const Again& again, std::size_t index, Now now, Outbox& outbox);
  void wait_again(const Again& again, std::size_t index, Outbox& outbox);

  // owed.cpp
  void owe(const Job& job, Owed::What what, Status status);
  void pay_needs(Needs& needs) const;
  const Join* join_of(const Dependent& dependent) const;
  bool decides(const Owed& parent, const Dependent& dependent) const;
  bool pay(Owed& each, std::size_t& budget, Now now, Outbox& outbox);
  void count_in_workflow(const Owed& each, Now now, Outbox& outbox);
  void parent_ended(const Owed& parent, const Dependent& dependent, Now now, Outbox& outbox);
  void write_owed(Outbox& outbox);

  // steps.cpp
  void add_step(Entry& entry, Step step);
  std::optional<Refused> check_suspension(const Job& job, const Suspension& suspension) const;
  void suspend(Entry& entry, const Suspension& suspension, Now now, Outbox& outbox);
  void place_blocked(Entry& entry, Outbox& outbox);
  void note_wait(const JobId& id, const Wait& wait);
  void forget_wait(const JobId& id, const Wait& wait);
  std::vector<JobId> waiting_for(const RaiseEvent& event) const;
  void drop_waits(QueueNumber queue, Outbox& outbox);
  void resume(Entry& entry, Bytes data, Now now, Outbox& outbox);

  // triggers.cpp
  void arm(const TriggerState& trigger);
  void disarm(const TriggerState& trigger);
  static Millis batch_due(const TriggerRow& row);
  std::vector<TriggerState*> triggers_of(const RaiseEvent& event);
  void event_needs(const RaiseEvent& event, Needs& needs) const;
  void start_job(TriggerState& trigger, std::string payload, Now now, Outbox& outbox);
  void start_batch(TriggerState& trigger, Now now, Outbox& outbox);
  void drop_gathered(TriggerState& trigger, Outbox& outbox);
  bool take_event(TriggerState& trigger, const Bytes& data, Now now, Outbox& outbox);
  void pull_triggers(const RaiseEvent& event, Now now, EventRaised& answer, Outbox& outbox);
  std::vector<std::string> due_triggers(Now now) const;
  void run_triggers(Now now, Outbox& outbox);

  // tick.cpp
  std::size_t due_budget() const;

  // leasing.cpp
  void set_waiting(Waiter& waiter);
  void subscribe(Waiter& waiter, const std::string& queue, std::uint32_t weight, Now now);
  void unsubscribe_all(Waiter& waiter);
  void drop_waiter(Ticket ticket);
  void return_credit(Ticket connection);
  bool too_much_active() const { return active_bytes > options.active_bytes && active_jobs > 0; }
  bool grantable(Queue& queue, const Waiter& waiter);
  Millis opens_at(const Queue& queue, Millis wall) const;
  void wake_later(Queue& queue);
  void note_room(Queue& queue, Status left);
  Entry* first_for(Queue& queue, const Waiter& waiter);
  Queue* choose(Waiter& waiter);
  void grant_some(Queue& queue, Waiter& waiter, std::size_t most, Now now, Outbox& outbox);
  GrantedJob grant_one(Entry& entry, Waiter& waiter, Now now, Outbox& outbox);
  void match_queue(Queue& queue, Now now, Outbox& outbox);
  void answer_impatient(Outbox& outbox);
  void see_worker(const std::string& worker_id, Now now) { workers_seen[worker_id] = now.wall; }

  // commands
  void apply(Ticket to, const Submit& submit, Now now, Outbox& outbox);
  void apply(Ticket to, const Lease& lease, Now now, Outbox& outbox);
  void apply(Ticket to, const AbandonLease& abandon, Now now, Outbox& outbox);
  void apply(Ticket to, const OpenWorker& open, Now now, Outbox& outbox);
  void apply(Ticket to, const SetCredit& credit, Now now, Outbox& outbox);
  void apply(Ticket to, const CloseWorker& close, Now now, Outbox& outbox);
  void apply(Ticket to, const Settle& settle, Now now, Outbox& outbox);
  void apply(Ticket to, const Heartbeat& heartbeat, Now now, Outbox& outbox);
  void apply(Ticket to, const AppendLogs& logs, Now now, Outbox& outbox);
  void apply(Ticket to, const GetJob& get, Now now, Outbox& outbox);
  void apply(Ticket to, const Why& why, Now now, Outbox& outbox);
  void apply(Ticket to, const LookResident& look, Now now, Outbox& outbox);
  void apply(Ticket to, const Cancel& cancel, Now now, Outbox& outbox);
  void apply(Ticket to, const Retry& retry, Now now, Outbox& outbox);
  void apply(Ticket to, const Move& move, Now now, Outbox& outbox);
  void apply(Ticket to, const Promote& promote, Now now, Outbox& outbox);
  void apply(Ticket to, const ChangeJob& change, Now now, Outbox& outbox);
  void apply(Ticket to, const Delete& remove, Now now, Outbox& outbox);
  void apply(Ticket to, const GetQueue& get, Now now, Outbox& outbox);
  void apply(Ticket to, const ListQueues& list, Now now, Outbox& outbox);
  void apply(Ticket to, const PutQueue& put, Now now, Outbox& outbox);
  void apply(Ticket to, const ListGroups& list, Now now, Outbox& outbox);
  void apply(Ticket to, const PauseGroup& pause, Now now, Outbox& outbox);
  void apply(Ticket to, const DeleteQueue& remove, Now now, Outbox& outbox);
  void apply(Ticket to, const ListWorkers& list, Now now, Outbox& outbox);
  void apply(Ticket to, const PutSchedule& put, Now now, Outbox& outbox);
  void apply(Ticket to, const GetSchedule& get, Now now, Outbox& outbox);
  void apply(Ticket to, const ListSchedules& list, Now now, Outbox& outbox);
  void apply(Ticket to, const DeleteSchedule& remove, Now now, Outbox& outbox);
  void apply(Ticket to, const RunSchedule& run, Now now, Outbox& outbox);
  void apply(Ticket to, const PauseSchedule& pause, Now now, Outbox& outbox);
  void apply(Ticket to, const SubmitWorkflow& submit, Now now, Outbox& outbox);
  void apply(Ticket to, const AddChildren& add, Now now, Outbox& outbox);
  void apply(Ticket to, const CancelWorkflow& cancel, Now now, Outbox& outbox);
  void apply(Ticket to, const RetryWorkflow& retry, Now now, Outbox& outbox);
  void apply(Ticket to, const KeepStep& keep, Now now, Outbox& outbox);
  void apply(Ticket to, const RaiseEvent& event, Now now, Outbox& outbox);
  void apply(Ticket to, const PutTrigger& put, Now now, Outbox& outbox);
  void apply(Ticket to, const GetTrigger& get, Now now, Outbox& outbox);
  void apply(Ticket to, const ListTriggers& list, Now now, Outbox& outbox);
  void apply(Ticket to, const DeleteTrigger& remove, Now now, Outbox& outbox);
  void apply(Ticket to, const PutLimit& put, Now now, Outbox& outbox);
  void apply(Ticket to, const GetLimit& get, Now now, Outbox& outbox);
  void apply(Ticket to, const ListLimits& list, Now now, Outbox& outbox);
  void apply(Ticket to, const DeleteLimit& remove, Now now, Outbox& outbox);
  void apply(Ticket to, const ResumeLimit& resume, Now now, Outbox& outbox);
  void apply(Ticket to, const StopLeasing& stop, Now now, Outbox& outbox);

  void call_back(const Job& job, const Queue& queue, Now now, Outbox& outbox);
  Submitted::Item submit_one(const NewJob& spec, Now now, Outbox& outbox);
  Entry& admit(Queue& queue, Job job, Outbox& outbox);
  void erase_record(Entry& entry, Outbox& outbox);
  // gathering.cpp
  std::optional<Submitted::Item> gather(const NewJob& spec, Queue& queue, Now now, Outbox& outbox);
  void open_window(const NewJob& spec, const Entry& entry, Now now, Outbox& outbox);
  // changing.cpp
  std::optional<Refused> check_change(const Job& job, const ChangeJob& change);
  bool set_priority(Entry& entry, int priority, Outbox& outbox);
  bool set_run_at(Entry& entry, Millis at, Now now, Outbox& outbox);
  SettleResult settle_one(const Settlement& settlement, Now now, Outbox& outbox);
  BeatResult beat(const Beat& beat, Now now, Outbox& outbox);
  Reason reason(const Entry& entry, Millis wall);
  bool explain_limits(const Queue& queue, Millis wall, Reason& why) const;
  bool explain_turn(const Lane& lane, Reason& why) const;
  void explain_workers(const Entry& entry, const Lane& lane, Reason& why) const;

  // tick.cpp
  void wake_queues(Now now);
  void observe(Now now);
  void fire_timers(Now now, Outbox& outbox);
  void expire_leases(Now now, Outbox& outbox);
  /// No later than `when`: a lease of it may end then.
  void look_at_grant(std::uint64_t number, Millis when);
  bool expire_grant(std::uint64_t number, Now now, std::size_t& budget, Outbox& outbox);
  void end_waits(Now now, Outbox& outbox);
  void drop_retained(Now now, Outbox& outbox);

  // views.cpp
  JobView view(const Entry& entry) const;
  QueueView view(const Queue& queue, Now now) const;
};

Refused unknown_job();
Refused no_such_queue(const std::string& name);
/// what: what to do instead.
Refused wrong_state(const Job& job, std::string_view what);
Refused lease_lost(const Job& job);
/// The lease is the job's current one.
bool holds(const Entry& entry, LeaseNumber lease);

/// What the submitter did not say comes from the queue, then from Job itself.
Job make_job(const NewJob& spec, const QueueRow& queue, Now now);

/// The key under which a submit of this spec looks for another's job; empty: it does not.
bool has_room(const Job& job, const Step& step);
std::string key_held_by(const NewJob& spec);
/// The unique key of a job that keeps the latest; empty: it does not.
std::string latest_key(const NewJob& spec);
std::optional<Millis> gathers_until(const NewJob& spec, Millis wall);

/// The moment at which an ended job is dropped: `ended` + `keep`, rounded up so that many leave together. The
/// grain is at most a sixty-fourth of `keep` (and at least 1 ms); so a queue keeps some hundred counts, not
/// one for each job.
Millis expiry_of(Millis ended, Millis keep);

}  // namespace pawl::core
