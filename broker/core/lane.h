// What jobs of a queue wait for together: lanes, and limits that have a name.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/ids.h"
#include "broker/core/pace.h"

namespace pawl::core {

inline constexpr std::size_t limits_named_max = 8;  // of one job
inline constexpr std::uint32_t lane_number_max = (1u << 27) - 1;

struct LaneKey;

/// The terms of a lane where they stand, in a job or a submit: to look its lane up without copies.
struct LaneTerms {
  std::string_view group;
  std::span<const std::string> limits;
  bool ordered = false;
  std::int32_t priority = 0;
  std::string_view order = {};

  bool empty() const { return group.empty() && limits.empty() && priority == 0 && order.empty(); }
  LaneKey key() const;
  bool operator==(const LaneTerms& other) const {
    return group == other.group && ordered == other.ordered && priority == other.priority &&
           order == other.order && std::ranges::equal(limits, other.limits);
  }
};

/// Jobs of a queue that may start under the same conditions stand in one line on disk, a lane. Those without
/// a group and without named limits stand in the queue's own order, lane 0.
struct LaneKey {
  std::string group;
  std::vector<std::string> limits;  // sorted, each once
  bool ordered = false;
  std::int32_t priority = 0;  // of all its jobs, when its queue lets priorities age; 0: of none in particular
  std::string order = {};     // the key under which only the newest waits, while one runs; empty: none

  operator LaneTerms() const { return {group, limits, ordered, priority, order}; }
  bool empty() const { return LaneTerms(*this).empty(); }
  auto operator<=>(const LaneKey&) const = default;
};

inline LaneKey LaneTerms::key() const {
  return {std::string(group), {limits.begin(), limits.end()}, ordered, priority, std::string(order)};
}

struct LaneHash {
  using is_transparent = void;
  std::size_t operator()(const LaneTerms& terms) const {
    const std::hash<std::string_view> hash;
    std::size_t sum = hash(terms.group);
    for (const std::string& limit : terms.limits) sum = sum * 31 + hash(limit);
    if (!terms.order.empty()) sum = sum * 31 + hash(terms.order);
    return sum * 31 + static_cast<std::size_t>(terms.priority) * 2 + (terms.ordered ? 1 : 0);
  }
};
struct LaneEqual {
  using is_transparent = void;
  bool operator()(const LaneTerms& a, const LaneTerms& b) const { return a == b; }
};

/// A limit that jobs of any queue name.
struct LimitRow {
  std::string name;
  Millis created_at = 0;
  std::optional<std::uint32_t> concurrency;  // 1…1 000 000 active jobs at once
  std::optional<RateLimit> rate;
  Pace pace;              // against `rate`
  Millis held_until = 0;  // a worker met the limit outside; 0: not held
  bool made = true;       // false: nobody made it, or it was deleted since; jobs name it
  /// By queue number: its jobs that name the limit and have not ended.
  std::map<std::uint32_t, std::uint64_t> live{};
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
