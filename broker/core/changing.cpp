// What can be changed of a job that waits: its time and its priority.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

/// Nothing when all that is asked can be done.
std::optional<Refused> Machine::State::check_change(const Job& job, const ChangeJob& change) {
  if (job.status == Status::active)
    return wrong_state(job,
                       "it can be changed when it waits again: cancel it, or wait for its attempt's end");
  if (is_end(job.status)) return wrong_state(job, "only a job that waits can be changed: retry it first");
  if (change.run_at || change.delay_ms) {
    if (job.wait != nullptr)
      return wrong_state(job, "it waits for the event " + job.wait->event + ": raise that");
    // One that is delayed has begun: it waits for another attempt, and its order waits for it.
    if (job.ordered && job.status != Status::delayed)
      return wrong_state(job, "its strict order says when it runs: it has no time of its own");
  }
  if (!change.priority) return std::nullopt;
  if (job.ordered) return wrong_state(job, "its strict order says when it runs: it has no priority");
  // Its lane has jobs of one priority only, and its id says which lane.
  if (job.aged || queue_of(job.queue)->row.settings.priority_ageing_ms)
    return wrong_state(job,
                       "its queue lets priorities age, and a job keeps the one that it was submitted with");
  return std::nullopt;
}

/// Returns whether that changed anything. REQUIRES: check_change allows it.
bool Machine::State::set_priority(Entry& entry, int priority, Outbox& outbox) {
  Job& job = entry.job;
  if (job.priority == priority) return false;
  if (is_ready(job.status)) {
    leave_place(entry, outbox);
    job.priority = priority;
    place_ready(entry, outbox);
  } else {
    touch(entry);
    job.priority = priority;
    outbox.put_job(entry.row, job);
  }
  return true;
}

/// Returns whether it moved along no edge and something is changed nevertheless. REQUIRES: check_change
/// allows it.
bool Machine::State::set_run_at(Entry& entry, Millis at, Now now, Outbox& outbox) {
  Job& job = entry.job;
  const bool later = at > now.wall;
  switch (job.status) {
    case Status::delayed:
      if (!later) {
        change(entry, Event::promote, now, outbox);
        return false;
      }
      if (job.run_at == at) return false;
      touch(entry);
      drop_timer(entry, outbox);
      job.run_at = at;
      place_delayed(entry, outbox);
      return true;
    case Status::blocked:
      if (!later) at = now.wall;
      if (job.run_at == at) return false;
      touch(entry);
      job.run_at = at;
      outbox.put_job(entry.row, job);
      return true;
    default:  // it waits for a worker
      if (!later) return false;
      job.run_at = at;
      change(entry, Event::postpone, now, outbox);
      return false;
  }
}

void Machine::State::apply(Ticket to, const ChangeJob& change, Now now, Outbox& outbox) {
  Entry* entry = find(change.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  if (auto refused = check_change(entry->job, change)) return outbox.reply(to, *std::move(refused));
  bool in_place = change.priority && set_priority(*entry, *change.priority, outbox);
  const Status from = entry->job.status;
  std::optional<Millis> at = change.run_at;
  if (change.delay_ms) at = *change.delay_ms > never - now.wall ? never : now.wall + *change.delay_ms;
  if (at) in_place = set_run_at(*entry, *at, now, outbox) || in_place;
  // One that moved was told of already.
  if (in_place && entry->job.status == from) outbox.changed(entry->job, entry->queue->row.name);
  outbox.reply(to, JobChanged{entry->job.id, entry->job.status, false});
}

}  // namespace pawl::core
