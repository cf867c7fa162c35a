// How the engine's own parts on other threads ask the engine thread, and wait for the answer.
#pragma once

#include <condition_variable>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "broker/engine/inbox.h"
#include "broker/engine/lists.h"
#include "storage/store.h"

namespace pawl::engine {

/// Thread: any but the engine's. Answers come when they are durable; when the engine stops or fails
/// meanwhile, there is none.
class Port {
 public:
  Port(Inbox& inbox, const storage::Partition& partition, std::function<core::Millis()> wall)
      : inbox_(inbox), partition_(partition), wall_(std::move(wall)) {}

  /// Waits for the one reply.
  std::expected<core::Reply, ListError> ask(core::CommandBody body);
  /// Posts all, then waits for all. What found the inbox full, or got no answer, is absent. unless_active:
  /// Cancels are refused for active jobs.
  std::vector<std::optional<core::Reply>> ask_all(std::vector<core::CommandBody> bodies, bool unless_active);
  /// Runs it on the engine thread, in one batch with what is to be done `before` (whose replies it sees), and
  /// waits until what it put is durable. False: it did not become so.
  bool run(std::function<void(core::Machine&, BatchOutbox&, core::Now)> task,
           std::shared_ptr<Together> before = nullptr);

  std::unique_ptr<storage::Snapshot> snapshot() const { return partition_.snapshot(); }
  /// Wall time in milliseconds, not behind the engine's.
  core::Millis wall() const { return wall_(); }

 private:
  Inbox& inbox_;
  const storage::Partition& partition_;
  std::function<core::Millis()> wall_;
};

}  // namespace pawl::engine
