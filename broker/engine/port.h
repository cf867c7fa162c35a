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
  virtual ~Port() = default;
  /// Waits for the one reply.
  virtual std::expected<core::Reply, ListError> ask(core::CommandBody body) = 0;
  /// Runs it on the engine thread, in one batch with what is to be done `before` (whose replies it sees), and
  /// waits until what it put is durable. False: it did not become so.
  virtual bool run(std::function<void(core::Machine&, BatchOutbox&, core::Now)> task,
                   std::shared_ptr<Together> before = nullptr) = 0;
  virtual std::unique_ptr<storage::Snapshot> snapshot() const = 0;
  /// Wall time in milliseconds, not behind the engine's.
  virtual core::Millis wall() const = 0;
};

/// That of a running engine. Both must outlive it.
class InboxPort final : public Port {
 public:
  InboxPort(Inbox& inbox, const storage::Partition& partition, std::function<core::Millis()> wall)
      : inbox_(inbox), partition_(partition), wall_(std::move(wall)) {}

  std::expected<core::Reply, ListError> ask(core::CommandBody body) override;
  bool run(std::function<void(core::Machine&, BatchOutbox&, core::Now)> task,
           std::shared_ptr<Together> before) override;
  std::unique_ptr<storage::Snapshot> snapshot() const override { return partition_.snapshot(); }
  core::Millis wall() const override { return wall_(); }

 private:
  Inbox& inbox_;
  const storage::Partition& partition_;
  std::function<core::Millis()> wall_;
};

}  // namespace pawl::engine
