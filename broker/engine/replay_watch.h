// A careful replay: it sends some dead letters ahead, or stops when too many fail again.
#pragma once

#include <cstddef>

#include "broker/core/reply.h"
#include "broker/engine/operations.h"
#include "storage/store.h"

namespace pawl::engine {

/// Most jobs that a replay with a rule has under way: what they come to decides how it goes on.
inline constexpr std::size_t watched_max = 256;
/// A share of fewer ends than these says nothing yet, but for a canary's.
inline constexpr std::uint64_t judged_min = 10;

/// Whether what becomes of the replayed jobs matters to how it goes on.
bool is_watched(const OperationView& view);
/// How many more jobs it may replay now.
std::size_t room_of(const OperationView& view);
/// Counts those under way that have ended since; true when something changed.
bool look_after(OperationView& view, const storage::Snapshot& snapshot, core::Millis wall);
/// Whether the rule is broken: the operation stops.
bool fails_too_often(const OperationView& view);

}  // namespace pawl::engine
