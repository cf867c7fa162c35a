#include "broker/engine/log_sweep.h"

#include <utility>
#include <vector>

#include "broker/engine/codec.h"

namespace pawl::engine {

using core::JobId;
using core::Place;

namespace {

constexpr int jobs_in_step = 256;

// An unreadable row counts as a job: nothing is erased on a doubt.
bool exists(const storage::Snapshot& snapshot, const JobId& id, core::Millis now_wall) {
  const auto ready = snapshot.get(family::ready, ready_key(id.queue(), id.priority(), id));
  if (!ready || *ready) return true;
  for (const Place place : {Place::parked, Place::ended, Place::dead}) {
    const auto row = snapshot.get(family_of(place), placed_key(id.queue(), id));
    if (!row) return true;
    if (!*row) continue;
    if (place == Place::parked) return true;
    const std::optional<core::Millis> stamp = stamp_of(**row);
    if (!stamp || !expired(*stamp, now_wall)) return true;
  }
  const auto laned = snapshot.get(family::ready, lane_row_key(id.queue(), id.lane(), id.priority(), id));
  if (!laned || *laned) return true;
  const auto changed = snapshot.get(family::priorities, placed_key(id.queue(), id));
  return !changed || *changed;
}

}  // namespace

bool LogSweep::step() {
  std::vector<JobId> gone;
  bool over = false;
  {
    const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
    const core::Millis now_wall = port_.wall();
    for (int i = 0; i < jobs_in_step && !over; ++i) {
      std::optional<JobId> found;
      storage::Range range{family::logs, position_ ? std::string(position_->view()) : std::string(),
                           std::string(29, '\xff')};
      const auto scanned = snapshot->scan(range, [&](std::string_view key, std::string_view) {
        if (key.size() == 28) found = id_at(key, 0);
        return false;
      });
      over = !scanned || !found;
      if (over) break;
      if (!exists(*snapshot, *found, now_wall)) gone.push_back(*found);
      position_ = id_after(*found);
      over = !position_;
    }
  }
  if (over) position_.reset();
  if (gone.empty()) return over;
  const bool ran = port_.run([gone = std::move(gone)](core::Machine&, BatchOutbox& outbox, core::Now) {
    for (const JobId& id : gone) outbox.erase_logs(id);
  });
  return over || !ran;
}

}  // namespace pawl::engine
