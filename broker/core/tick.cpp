// What time does: timers, lost leases, time limits, ends of waits, retention.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {
// A lease that ran out longer ago than this was not heard because the broker itself stood still.
constexpr Millis stopped_after_ms = 1000;
}  // namespace

// A due job that a worker takes at once is written once less than one that has to wait (fire()), so what is
// due keeps to the workers' pace while there are any, but goes on.
std::size_t Machine::State::due_budget() const {
  if (waiters.empty()) return options.due_slice;
  const std::size_t most = options.due_slice * 4;
  std::size_t room = 0;
  for (const auto& [ticket, waiter] : waiters) {
    room += waiter->room();
    if (room >= most) return most;
  }
  return std::max(room, (options.due_slice + 3) / 4);
}

void Machine::tick_needs(Now now, Needs& needs) const {
  std::size_t left = state_->due_budget();
  for (const auto& [due, id] : state_->timers) {
    if (due > now.wall || left-- == 0) break;
    if (!state_->known(id) && state_->queue_of(id.queue()) != nullptr) needs.jobs.push_back(id);
  }
  for (const std::string& id : state_->due_schedules(now))
    state_->schedule_needs(state_->schedules.at(id), needs);
  for (const std::string& id : state_->due_triggers(now))
    state_->submit_needs(state_->triggers.at(id).row.trigger.job, needs);
}

void Machine::State::fire_timers(Now now, Outbox& outbox) {
  std::vector<Timer> ripe;
  const std::size_t most = due_budget();
  for (const Timer& timer : timers) {
    if (timer.first > now.wall || ripe.size() == most) break;
    ripe.push_back(timer);
  }
  // The nearest timers are all in memory, so no other stands between these in the store.
  if (ripe.size() >= options.due_together) {
    outbox.erase_timers(ripe.front(), ripe.back());
    timers_erased_to = ripe.back();
  }
  for (const auto& [due, id] : ripe) {
    Entry* entry = find(id);
    // The queue was deleted with its jobs: only the timer is left.
    if (entry == nullptr || entry->job.timer_due() != due) {
      timers.erase({due, id});
      if (!timers_erased_to) outbox.erase_timer(due, id);
      continue;
    }
    if (entry->job.status == Status::blocked)
      resume(*entry, nullptr, now, outbox);
    else
      fire(*entry, now, outbox);
  }
  timers_erased_to.reset();
}

void Machine::State::look_at_grant(std::uint64_t number, Millis when) {
  const auto it = grants.find(number);
  if (it == grants.end() || it->second.looked_at <= when) return;
  it->second.looked_at = when;
  grant_deadlines.emplace(when, number);
}

// Returns false when the budget ended first. One whose lease goes on is looked at again at its new deadline.
bool Machine::State::expire_grant(std::uint64_t number, Now now, std::size_t& budget, Outbox& outbox) {
  const auto it = grants.find(number);
  if (it == grants.end()) return true;
  const std::vector<JobId> members = it->second.jobs;
  Millis nearest = never;
  for (const JobId& id : members) {
    Entry* entry = find(id);
    if (entry == nullptr || !entry->active || entry->active->grant != number) continue;
    LeaseState& lease = entry->active->lease;
    if (lease.expires_mono <= std::min(stood_still_until, now.mono)) {
      lease.expires_mono = now.mono + entry->job.lease_ms;
      lease.expires_wall = now.wall + entry->job.lease_ms;
    }
    const bool timed_out = lease.timeout_mono <= now.mono;
    if (!timed_out && lease.expires_mono > now.mono) {
      nearest = std::min({nearest, lease.expires_mono, lease.timeout_mono});
      continue;
    }
    if (budget == 0) {
      look_at_grant(number, now.mono);
      return false;
    }
    --budget;
    if (!timed_out) {
      stall(*entry, now, outbox);
      continue;
    }
    tell_lost(*entry, outbox);
    AttemptError error;
    error.type = "timeout";
    error.message =
        "the attempt ran longer than its limit of " + std::to_string(entry->job.timeout_ms) + " ms";
    fail_attempt(*entry, std::move(error), false, std::nullopt, false, now, outbox);
  }
  if (nearest != never) look_at_grant(number, nearest);
  return true;
}

void Machine::State::expire_leases(Now now, Outbox& outbox) {
  std::size_t budget = options.due_slice;
  while (!grant_deadlines.empty() && grant_deadlines.top().first <= now.mono) {
    const auto [when, number] = grant_deadlines.top();
    grant_deadlines.pop();
    const auto it = grants.find(number);
    if (it == grants.end() || it->second.looked_at != when) continue;
    it->second.looked_at = never;
    if (!expire_grant(number, now, budget, outbox)) return;
  }
}

void Machine::State::end_waits(Now now, Outbox& outbox) {
  while (!waits.empty() && waits.begin()->first <= now.mono) {
    const Ticket ticket{waits.begin()->second};
    drop_waiter(ticket);
    outbox.reply(ticket, Granted{});
  }
}

void Machine::State::drop_retained(Now now, Outbox& outbox) {
  while (!retained.empty() && retained.begin()->first.expires_at <= now.wall) {
    const auto [key, count] = *retained.begin();
    retained.erase(retained.begin());
    retained_dirty.erase(key);
    outbox.put_retained({key.queue, key.status, key.expires_at, 0});
    marks_dirty = true;  // after a restart the clock must not stand before this drop
    Queue* queue = queue_of(key.queue);
    if (queue == nullptr) continue;
    queue->count(key.status) -= count;
    mark_dirty(*queue);
  }
}

void Machine::State::wake_queues(Now now) {
  while (!wakes.empty() && wakes.begin()->first <= now.wall) {
    Queue* queue = queue_of(QueueNumber{wakes.begin()->second});
    wakes.erase(wakes.begin());
    if (queue == nullptr) continue;
    queue->limited_until = never;
    note_matchable(*queue);
  }
  wake_lanes(now);
}

void Machine::State::observe(Now now) {
  marks.wall = std::max(marks.wall, now.wall);
  if (seen_mono >= 0 && !grant_deadlines.empty() &&
      now.mono - std::max(seen_mono, grant_deadlines.top().first) > stopped_after_ms) {
    stood_still_until = now.mono;
  }
  seen_mono = now.mono;
}

void Machine::tick(Now now, Outbox& outbox) {
  State& state = *state_;
  state.observe(now);
  state.drop_retained(now, outbox);
  state.fire_timers(now, outbox);
  state.run_schedules(now, outbox);
  state.run_triggers(now, outbox);
  state.wake_queues(now);
  state.expire_leases(now, outbox);
  state.end_waits(now, outbox);
}

Machine::Deadline Machine::next_deadline() const {
  const State& state = *state_;
  Deadline deadline;
  if (!state.timers.empty()) deadline.wall = state.timers.begin()->first;
  if (!state.schedules_due.empty() && !state.schedules_held)
    deadline.wall = std::min(deadline.wall, state.schedules_due.begin()->first);
  if (!state.triggers_due.empty()) deadline.wall = std::min(deadline.wall, state.triggers_due.begin()->first);
  if (!state.wakes.empty()) deadline.wall = std::min(deadline.wall, state.wakes.begin()->first);
  deadline.wall = std::min(deadline.wall, state.next_lane_wake());
  if (!state.retained.empty())
    deadline.wall = std::min(deadline.wall, state.retained.begin()->first.expires_at);
  if (!state.grant_deadlines.empty()) deadline.mono = state.grant_deadlines.top().first;
  if (!state.waits.empty()) deadline.mono = std::min(deadline.mono, state.waits.begin()->first);
  return deadline;
}

}  // namespace pawl::core
