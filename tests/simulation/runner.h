// Operations over many jobs in the world: the real driver, on a port through which others act between its
// steps, and those who start, pause and cancel them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/engine/operation_driver.h"
#include "tests/simulation/canary.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/operations.h"
#include "tests/simulation/options.h"
#include "tests/simulation/random.h"
#include "tests/simulation/surroundings.h"

namespace pawl::sim {

/// Lives as long as the broker. Each call may throw LifeOver.
class Runner final : private engine::Port {
 public:
  struct Parts {
    Surroundings& around;
    const Disk& disk;
    OperationsModel& model;
    Random& random;
    RareCounts& rare;
  };
  Runner(Parts parts, const Options& options);

  /// Takes up what is on disk, and has it looked at.
  void restart();
  /// A client does something about an operation, or the thread of operations takes a step.
  void act();
  /// Steps until nothing is left that can go on.
  void settle_down();

 private:
  void start();
  void change();
  void step();
  engine::OperationSpec new_spec();
  bool is_refused();
  engine::OperationDriver::Instant now() const;
  bool is(Canary canary) const { return options_.canary == canary; }

  std::expected<core::Reply, engine::ListError> ask(core::CommandBody body) override;
  bool run(std::function<void(core::Machine&, engine::BatchOutbox&, core::Now)> task,
           std::shared_ptr<engine::Together> before) override;
  std::unique_ptr<storage::Snapshot> snapshot() const override { return parts_.disk.snapshot(); }
  core::Millis wall() const override;

  Parts parts_;
  const Options& options_;
  engine::OperationDriver driver_;
  bool settling_ = false;
};

}  // namespace pawl::sim
