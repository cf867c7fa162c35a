// A time in which a clock runs evenly.
#pragma once

#include <chrono>

namespace pawl::calendar {

/// From `begin` until before `end` the clock shows UTC plus `offset`. The next one may have the same offset.
struct Stretch {
  std::chrono::sys_seconds begin;
  std::chrono::sys_seconds end;
  std::chrono::seconds offset{0};

  /// REQUIRES: begin <= time < end.
  std::chrono::local_seconds shown_at(std::chrono::sys_seconds time) const {
    return std::chrono::local_seconds{time.time_since_epoch() + offset};
  }
  /// When the clock would show `time`; whether that is within the stretch is for the caller to look.
  std::chrono::sys_seconds shows(std::chrono::local_seconds time) const {
    return std::chrono::sys_seconds{time.time_since_epoch() - offset};
  }
};

}  // namespace pawl::calendar
