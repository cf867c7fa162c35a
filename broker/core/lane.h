// What jobs of a queue wait for together: lanes, and limits that have a name.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/ids.h"
#include "broker/core/pace.h"

namespace pawl::core {

inline constexpr std::size_t limits_named_max = 8;  // of one job
inline constexpr std::uint32_t lane_number_max = (1u << 27) - 1;

/// Jobs of a queue that may start under the same conditions stand in one line on disk, a lane. Those without
/// a group and without named limits stand in the queue's own order, lane 0.
struct LaneKey {
  std::string group;
  std::vector<std::string> limits;  // sorted, each once
  bool ordered = false;
  std::int32_t priority = 0;  // of all its jobs, when its queue lets priorities age; 0: of none in particular
  std::string order = {};     // the key under which only the newest waits, while one runs; empty: none

  bool empty() const { return group.empty() && limits.empty() && priority == 0 && order.empty(); }
  auto operator<=>(const LaneKey&) const = default;
};

/// A limit that jobs of any queue name.
struct LimitRow {
  std::string name;
  Millis created_at = 0;
  std::optional<std::uint32_t> concurrency;  // 1…1 000 000 active jobs at once
  std::optional<RateLimit> rate;
  Pace pace;              // against `rate`
  Millis held_until = 0;  // a worker met the limit outside; 0: not held
};

inline constexpr std::ptrdiff_t groups_paused_max = 1000;  // of a queue
inline constexpr Millis group_memory_ms = 300'000;         // what a group's `recent` figures tell of

/// An operator keeps the jobs of a group from starting.
struct GroupPause {
  std::string reason;
  Millis since = 0;
};

/// What is kept of a group of a queue: its starts, while the queue has a rate limit for groups, and its
/// pause.
struct GroupRow {
  QueueNumber queue{};
  std::string group;
  Pace pace;
  std::optional<GroupPause> pause;
};

/// A strict order that waits for one of its jobs which does not stand in the line.
struct OrderRow {
  QueueNumber queue{};
  std::uint32_t lane = 0;
  JobId job;
  bool failed = false;  // it is dead, and holds up the others unless the queue says otherwise
  Millis until = 0;     // then it is forgotten; 0: it is kept
};

}  // namespace pawl::core
