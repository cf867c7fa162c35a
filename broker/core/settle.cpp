// What a lease's holder says: complete, fail, release, heartbeat, logs. A stale lease changes nothing.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

Refused unknown_job() { return {Refusal::unknown_job, "there is no job with this id", {}, {}}; }

Refused lease_lost(const Job& job) {
  return {Refusal::lease_lost,
          "this lease is not the job's current one; the job is " + std::string(name_of(job.status)),
          {},
          job.status};
}

bool holds(const Entry& entry, LeaseNumber lease) {
  return entry.active && lease != LeaseNumber::none && entry.active->lease.number == lease;
}

SettleResult Machine::State::settle_one(const Settlement& settlement, Now now, Outbox& outbox) {
  Entry* entry = find(settlement.id, now);
  if (entry == nullptr) return {unknown_job(), {}, 0};
  Job& job = entry->job;
  if (!holds(*entry, settlement.lease)) {
    const LastSettle& last = job.last_settle;
    const bool repeated =
        last.by_worker && last.lease == settlement.lease && settlement.lease != LeaseNumber::none;
    if (repeated) return {std::nullopt, last.status, last.run_at};
    return {lease_lost(job), {}, 0};
  }
  see_worker(entry->active->lease.worker_id, now);
  if (settlement.outcome == Settlement::Outcome::suspend) {
    if (auto refused = check_suspension(job, *settlement.suspension)) return {*std::move(refused), {}, 0};
  }
  if (settlement.outcome == Settlement::Outcome::rate_limited) {
    const Millis until = now.wall + settlement.retry_after_ms;
    Millis& held_until = entry->queue->row.held_until;
    if (!hold_limits(job, until)) held_until = std::max(held_until, until);
  }
  switch (settlement.outcome) {
    case Settlement::Outcome::complete: {
      ++job.attempts_made;
      job.result = settlement.result;
      end_lease(*entry, {LeaseNumber::none, Status::completed, 0, true});
      end(*entry, Event::complete, now, outbox);
      break;
    }
    case Settlement::Outcome::fail: {
      AttemptError error;
      error.type = settlement.error_type;
      error.message = settlement.error_message;
      error.stack = settlement.error_stack;
      fail_attempt(*entry, std::move(error), settlement.permanent, settlement.retry_delay_ms, true, now,
                   outbox);
      break;
    }
    case Settlement::Outcome::suspend:
      suspend(*entry, *settlement.suspension, now, outbox);
      break;
    case Settlement::Outcome::rate_limited:  // the job keeps its place in the line
    case Settlement::Outcome::release: {
      Event event = settlement.delay_ms > 0 ? Event::release_later : Event::release;
      if (job.cancel_requested) event = Event::cancel;
      const Millis run_at = event == Event::release_later ? now.wall + settlement.delay_ms : 0;
      end_lease(*entry, {LeaseNumber::none, *next(job.status, event), run_at, true});
      if (event == Event::cancel) {
        end(*entry, event, now, outbox);
        break;
      }
      job.run_at = event == Event::release_later ? run_at : now.wall;
      change(*entry, event, now, outbox);
      break;
    }
  }
  return {std::nullopt, job.last_settle.status, job.last_settle.run_at};
}

void Machine::State::apply(Ticket to, const Settle& settle, Now now, Outbox& outbox) {
  Settled answer;
  answer.results.reserve(settle.settlements.size());
  for (const Settlement& settlement : settle.settlements)
    answer.results.push_back(settle_one(settlement, now, outbox));
  outbox.reply(to, std::move(answer));
}

BeatResult Machine::State::beat(const Beat& beat, Now now, Outbox& outbox) {
  Entry* entry = find(beat.id, now);
  if (entry == nullptr) return {unknown_job(), 0, false};
  if (!holds(*entry, beat.lease)) return {lease_lost(entry->job), 0, false};
  Job& job = entry->job;
  LeaseState& lease = entry->active->lease;
  see_worker(lease.worker_id, now);
  lease.hear(now);
  ++lease.beats;
  const Millis length = beat.lease_ms.value_or(job.lease_ms);
  const Millis before = std::exchange(lease.expires_mono, now.mono + length);
  lease.expires_wall = now.wall + length;
  // A later end needs no note of its own: the grant is looked at again at the earlier one.
  if (lease.expires_mono < before) look_at_grant(entry->active->grant, lease.expires_mono);
  if (beat.progress) job.progress = *beat.progress;
  if (beat.message) job.message = *beat.message;
  if (beat.progress || beat.message) outbox.progressed(job, entry->queue->row.name);
  return {std::nullopt, lease.expires_wall, job.cancel_requested};
}

void Machine::State::apply(Ticket to, const Heartbeat& heartbeat, Now now, Outbox& outbox) {
  HeartbeatDone answer;
  answer.results.reserve(heartbeat.beats.size());
  for (const Beat& one : heartbeat.beats) answer.results.push_back(beat(one, now, outbox));
  outbox.reply(to, std::move(answer));
}

void Machine::State::apply(Ticket to, const AppendLogs& logs, Now now, Outbox& outbox) {
  Entry* entry = find(logs.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  if (!holds(*entry, logs.lease)) return outbox.reply(to, lease_lost(entry->job));
  entry->active->lease.hear(now);
  Job& job = entry->job;
  if (job.log_lines + logs.lines.size() > log_lines_max) {
    return outbox.reply(to, Refused{Refusal::too_many_log_lines,
                                    "a job keeps at most " + std::to_string(log_lines_max) + " log lines",
                                    {},
                                    {}});
  }
  outbox.put_logs(job, now.wall, logs.lines);
  job.log_lines += static_cast<std::uint32_t>(logs.lines.size());
  // The row keeps the number of lines: they are erased with the job, and the limit holds over a restart.
  rewrite(*entry, outbox);
  outbox.logged(job, entry->queue->row.name, logs.lines);
  outbox.reply(to, LogsKept{job.log_lines});
}

}  // namespace pawl::core
