// The one source of chance in a run: everything is drawn from the seed.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace pawl::sim {

/// xoshiro256**, seeded through splitmix64. Value type.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15ull;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
      word = z ^ (z >> 31);
    }
  }

  std::uint64_t word() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// 0…count−1. REQUIRES: count > 0.
  std::uint64_t below(std::uint64_t count) { return word() % count; }
  /// low…high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  /// True in `percent` of 100 cases.
  bool percent(std::uint64_t percent) { return below(100) < percent; }

  template <typename T>
  T& pick(std::vector<T>& values) {
    return values[static_cast<std::size_t>(below(values.size()))];
  }
  /// An index, each as likely as its weight says.
  template <std::size_t n>
  std::size_t weighted(const std::array<std::uint32_t, n>& weights) {
    std::uint64_t sum = 0;
    for (const auto weight : weights) sum += weight;
    std::uint64_t at = below(sum);
    for (std::size_t i = 0; i < n; ++i) {
      if (at < weights[i]) return i;
      at -= weights[i];
    }
    return n - 1;
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace pawl::sim
