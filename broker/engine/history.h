// What the broker did over the last hour and week, for charts: kept on disk, there again after a restart.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/job.h"
#include "broker/engine/lists.h"
#include "broker/engine/spread.h"

namespace pawl::engine {

using Depth = std::array<std::uint64_t, core::status_count>;  // jobs by Status

/// A span of time of one queue, or of all together. Value type.
struct HistoryPoint {
  core::Millis at = 0;  // its beginning, wall clock
  std::uint64_t submitted = 0;
  std::uint64_t started = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t retried = 0;
  Spread wait;    // from a job being ready to its lease
  Spread run;     // from a lease to its settle
  Depth depth{};  // at its end

  /// Adds what happened in another span; the depth is that of the other when it is not the earlier one.
  void add(const HistoryPoint& other);
};

/// What one second of one queue brought, before anybody knows the depth at its end.
struct Traffic {
  core::QueueNumber queue{};  // 0: queues that have no series of their own
  HistoryPoint point;
};

struct HistoryQuery {
  std::string queue;      // empty: all together
  core::Millis from = 0;  // REQUIRES: a multiple of `step`, and so is `to`
  core::Millis to = 0;
  core::Millis step = 1000;  // a multiple of 1000; from a minute on, of 60 000
};

struct HistorySeries {
  std::optional<Depth> before;       // the depth at `from`; absent: not known
  std::vector<HistoryPoint> points;  // oldest first; a span without one had no traffic and kept its depth
};

inline constexpr core::Millis second_ms = 1000;
inline constexpr core::Millis minute_ms = 60'000;
inline constexpr core::Millis seconds_kept_ms = 3600 * second_ms;
inline constexpr core::Millis minutes_kept_ms = 7 * 24 * 60 * minute_ms;

class History {
 public:
  virtual ~History() = default;
  using Answer = std::function<void(std::expected<HistorySeries, ListError>)>;
  /// Thread: any; answers on a thread of the history. Seconds reach back an hour, minutes a week.
  virtual void read(HistoryQuery query, Answer answer) = 0;
};

}  // namespace pawl::engine
