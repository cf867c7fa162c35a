// Finds the next jobs of a bulk operation or a drain, in submit order.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <vector>

#include "broker/engine/lists.h"
#include "broker/engine/operations.h"
#include "broker/engine/port.h"

namespace pawl::engine {

/// The filter of a bulk operation: as in a list, the oldest first. A drain takes whatever waits.
JobFilter filter_of(const OperationSpec& spec);

struct BulkSlice {
  std::vector<core::JobId> ids;     // may match: the engine looks again when it carries out the action
  std::optional<core::JobId> seen;  // all up to here was seen
  bool last = false;
};

struct BulkBudget {
  std::size_t jobs;                // that may match
  std::chrono::milliseconds time;  // for scanning
};

/// What `most` allows of the jobs after `after` that were submitted before the operation began. Thread: any
/// but the engine's.
std::expected<BulkSlice, ListError> read_bulk(Port& port, const OperationView& view,
                                              const std::optional<core::JobId>& after, const BulkBudget& most,
                                              const PayloadValue& value_at);

}  // namespace pawl::engine
