// What happened in a run: a ring of the newest lines for the report, and a hash over all of them.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/ids.h"

namespace pawl::sim {

/// An invariant of the reliability page did not hold. Ends the run: what follows in a broken world says
/// nothing.
class Violation : public std::runtime_error {
 public:
  Violation(std::string_view invariant, const std::string& text)
      : std::runtime_error(std::string(invariant) + ": " + text), invariant_(invariant) {}
  const std::string& invariant() const { return invariant_; }

 private:
  std::string invariant_;
};

[[noreturn]] inline void violated(std::string_view invariant, const std::string& text) {
  throw Violation(invariant, text);
}

class Trace {
 public:
  /// `what` and `more` must be literals or names that live for ever.
  void add(std::string_view what, core::JobId id = {}, std::int64_t a = 0, std::int64_t b = 0,
           std::string_view more = {}) {
    Line& line = ring_[lines_++ % ring_.size()];
    line = {step_, wall_, what, more, id, a, b};
    for (const char c : what) mix(static_cast<std::uint8_t>(c));
    mix(id.high());
    mix(id.low());
    mix(static_cast<std::uint64_t>(a));
    mix(static_cast<std::uint64_t>(b));
  }
  void at(std::uint64_t step, core::Millis wall) {
    step_ = step;
    wall_ = wall;
  }
  std::uint64_t hash() const { return hash_; }
  std::uint64_t lines() const { return lines_; }
  std::vector<std::string> last(std::size_t count) const;

 private:
  struct Line {
    std::uint64_t step = 0;
    core::Millis wall = 0;
    std::string_view what;
    std::string_view more;
    core::JobId id;
    std::int64_t a = 0;
    std::int64_t b = 0;
  };
  void mix(std::uint64_t word) { hash_ = std::rotl((hash_ ^ word) * 0x9e3779b97f4a7c15ull, 29); }

  std::vector<Line> ring_ = std::vector<Line>(16'384);
  std::uint64_t lines_ = 0;
  std::uint64_t hash_ = 0x70617766;
  std::uint64_t step_ = 0;
  core::Millis wall_ = 0;
};

/// For reports: the id's last hex digits.
std::string short_id(const core::JobId& id);

}  // namespace pawl::sim
