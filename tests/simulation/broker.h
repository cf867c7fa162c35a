// The broker in one thread: the real machine, driven as the engine drives it, over the fake disk, watched by
// the model.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/machine.h"
#include "broker/engine/clock.h"
#include "broker/engine/failure_groups.h"
#include "tests/simulation/calendar.h"
#include "tests/simulation/canary.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/model.h"
#include "tests/simulation/operations.h"
#include "tests/simulation/random.h"
#include "tests/simulation/surroundings.h"

namespace pawl::sim {

/// What is told of an end here.
class EndText final : public core::EndWriter {
 public:
  std::string write(const core::Job& job, const std::string& queue) const override;
};

/// One life of the broker process, from recovery to crash or stop.
class Broker final : private core::Outbox {
 public:
  struct Parts {
    Disk& disk;
    Model& model;
    OperationsModel& operations;
    Trace& trace;
    RareCounts& rare;
    Random& random;
  };
  struct Options {
    core::MachineOptions machine;
    std::uint64_t seed = 0;
    std::size_t batch_commands = 16;
    Canary canary = Canary::none;
    engine::Clock clock;
    std::uint64_t pay_rounds = 32;  // in one batch
    std::function<core::Millis()> true_time;
    std::size_t failure_groups = 1000;  // of one queue
  };
  /// What leaves when a batch is durable.
  struct Owed {
    std::uint64_t batch = 0;
    std::vector<std::pair<core::Ticket, core::Reply>> replies;
    std::vector<engine::FailureChange> failures;
  };

  /// Recovers from the disk; the model has been brought to where the disk stands.
  Broker(Parts parts, Options options);

  /// One turn: what is due, then up to a batch of commands, then match and commit. When `crash_after` is
  /// given, the power goes after so many commands: nothing is committed and false comes back. `work`, when
  /// there is some, comes after them.
  bool turn(std::deque<core::Command>& inbox, std::optional<std::size_t> crash_after, Work* work = nullptr);
  /// Turns until nothing is due, to match or to load; then audits what must have happened.
  void settle_down();
  /// What all batches up to `synced` owe.
  std::vector<Owed> release(std::uint64_t synced);
  std::size_t in_flight() const { return owed_.size(); }

  core::Now now() const { return now_; }
  core::Machine::Deadline deadline() const { return machine_.next_deadline(); }
  const core::Machine& machine() const { return machine_; }
  /// Everything that a restart must bring back: queues, leases, schedules, all records of the model's jobs.
  /// Sorted lines.
  std::vector<std::string> memory();
  /// As ListQueues shows them.
  std::vector<core::QueueView> queues() const;
  /// Counts the dead letters that were there at the start by their cause, if that is still to be done: other
  /// changes may have come before.
  void count_failures();
  /// Everything is durable: the causes as they are told, against the rows.
  void audit_failures();
  /// As ListSchedules shows them.
  std::vector<core::ScheduleView> schedules();

 private:
  void recover();
  void restore_schedules(const Image& image);
  void restore_events(const Image& image);
  void restore_lanes(const Image& image);
  core::LimitRow falsified(core::LimitRow row) const;
  void hide_limit(core::LimitView& view) const;
  void hide_pause(core::GroupView& view) const;
  void load_lane(core::QueueNumber queue, const core::LaneKey& key);
  void load_graphs(const core::Needs& needs);
  void pay();
  void hide_rules(core::ScheduleRow& row) const;
  core::QueueRow restored(const core::QueueRow& row) const;
  void hide_limits(const std::string& name, core::QueueSettings& settings, core::Millis& held_until) const;
  void hide_limits(core::QueueView& view) const;
  bool only_a_limit_wakes() const;
  void look(core::CommandBody body);
  bool is(Canary canary) const { return options_.canary == canary; }
  void read_clock();
  bool tick_if_due();
  void serve(const core::Command& command);
  void carry_out(Work& work);
  void tell_of_operations();
  void tell_failures(std::vector<engine::FailureChange> changes);
  std::optional<core::Reply> carry_out_one(core::CommandBody body, const core::JobId& id,
                                           const std::function<bool(const core::Job&)>& wanted);
  std::optional<core::Job> resident(const core::JobId& id);
  void load(const core::Needs& needs);
  void load_for(const core::Command& command);
  core::Command falsified(const core::Command& command);
  void falsify_limits(core::Command& command) const;
  void falsify_window(const core::WindowRequest& request, Disk::Window& window);
  void load_windows();
  bool more_to_do() const;
  void watch_window(const core::WindowRequest& request, const Disk::Window& window);

