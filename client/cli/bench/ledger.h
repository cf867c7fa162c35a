// Which jobs were run, and how often.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pawl::cli::bench {

/// Thread: any; the sums once the handlers have ended.
class Ledger {
 public:
  explicit Ledger(std::uint64_t jobs) : runs_(jobs) {}

  void note(std::uint64_t number) { runs_[number].fetch_add(1, std::memory_order_relaxed); }

  std::uint64_t jobs_run() const {
    std::uint64_t sum = 0;
    for (const auto& runs : runs_) sum += runs.load() > 0;
    return sum;
  }
  /// Runs beyond the first of each job.
  std::uint64_t runs_again() const {
    std::uint64_t sum = 0;
    for (const auto& runs : runs_) sum += runs.load() > 1 ? runs.load() - 1u : 0u;
    return sum;
  }

 private:
  std::vector<std::atomic<std::uint8_t>> runs_;  // a byte each: there may be very many
};

}  // namespace pawl::cli::bench
