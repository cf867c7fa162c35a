// The reference model: what a broker that keeps its word may do, in plain maps, with no code of the
// machine's.
//
// The world tells it every command before the machine sees it, and everything the machine says. For a command
// the model predicts the moves and the answer, and compares; for what happens by time it checks that the move
// was allowed then. What a batch changed can be undone until somebody outside was told of it: after a crash
// the model goes back, batch by batch, to where the store says it stands, and no further than what was told.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/command.h"
#include "broker/core/machine.h"
#include "broker/core/reply.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/model_rows.h"
#include "tests/simulation/rare.h"
#include "tests/simulation/trace.h"

namespace pawl::sim {

/// Limits of the machine that show from outside.
struct ModelLimits {
  std::size_t queues_max = 0;
  std::size_t active_bytes = 0;
  std::size_t schedules_max = 0;
  std::size_t waits_max = 0;
  std::size_t triggers_max = 0;
};

class Model {
 public:
  Model(ModelLimits limits, Trace& trace, RareCounts& rare);

  // One batch: open, then commands, tick and match in the order of the machine's calls, then close.
  void open_batch();
  void before(const core::Command& command, core::Now now);
  void after(const core::Machine& machine);
  void before_tick(core::Now now);
  void after_tick(const core::Machine& machine);
  void before_pay(core::Now now);
  void after_pay();
  void before_match(core::Now now);
  void after_match();
  void close_batch(std::uint64_t number);
  /// What the machine says meanwhile.
  void moved(const core::Job& job, const std::string& queue, core::Status from, const core::Event* cause);
  void changed(const core::Job& job, const std::string& queue);
  void replied(core::Ticket to, const core::Reply& reply);
  void schedule_kept(const core::ScheduleRow& row);
  void schedule_erased(const std::string& id);

  /// Somebody outside learned of batches up to this one.
  void told(std::uint64_t batch);
  /// After a crash: finds the batch at which the store stands and goes back to it; refuses one below what was
  /// told.
  void recover(const Disk& disk, core::Millis wall);
  /// Leases run anew from here; connections and polls are gone.
  void restarted(core::Now now);

  // Audits. Jobs touched by the newest batch against their rows:
  void audit_touched(const Disk& disk, core::Now now);
  /// Everything against everything.
  void audit_image(const Image& image, core::Now now);
  /// Of these only the jobs' rows.
  void audit_places(const Image& image, core::Now now);
  void audit_machine(const core::Machine& machine, const std::vector<core::QueueView>& views, core::Now now);
  /// Settings and holds of all queues as the machine shows them.
  void audit_limits(const std::vector<core::QueueView>& views, core::Now now) const;
  /// Of these only the leases.
  void audit_leases(const core::Machine& machine) const;
  /// All schedules as the machine shows them.
  void audit_schedules(const std::vector<core::ScheduleView>& views) const;
  /// Nothing is due and nothing to load: what should have happened by now?
  void audit_quiet(core::Now now);
  /// A job as the machine showed it, against what is known.
  void check_record(const core::Job& job, bool from_store, std::string_view where) const;

  // Looking in, for those who choose what to do next.
  const ModelJob* find(const core::JobId& id, core::Millis wall) const;
  const std::map<std::string, ModelQueue>& queues() const { return queues_; }
  const std::unordered_map<core::JobId, ModelJob, core::JobIdHash>& jobs() const { return jobs_; }
  const std::map<std::string, ModelSchedule>& schedules() const { return schedules_; }
  const std::map<std::string, ModelLimit>& limits() const { return limits_named_; }
  bool unique_held(const std::string& queue, const std::string& key, core::Millis wall) const;
  std::size_t waiting_in(const std::string& queue) const;
  std::size_t active_count() const { return active_.size(); }
  std::size_t delayed_count() const { return delayed_.size(); }
  core::Millis nearest_delayed() const { return delayed_.empty() ? core::never : delayed_.begin()->first; }
  bool draining() const { return draining_; }
  /// Drops ended jobs that no clock can bring back.
  void forget_expired(core::Millis durable_wall);

