// What can happen to a job: one table, (state, event) → state. Whatever is not in it is refused.
// docs/STATE_MACHINE.md draws the same edges; a test compares them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pawl::core {

/// A job's state. The values are on disk: never renumber.
enum class Status : std::uint8_t {
  pending = 0,
  active = 1,
  completed = 2,
  failed = 3,
  delayed = 4,
  stalled = 5,
  blocked = 6,
  cancelled = 7,
};
inline constexpr std::size_t status_count = 8;

constexpr std::string_view name_of(Status status) {
  constexpr std::array<std::string_view, status_count> names{"pending", "active",  "completed", "failed",
                                                             "delayed", "stalled", "blocked",   "cancelled"};
  return names[static_cast<std::size_t>(status)];
}

/// An end is left only by an explicit replay.
constexpr bool is_end(Status status) {
  return status == Status::completed || status == Status::failed || status == Status::cancelled;
}
/// Waits in the ready order of its queue.
constexpr bool is_ready(Status status) { return status == Status::pending || status == Status::stalled; }

/// What happens to a job.
enum class Event : std::uint8_t {
  lease = 0,      // a worker takes it
  complete = 1,   // the attempt succeeded
  retry_later,    // the attempt failed, another comes after a backoff
  retry_now,      // the attempt failed, another may start at once
  fail,           // the attempt failed and no other comes: dead letter queue
  release,        // the worker gives it back unused
  release_later,  // the same, but not before a time
  stall,          // the lease ran out, stall budget left: first in line again
  due,            // its time has come
  promote,        // an operator brings its time forward
  cancel,         // withdrawn
  unblock,        // what it waited for has come
  unblock_later,  // the same, but it has a time of its own
  parent_failed,  // a parent failed and that fails the child
  replay,         // an ended job runs again, budgets anew
  suspend,        // the worker gives it back until something happens
  block_again,    // an ended job is to run again, after others
  postpone,       // an operator gives a job that waits for a worker a later time
};
inline constexpr std::size_t event_count = 18;

constexpr std::string_view name_of(Event event) {
  constexpr std::array<std::string_view, event_count> names{
      "lease",         "complete",      "retry_later", "retry_now", "fail",        "release",
      "release_later", "stall",         "due",         "promote",   "cancel",      "unblock",
      "unblock_later", "parent_failed", "replay",      "suspend",   "block_again", "postpone"};
  return names[static_cast<std::size_t>(event)];
}

/// One arrow of the picture.
struct Edge {
  Status from;
  Event event;
  Status to;
};

inline constexpr std::array edges{
    Edge{Status::pending, Event::lease, Status::active},
    Edge{Status::pending, Event::cancel, Status::cancelled},
    Edge{Status::pending, Event::postpone, Status::delayed},
    Edge{Status::stalled, Event::lease, Status::active},
    Edge{Status::stalled, Event::cancel, Status::cancelled},
    Edge{Status::stalled, Event::postpone, Status::delayed},
    Edge{Status::active, Event::complete, Status::completed},
    Edge{Status::active, Event::retry_later, Status::delayed},
    Edge{Status::active, Event::retry_now, Status::pending},
    Edge{Status::active, Event::fail, Status::failed},
    Edge{Status::active, Event::release, Status::pending},
    Edge{Status::active, Event::release_later, Status::delayed},
    Edge{Status::active, Event::stall, Status::stalled},
    Edge{Status::active, Event::cancel, Status::cancelled},
    Edge{Status::active, Event::suspend, Status::blocked},
    Edge{Status::delayed, Event::due, Status::pending},
    Edge{Status::delayed, Event::promote, Status::pending},
    Edge{Status::delayed, Event::cancel, Status::cancelled},
    Edge{Status::blocked, Event::unblock, Status::pending},
    Edge{Status::blocked, Event::unblock_later, Status::delayed},
    Edge{Status::blocked, Event::parent_failed, Status::failed},
    Edge{Status::blocked, Event::cancel, Status::cancelled},
    Edge{Status::failed, Event::block_again, Status::blocked},
    Edge{Status::cancelled, Event::block_again, Status::blocked},
    Edge{Status::completed, Event::replay, Status::pending},
    Edge{Status::failed, Event::replay, Status::pending},
    Edge{Status::cancelled, Event::replay, Status::pending},
};

/// The state after `event` in `from`; nothing when the table has no such edge.
constexpr std::optional<Status> next(Status from, Event event) {
  for (const Edge& edge : edges) {
    if (edge.from == from && edge.event == event) return edge.to;
  }
  return std::nullopt;
}

namespace detail {
constexpr bool unambiguous() {
  for (std::size_t i = 0; i < edges.size(); ++i) {
    for (std::size_t j = i + 1; j < edges.size(); ++j) {
      if (edges[i].from == edges[j].from && edges[i].event == edges[j].event) return false;
    }
  }
  return true;
}
constexpr bool ends_left_only_by_replay() {
  for (const Edge& edge : edges) {
    if (is_end(edge.from) && edge.event != Event::replay && edge.event != Event::block_again) return false;
  }
  return true;
}
}  // namespace detail
static_assert(detail::unambiguous(), "a state and an event lead to one state");
static_assert(detail::ends_left_only_by_replay());

}  // namespace pawl::core