  void put_job(core::Place place, const core::Job& job) override;
  void erase_job(core::Place place, const core::Job& job) override;
  void put_timer(core::Millis due, const core::JobId& id) override;
  void erase_timer(core::Millis due, const core::JobId& id) override;
  void erase_timers(const core::Timer& first, const core::Timer& last) override;
  void put_grant(const core::Grant& grant) override;
  void erase_grant(std::uint64_t number) override;
  void put_queue(const core::QueueRow& row) override;
  void erase_queue(const core::QueueRow& row) override;
  void put_retained(const core::RetainedRow& row) override;
  void put_marks(const core::Marks& marks) override;
  void put_unique(core::QueueNumber queue, std::string_view key, const core::UniqueRow& row) override;
  void erase_unique(core::QueueNumber queue, std::string_view key) override;
  void put_idempotency(std::string_view key, const core::IdempotencyRow& row) override;
  void put_schedule(const core::ScheduleRow& row) override;
  void put_trigger(const core::TriggerRow& row) override;
  void erase_trigger(const std::string& id) override;
  void put_gathered(const core::GatheredRow& row) override;
  void erase_gathered(const std::string& trigger, std::uint64_t number) override;
  void put_workflow(const core::WorkflowRow& row) override;
  void put_member(const core::MemberRow& row) override;
  void put_dependent(const core::JobId& parent, const core::Dependent& dependent) override;
  void erase_dependent(const core::JobId& parent, const core::JobId& child) override;
  void put_parent(const core::JobId& child, const core::ParentResult& parent) override;
  void erase_parent(const core::JobId& child, const core::JobId& parent) override;
  void erase_parents(const core::JobId& child) override;
  void put_join(const core::JobId& child, const core::Join& join) override;
  void erase_join(const core::JobId& child) override;
  void put_owed(const core::Owed& owed) override;
  void erase_owed(std::uint64_t number) override;
  void put_wait(const core::JobId& id, const core::Wait& wait) override;
  void erase_wait(const core::JobId& id) override;
  void put_lane(core::QueueNumber queue, const core::LaneKey& key, std::uint32_t number) override;
  void put_limit(const core::LimitRow& row) override;
  void erase_limit(const std::string& name) override;
  void put_group(const core::GroupRow& row) override;
  void erase_group(core::QueueNumber queue, const std::string& group) override;
  void put_order(const core::OrderRow& row) override;
  void erase_order(core::QueueNumber queue, std::uint32_t lane) override;
  void erase_schedule(const std::string& id) override;
  void put_logs(const core::Job& job, core::Millis at, std::span<const std::string> lines) override;
  void erase_logs(const core::JobId& id) override;
  void reply(core::Ticket to, core::Reply&& reply) override;
  void moved(const core::Job& job, const std::string& queue, core::Status from,
             const core::Event* cause) override;
  void changed(const core::Job& job, const std::string& queue) override;
  void progressed(const core::Job& job, const std::string& queue) override;
  void logged(const core::Job& job, const std::string& queue, std::span<const std::string> lines) override;

  Parts parts_;
  Options options_;
  Calendar calendar_;
  EndText ends_;
  core::Machine machine_;
  std::optional<engine::SteadyNow> clock_;
  core::Now now_;
  core::Millis frozen_mono_ = 0;
  core::Millis frozen_wall_ = 0;
  bool again_ = false;
  bool wrote_ = false;
  bool changing_ = false;  // the command under way is a change of a job
  bool moving_ = false;    // the same of a job that goes to another queue
  bool looking_ = false;   // memory() asks; the model is not to know
  std::optional<core::Reply> seen_;
  std::vector<std::pair<core::Ticket, core::Reply>> replies_;
  std::deque<Owed> owed_;
  engine::FailureGroups failures_;
  std::unique_ptr<storage::Snapshot> uncounted_;
  core::Millis timers_end_ = 0;  // the furthest timer loaded
  std::map<std::pair<core::QueueNumber, std::uint32_t>, core::ReadyKey> window_ends_;  // of each lane
};

}  // namespace pawl::sim
