// The clock that the engine hands to the core.
#pragma once

#include <functional>

#include "broker/core/ids.h"

namespace pawl::engine {

/// Raw readings in milliseconds; a null function means the system's clock.
struct Clock {
  std::function<core::Millis()> wall;  // CLOCK_REALTIME
  std::function<core::Millis()> mono;  // CLOCK_MONOTONIC (a suspended machine's leases do not run out)
};

/// The raw wall reading.
core::Millis wall_of(const Clock& clock);

/// Turns readings into a time that never runs backward. A wall clock that is set forward is followed at once;
/// one that is set back is not: time goes on at half speed until the wall has caught up, so nothing fires
/// early and nothing waits for ever. Thread: engine.
class SteadyNow {
 public:
  /// floor: the newest wall time that is on disk.
  SteadyNow(Clock clock, core::Millis floor);
  core::Now read();
  /// What read() gave last.
  core::Now last() const { return last_; }

 private:
  Clock clock_;
  core::Now last_;
  core::Millis last_raw_mono_ = 0;
  core::Millis half_ = 0;
};

}  // namespace pawl::engine
