// Growing, jittered waits between attempts to reach the broker.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace pawl::client {

/// The n-th wait lies evenly between a half and the whole of first·2ⁿ, and never above `most`: many clients
/// that lost the same broker do not come back in step. Thread: one at a time.
class RetryWaits {
 public:
  using milliseconds = std::chrono::milliseconds;

  RetryWaits(milliseconds first, milliseconds most, std::uint64_t seed)
      : first_(first), most_(most), random_(seed) {}

  milliseconds next() {
    milliseconds whole = first_;
    for (unsigned i = 0; i < failures_ && whole < most_; ++i) whole *= 2;
    if (whole > most_) whole = most_;
    if (failures_ < 62) ++failures_;
    const auto half = whole.count() / 2;
    return milliseconds(std::uniform_int_distribution<std::int64_t>(half, whole.count())(random_));
  }
  /// After a success: the next wait is a first one again.
  void reset() { failures_ = 0; }

 private:
  milliseconds first_;
  milliseconds most_;
  unsigned failures_ = 0;
  std::minstd_rand random_;
};

}  // namespace pawl::client
