// What the machine says, made ready for one batch: rows encoded into a storage batch, replies and news kept
// until the batch is durable.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/outbox.h"
#include "broker/engine/audit.h"
#include "broker/engine/events.h"
#include "broker/engine/failure_groups.h"
#include "broker/engine/meters.h"
#include "broker/engine/search_index.h"
#include "storage/store.h"

namespace pawl::engine {

/// Collects for one batch after another. Thread: engine (or the one thread of a test).
class BatchOutbox final : public core::Outbox {
 public:
  using Reply = std::pair<core::Ticket, core::Reply>;

  // What was collected. The owner takes or clears it between batches.
  storage::Batch batch;
  std::vector<Reply> replies;
  bool with_events = true;                        // somebody wants them
  std::vector<std::shared_ptr<JobEvent>> events;  // without ids
  std::vector<Meters::Sample> samples;
  std::vector<FailureChange> failures;  // of the dead letters
  /// Jobs whose log lines are to be erased: they have no fixed number of rows, so the owner reads which.
  std::vector<core::JobId> log_erases;

  core::Millis audit_kept_ms = audit_kept_ms_default;
  /// What this batch's jobs can be found by, while `with_notes`.
  bool with_notes = false;
  SearchNotes notes;
  PayloadValue value_at;
  /// What queues declare as searchable, and those whose declaration this batch changes.
  std::unordered_map<std::uint32_t, std::vector<std::string>> searchable;
  std::vector<core::QueueNumber> searchable_changed;

  bool empty() const { return batch.empty() && replies.empty() && events.empty(); }
  void clear();

  void put_job(core::Place place, const core::Job& job) override;
  void erase_job(core::Place place, const core::Job& job) override;
  void put_timer(core::Millis due, const core::JobId& id) override;
  void erase_timer(core::Millis due, const core::JobId& id) override;
  void erase_timers(const core::Timer& first, const core::Timer& last) override;
  void put_grant(const core::Grant& grant) override;
  void erase_grant(std::uint64_t number) override;
  void put_queue(const core::QueueRow& row) override;
  /// Takes up what the queue declares as searchable; put_queue does so too.
  void declare(const core::QueueRow& row);
  void erase_queue(const core::QueueRow& row) override;
  void put_retained(const core::RetainedRow& row) override;
  void put_marks(const core::Marks& marks) override;
  void put_unique(core::QueueNumber queue, std::string_view key, const core::UniqueRow& row) override;
  void erase_unique(core::QueueNumber queue, std::string_view key) override;
  void put_idempotency(std::string_view key, const core::IdempotencyRow& row) override;
  void put_lane(core::QueueNumber queue, const core::LaneKey& key, std::uint32_t number) override;
  void put_limit(const core::LimitRow& row) override;
  void erase_limit(const std::string& name) override;
  void put_group(const core::GroupRow& row) override;
  void erase_group(core::QueueNumber queue, const std::string& group) override;
  void put_order(const core::OrderRow& row) override;
  void erase_order(core::QueueNumber queue, std::uint32_t lane) override;
  void put_schedule(const core::ScheduleRow& row) override;
  void erase_schedule(const std::string& id) override;
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
  /// With its graph of so many jobs.
  void erase_workflow(const core::WorkflowId& id, std::uint32_t jobs);
  void put_audit(const AuditEntry& entry, core::Millis at);
  void put_logs(const core::Job& job, core::Millis at, std::span<const std::string> lines) override;
  void erase_logs(const core::JobId& id) override;
  void reply(core::Ticket to, core::Reply&& reply) override;
  void moved(const core::Job& job, const std::string& queue, core::Status from,
             const core::Event* cause) override;
  void changed(const core::Job& job, const std::string& queue) override;
  void progressed(const core::Job& job, const std::string& queue) override;
  void logged(const core::Job& job, const std::string& queue, std::span<const std::string> lines) override;

 private:
  std::string value_;          // reused
  std::uint32_t audited_ = 0;  // so far; tells apart what happened in one millisecond
};

}  // namespace pawl::engine
