// The dead letters of each queue, counted by their fingerprint.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker/core/job.h"
#include "broker/engine/fingerprint.h"
#include "storage/store.h"

namespace pawl::engine {

/// One cause of failure in one queue.
struct FailureGroup {
  static constexpr std::size_t trend_hours = 24;
  Fingerprint fingerprint{};
  std::uint64_t count = 0;
  std::string type;
  std::string sample;           // the message of its latest failure, at most 500 bytes
  core::Millis first_seen = 0;  // of those that were in it since it has any
  core::Millis last_seen = 0;
  std::array<std::uint32_t, trend_hours> trend{};  // failures of each of the last hours, the oldest first
};

/// A dead letter that arrived or left, or a queue that is gone with all of them.
struct FailureChange {
  enum class What : std::uint8_t { arrived, left, queue_gone };
  What what = What::arrived;
  core::QueueNumber queue{};
  Fingerprint fingerprint{};
  core::Millis expires_at = 0;  // 0: it stays
  // Of one that arrived.
  core::Millis at = 0;
  std::string type = {};
  std::string sample = {};

  static FailureChange of(What what, const core::Job& job);
};

/// Lives in memory and is never behind: at the start the rows of a snapshot are counted, on a thread of its
/// own; whatever changes from then on is told by add(). Thread: any.
class FailureGroups {
 public:
  /// Most groups of one queue; failures of further ones are counted together under Fingerprint::none.
  static constexpr std::size_t groups_max = 1000;

  explicit FailureGroups(std::size_t most = groups_max) : groups_max_(most) {}
  ~FailureGroups();
  FailureGroups(const FailureGroups&) = delete;
  FailureGroups& operator=(const FailureGroups&) = delete;

  /// Once. The snapshot is older than every change that add() is told of.
  void build(std::unique_ptr<storage::Snapshot> snapshot, core::Millis wall,
             std::function<void(const std::string&)> warn);
  /// The same on the caller's thread: back when all are counted.
  void count(std::unique_ptr<storage::Snapshot> snapshot, core::Millis wall,
             const std::function<void(const std::string&)>& warn);
  /// Ends a build that is under way, joins. Idempotent.
  void stop();

  /// What became durable, in its order.
  void add(const std::vector<FailureChange>& changes);
  /// The largest first. Nothing while they are still being counted.
  std::optional<std::vector<FailureGroup>> read(core::QueueNumber queue, core::Millis wall);

 private:
  struct Counted {
    FailureGroup group;
    std::map<core::Millis, std::uint64_t> expiring;  // of group.count: how many leave at which moment
    std::int64_t trend_hour = 0;                     // of the last of group.trend
  };
  using Queue = std::map<Fingerprint, Counted>;

  void apply(const FailureChange& change);
  static void advance_trend(Counted& counted, std::int64_t hour);
  static void expire(Queue& queue, core::Millis wall);

  const std::size_t groups_max_;
  std::mutex mutex_;
  std::map<std::uint32_t, Queue> queues_;
  std::vector<FailureChange> pending_;  // that came while the rows were counted
  bool built_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pawl::engine
