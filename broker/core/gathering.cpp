// Throttle, debounce and keep-latest. What is kept is one row among those of the unique keys, under a key of
// its own; the job knows nothing of it.
#include <algorithm>

#include "broker/core/machine_state.h"

namespace pawl::core {

namespace {

// Unique keys have no control characters, so that the three never meet.
std::string row_key(const Gathering& gathering) {
  std::string key(1, static_cast<char>(static_cast<int>(gathering.mode) + 1));
  return key += gathering.key;
}

Millis saturating_sum(Millis a, Millis b) { return a > never - b ? never : a + b; }

Millis wait_until(const Gathering& gathering, Millis first_at, Millis wall) {
  const Millis until = saturating_sum(wall, gathering.window_ms);
  if (gathering.mode != Gathering::Mode::debounce || gathering.max_wait_ms == 0) return until;
  return std::min(until, saturating_sum(first_at, gathering.max_wait_ms));
}

void take_content(Job& job, const NewJob& spec) {
  job.payload = spec.payload;
  job.tags = spec.tags;
  job.traceparent = spec.traceparent;
}

}  // namespace

std::string latest_key(const NewJob& spec) {
  const bool latest = spec.gathering && spec.gathering->mode == Gathering::Mode::latest;
  return latest ? row_key(*spec.gathering) : std::string();
}

std::string key_held_by(const NewJob& spec) {
  return spec.gathering ? row_key(*spec.gathering) : spec.unique_key;
}

/// The answer, if the submit makes no job of its own.
std::optional<Submitted::Item> Machine::State::gather(const NewJob& spec, Queue& queue, Now now,
                                                      Outbox& outbox) {
  const std::string key = row_key(*spec.gathering);
  const auto row = unique.find({static_cast<std::uint32_t>(queue.row.number), key});
  if (row == unique.end() || !row->second) return std::nullopt;
  const Gathering::Mode mode = spec.gathering->mode;
  if (mode != Gathering::Mode::latest && row->second->until <= now.wall) return std::nullopt;
  const JobId holder = row->second->id;
  Entry* entry = find(holder, now);
  const auto answer = [&](Status status) {
    return Submitted::Item{holder, status, holder.created_at(), true, queue.row.name};
  };
  if (mode == Gathering::Mode::throttle)
    return answer(entry != nullptr ? entry->job.status : Status::completed);

  if (mode == Gathering::Mode::latest) {
    if (entry == nullptr || entry->job.started_at != 0 || entry->job.status != Status::pending)
      return std::nullopt;
    leave_place(*entry, outbox);
    take_content(entry->job, spec);
    place_ready(*entry, outbox);
    return answer(Status::pending);
  }
  // It is this wait, and not that of a retry or of another start: else it is too late to join.
  if (entry == nullptr || entry->job.status != Status::delayed || entry->job.started_at != 0 ||
      entry->job.run_at != row->second->until)
    return std::nullopt;
  leave_place(*entry, outbox);
  Job& job = entry->job;
  take_content(job, spec);
  job.run_at = wait_until(*spec.gathering, job.created_at, now.wall);
  place_delayed(*entry, outbox);
  open_window(spec, *entry, now, outbox);
  return answer(Status::delayed);
}

/// From here on other submits meet this job.
void Machine::State::open_window(const NewJob& spec, const Entry& entry, Now now, Outbox& outbox) {
  const std::string key = row_key(*spec.gathering);
  const bool waits = spec.gathering->mode == Gathering::Mode::debounce;
  const UniqueRow row{entry.job.id, waits ? entry.job.run_at : wait_until(*spec.gathering, 0, now.wall)};
  unique[{static_cast<std::uint32_t>(entry.job.queue), key}] = row;
  outbox.put_unique(entry.job.queue, key, row);
}

/// When a job of this spec may start, if it is to gather others first.
std::optional<Millis> gathers_until(const NewJob& spec, Millis wall) {
  if (!spec.gathering || spec.gathering->mode != Gathering::Mode::debounce) return std::nullopt;
  return wait_until(*spec.gathering, wall, wall);
}

}  // namespace pawl::core
