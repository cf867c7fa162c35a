// Erases what hangs on jobs that are gone: retention drops a job without a write, so nothing else would.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "broker/core/ids.h"
#include "broker/engine/port.h"

namespace pawl::engine {

/// Passes in small steps, first over all log lines, then over all workflows that have ended. Lines go with
/// their job, a workflow and its graph with the last record of its jobs. Thread: one, not the engine's.
class Sweeper {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  /// every: from the end of one pass to the next.
  Sweeper(Port& port, std::chrono::milliseconds every);

  /// Takes a step when it is time. True: a pass is over.
  bool step_if_due(Instant now);
  Instant next() const { return next_; }

 private:
  bool sweep_logs();
  bool sweep_workflows();

  Port& port_;
  const std::chrono::milliseconds every_;
  Instant next_;
  bool at_workflows_ = false;
  std::optional<core::JobId> job_;            // where the pass over lines goes on
  std::optional<core::WorkflowId> workflow_;  // the same of that over workflows
};

}  // namespace pawl::engine
