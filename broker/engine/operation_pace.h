// How fast an operation may go.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <utility>

namespace pawl::engine {

/// At most `per_second` jobs in any second, also when it stood still before; below one a second, one in the
/// time of one, an hour at most. What was not used adds up for a second. Value type; no clock: time is
/// handed in.
class OperationPace {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  /// per_second: 0 is as fast as it goes. goes_on: after a restart; what was done just before it counts as if
  /// it were now.
  OperationPace(double per_second, Instant now, bool goes_on);

  /// How many jobs may be done now, at most `most`.
  std::size_t allowance(Instant now, std::size_t most);
  /// So many were, not later than now.
  void did(Instant now, std::size_t jobs);
  /// When allowance() gives something; in the past: now.
  Instant next() const;

 private:
  std::size_t most_in_window() const;
  std::chrono::steady_clock::duration window() const;
  std::size_t recent_jobs() const;

  double per_second_;
  double tokens_ = 1;
  Instant filled_;
  std::deque<std::pair<Instant, std::size_t>> recent_;  // what was done within the last window
};

}  // namespace pawl::engine
