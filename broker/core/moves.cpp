// What each edge of the state table does to rows, counters, windows, timers and keys.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

Millis expiry_of(Millis ended, Millis keep) {
  if (keep < 0) return 0;
  Millis grain = 1;
  for (const Millis coarser : {100, 1'000, 10'000, 60'000, 600'000, 3'600'000}) {
    if (coarser * 64 <= keep) grain = coarser;
  }
  const Millis at = ended > never / 2 - keep ? never / 2 : ended + keep;
  return (at + grain - 1) / grain * grain;
}

void Machine::State::place_ready(Entry& entry, Outbox& outbox) {
  outbox.put_job(Place::ready, entry.job);
  entry.row = Place::ready;
  line_up(entry);
}

void Machine::State::line_up(Entry& entry) {
  Lane& lane = lane_of(entry);
  entry.lane = &lane;
  const ReadyKey key = entry.job.ready_key();
  if (in_window_reach(lane, entry.job) && !closes_window(lane, key)) {
    enter(lane.window, entry);
    if (!lane.beyond && (!lane.cursor || *lane.cursor < key)) lane.cursor = key;
    trim_window(lane);
  } else if (in_finds_reach(lane, entry.job)) {
    enter(lane.finds, entry);
    trim_finds(lane);
  }
  // Else the store has it, and a refill will meet it; or a look by name, which workers that wait must ask
  // for.
  note_matchable(*entry.queue);
}

void Machine::State::place_delayed(Entry& entry, Outbox& outbox) {
  outbox.put_job(Place::parked, entry.job);
  entry.row = Place::parked;
  entry.lane = nullptr;
  outbox.put_timer(entry.job.run_at, entry.job.id);
  add_timer(entry.job.run_at, entry.job.id);
  keep_if_soon(entry);
}

void Machine::State::drop_timer(Entry& entry, Outbox& outbox) {
  keep_no_longer(entry);
  const Timer timer{*entry.job.timer_due(), entry.job.id};
  if (!timers_erased_to || *timers_erased_to < timer) outbox.erase_timer(timer.first, timer.second);
  timers.erase(timer);
}

// Takes the job's row, and what hangs on it, away from where it stands.
void Machine::State::leave_place(Entry& entry, Outbox& outbox) {
  touch(entry);
  leave_line(entry);
  outbox.erase_job(entry.row, entry.job);
  if (entry.job.timer_due()) drop_timer(entry, outbox);
  if (entry.job.status == Status::blocked && entry.job.wait != nullptr) {
    outbox.erase_wait(entry.job.id);
    forget_wait(entry.job.id, *entry.job.wait);
  }
  if (is_end(entry.job.status)) retain(entry.job, false);
  if (!entry.job.ordered) return;
  free_order(entry, outbox);
  note_matchable(*entry.queue);  // whom it let nobody pass may be for a worker that waits
}

// A delayed job is due. Its row stays parked until flush() for a worker that may take it in this batch: most
// jobs that become due while workers wait are written once less and erased once less.
void Machine::State::fire(Entry& entry, Now now, Outbox& outbox) {
  touch(entry);
  Job& job = entry.job;
  drop_timer(entry, outbox);
  if (job.ordered) free_order(entry, outbox);
  --entry.queue->count(job.status);
  job.transit(Event::due, now.wall);
  ++entry.queue->count(job.status);
  mark_dirty(*entry.queue);
  line_up(entry);
  fired.push_back(job.id);
  const Event cause = Event::due;
  outbox.moved(job, entry.queue->row.name, Status::delayed, &cause);
}

// Those that nobody took are written where the windows look.
void Machine::State::write_fired(Outbox& outbox) {
  for (const JobId& id : std::exchange(fired, {})) {
    Entry* entry = find(id);
    if (entry != nullptr && entry->row == Place::parked && is_ready(entry->job.status))
      rewrite(*entry, outbox);
  }
}

