// Finds the next jobs of a replay or a purge, in the order of their ids.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "broker/engine/operations.h"
#include "storage/store.h"

namespace pawl::engine {

struct LetterSlice {
  std::vector<core::JobId> ids;
  std::string position;  // all up to here was seen: where the next slice goes on
  bool last = false;
  bool failed = false;  // the store could not be read
};

/// Whether a position, if there is one yet, is among the letters of the queue.
bool belongs_to(const std::string& position, core::QueueNumber queue);

/// At most `most` dead letters of the queue that died before the operation began. rows_max: to look at, when
/// the filter refuses most of them. Thread: any.
LetterSlice read_letters(const storage::Snapshot& snapshot, const OperationView& view,
                         core::QueueNumber queue, const std::string& position, std::size_t most,
                         std::size_t rows_max, core::Millis now_wall, const PayloadValue& value_at);

}  // namespace pawl::engine