 private:
  enum class Doing : std::uint8_t { nothing, command, tick, pay, match };
  /// A move that the command must cause, in this order.
  struct Expected {
    std::optional<core::JobId> id;  // absent: a new job, from `spec`
    core::Event event{};
    core::Millis run_at_min = 0;
    core::Millis run_at_max = 0;
    std::shared_ptr<const Spec> spec;
    core::Bytes result;
    std::string error_type;
    bool by_worker = false;
    std::string gathers_under{};      // the key of a throttle or a debounce…
    core::Millis gathers_until = 0;   // …and when its window ends
    std::vector<core::Step> steps{};  // that it gains
    std::shared_ptr<const core::Wait> wait{};
    std::string trigger{};  // that makes it
    bool member = false;    // a part of a graph…
    bool blocked = false;   // …that waits for others
    bool tells = false;     // of an end
    std::map<core::JobId, ModelAwait> awaits{};
    std::map<core::JobId, ModelAwait> settled{};  // of parents that it need not wait for
    std::optional<ModelJob> moved{};              // of a new job: what it was in another queue
  };
  struct ExpectedSettle {
    std::optional<core::Refusal> refused;
    core::JobId id;
    core::Status status{};
    bool repeated = false;
    core::Millis run_at = 0;  // when repeated
  };
  struct ExpectedItem {
    std::optional<core::JobId> id;       // absent: the next new one
    std::optional<std::size_t> same_as;  // deduplicated against an earlier item of this submit
  };
  struct ExpectedSubmit {
    std::vector<ExpectedItem> items;
    std::optional<core::Idempotency> idempotency;
    std::string_view keys = "U1";  // the invariant that says which of them are deduplicated
  };
  struct ExpectedChange {
    core::JobId id;
    core::Status status{};
    bool cancel_requested = false;
    bool made_anew = false;  // the id is that of the new job
  };
  struct ExpectedBeats {
    std::vector<std::pair<std::optional<core::Refusal>, core::JobId>> results;
  };
  struct ExpectedOpened {
    std::vector<core::JobId> resumed;
    std::vector<core::JobId> lost;
  };
  struct ExpectedSchedule {
    std::string id;
  };
  struct ExpectedSchedules {};
  struct ExpectedScheduleGone {
    std::string id;
  };
  struct ExpectedGraph {
    std::vector<core::NewMember> members;
    std::optional<core::JobId> parent;  // whose children they are
    bool invoked = false;
  };
  struct ExpectedStep {
    core::Step step;
    bool repeated = false;
  };
  struct ExpectedRaised {
    std::uint64_t resumed = 0;
    std::uint64_t started = 0;
    std::uint64_t gathered = 0;
  };
  struct ExpectedTrigger {
    std::string id;
  };
  struct ExpectedLimit {
    std::string name;
  };
  struct ExpectedLimits {};
  struct ExpectedGroup {
    std::string queue;
    std::string group;
  };
  struct ExpectedGroups {
    core::ListGroups asked;
  };
  struct Anything {};
  using Answer =
      std::variant<Anything, core::Refusal, ExpectedSubmit, core::Submitted, std::vector<ExpectedSettle>,
                   ExpectedChange, ExpectedBeats, ExpectedOpened, ExpectedSchedule, ExpectedSchedules,
                   ExpectedScheduleGone, ExpectedStep, ExpectedRaised, ExpectedTrigger, ExpectedGraph,
                   ExpectedLimit, ExpectedLimits, ExpectedGroup, ExpectedGroups>;

  /// One run of a schedule, from the first that the machine says of it until its row is kept.
  struct Run {
    std::string id;
    ModelSchedule then;    // what the row must say
    core::Millis due = 0;  // or when it was asked for
    bool by_hand = false;
    bool makes_job = false;  // not left out
    bool planned = false;    // what it submits is known: a job that it replaces is cancelled
  };

