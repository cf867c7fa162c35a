#include "client/cli/bench/reporter.h"

#include <exception>
#include <utility>

namespace pawl::cli::bench {

Reporter::Reporter(std::chrono::milliseconds every, const Histogram& submits, const Histogram& pick_ups,
                   const Fleet& fleet, Target& target, OnReading on_reading)
    : submits_(submits),
      pick_ups_(pick_ups),
      fleet_(fleet),
      target_(target),
      on_reading_(std::move(on_reading)),
      thread_([this, every](const std::stop_token& stop) { run(stop, every); }) {}

Reporter::~Reporter() {
  thread_.request_stop();
  thread_.join();
}

void Reporter::run(const std::stop_token& stop, std::chrono::milliseconds every) {
  std::unique_lock lock(mutex_);
  for (auto next = begin_ + every; !stop.stop_requested(); next += every) {
    stopped_.wait_until(lock, stop, next, [] { return false; });
    if (stop.stop_requested()) return;
    try {
      on_reading_(read());
    } catch (const std::exception&) {
      // A broker that does not answer is found by the run itself.
    }
  }
}

Reading Reporter::read() {
  const LatencyCounts submits = submits_.counts();
  const LatencyCounts pick_ups = pick_ups_.counts();
  const LatencyCounts fresh_submits = submits - std::exchange(submits_before_, submits);
  const LatencyCounts fresh_pick_ups = pick_ups - std::exchange(pick_ups_before_, pick_ups);
  const Counters counters = target_.counters();
  return {.at_s = ms_between(begin_, Clock::now()) / 1000,
          .submitted = submits.total(),
          .completed = fleet_.completed(),
          .submit_p50_ms = fresh_submits.quantile(0.5),
          .submit_p99_ms = fresh_submits.quantile(0.99),
          .pick_up_p50_ms = fresh_pick_ups.quantile(0.5),
          .pick_up_p99_ms = fresh_pick_ups.quantile(0.99),
          .resident_mib = counters.resident_bytes / (1 << 20),
          .disk_mib = counters.disk_bytes / (1 << 20)};
}

}  // namespace pawl::cli::bench
