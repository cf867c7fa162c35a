#include "broker/engine/job_reader.h"

#include "broker/engine/codec.h"

namespace pawl::engine {

using core::Place;

std::optional<core::Job> read_job(const storage::Snapshot& snapshot, const core::JobId& id, core::Millis wall,
                                  bool& damaged) {
  const Key<22> ready = ready_key(id.queue(), id.priority(), id);
  const Key<20> other = placed_key(id.queue(), id);
  for (const Place place : {Place::ready, Place::parked, Place::ended, Place::dead}) {
    const std::string_view key = place == Place::ready ? ready.view() : other.view();
    const auto row = snapshot.get(family_of(place), key);
    if (!row) {
      damaged = true;
      return std::nullopt;
    }
    if (!*row) continue;
    Decoded<core::Job> job = decode_job(place, key, **row);
    damaged = damaged || !job;
    if (job && !expired(job->expires_at, wall)) return std::move(*job);
  }
  std::string key = lane_row_key(id.queue(), id.lane(), id.priority(), id).str();
  auto row = snapshot.get(family::ready, key);
  if (row && !*row) {  // its priority may have been changed
    const auto changed = snapshot.get(family::priorities, other);
    if (changed && !*changed) return std::nullopt;
    const Decoded<ReadyPlace> place =
        changed ? decode_priority(**changed) : std::unexpected(DecodeError{"a changed priority"});
    if (!place) {
      damaged = true;
      return std::nullopt;
    }
    key = ready_row_key(id.queue(), place->lane, place->priority, id);
    row = snapshot.get(family::ready, key);
  }
  if (!row) damaged = true;
  if (!row || !*row) return std::nullopt;
  Decoded<core::Job> job = decode_job(Place::ready, key, **row);
  damaged = damaged || !job;
  if (!job) return std::nullopt;
  return std::move(*job);
}

bool may_exist(const storage::Snapshot& snapshot, const core::JobId& id, core::Millis wall) {
  bool damaged = false;
  const bool found = read_job(snapshot, id, wall, damaged).has_value();
  return found || damaged;
}

}  // namespace pawl::engine
