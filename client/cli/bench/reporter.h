// How a long run stands, told again and again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "client/cli/bench/fleet.h"
#include "client/cli/bench/histogram.h"
#include "client/cli/bench/target.h"

namespace pawl::cli::bench {

/// How it stands at a moment; the latencies are those since the reading before.
struct Reading {
  double at_s = 0;  // since the start
  std::uint64_t submitted = 0;
  std::uint64_t completed = 0;
  double submit_p50_ms = 0, submit_p99_ms = 0;
  double pick_up_p50_ms = 0, pick_up_p99_ms = 0;
  double resident_mib = 0;
  double disk_mib = 0;
};
/// Called on a thread of its own.
using OnReading = std::function<void(const Reading&)>;

/// Reads and tells every so often, from its construction to its destruction. Nobody else may ask the target
/// meanwhile.
class Reporter {
 public:
  Reporter(std::chrono::milliseconds every, const Histogram& submits, const Histogram& pick_ups,
           const Fleet& fleet, Target& target, OnReading on_reading);
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

 private:
  void run(const std::stop_token& stop, std::chrono::milliseconds every);
  Reading read();

  const Histogram& submits_;
  const Histogram& pick_ups_;
  const Fleet& fleet_;
  Target& target_;
  const OnReading on_reading_;
  const Clock::time_point begin_ = Clock::now();
  LatencyCounts submits_before_;
  LatencyCounts pick_ups_before_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace pawl::cli::bench
