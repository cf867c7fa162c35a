// What operators and submitters do to jobs and queues.
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

template <typename T>
void set_if(std::optional<T>& setting, const std::optional<std::optional<T>>& said) {
  if (said) setting = *said;
}

// It was to run after others, and ended while it waited for them.
bool ended_before_its_parents(const Job& job) {
  const auto& past = job.history;
  const std::size_t size = past.size();
  if (size < 2 || past[size - 2].status != Status::blocked) return false;
  // One that was running gave itself back, to wait for something else.
  return size == 2 || is_end(past[size - 3].status);
}

}  // namespace

Refused no_such_queue(const std::string& name) {
  return {Refusal::unknown_queue, "there is no queue named " + name, {}, {}};
}

Refused wrong_state(const Job& job, std::string_view what) {
  return {Refusal::wrong_state, "the job is " + std::string(name_of(job.status)) + "; " + std::string(what),
          job.id, job.status};
}

void Machine::State::apply(Ticket to, const Cancel& cancel, Now now, Outbox& outbox) {
  Entry* entry = find(cancel.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  Job& job = entry->job;
  if (entry->active) {
    if (!job.cancel_requested) {
      job.cancel_requested = true;
      rewrite(*entry, outbox);
      if (entry->active->connection != Ticket::none) {
        outbox.reply(entry->active->connection,
                     Notice{Notice::Kind::cancel, job.id, entry->active->lease.number});
      }
    }
    return outbox.reply(to, JobChanged{job.id, job.status, true});
  }
  if (job.status == Status::cancelled) return outbox.reply(to, JobChanged{job.id, job.status, false});
  if (is_end(job.status))
    return outbox.reply(to, wrong_state(job, "only a job that has not ended can be cancelled"));
  end(*entry, Event::cancel, now, outbox);
  outbox.reply(to, JobChanged{job.id, job.status, false});
}

void Machine::State::apply(Ticket to, const Retry& retry, Now now, Outbox& outbox) {
  Entry* entry = find(retry.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  Job& job = entry->job;
  if (!is_end(job.status) || (retry.only_from && job.status != *retry.only_from)) {
    return outbox.reply(to, wrong_state(job, "only an ended job can run again"));
  }
  if (retry.only_released && !job.workflow.is_none() && ended_before_its_parents(job)) {
    return outbox.reply(
        to, wrong_state(job, "it waits for others of its workflow, which can be retried as a whole"));
  }
  if (!job.unique_key.empty() && !(job.keeps_latest() && job.started_at != 0)) {
    const auto held = unique.find({static_cast<std::uint32_t>(job.queue), job.unique_key});
    if (held != unique.end() && held->second && held->second->until == 0 && held->second->id != job.id) {
      return outbox.reply(to, Refused{Refusal::unique_key_taken,
                                      "another live job holds this job's unique key",
                                      held->second->id,
                                      {}});
    }
    hold_unique(job, outbox);
  }
  change(*entry, Event::replay, now, outbox);
  outbox.reply(to, JobChanged{job.id, job.status, false});
}

// Its lane in another queue.
void Machine::State::move_needs(const Job& job, const std::string& queue, Needs& needs) const {
  NewJob there;
  there.queue = queue;
  there.group = job.group;
  there.limits = job.limits;
  there.ordered = job.ordered && !job.keeps_latest();
  there.priority = job.priority;
  lane_needs(there, needs);
}

void Machine::State::apply(Ticket to, const Move& move, Now now, Outbox& outbox) {
  Entry* entry = find(move.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  Job& old = entry->job;
  if (!is_end(old.status) || (move.only_from && old.status != *move.only_from))
    return outbox.reply(to, wrong_state(old, "only an ended job can run again"));
  Queue* queue = queue_of(move.queue);
  if (queue == nullptr) return outbox.reply(to, no_such_queue(move.queue));
  if (queue == entry->queue) return apply(to, Retry{move.id, move.only_from, true}, now, outbox);
  // A callback knows where it goes, and is signed, as a job of its queue only.
  if (entry->queue->row.name == callbacks_queue || move.queue == callbacks_queue)
    return outbox.reply(to, wrong_state(old, "callbacks run in their own queue only"));
  if (!old.workflow.is_none() || old.has_dependents)
    return outbox.reply(to,
                        wrong_state(old, "others know it by its id: it can run again in its own queue only"));

  Job job = old;
  erase_record(*entry, outbox);
  job.begin_again(now.wall);
  job.queue = queue->row.number;
  if (job.keeps_latest()) job.ordered = false;
  job.unique_key.clear();
  job.unique_for_ms = 0;
  job.lane = 0;
  job.log_lines = 0;
  job.last_settle = {};
  job.last_lease = LeaseNumber::none;
  job.created_at = now.wall;
  std::erase_if(job.tags, [](const std::string& tag) { return tag.starts_with(moved_tag); });
  if (!move.tag.empty()) job.tags.push_back(move.tag);
  job.transit(Event::replay, now.wall);
  const Entry& made = admit(*queue, std::move(job), outbox);
  outbox.reply(to, JobChanged{made.job.id, made.job.status, false});
}

void Machine::State::apply(Ticket to, const Promote& promote, Now now, Outbox& outbox) {
  Entry* entry = find(promote.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  if (entry->job.status != Status::delayed) {
    return outbox.reply(to, wrong_state(entry->job, "only a delayed job can be promoted"));
  }
  change(*entry, Event::promote, now, outbox);
  outbox.reply(to, JobChanged{entry->job.id, entry->job.status, false});
}

// The row, its log lines and its place in the counters; what hangs on a job that has not ended is the
// caller's.
void Machine::State::erase_record(Entry& entry, Outbox& outbox) {
  leave_place(entry, outbox);
  --entry.queue->count(entry.job.status);
  mark_dirty(*entry.queue);
  if (entry.job.log_lines > 0) outbox.erase_logs(entry.job.id);
  entry.gone = true;
}

void Machine::State::apply(Ticket to, const Delete& remove, Now now, Outbox& outbox) {
  Entry* entry = find(remove.id, now);
  if (entry == nullptr) return outbox.reply(to, unknown_job());
  Job& job = entry->job;
  if (entry->active) return outbox.reply(to, wrong_state(job, "cancel it first: a worker holds it"));
  if (remove.only_from && job.status != *remove.only_from) {
    return outbox.reply(to, wrong_state(job, "it is not where it was to be deleted from"));
  }
  erase_record(*entry, outbox);
  if (job.status == Status::blocked) forget_parents(job, outbox);
  if (!is_end(job.status)) {
    free_unique(job, now, outbox);
    owe(job, Owed::What::ended, Status::cancelled);
    count_live(job, false);
  }
  outbox.reply(to, JobDeleted{job.id});
}

void Machine::State::apply(Ticket to, const PutQueue& put, Now now, Outbox& outbox) {
  if (queue_of(put.name) == nullptr) {
    if (put.must_exist) return outbox.reply(to, no_such_queue(put.name));
    if (queues.size() >= options.queues_max) {
      return outbox.reply(to,
                          Refused{Refusal::too_many_queues, "the broker holds its limit of queues", {}, {}});
    }
  }
  Queue& queue = make_queue(put.name, now.wall);
  QueueSettings& settings = queue.row.settings;
  if (put.paused) {
    settings.paused = *put.paused;
    if (!settings.paused) settings.pause_reason.clear();
  }
  if (put.pause_reason && settings.paused) settings.pause_reason = *put.pause_reason;
  set_if(settings.priority, put.priority);
  set_if(settings.max_attempts, put.max_attempts);
  set_if(settings.max_stalls, put.max_stalls);
  set_if(settings.backoff, put.backoff);
  set_if(settings.lease_ms, put.lease_ms);
  set_if(settings.timeout_ms, put.timeout_ms);
  set_if(settings.retention, put.retention);
  set_if(settings.max_concurrency, put.max_concurrency);
  if (put.rate_limit) {
    if (settings.rate_limit && *put.rate_limit)
      queue.row.pace.change(*settings.rate_limit, **put.rate_limit, now.wall);
    else
      queue.row.pace = {};
    settings.rate_limit = *put.rate_limit;
  }
  set_if(settings.group_concurrency, put.group_concurrency);
  if (put.group_rate_limit) change_group_rate(queue, *put.group_rate_limit, now);
  if (put.priority_ageing_ms && settings.priority_ageing_ms != *put.priority_ageing_ms) {
    settings.priority_ageing_ms = *put.priority_ageing_ms;
    stand_anew(queue);
  }
  if (put.push) settings.push = *put.push;
  if (put.callback) settings.callback = *put.callback;
  if (put.skip_failed) settings.skip_failed = *put.skip_failed;
  if (queue.has_lanes()) unpark_all(queue);
  if (put.searchable) settings.searchable = *put.searchable;
  if (put.clear_hold) queue.row.held_until = 0;
  mark_dirty(queue);
  note_matchable(queue);
  outbox.reply(to, view(queue, now));
}

void Machine::State::apply(Ticket to, const DeleteQueue& remove, Now, Outbox& outbox) {
  Queue* queue = queue_of(remove.name);
  if (queue == nullptr) return outbox.reply(to, no_such_queue(remove.name));
  const auto in_use = [&](std::string detail) {
    outbox.reply(to, Refused{Refusal::queue_in_use, std::move(detail), {}, {}});
  };
  const std::uint64_t waiting = queue->count(Status::pending) + queue->count(Status::stalled) +
                                queue->count(Status::delayed) + queue->count(Status::blocked);
  const std::uint64_t dead = queue->count(Status::failed);
  if (queue->count(Status::active) > 0) {
    return in_use("workers hold " + std::to_string(queue->count(Status::active)) +
                  " of its jobs; wait or cancel them");
  }
  if (queue->row.live_members > 0) {
    return in_use(std::to_string(queue->row.live_members) +
                  " of its jobs belong to workflows or are children of others; cancel or await those");
  }
  if (!remove.with_jobs && waiting + dead > 0) {
    return in_use("it has " + std::to_string(waiting) + " waiting and " + std::to_string(dead) +
                  " dead jobs; drain and purge it, or delete it with its jobs");
  }
  for (const auto& [key, waiter] : waiters) {
    if (!waiter->connection) continue;
    for (const Waiter::Subscription& subscription : waiter->queues) {
      if (subscription.queue != queue) continue;
      if (queue->row.settings.push != nullptr)
        return in_use("the broker posts its jobs; set its push to null first");
      return in_use("worker " + waiter->worker_id + " is connected to it");
    }
  }
  for (const auto& [id, row] : schedules) {
    if (row.schedule.job.queue == remove.name)
      return in_use("schedule " + id + " makes jobs for it; delete that first");
  }
  for (const auto& [id, trigger] : triggers) {
    if (trigger.row.trigger.job.queue == remove.name)
      return in_use("trigger " + id + " makes jobs for it; delete that first");
  }
  std::vector<Ticket> polls;
  for (const auto& [key, waiter] : waiters) {
    if (waiter->queues.size() == 1 && waiter->queues.front().queue == queue) polls.push_back(waiter->ticket);
  }
  for (const Ticket poll : polls) {
    drop_waiter(poll);
    outbox.reply(poll, Granted{});
  }
  const std::uint64_t jobs_in_all =
      waiting + dead + queue->count(Status::completed) + queue->count(Status::cancelled);
  // Timers stay; each is erased when it finds no job.
  for (const auto& [id, entry] : jobs) {
    if (entry->queue != queue) continue;
    keep_no_longer(*entry);
    windows_bytes -= entry->line != nullptr ? entry->bytes() : 0;
    entry->gone = true;
    entry->line = nullptr;
    entry->lane = nullptr;
    entry->queue = nullptr;
    touched.push_back(id);
  }
  std::erase_if(retained, [&](const auto& item) {
    if (item.first.queue != queue->row.number) return false;
    outbox.put_retained({item.first.queue, item.first.status, item.first.expires_at, 0});
    retained_dirty.erase(item.first);
    return true;
  });
  drop_waits(queue->row.number, outbox);
  forget_live(queue->row.number);
  outbox.erase_queue(queue->row);
  forget_lanes(*queue);
  std::erase(matchable, queue);
  refill_lanes.erase(queue);
  named_lanes.erase(queue);
  dirty_queues.erase(queue);
  wakes.erase({queue->limited_until, static_cast<std::uint32_t>(queue->row.number)});
  queues_by_number.erase(static_cast<std::uint32_t>(queue->row.number));
  queues.erase(remove.name);
  outbox.reply(to, QueueDeleted{jobs_in_all});
}

void Machine::State::apply(Ticket to, const StopLeasing&, Now, Outbox& outbox) {
  draining = true;
  std::vector<Ticket> polls;
  for (const auto& [key, waiter] : waiters) {
    set_waiting(*waiter);
    if (waiter->connection)
      outbox.reply(waiter->ticket, Notice{Notice::Kind::drain, {}, LeaseNumber::none});
    else
      polls.push_back(waiter->ticket);
  }
  for (const Ticket poll : polls) {
    drop_waiter(poll);
    outbox.reply(poll, Granted{});
  }
  outbox.reply(to, StoppedLeasing{active_jobs});
}

}  // namespace pawl::core
