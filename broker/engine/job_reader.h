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

}  // namespace pawl::engine
