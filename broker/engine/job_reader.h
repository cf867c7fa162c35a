// One job's row, wherever it stands.
#pragma once

#include <optional>

#include "broker/core/job.h"
#include "storage/store.h"

namespace pawl::engine {

/// Nothing when it is gone, or was never there. `damaged` is set when it cannot be read. An active job's row
/// says what it was before. Thread: any.
std::optional<core::Job> read_job(const storage::Snapshot& snapshot, const core::JobId& id, core::Millis wall,
                                  bool& damaged);

/// Whether there is a record of it. An unreadable row counts as one: nothing is done on a doubt. Thread: any.
bool may_exist(const storage::Snapshot& snapshot, const core::JobId& id, core::Millis wall);

}  // namespace pawl::engine