// For a pending, stalled or active job.
void Machine::State::rewrite(Entry& entry, Outbox& outbox) {
  outbox.erase_job(entry.row, entry.job);
  entry.row = Place::ready;
  outbox.put_job(entry.row, entry.job);
}

// Along one edge to a state that is not an end. REQUIRES: the table has the edge; the lease, if any, is over.
void Machine::State::change(Entry& entry, Event event, Now now, Outbox& outbox) {
  const Status from = entry.job.status;
  leave_place(entry, outbox);
  --entry.queue->count(from);
  if (event == Event::replay || event == Event::block_again) {
    entry.job.begin_again(now.wall);
    entry.steps_bytes = entry.job.steps_bytes() + entry.job.parents_bytes();
    owe(entry.job, Owed::What::runs_again, from);
    count_live(entry.job, true);
  }
  if (from == Status::blocked) entry.job.wait = nullptr;
  entry.job.transit(event, now.wall);
  ++entry.queue->count(entry.job.status);
  mark_dirty(*entry.queue);
  note_room(*entry.queue, from);
  if (is_ready(entry.job.status))
    place_ready(entry, outbox);
  else if (entry.job.status == Status::blocked)
    place_blocked(entry, outbox);
  else
    place_delayed(entry, outbox);
  if (entry.job.ordered && !is_ready(entry.job.status)) keep_order(entry, outbox);
  outbox.moved(entry.job, entry.queue->row.name, from, &event);
}

// Along one edge to an end.
void Machine::State::end(Entry& entry, Event event, Now now, Outbox& outbox) {
  Job& job = entry.job;
  const Status from = job.status;
  leave_place(entry, outbox);
  if (from == Status::blocked) stop_waiting(entry, outbox);
  job.wait = nullptr;
  --entry.queue->count(from);
  job.transit(event, now.wall);
  job.finished_at = now.wall;
  const Millis keep = job.status == Status::failed ? job.retention.failed_ms : job.retention.completed_ms;
  job.expires_at = expiry_of(now.wall, keep);
  if (job.status == Status::completed) ++entry.queue->row.lifetime_completed;
  if (job.status == Status::failed) ++entry.queue->row.lifetime_failed;
  free_unique(job, now, outbox);
  owe(job, Owed::What::ended, job.status);
  count_live(job, false);
  if (keep == 0) {
    if (job.log_lines > 0) outbox.erase_logs(job.id);
    entry.gone = true;
  } else {
    entry.row = place_of(job.status);
    outbox.put_job(entry.row, job);
    retain(job, true);
    if (job.ordered && job.status == Status::failed && !job.keeps_latest()) keep_order(entry, outbox);
  }
  mark_dirty(*entry.queue);
  note_room(*entry.queue, from);
  outbox.moved(job, entry.queue->row.name, from, &event);
  call_back(job, *entry.queue, now, outbox);
}

// Counts an ended job in or out.
void Machine::State::retain(const Job& job, bool arrives) {
  Queue& queue = *queue_of(job.queue);
  if (arrives) ++queue.count(job.status);
  // When it leaves by an edge, the caller takes it from the queue's count.
  if (job.expires_at == 0) return;
  const RetainedKey key{job.expires_at, job.queue, job.status};
  std::uint64_t& count = retained[key];
  if (arrives)
    ++count;
  else if (count > 0)
    --count;
  retained_dirty.insert(key);
}

void Machine::State::end_lease(Entry& entry, LastSettle settle) {
  ActiveLease& active = *entry.active;
  entry.job.last_lease = active.lease.number;
  entry.job.last_settle = settle;
  entry.job.last_settle.lease = active.lease.number;
  --active_jobs;
  active_bytes -= entry.bytes();
  return_credit(active.connection);
  if (entry.lane != nullptr && entry.queue->has_lanes()) end_in_lane(entry);
  const auto grant = grants.find(active.grant);
  if (grant != grants.end() && --grant->second.live == 0) {
    spent_grants.push_back(active.grant);
    grants.erase(grant);
  }
  entry.active.reset();
}

