// Erases log lines of jobs that are gone: retention drops a job without a write, so nothing else would.
#pragma once

#include <optional>

#include "broker/core/ids.h"
#include "broker/engine/port.h"

namespace pawl::engine {

/// A pass over all log lines in small steps. Thread: one, not the engine's.
class LogSweep {
 public:
  explicit LogSweep(Port& port) : port_(port) {}
  /// Looks at some hundred jobs' lines. True: the pass is over, the next step begins another.
  bool step();

 private:
  Port& port_;
  std::optional<core::JobId> position_;
};

}  // namespace pawl::engine