  struct UndoJob {
    core::JobId id;
    std::optional<ModelJob> was;
  };
  struct UndoQueue {
    std::string name;
    std::optional<ModelQueue> was;
  };
  struct UndoKey {
    std::pair<core::QueueNumber, std::string> key;
    std::optional<ModelKey> was;
  };
  struct UndoIdempotency {
    std::string key;
    std::optional<ModelIdempotency> was;
  };
  struct UndoSchedule {
    std::string id;
    std::optional<ModelSchedule> was;
  };
  struct UndoTrigger {
    std::string id;
    std::optional<ModelTrigger> was;
  };
  struct UndoWorkflow {
    core::WorkflowId id;
    std::optional<ModelWorkflow> was;
  };
  struct UndoLimit {
    std::string name;
    std::optional<ModelLimit> was;
  };
  struct UndoMarks {
    std::uint64_t newest_lease;
    std::uint64_t newest_id;
    std::uint32_t newest_queue;
  };
  using Undo = std::variant<UndoJob, UndoQueue, UndoKey, UndoIdempotency, UndoSchedule, UndoTrigger,
                            UndoWorkflow, UndoLimit, UndoMarks>;
  struct BatchLog {
    std::uint64_t number = 0;
    std::vector<Undo> undo;
    core::Millis wall = 0;
  };

  // model_predict.cpp: what a command must do
  void predict(const core::Submit& submit);
  void predict(const core::Settle& settle);
  void predict(const core::Heartbeat& heartbeat);
  void predict(const core::AppendLogs& logs);
  void predict(const core::Cancel& cancel);
  void predict(const core::Retry& retry);
  void predict(const core::Move& move);
  void predict(const core::Promote& promote);
  void predict(const core::ChangeJob& change);
  void predict(const core::Delete& remove);
  void predict(const core::PutQueue& put);
  void predict(const core::DeleteQueue& remove);
  void predict(const core::Lease& lease);
  void predict(const core::OpenWorker& open);
  void predict(const core::AbandonLease& abandon);
  void predict(const core::SetCredit& set);
  void predict(const core::CloseWorker& close);
  void predict(const core::StopLeasing& stop);
  void predict(const core::GetJob& get);
  void predict(const core::PutSchedule& put);
  void predict(const core::GetSchedule& get);
  void predict(const core::ListSchedules& list);
  void predict(const core::DeleteSchedule& remove);
  void predict(const core::RunSchedule& run);
  void predict(const core::PauseSchedule& pause);
  void predict(const core::SubmitWorkflow& submit);
  void predict(const core::AddChildren& add);
  void predict(const core::CancelWorkflow& cancel);
  void predict(const core::RetryWorkflow& retry);
  void predict(const core::KeepStep& keep);
  void predict(const core::RaiseEvent& event);
  void predict(const core::PutTrigger& put);
  void predict(const core::GetTrigger& get);
  void predict(const core::DeleteTrigger& remove);
  void predict(const core::PutLimit& put);
  void predict(const core::PauseGroup& pause);
  void predict(const core::ListGroups& list);
  void predict(const core::GetLimit& get);
  void predict(const core::ListLimits& list);
  void predict(const core::DeleteLimit& remove);
  void predict(const core::ResumeLimit& resume);
  template <typename Other>
  void predict(const Other&) {}
  Spec spec_of(const core::NewJob& job) const;
  Expected expected_new(const core::NewJob& job) const;
  void call_back(const core::Job& job, const ModelJob& known);
  void check_called_back() const;
  bool may_change(const ModelJob& known, const core::ChangeJob& change) const;
  void change_priority(const core::JobId& id, ModelJob& then, int priority);
  void change_time(const core::JobId& id, ModelJob& then, core::Millis at);
  void predict_latest(const core::NewJob& job, std::size_t index, ExpectedSubmit& items);
  void predict_gathering(const core::NewJob& job, std::size_t index, ExpectedSubmit& items,
                         std::map<std::pair<std::string, std::string>, std::size_t>& keys_here);
  void join(const core::JobId& id, const ModelJob& first, const core::NewJob& job, const std::string& key);
  ExpectedSettle predict_settle(const core::Settlement& settlement, std::map<core::JobId, ModelJob>& ahead);
  void expect_fail(const ModelJob& job, const core::Settlement& settlement, Expected& move,
                   ModelJob& after) const;
  void expect_queue(const std::string& name);
  void take_new_queues(const core::Machine& machine);

