// Latencies counted by size while several threads add to them.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace pawl::cli::bench {

/// How many latencies were of which size: whole microseconds up to 64, above that 32 steps to each doubling,
/// so that what is read is off by less than 2 %.
class LatencyCounts {
 public:
  static constexpr std::size_t size = 64 + 32 * 31;  // up to some 38 hours

  static std::size_t index_of(std::uint64_t us) {
    if (us < 64) return us;
    const auto doubling = static_cast<unsigned>(std::bit_width(us)) - 1;  // 6…
    const std::size_t index = 64 + (doubling - 6) * 32 + ((us >> (doubling - 5)) & 31);
    return index < size ? index : size - 1;
  }
  /// The middle of what is counted under an index.
  static double ms_of(std::size_t index) {
    if (index < 64) return static_cast<double>(index) / 1000;
    const std::size_t doubling = (index - 64) / 32 + 6;
    const std::uint64_t step = 1ull << (doubling - 5);
    return static_cast<double>((32 + (index - 64) % 32) * step + step / 2) / 1000;
  }

  std::array<std::uint64_t, size> counts{};

  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts) sum += count;
    return sum;
  }
  /// Milliseconds that `share` (0…1) of all are not above; 0 without any.
  double quantile(double share) const {
    const std::uint64_t all = total();
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
    std::uint64_t passed = 0;
    for (std::size_t i = 0; i < size; ++i) {
      passed += counts[i];
      if (passed > 0 && passed >= rank) return ms_of(i);
    }
    return 0;
  }
  friend LatencyCounts operator-(LatencyCounts after, const LatencyCounts& before) {
    for (std::size_t i = 0; i < size; ++i) after.counts[i] -= before.counts[i];
    return after;
  }
};

/// Thread: any.
class Histogram {
 public:
  void add(double ms) {
    const auto us = ms <= 0 ? 0 : static_cast<std::uint64_t>(ms * 1000);
    counts_[LatencyCounts::index_of(us)].fetch_add(1, std::memory_order_relaxed);
    for (double seen = max_ms_.load(); ms > seen && !max_ms_.compare_exchange_weak(seen, ms);) {
    }
  }
  LatencyCounts counts() const {
    LatencyCounts out;
    for (std::size_t i = 0; i < counts_.size(); ++i) out.counts[i] = counts_[i].load();
    return out;
  }
  double max_ms() const { return max_ms_.load(); }

 private:
  std::array<std::atomic<std::uint64_t>, LatencyCounts::size> counts_{};
  std::atomic<double> max_ms_ = 0;
};

}  // namespace pawl::cli::bench
