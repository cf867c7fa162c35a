// Times that were measured, and what is said of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <vector>

namespace pawl::cli::bench {

using Clock = std::chrono::steady_clock;

inline double ms_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

/// Thread: one.
class Samples {
 public:
  void add(double ms) { values_.push_back(ms); }
  std::size_t size() const { return values_.size(); }
  /// The smallest value that `share` (0…1) of all are not above; 0 without any. Sorts.
  double quantile(double share) {
    if (values_.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values_.size())));
    const auto at = values_.begin() + static_cast<std::ptrdiff_t>(rank == 0 ? 0 : rank - 1);
    std::ranges::nth_element(values_, at);
    return *at;
  }

 private:
  std::vector<double> values_;
};

}  // namespace pawl::cli::bench