  // model_moves.cpp: what was moved
  void move_new(const core::Job& job, const std::string& queue);
  void move_expected(const core::Job& job, ModelJob& known, core::Event event);
  void move_by_time(const core::Job& job, ModelJob& known, core::Event event);
  void move_to_worker(const core::Job& job, ModelJob& known);
  static void add_error(ModelJob& known, const std::string& type);
  static void go_on(const ModelJob& before, ModelJob& known);
  void take_what_goes_on(const core::Machine& machine);
  void lease_over(ModelJob& known, bool by_worker, core::Status to, core::Millis run_at);
  void take_end(const core::Job& job, ModelJob& known);

  // model_answers.cpp: what was told
  void granted(core::Ticket to, const core::Granted& reply);
  void check_answer(core::Ticket to, const core::Reply& reply);
  void check_submitted(const core::Submitted& reply);
  void check_settled(const core::Settled& reply);

  // model_schedules.cpp: when a schedule runs, and what its run does
  void begin_run();
  void plan_job(Run& run);
  void end_run(const core::ScheduleRow& row);
  void after_command_on_schedules() const;
  void after_tick_of_schedules();
  const std::pair<const std::string, ModelSchedule>* first_due() const;
  core::Millis tick_after(ModelSchedule& schedule, core::Millis after) const;
  static core::Millis step(const ModelSchedule& schedule, core::Millis tick);
  static core::Millis last_tick(const ModelSchedule& schedule, core::Millis until);
  std::string difference(const core::ScheduleRow& row, const ModelSchedule& known) const;
  void check_view(const core::ScheduleView& view, bool with_status) const;
  const ModelSchedule* known_schedule(const std::string& id);

  // model_events.cpp: steps, waits, events, triggers
  std::optional<core::Refusal> predict_suspension(const ModelJob& job, const core::Suspension& said,
                                                  std::size_t waits, Expected& move);
  std::size_t waits_ahead(const std::map<core::JobId, ModelJob>& ahead) const;
  void expect_job_of(ModelTrigger& trigger, std::string payload);
  void take_batch(ModelTrigger& trigger);
  void begin_batch(const std::string& id);
  void made_by_trigger(const std::string& id, const core::JobId& job);
  void check_trigger(const core::TriggerView& view) const;
  static std::string difference(const core::TriggerRow& row, const ModelTrigger& known);
  static std::string difference_of_steps(const std::vector<core::Step>& got, const ModelJob& known);
  static std::string difference_of_wait(const core::Wait* got, const ModelJob& known);
  void set_trigger(const std::string& id, std::optional<ModelTrigger> value);
  void audit_events(const Image& image) const;
  void audit_quiet_events(core::Now now) const;

  // model_graphs.cpp: jobs that wait for others
  std::optional<core::Event> decided(const ModelJob& job) const;
  void move_by_parents(const core::Job& job, ModelJob& known, core::Event event);
  static std::string difference_of_parents(const std::vector<core::ParentResult>& got, const ModelJob& known);
  void keep_what_was_told(const core::Job& job, ModelJob& known) const;
  void parent_over(const core::JobId& id, core::Status status, const core::Bytes& result);
  void runs_again(const core::JobId& id);
  bool in_workflow(const core::JobId& id) const;
  bool lacks_room(const std::vector<core::NewMember>& members);
  std::map<core::JobId, ModelAwait> waits_of(const ModelWorkflow& workflow, const ModelMember& member) const;
  bool runs_badly(const core::JobId& id) const;
  void expect_graph(const std::vector<core::NewMember>& members);
  void check_graph(const ExpectedGraph& graph, const core::WorkflowSubmitted& told);
  void set_workflow(const core::WorkflowId& id, std::optional<ModelWorkflow> value);
  void audit_graphs(const Image& image) const;
  void audit_quiet_graphs() const;

