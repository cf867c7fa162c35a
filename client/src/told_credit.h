// How many jobs a worker has said that it can hold.
#pragma once

#include <chrono>
#include <optional>

namespace pawl::client {

/// Says when another number is worth a frame: small changes never are, a larger one is at once, and a smaller
/// one when it has stood for a while, since one handler that the system held up is no reason for less.
/// Thread: one.
class ToldCredit {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds less_after{20};

  unsigned value() const { return value_; }
  void tell(unsigned credit) {
    value_ = credit;
    less_since_.reset();
  }
  /// The broker did not take it.
  void forget() { tell(0); }
  /// Must be asked again and again, since a smaller one has to stand.
  bool is_due(unsigned wanted, Instant now) {
    if (wanted * 2 > value_ * 3) return true;
    if (wanted * 3 >= value_ * 2) {
      less_since_.reset();
      return false;
    }
    if (!less_since_) less_since_ = now;
    return now - *less_since_ >= less_after;
  }

 private:
  unsigned value_ = 0;
  std::optional<Instant> less_since_;  // clearly less is wanted
};

}  // namespace pawl::client
