// How long things took, counted in buckets that can be added up, so that a percentile of an hour is made from
// its seconds and not from their percentiles.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace pawl::engine {

/// Eight buckets for each power of two of milliseconds: a bucket is an eighth of its value wide, and values
/// below 8 ms have one each.
inline constexpr std::size_t spread_buckets = 256;

constexpr std::size_t spread_bucket(std::uint64_t ms) {
  if (ms < 8) return static_cast<std::size_t>(ms);
  const auto shift = static_cast<std::size_t>(std::bit_width(ms)) - 4;
  return std::min(8 * shift + static_cast<std::size_t>(ms >> shift), spread_buckets - 1);
}
/// The smallest value of a bucket. The bucket after it begins where it ends.
constexpr double spread_floor(std::size_t bucket) {
  if (bucket < 16) return static_cast<double>(bucket);
  const std::size_t shift = bucket / 8 - 1;
  return static_cast<double>(std::uint64_t{bucket - 8 * shift} << shift);
}

/// While it is filled. Value type.
struct LiveSpread {
  std::array<std::uint32_t, spread_buckets> counts{};
  void add(double seconds) {
    ++counts[spread_bucket(seconds <= 0 ? 0 : static_cast<std::uint64_t>(seconds * 1000 + 0.5))];
  }
};

/// Once it is filled: the buckets that hold something, in order. Value type.
class Spread {
 public:
  using Part = std::pair<std::uint8_t, std::uint64_t>;  // bucket, how many

  Spread() = default;
  explicit Spread(const LiveSpread& live) {
    for (std::size_t i = 0; i < spread_buckets; ++i) {
      if (live.counts[i] != 0) parts_.emplace_back(static_cast<std::uint8_t>(i), live.counts[i]);
    }
  }
  /// REQUIRES: called with growing buckets.
  void append(Part part) { parts_.push_back(part); }

  const std::vector<Part>& parts() const { return parts_; }
  bool empty() const { return parts_.empty(); }
  std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const Part& part : parts_) sum += part.second;
    return sum;
  }
  void add(const Spread& other) {
    if (other.empty()) return;
    std::vector<Part> sum;
    sum.reserve(parts_.size() + other.parts_.size());
    auto mine = parts_.begin();
    for (const Part& part : other.parts_) {
      while (mine != parts_.end() && mine->first < part.first) sum.push_back(*mine++);
      sum.push_back(part);
      if (mine != parts_.end() && mine->first == part.first) sum.back().second += (mine++)->second;
    }
    sum.insert(sum.end(), mine, parts_.end());
    parts_ = std::move(sum);
  }
  /// The q-quantile (0…1) in milliseconds, by linear interpolation in its bucket; 0 when empty.
  double quantile(double q) const {
    const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(count());
    double before = 0;
    for (const Part& part : parts_) {
      const auto inside = static_cast<double>(part.second);
      if (before + inside >= rank) {
        const double low = spread_floor(part.first);
        const double high = spread_floor(std::size_t{part.first} + 1);
        // Whole milliseconds are exact where a bucket is one of them.
        if (high - low <= 1) return low;
        return low + (high - low) * std::max(0.0, rank - before) / inside;
      }
      before += inside;
    }
    return 0;
  }

 private:
  std::vector<Part> parts_;
};

}  // namespace pawl::engine