  // model_limits.cpp: what limits allow
  void check_limits(const core::JobId& id, const ModelJob& known);
  void check_rate(const core::JobId& id, std::string_view invariant, const core::RateLimit& limit,
                  const ModelPace& pace) const;
  void add_start(ModelPace& pace, const core::RateLimit& limit) const;
  void note_start(const ModelJob& known);
  void change_rate(ModelPace& pace, const std::optional<core::RateLimit>& from,
                   const std::optional<core::RateLimit>& limit);
  void hold(const std::string& name, core::Millis until);
  void clear_hold(ModelQueue& queue);
  std::size_t active_in(core::QueueNumber queue) const;
  /// What keeps a waiting job of the queue from a waiting worker; nothing when they must meet.
  std::optional<Rare> kept_by_limits(const ModelQueue& queue);
  std::optional<bool> rate_full(const core::RateLimit& limit, const ModelPace& pace, bool& of_before) const;

  // model_lanes.cpp: groups, named limits and strict orders
  void check_lane(const core::JobId& id, const ModelJob& known);
  void check_turns(const core::JobId& id, const ModelJob& known, const std::string& worker);
  std::optional<Rare> kept_by_lane(const ModelJob& job, const ModelQueue& queue);
  std::optional<Rare> kept_by_order(const ModelJob& job, const ModelQueue& queue) const;
  std::size_t active_in_group(core::QueueNumber queue, const std::string& group) const;
  std::size_t active_under(const std::string& limit) const;
  bool lacks_limits(const core::NewJob& job);
  bool hold_limits(const ModelJob& job, core::Millis until);
  void note_order(const core::JobId& id, const ModelJob& job);
  void leave_order(const core::JobId& id, const ModelJob& job);
  void note_new_in_group(const core::JobId& id, const ModelJob& job);
  std::map<core::LaneKey, core::JobId> first_of_lanes(core::QueueNumber queue,
                                                      const std::vector<std::string>& names) const;
  // model_groups.cpp
  void check_group(const core::GroupView& view) const;
  void check_groups(const core::GroupList& list, const core::ListGroups& asked) const;
  std::size_t ready_in_group(core::QueueNumber queue, const std::string& group) const;
  void audit_groups(const Image& image) const;
  static std::string difference_of_pauses(const Image& image, const ModelQueue& queue);
  void check_limit(const core::LimitView& view) const;
  bool check_named_reason(const core::Reason& reason) const;
  std::string difference(const core::LimitRow& row, const std::string& name) const;
  void set_limit(const std::string& name, std::optional<ModelLimit> value);
  void audit_limit_rows(const Image& image) const;
  void audit_lanes(const Image& image, core::Now now) const;
  void check_view(const core::QueueView& view) const;
  void check_reason(const core::Reason& reason) const;

