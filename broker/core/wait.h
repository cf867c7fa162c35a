// What a job keeps of its steps, and what it can wait for while no worker holds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/ids.h"
#include "broker/core/states.h"

namespace pawl::core {

/// Something that an attempt did and the next need not do again.
struct Step {
  std::string name;
  Bytes result;  // JSON text; null: JSON null
};
inline constexpr std::size_t steps_max = 1'000;          // of a job
inline constexpr std::size_t steps_bytes_max = 1 << 20;  // names and results, of a job

/// What an event's data must hold: a value, as EventData writes it, for each path; sorted by path.
using Match = std::vector<std::pair<std::string, std::string>>;

/// An event's data for the core, which knows no JSON. Thread: that of the machine.
class EventData {
 public:
  virtual ~EventData() = default;
  /// The string, number, boolean or null at the path, written so that equal values are equal texts; nothing
  /// when there is none.
  virtual std::optional<std::string> value_at(const std::string& path) const = 0;
};
bool matches(const Match& match, const EventData& data);

/// A suspended job waits for an event.
struct Wait {
  std::string as;  // the step that gets the event's data, or null when the time is over
  std::string event;
  Match match;
  Millis until = 0;  // 0: for as long as it takes
};

/// What became of a job that another has waited for.
struct ParentResult {
  std::string ref;  // its name for the one that waited
  JobId id;
  Status status = Status::pending;  // pending stands for "has not ended"
  Bytes result;                     // of a completed one
  bool added = false;               // as a child, by the job itself
};

/// How a worker gives a job back that goes on later, without using up an attempt: it sleeps, or waits for an
/// event.
struct Suspension {
  std::string as;                  // the step that is kept: at once for a sleep; may be empty then
  std::optional<Millis> sleep_ms;  // one of the two…
  std::optional<Millis> until;     // wall
  std::string event;               // …or this, for timeout_ms at most (0: no limit)
  Match match;
  Millis timeout_ms = 0;
};

}  // namespace pawl::core
