// Proves a store's invariants by a full scan: `pawl check DIR`, and the end of every torture test.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/core/outbox.h"
#include "storage/store.h"

namespace pawl::engine {

struct CheckReport {
  std::uint64_t queues = 0;
  std::array<std::uint64_t, core::status_count> jobs{};  // by status, as counted row by row
  std::uint64_t grants = 0;
  std::uint64_t timers = 0;
  std::uint64_t unique_keys = 0;
  std::uint64_t idempotency_keys = 0;
  std::uint64_t log_rows = 0;
  std::uint64_t operations = 0;
  std::uint64_t schedules = 0;
  std::uint64_t waits = 0;  // jobs that wait for events
  std::uint64_t triggers = 0;
  std::uint64_t lanes = 0;  // that were ever used
  std::uint64_t limits = 0;
  std::uint64_t workflows = 0;
  std::uint64_t gathered = 0;  // events that triggers keep until there are more
  std::uint64_t history_points = 0;
  std::uint64_t audited_actions = 0;
  std::uint64_t expired_rows = 0;     // past their stamp, not dropped yet
  std::uint64_t leftover_timers = 0;  // of deleted queues; they vanish when they come due
  std::uint64_t problem_count = 0;
  std::vector<std::string> problems;  // the first 100, one sentence each

  bool ok() const { return problem_count == 0; }
  std::uint64_t jobs_in_all() const;
};

/// Reads everything that the snapshot holds and proves: each job stands in exactly one place, the one of its
/// status; kept counters equal a recount for each queue and state; timers and delayed jobs name each other;
/// each grant names a ready job, and no job is leased twice; what waits for an event can be found by it;
/// unique keys and live jobs name each other; retained counts equal a recount; no id or lease is newer than
/// the marks; every row can be decoded. Memory grows with queues and leases, not with jobs. now_wall: rows
/// with a stamp up to here, or up to the newest time on disk, count as absent. Choose it not before the end
/// of the scan, since the store may drop rows meanwhile.
CheckReport check_store(const storage::Snapshot& snapshot, core::Millis now_wall);
/// The same for a store that nothing else has open; acquires its partition. now_wall 0: ten minutes from now.
storage::Result<CheckReport> check_store(storage::Store& store, core::Millis now_wall = 0);

}  // namespace pawl::engine