  // State with its way back
  void enter(core::Now now);
  void put(const core::JobId& id, std::optional<ModelJob> value);
  void restore(const core::JobId& id, std::optional<ModelJob> value);
  void index(const core::JobId& id, const ModelJob& job);
  void unindex(const core::JobId& id, const ModelJob& job);
  void set_queue(const std::string& name, std::optional<ModelQueue> value);
  void set_key(core::QueueNumber queue, const std::string& key, std::optional<ModelKey> value);
  void set_idempotency(const std::string& key, std::optional<ModelIdempotency> value);
  void set_schedule(const std::string& id, std::optional<ModelSchedule> value);
  void undo(BatchLog& log);
  void audit_keys(const Image& image, core::Now now);
  bool names_alive(core::QueueNumber queue) const;
  std::map<core::QueueNumber, std::array<std::uint64_t, core::status_count>> recount(core::Millis wall) const;
  std::string mismatch(const Image& image, core::Millis wall, const std::vector<core::JobId>& jobs,
                       const std::vector<std::string>& queues, const std::vector<std::string>& idempotency,
                       const std::vector<std::string>& schedules, const std::vector<std::string>& triggers,
                       const std::vector<std::string>& limits) const;
  std::string difference(const core::Job& job, const ModelJob& known, bool from_store) const;
  [[noreturn]] void bad(std::string_view invariant, const core::JobId& id, const std::string& text) const;
  void free_key(const ModelJob& job, const core::JobId& id);
  const ModelKey* key_holder(const std::string& queue, const std::string& key, core::Millis wall) const;

  ModelLimits limits_;
  Trace& trace_;
  RareCounts& rare_;
  std::unordered_map<core::JobId, ModelJob, core::JobIdHash> jobs_;
  std::map<std::string, ModelQueue> queues_;
  std::unordered_map<std::uint32_t, std::string> names_;
  std::map<std::pair<core::QueueNumber, std::string>, ModelKey> keys_;
  std::map<std::string, ModelIdempotency> idempotency_;
  std::map<std::string, ModelSchedule> schedules_;
  std::map<std::string, ModelTrigger> triggers_;
  std::map<core::WorkflowId, ModelWorkflow> workflows_;
  std::map<std::string, ModelLimit> limits_named_;
  std::set<std::string> limits_gone_;
  std::set<std::pair<core::QueueNumber, std::string>> served_groups_;  // since the restart
  /// Groups that were not served yet, and wait: how many jobs of each other group were served since.
  struct Fresh {
    std::uint64_t since = 0;
    std::map<std::string, std::uint32_t> served;
  };
  std::map<std::pair<core::QueueNumber, std::string>, Fresh> fresh_;
  std::map<core::QueueNumber, std::set<core::ReadyKey>> ready_;
  std::set<std::pair<core::Millis, core::JobId>> delayed_;
  std::set<core::JobId> active_;
  std::size_t active_payload_ = 0;
  std::uint64_t newest_lease_ = 0;
  std::uint64_t newest_id_ = 0;
  std::uint32_t newest_queue_ = 0;
  bool draining_ = false;
  std::uint32_t run_ = 0;          // grows with each restart
  std::uint64_t run_batches_ = 0;  // since the restart

  std::map<core::Ticket, ModelWaiter> waiters_;
  std::map<std::string, std::vector<std::string>> worker_names_;  // a worker id keeps its names for life

  BatchLog building_;
  std::deque<BatchLog> untold_;
  core::Millis told_wall_ = 0;
  std::uint64_t told_ = 0;

  // The call under way
  Doing doing_ = Doing::nothing;
  core::Now now_;
  core::Ticket asker_ = core::Ticket::none;
  std::deque<Expected> expected_;
  std::optional<core::JobId> change_due_;  // of the command under way, along no edge
  std::optional<Expected> callback_due_;   // of the end that was seen last
  std::vector<core::JobId> new_ids_;
  std::optional<Answer> answer_;
  std::optional<Run> under_way_;
  std::optional<std::map<core::JobId, ModelAwait>> blocked_again_;  // of the move under way
  std::set<std::string> had_their_turn_;                            // schedules, in this round of this tick
  std::optional<std::string> row_due_;       // the schedule whose row must be kept, or erased
  std::vector<core::JobId> leased_unnamed_;  // moved to active, their lease number not yet told
  core::Millis seen_mono_ = -1;              // when the machine was called last
  core::Millis gap_from_ = -1;               // and before this tick
};

}  // namespace pawl::sim
