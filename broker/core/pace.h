// How fast jobs of a queue may start.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "broker/core/ids.h"

namespace pawl::core {

/// At most `max` starts within any `per_ms`, and at most `burst` of them at once.
struct RateLimit {
  std::uint32_t max = 1;    // 1…1 000 000
  Millis per_ms = 1'000;    // 1 ms…366 days
  std::uint32_t burst = 0;  // 1…max; 0: max

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

/// The starts that count against a rate limit. Two rules, both kept always:
/// - No window of per_ms, wherever it begins, has more than `max` starts. They are counted in slots of a
/// hundredth
///   of per_ms, and a slot counts until all of it is a window ago: what is lost by that is a hundredth of the
///   rate.
/// - A bucket of `burst` tokens, refilled evenly with `max` a per_ms, has a token for each start (the generic
/// cell
///   rate algorithm, ITU-T I.371). Time goes in whole milliseconds: a token may be used up to 1 ms early.
/// Value type, kept on disk with its queue: a restart forgets no start.
class Pace {
 public:
  /// The first moment, not before `now`, at which one more may start.
  Millis opens_at(const RateLimit& limit, Millis now) const;
  /// REQUIRES: opens_at(limit, now) == now. `now` never goes back.
  void start(const RateLimit& limit, Millis now);
  /// Another limit holds from now on. The starts of before go on counting, for the new per_ms at most, and as
  /// many tokens are missing as before.
  void change(const RateLimit& from, const RateLimit& limit, Millis now);

  /// So many starts count until then. REQUIRES: none that is there counts for longer.
  void add(Millis until, std::uint32_t starts);

  /// How it is kept: until when how many starts count, in order; and when the bucket is full again, in µs.
  std::deque<std::pair<Millis, std::uint32_t>> counted;
  std::int64_t full_at_us = 0;
  std::uint64_t sum = 0;  // of all that are counted; follows from them

  friend bool operator==(const Pace&, const Pace&) = default;
};

}  // namespace pawl::core