void Machine::State::hold_unique(const Job& job, Outbox& outbox) {
  if (job.unique_key.empty()) return;
  const UniqueRow row{job.id, 0};
  unique[{static_cast<std::uint32_t>(job.queue), job.unique_key}] = row;
  outbox.put_unique(job.queue, job.unique_key, row);
}

void Machine::State::free_unique(const Job& job, Now now, Outbox& outbox) {
  // Once it has run, the key is free for the next one that waits.
  if (job.unique_key.empty() || (job.keeps_latest() && job.started_at != 0)) return;
  std::optional<UniqueRow>& row = unique[{static_cast<std::uint32_t>(job.queue), job.unique_key}];
  if (job.unique_for_ms > 0) {
    row = UniqueRow{job.id, now.wall + job.unique_for_ms};
    outbox.put_unique(job.queue, job.unique_key, *row);
  } else {
    row.reset();
    outbox.erase_unique(job.queue, job.unique_key);
  }
}

// The attempt used up its turn: it is retried, or it was the last one.
void Machine::State::fail_attempt(Entry& entry, AttemptError error, bool permanent,
                                  std::optional<Millis> delay, bool by_worker, Now now, Outbox& outbox) {
  Job& job = entry.job;
  error.attempt = job.attempts_made + 1;
  error.at = now.wall;
  error.worker_id = entry.active->lease.worker_id;
  if (job.errors.size() >= errors_max) job.errors.erase(job.errors.begin());
  job.errors.push_back(std::move(error));
  ++job.attempts_made;

  Event event = Event::retry_later;
  Millis run_at = 0;
  if (job.cancel_requested) {
    event = Event::cancel;
  } else if (permanent || job.attempts_made >= job.max_attempts) {
    event = Event::fail;
  } else {
    const Millis wait = delay ? *delay : backoff_wait(job.backoff, job.attempts_made, random_unit());
    if (wait <= 0)
      event = Event::retry_now;
    else
      run_at = now.wall + wait;
  }
  end_lease(entry, {LeaseNumber::none, *next(job.status, event), run_at, by_worker});
  if (event == Event::fail || event == Event::cancel) return end(entry, event, now, outbox);
  job.run_at = event == Event::retry_later ? run_at : now.wall;
  change(entry, event, now, outbox);
}

namespace {

// "nothing came from it for 30.0 s (heartbeats before that: 12)": but for its numbers always the same, so
// that it stays one cause.
std::string silence(Millis ms, std::uint32_t beats) {
  return "nothing came from it for " + std::to_string(ms / 1000) + '.' + std::to_string(ms % 1000 / 100) +
         " s (heartbeats before that: " + std::to_string(beats) + ")";
}

}  // namespace

// The lease ran out, or its connection went away for good.
void Machine::State::stall(Entry& entry, Now now, Outbox& outbox) {
  Job& job = entry.job;
  const LeaseState& lease = entry.active->lease;
  AttemptError error{job.attempts_made + 1, now.wall, "stalled", {}, {}, lease.worker_id};
  error.message = "the lease ran out before worker " + error.worker_id + " settled the job; " +
                  silence(now.mono - lease.heard_mono, lease.beats);
  if (job.errors.size() >= errors_max) job.errors.erase(job.errors.begin());
  job.errors.push_back(std::move(error));
  ++job.stalls;
  tell_lost(entry, outbox);
  Event event = Event::stall;
  if (job.cancel_requested)
    event = Event::cancel;
  else if (job.stalls > job.max_stalls)
    event = Event::fail;
  end_lease(entry, {LeaseNumber::none, *next(job.status, event), 0, false});
  if (event == Event::stall)
    change(entry, event, now, outbox);
  else
    end(entry, event, now, outbox);
}

void Machine::State::tell_lost(const Entry& entry, Outbox& outbox) {
  if (entry.active->connection == Ticket::none) return;
  outbox.reply(entry.active->connection,
               Notice{Notice::Kind::lease_lost, entry.job.id, entry.active->lease.number});
}

}  // namespace pawl::core
