// What can be seen: jobs, queues, workers, and why a job does not run.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

JobView Machine::State::view(const Entry& entry) const {
  JobView seen{entry.job, entry.queue->row.name, {}};
  if (entry.active) seen.lease = entry.active->lease;
  return seen;
}

QueueView Machine::State::view(const Queue& queue, Now now) const {
  QueueView seen;
  seen.name = queue.row.name;
  seen.number = queue.row.number;
  seen.created_at = queue.row.created_at;
  seen.settings = queue.row.settings;
  seen.counts = queue.row.counts;
  seen.lifetime_completed = queue.row.lifetime_completed;
  seen.lifetime_failed = queue.row.lifetime_failed;
  if (queue.row.held_until > now.wall) seen.held_until = queue.row.held_until;
  seen.workers = static_cast<std::uint32_t>(queue.subscribers);
  seen.slots = static_cast<std::uint32_t>(queue.slots);
  // The first of each priority in a window is the oldest of it.
  const auto look = [&](const Line& window) {
    for (auto it = window.order.begin(); it != window.order.end();) {
      seen.oldest_pending_ms = std::max(seen.oldest_pending_ms, now.wall - it->second->job.history.back().at);
      it = window.order.lower_bound(ReadyKey{it->first.priority - 1, JobId{}});
    }
  };
  look(queue.window);
  for (const auto& [number, lane] : queue.lanes) look(lane->window);
  for (const auto& [name, group] : queue.groups) {
    if (!name.empty() && (group->active > 0 || !group->heads.empty() || group->parked)) ++seen.groups;
  }
  return seen;
}

void Machine::State::apply(Ticket to, const GetJob& get, Now now, Outbox& outbox) {
  const Entry* entry = find(get.id, now);
  if (entry == nullptr)
    return outbox.reply(to, Refused{Refusal::unknown_job, "there is no job with this id", {}, {}});
  outbox.reply(to, view(*entry));
}

void Machine::State::apply(Ticket to, const LookResident& look, Now now, Outbox& outbox) {
  Resident answer;
  for (const JobId& id : look.ids) {
    const auto it = jobs.find(id);
    if (it == jobs.end()) continue;
    if (find(id, now) == nullptr)
      answer.jobs.push_back({id, true, {}});
    else
      answer.jobs.push_back({id, false, view(*it->second)});
  }
  outbox.reply(to, std::move(answer));
}

void Machine::State::apply(Ticket to, const GetQueue& get, Now now, Outbox& outbox) {
  const Queue* queue = queue_of(get.name);
  if (queue == nullptr) return outbox.reply(to, no_such_queue(get.name));
  outbox.reply(to, view(*queue, now));
}

void Machine::State::apply(Ticket to, const ListQueues&, Now now, Outbox& outbox) {
  QueueList answer;
  for (const auto& [name, queue] : queues) answer.queues.push_back(view(*queue, now));
  outbox.reply(to, std::move(answer));
}

void Machine::State::apply(Ticket to, const ListWorkers&, Now now, Outbox& outbox) {
  std::map<std::string, WorkerView> seen;
  std::erase_if(workers_seen,
                [&](const auto& item) { return item.second + options.worker_forget_ms < now.wall; });
  for (const auto& [id, at] : workers_seen) seen[id].last_seen = at;
  for (const auto& [key, waiter] : waiters) {
    WorkerView& worker = seen[waiter->worker_id];
    worker.connected = worker.connected || waiter->connection;
    worker.last_seen = now.wall;
    worker.credit += waiter->credit;
    for (const Waiter::Subscription& subscription : waiter->queues) {
      const std::string& name = subscription.queue->row.name;
      if (std::ranges::find(worker.queues, name) == worker.queues.end()) worker.queues.push_back(name);
    }
  }
  for (const auto& [number, grant] : grants) {
    for (const JobId& id : grant.jobs) {
      const Entry* entry = find(id);
      if (entry == nullptr || !entry->active || entry->active->grant != number) continue;
      seen[entry->active->lease.worker_id].active.push_back(id);
    }
  }
  WorkerList answer;
  for (auto& [id, worker] : seen) {
    worker.worker_id = id;
    std::ranges::sort(worker.queues);
    std::ranges::sort(worker.active);
    answer.workers.push_back(std::move(worker));
  }
  outbox.reply(to, std::move(answer));
}

// True when the limits of its queue keep the job from starting; says which.
bool Machine::State::explain_limits(const Queue& queue, Millis wall, Reason& why) const {
  using Code = Reason::Code;
  const QueueSettings& settings = queue.row.settings;
  why.until = opens_at(queue, wall);
  if (why.until <= wall) return false;
  if (why.until == never) {
    why.code = Code::concurrency_limit;
    why.limit = *settings.max_concurrency;
    why.until = 0;
    return true;
  }
  why.code = why.until == queue.row.held_until ? Code::held : Code::rate_limit;
  if (why.code == Code::rate_limit) why.limit = settings.rate_limit->max;
  return true;
}

// True when other lanes of its group, or other groups, come before the first job of its lane.
bool Machine::State::explain_turn(const Lane& lane, Reason& why) const {
  constexpr std::uint64_t turns_counted = 1'000;
  if (!lane.stands || !lane.group->in_turns) return false;
  const Group& group = *lane.group;
  if (*group.heads.begin() < *lane.stands) {
    why.code = Reason::Code::behind;
    why.ahead = 1;
    why.exact = false;
    return true;
  }
  for (const Turn& turn : lane.queue->turns) {
    if (turn.group == &group) break;
    why.exact = ++why.ahead < turns_counted;
    if (!why.exact) break;
  }
  if (why.ahead > 0) why.code = Reason::Code::group_turn;
  return why.ahead > 0;
}

