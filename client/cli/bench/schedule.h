// When each job is meant to be submitted or to run, whatever becomes of the others.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "client/cli/bench/samples.h"

namespace pawl::cli::bench {

/// The first job at begin(), each later one an interval after the one before it. Thread: any.
class Schedule {
 public:
  explicit Schedule(std::chrono::duration<double> interval) : interval_(interval) {}

  void begin(Clock::time_point at) { begin_ = at; }
  Clock::time_point begin() const { return begin_; }
  Clock::time_point of(std::uint64_t number) const {
    return begin() + std::chrono::round<Clock::duration>(interval_ * static_cast<double>(number));
  }

 private:
  const std::chrono::duration<double> interval_;
  std::atomic<Clock::time_point> begin_{Clock::time_point{}};
};

}  // namespace pawl::cli::bench
