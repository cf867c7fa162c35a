// Where the machine puts what follows from a command: changes for the disk, replies, and what happened.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/job.h"
#include "broker/core/lane.h"
#include "broker/core/reply.h"
#include "broker/core/workflow.h"

namespace pawl::core {

/// Where a job's one row stands; it follows from its status.
///
///   ready    pending, stalled and active jobs, in ready order
///   parked   delayed and blocked jobs, and an active one that a worker took in the batch in which it became
///   due ended    completed and cancelled jobs; rows vanish at expires_at dead     failed jobs: the dead
///   letter queue; rows vanish at expires_at
///
/// An active job is one whose live grant names it: its row still says what it was before.
enum class Place : std::uint8_t { ready = 0, parked = 1, ended = 2, dead = 3 };

constexpr Place place_of(Status status) {
  switch (status) {
    case Status::pending:
    case Status::stalled:
    case Status::active:
      return Place::ready;
    case Status::delayed:
    case Status::blocked:
      return Place::parked;
    case Status::completed:
    case Status::cancelled:
      return Place::ended;
    case Status::failed:
      return Place::dead;
  }
  return Place::ready;
}

/// A queue as it is kept.
struct QueueRow {
  QueueNumber number{};
  std::string name;
  Millis created_at = 0;
  QueueSettings settings;
  std::array<std::uint64_t, status_count> counts{};
  std::uint64_t lifetime_completed = 0;
  std::uint64_t lifetime_failed = 0;
  Millis held_until = 0;           // a worker met somebody else's limit; 0: not held
  Pace pace;                       // against settings.rate_limit
  std::uint64_t live_members = 0;  // jobs of graphs that have not ended
  std::uint32_t next_lane = 1;
};

/// What the end of a job owes to its workflow and to those that wait for it, when a batch could not pay it.
struct Owed {
  /// Values are on disk.
  enum class What : std::uint8_t { ended = 0, runs_again = 1 };
  std::uint64_t number = 0;  // names its row; rising, as it happened: one job can end, run and end again
  JobId job;
  WorkflowId workflow;
  What what = What::ended;
  Status status = Status::completed;  // as it ended
  Bytes result;
  bool has_dependents = false;
  std::vector<JobId>
      came_later{};  // dependents that began to wait after this end: they wait for the next one
  bool has_row = false;
};

/// How many ended jobs of a queue and status leave at one moment; so counters fall without a write for each
/// job.
struct RetainedRow {
  QueueNumber queue{};
  Status status = Status::completed;
  Millis expires_at = 0;
  std::uint64_t count = 0;
};

/// What must only grow, restarts included.
struct Marks {
  std::uint64_t next_lease = 1;
  std::uint64_t last_id_high = 0;  // the 64 high bits of the newest id
  std::uint32_t next_queue = 1;
  Millis wall = 0;  // the newest time seen
};

struct UniqueRow {
  JobId id;
  Millis until = 0;  // 0: while the job lives
};
struct IdempotencyRow {
  std::array<std::uint64_t, 2> body_hash{};
  Millis expires_at = 0;
  std::vector<Submitted::Item> jobs;
};

/// When a delayed job is due, and which.
using Timer = std::pair<Millis, JobId>;

/// Implemented by the engine (it encodes into the batch under construction and holds replies back until the
/// batch is durable) and by tests. Calls come in the order in which things happen. No call may re-enter the
/// machine.
class Outbox {
 public:
  virtual ~Outbox() = default;

  // Changes. A ready row is never overwritten: it is erased first.
  virtual void put_job(Place place, const Job& job) = 0;
  /// The row as it stands under job's id, queue and, for ready, priority.
  virtual void erase_job(Place place, const Job& job) = 0;
  virtual void put_timer(Millis due, const JobId& id) = 0;
  virtual void erase_timer(Millis due, const JobId& id) = 0;
  /// All timers from the first to the last, both among them.
  virtual void erase_timers(const Timer& first, const Timer& last) = 0;
  virtual void put_grant(const Grant& grant) = 0;
  virtual void erase_grant(std::uint64_t number) = 0;
  virtual void put_queue(const QueueRow& row) = 0;
  /// The queue's row and everything under its number: jobs, unique keys, retained counts.
  virtual void erase_queue(const QueueRow& row) = 0;
  virtual void put_retained(const RetainedRow& row) = 0;  // count 0 erases
  virtual void put_marks(const Marks& marks) = 0;
  virtual void put_unique(QueueNumber queue, std::string_view key, const UniqueRow& row) = 0;
  virtual void erase_unique(QueueNumber queue, std::string_view key) = 0;
  virtual void put_idempotency(std::string_view key, const IdempotencyRow& row) = 0;
  virtual void put_schedule(const ScheduleRow& row) = 0;
  virtual void erase_schedule(const std::string& id) = 0;
  virtual void put_trigger(const TriggerRow& row) = 0;
  virtual void erase_trigger(const std::string& id) = 0;
  virtual void put_gathered(const GatheredRow& row) = 0;
  virtual void erase_gathered(const std::string& trigger, std::uint64_t number) = 0;
  virtual void put_workflow(const WorkflowRow& row) = 0;
  virtual void put_member(const MemberRow& row) = 0;
  virtual void put_dependent(const JobId& parent, const Dependent& dependent) = 0;
  virtual void erase_dependent(const JobId& parent, const JobId& child) = 0;
  virtual void put_parent(const JobId& child, const ParentResult& parent) = 0;
  virtual void erase_parent(const JobId& child, const JobId& parent) = 0;
  virtual void erase_parents(const JobId& child) = 0;  // all of them
  virtual void put_join(const JobId& child, const Join& join) = 0;
  virtual void erase_join(const JobId& child) = 0;
  virtual void put_owed(const Owed& owed) = 0;
  virtual void erase_owed(std::uint64_t number) = 0;
  /// What finds a blocked job by its event.
  virtual void put_wait(const JobId& id, const Wait& wait) = 0;
  virtual void erase_wait(const JobId& id) = 0;
  /// Which number the lane has, once and for all; it goes with its queue.
  virtual void put_lane(QueueNumber queue, const LaneKey& key, std::uint32_t number) = 0;
  virtual void put_limit(const LimitRow& row) = 0;
  virtual void erase_limit(const std::string& name) = 0;
  virtual void put_group(const GroupRow& row) = 0;
  virtual void erase_group(QueueNumber queue, const std::string& group) = 0;
  virtual void put_order(const OrderRow& row) = 0;
  virtual void erase_order(QueueNumber queue, std::uint32_t lane) = 0;
  /// job: as it was before these lines; what they are of is its attempt under way.
  virtual void put_logs(const Job& job, Millis at, std::span<const std::string> lines) = 0;
  virtual void erase_logs(const JobId& id) = 0;

  // Answers and news; told when the batch is durable.
  virtual void reply(Ticket to, Reply&& reply) = 0;
  /// After the job moved; history.back() is the new state. `cause` is absent for a submit.
  virtual void moved(const Job& job, const std::string& queue, Status from, const Event* cause) = 0;
  /// The time or the priority of a job that waits is another; its state is the same.
  virtual void changed(const Job& job, const std::string& queue) = 0;
  virtual void progressed(const Job& job, const std::string& queue) = 0;
  virtual void logged(const Job& job, const std::string& queue, std::span<const std::string> lines) = 0;
};

}  // namespace pawl::core