// What those do who ask for jobs of its queue, when nothing keeps the job from starting.
void Machine::State::explain_workers(const Entry& entry, const Lane& lane, Reason& why) const {
  using Code = Reason::Code;
  const Queue& queue = *entry.queue;
  const auto& push = queue.row.settings.push;
  const std::uint64_t active = queue.count(Status::active);
  bool named = false;
  bool room = false;
  for (const auto& [key, waiter] : waiters) {
    const std::vector<std::string>& names = waiter->names;
    const bool asks =
        std::ranges::any_of(waiter->queues, [&](const auto& sub) { return sub.queue == &queue; });
    if (!asks || (!names.empty() && std::ranges::find(names, entry.job.name) == names.end())) continue;
    named = true;
    room = room || waiter->waiting;
  }
  why.pushed = push != nullptr;
  if (queue.has_lanes()) why.text = lane.key.group;
  if (queue.subscribers == 0 && active == 0) {
    why.code = Code::no_worker;
  } else if (queue.subscribers > 0 && !named) {
    why.code = Code::no_worker_for_name;
  } else if (why.ahead > 0 || !why.exact) {
    why.code = Code::behind;
  } else if (queue.has_lanes() && explain_turn(lane, why)) {
    return;
  } else if (room) {
    why.code = Code::starting;
  } else {
    why.code = Code::workers_busy;
    if (push != nullptr && active >= push->max_concurrency) why.limit = push->max_concurrency;
  }
}

Reason Machine::State::reason(const Entry& entry, Millis wall) {
  using Code = Reason::Code;
  const Job& job = entry.job;
  const Queue& queue = *entry.queue;
  Reason why{Code::ended, job.status, 0, true, 0, 0, {}, queue.row.name, job.worker_id};
  if (entry.active) {
    why.code = Code::running;
    return why;
  }
  if (is_end(job.status)) return why;
  if (job.status == Status::blocked) {
    why.code = Code::blocked;
    if (job.wait != nullptr) {
      why.code = Code::waiting_for_event;
      why.text = job.wait->event;
      why.until = job.wait->until;
      return why;
    }
    for (const ParentResult& parent : parents_of(job.id)) {
      if (parent.status != Status::pending) continue;
      if (why.ahead++ > 0) continue;
      why.parent = parent.id;
      why.text = parent.ref;
    }
    return why;
  }
  if (job.status == Status::delayed) {
    why.code = Code::delayed;
    why.until = job.run_at;
    return why;
  }
  if (queue.row.settings.paused) {
    why.code = Code::queue_paused;
    why.text = queue.row.settings.pause_reason;
    return why;
  }
  if (const Group* group = group_at(number_of(queue), job.group); group != nullptr && group->pause) {
    why.code = Code::group_paused;
    why.text = job.group;
    why.words = group->pause->reason;
    return why;
  }
  // Those before it in its lane; other groups have their own turns.
  const Lane* lane = lane_at(static_cast<std::uint32_t>(job.queue), job.lane);
  const Lane& line = lane != nullptr ? *lane : queue;
  why.exact = entry.line == &line.window;
  for (const auto& [key, other] : line.window.order) {
    if (key >= job.ready_key()) break;
    ++why.ahead;
  }
  if (draining) {
    why.code = Code::draining;
    return why;
  }
  if (explain_limits(queue, wall, why)) return why;
  why.until = 0;
  if (queue.has_lanes() && explain_lane(entry, wall, why)) return why;
  why.text.clear();
  explain_workers(entry, line, why);
  return why;
}

void Machine::State::apply(Ticket to, const Why& why, Now now, Outbox& outbox) {
  const Entry* entry = find(why.id, now);
  if (entry == nullptr)
    return outbox.reply(to, Refused{Refusal::unknown_job, "there is no job with this id", {}, {}});
  outbox.reply(to, reason(*entry, now.wall));
}

std::optional<QueueNumber> Machine::queue_number(const std::string& name) const {
  const Queue* queue = state_->queue_of(name);
  if (queue == nullptr) return std::nullopt;
  return queue->row.number;
}

const std::string* Machine::queue_name(QueueNumber number) const {
  const Queue* queue = state_->queue_of(number);
  return queue == nullptr ? nullptr : &queue->row.name;
}

void Machine::each_queue(const std::function<void(const QueueRow&)>& visit) const {
  for (const auto& [name, queue] : state_->queues) visit(queue->row);
}

std::vector<QueueView> Machine::queue_views(Now now) const {
  std::vector<QueueView> views;
  for (const auto& [name, queue] : state_->queues) views.push_back(state_->view(*queue, now));
  return views;
}

bool Machine::has_lanes(QueueNumber number) const {
  const Queue* queue = state_->queue_of(number);
  return queue != nullptr && queue->row.next_lane > 1;
}

std::vector<QueueNumber> Machine::queues_with_lanes() const {
  std::vector<QueueNumber> numbers;
  for (const auto& [name, queue] : state_->queues) {
    if (queue->row.next_lane > 1) numbers.push_back(queue->row.number);
  }
  return numbers;
}

std::size_t Machine::active_count() const { return state_->active_jobs; }
std::size_t Machine::waiter_count() const { return state_->waiters.size(); }
std::size_t Machine::resident_count() const { return state_->jobs.size(); }

std::vector<std::pair<JobId, LeaseState>> Machine::active_leases() const {
  std::vector<std::pair<JobId, LeaseState>> leases;
  for (const auto& [id, entry] : state_->jobs) {
    if (entry->active) leases.emplace_back(id, entry->active->lease);
  }
  std::ranges::sort(leases, {}, [](const auto& item) { return item.first; });
  return leases;
}

}  // namespace pawl::core
