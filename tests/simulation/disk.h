// The fake disk under the broker: batches become durable in order and late, and a crash forgets those that
// are not.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/core/machine.h"
#include "broker/core/outbox.h"
#include "broker/engine/batch_outbox.h"
#include "broker/engine/keys.h"
#include "storage/memory/memory_store.h"

namespace pawl::sim {

/// All that is kept, decoded: what recovery and audits read.
struct Image {
  using JobPtr = std::shared_ptr<const core::Job>;
  using Address = std::pair<core::QueueNumber, core::JobId>;

  std::map<std::pair<core::QueueNumber, core::ReadyKey>, JobPtr> ready;
  std::map<Address, JobPtr> parked;
  std::map<Address, JobPtr> ended;
  std::map<Address, JobPtr> dead;
  std::set<std::pair<core::Millis, core::JobId>> timers;
  std::map<std::uint64_t, core::Grant> grants;
  std::map<core::QueueNumber, core::QueueRow> queues;
  std::map<std::tuple<core::QueueNumber, core::Status, core::Millis>, std::uint64_t> retained;
  core::Marks marks;
  std::map<std::pair<core::QueueNumber, std::string>, core::UniqueRow> unique;
  std::map<std::string, core::IdempotencyRow> idempotency;
  std::map<std::string, core::ScheduleRow> schedules;
  std::map<core::JobId, core::Wait> waits;
  std::map<std::pair<core::JobId, core::JobId>, core::Dependent> dependents;  // by parent and child
  std::map<std::pair<core::JobId, core::JobId>, core::ParentResult> parents;  // by child and parent
  std::map<core::JobId, core::Join> joins;
  std::map<core::WorkflowId, core::WorkflowRow> workflows;
  std::map<std::uint64_t, core::Owed> owed;  // by number
  std::map<std::string, core::TriggerRow> triggers;
  std::map<std::pair<std::string, std::uint64_t>, core::GatheredRow> gathered;
  std::map<core::JobId, std::uint32_t> log_lines;
  std::map<std::pair<core::QueueNumber, core::LaneKey>, std::uint32_t> lanes;
  std::map<std::string, core::LimitRow> limits;
  std::map<std::pair<core::QueueNumber, std::string>, core::GroupRow> groups;
  std::map<std::pair<core::QueueNumber, std::uint32_t>, core::OrderRow> orders;
  std::map<Address, engine::ReadyPlace> priorities;  // of ready rows to which the id does not lead

  /// The job's row, wherever it stands; null when there is none.
  JobPtr find(const core::JobId& id) const;
};

/// One partition in the memory store, through the engine's own codec. Batches count from 1; synced() <=
/// committed().
class Disk {
 public:
  /// How a deliberately broken disk misbehaves.
  enum class Fault : std::uint8_t { none, lies_about_sync, tears_batches };

  /// lenient: rows that are written twice are left to the audits.
  explicit Disk(Fault fault, bool lenient = false);
  ~Disk();

  /// Takes the rows of the batch under construction. Replies and news do not belong here.
  core::Outbox& rows() { return outbox_; }
  /// The same, for rows of the engine's own parts.
  engine::BatchOutbox& outbox() { return outbox_; }
  std::unique_ptr<storage::Snapshot> snapshot() const { return partition_->snapshot(); }
  /// The rows of operations as they are, by id.
  std::map<std::string, std::string> operations() const;
  /// Of a job whose priority was changed: what leads to its row does not come to the disk.
  void lose_priority(const core::Job& job);
  /// Hands the batch over; returns its number. wall: the time now.
  std::uint64_t commit(core::Millis wall);
  std::uint64_t committed() const { return committed_; }
  std::uint64_t synced() const { return synced_; }
  /// Batches up to `batch` are on disk now.
  void sync(std::uint64_t batch);
  /// The power goes: the batch under construction is gone, and so are those after `keep`. The disk is there
  /// again at once for the next owner. REQUIRES: keep >= synced().
  void crash(std::uint64_t keep);
  /// The newest wall time that a restart is sure to know.
  core::Millis durable_wall() const { return durable_wall_; }

  // As of every batch handed to commit. Ended rows whose expiry is not after `wall` are absent.
  std::optional<core::Job> job(const core::JobId& id, core::Millis wall) const;
  struct Window {
    std::vector<core::Job> jobs;
    bool exhausted = false;
  };
  Window window(const core::WindowRequest& request) const;
  struct Named {
    std::vector<core::Job> jobs;
    std::optional<core::ReadyKey> scanned_to;
    bool exhausted = false;
  };
  Named named(const core::NamedRequest& request) const;
  struct Timers {
    std::vector<std::pair<core::Millis, core::JobId>> timers;
    bool exhausted = false;
  };
  Timers timers(const core::TimerRequest& request) const;
  /// Who waits for the job, and for how many each still does.
  std::pair<std::vector<core::Dependent>, std::vector<std::optional<core::Join>>> dependents(
      const core::JobId& parent) const;
  std::vector<core::ParentResult> parents(const core::JobId& child) const;
  std::optional<core::WorkflowRow> workflow(const core::WorkflowId& id) const;
  std::vector<core::MemberRow> members(const core::WorkflowId& id) const;
  std::optional<core::UniqueRow> unique(core::QueueNumber queue, const std::string& key) const;
  std::optional<core::IdempotencyRow> idempotency(const std::string& key) const;
  std::optional<std::uint32_t> lane(core::QueueNumber queue, const core::LaneKey& key) const;
  bool has_timer(core::Millis due, const core::JobId& id) const;
  Image image(core::Millis wall) const;

 private:
  void acquire();
  storage::Options store_options(bool lenient) const;
  void commit_torn(const storage::Batch& batch);
  std::optional<std::string> get(storage::Family family, std::string_view key) const;
  void scan(storage::Family family, std::string begin, std::string end, const storage::Visit& visit) const;
  std::optional<core::Job> read_job(core::Place place, std::string_view key) const;

  Fault fault_;
  core::Millis durable_wall_ = 0;
  storage::MemoryStore store_;
  std::unique_ptr<storage::Partition> partition_;
  engine::BatchOutbox outbox_;
  std::uint64_t committed_ = 0;
  std::uint64_t synced_ = 0;
  std::deque<core::Millis> walls_;  // marks of the batches not yet synced
  core::Millis marks_wall_ = 0;
};

}  // namespace pawl::sim
