// How much of what: the numbers of one run.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace pawl::cli::bench {

struct Load {
  std::uint64_t jobs = 0;
  unsigned queues = 1;              // the jobs are dealt to them in turn
  unsigned priorities = 1;          // and then to these, 0 and up
  unsigned groups = 0;              // and to so many groups; 0: none has one
  bool limited = false;             // the queues have limits, which hold nothing back
  std::size_t payload_bytes = 200;  // at least payload_bytes_min
  unsigned workers = 1;             // connections that ask for jobs
  double rate = 100;                // W5: submits a second
  std::uint64_t drained = 20'000;   // W6: of the backlog
  /// How long completed jobs stay. Absent: as the broker has it, or a minute with a broker of somebody else.
  std::optional<std::chrono::milliseconds> keep_completed;
  /// W5: how often it is told how things stand. Absent: never.
  std::optional<std::chrono::milliseconds> every;
};

inline constexpr std::size_t payload_bytes_min = 100;

/// How far it is; called often, from any thread.
using Progress = std::function<void(std::uint64_t done, std::uint64_t of)>;

}  // namespace pawl::cli::bench
