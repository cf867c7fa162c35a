// Waiting workers, and how they meet waiting jobs.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

// Each waiter in turn gets its share, so that one with much room does not empty a short queue alone.
std::size_t share_of(const Queue& queue) {
  const std::size_t waiting = std::max<std::size_t>(queue.waiters.size(), 1);
  return std::max<std::size_t>((queue.window.size() + queue.lined + waiting - 1) / waiting, 1);
}

std::vector<std::string> sorted_set(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

}  // namespace

// Stands in its queues' lists exactly while it has room; goes to the back when it comes anew.
void Machine::State::set_waiting(Waiter& waiter) {
  const bool wants = waiter.room() > 0 && !draining;
  if (wants == waiter.waiting) return;
  waiter.waiting = wants;
  for (Waiter::Subscription& subscription : waiter.queues) {
    Queue& queue = *subscription.queue;
    if (wants) {
      subscription.place = queue.waiters.insert(queue.waiters.end(), &waiter);
      note_matchable(queue);
    } else {
      queue.waiters.erase(subscription.place);
    }
  }
}

void Machine::State::subscribe(Waiter& waiter, const std::string& name, std::uint32_t weight, Now now) {
  Queue& queue = make_queue(name, now.wall);
  waiter.queues.push_back({&queue, std::max<std::uint32_t>(weight, 1), 0, {}});
  ++queue.subscribers;
  queue.slots += waiter.credit;
  note_refill(queue);
}

void Machine::State::unsubscribe_all(Waiter& waiter) {
  for (Waiter::Subscription& subscription : waiter.queues) {
    Queue& queue = *subscription.queue;
    if (waiter.waiting) queue.waiters.erase(subscription.place);
    --queue.subscribers;
    queue.slots -= waiter.credit;
  }
  waiter.waiting = false;
  waiter.queues.clear();
}

void Machine::State::drop_waiter(Ticket ticket) {
  const auto it = waiters.find(static_cast<std::uint64_t>(ticket));
  if (it == waiters.end()) return;
  Waiter& waiter = *it->second;
  unsubscribe_all(waiter);
  waits.erase({waiter.deadline_mono, it->first});
  waiters.erase(it);
}

void Machine::State::return_credit(Ticket connection) {
  if (connection == Ticket::none) return;
  const auto it = waiters.find(static_cast<std::uint64_t>(connection));
  if (it == waiters.end()) return;
  if (it->second->held > 0) --it->second->held;
  set_waiting(*it->second);
}

void Machine::State::apply(Ticket to, const Lease& lease, Now now, Outbox& outbox) {
  see_worker(lease.worker_id, now);
  if (draining) return outbox.reply(to, Granted{});
  if (queue_of(lease.queue) == nullptr && queues.size() >= options.queues_max) {
    return outbox.reply(to,
                        Refused{Refusal::too_many_queues, "the broker holds its limit of queues", {}, {}});
  }
  auto made = std::make_unique<Waiter>();
  Waiter& waiter = *made;
  waiter.ticket = to;
  waiter.worker_id = lease.worker_id;
  waiter.names = sorted_set(lease.names);
  waiter.credit = lease.max;
  waiter.deadline_mono = now.mono + lease.wait_ms;
  const auto key = static_cast<std::uint64_t>(to);
  waiters[key] = std::move(made);
  if (lease.wait_ms > 0)
    waits.emplace(waiter.deadline_mono, key);
  else
    impatient.push_back(to);
  subscribe(waiter, lease.queue, 1, now);
  set_waiting(waiter);
}

void Machine::State::apply(Ticket, const AbandonLease& abandon, Now, Outbox&) { drop_waiter(abandon.waiter); }

void Machine::State::apply(Ticket to, const OpenWorker& open, Now now, Outbox& outbox) {
  see_worker(open.worker_id, now);
  std::unique_ptr<Waiter>& slot = waiters[static_cast<std::uint64_t>(to)];
  if (slot)
    unsubscribe_all(*slot);
  else
    slot = std::make_unique<Waiter>();
  Waiter& waiter = *slot;
  waiter.ticket = to;
  waiter.worker_id = open.worker_id;
  waiter.connection = true;
  waiter.names = sorted_set(open.names);
  waiter.credit = open.credit;
  WorkerOpened answer;
  for (const OpenWorker::Held& held : open.resume) {
    Entry* entry = find(held.id);
    if (entry == nullptr || !entry->active || entry->active->lease.number != held.lease) {
      answer.lost.push_back(held.id);
      continue;
    }
    ActiveLease& active = *entry->active;
    if (active.connection != to) {
      return_credit(active.connection);
      active.connection = to;
      ++waiter.held;
    }
    active.lease.worker_id = open.worker_id;
    active.lease.hear(now);
    active.lease.expires_mono = std::max(active.lease.expires_mono, now.mono + entry->job.lease_ms);
    active.lease.expires_wall = now.wall + entry->job.lease_ms;
    answer.resumed.push_back(held.id);
  }
  outbox.reply(to, std::move(answer));
  for (const OpenWorker::Held& held : open.resume) {
    const Entry* entry = find(held.id);
    if (entry != nullptr && entry->active && entry->active->connection == to && entry->job.cancel_requested) {
      outbox.reply(to, Notice{Notice::Kind::cancel, held.id, held.lease});
    }
  }
  for (const OpenWorker::Queue& queue : open.queues) {
    const bool twice = std::ranges::any_of(waiter.queues, [&](const Waiter::Subscription& subscription) {
      return subscription.queue->row.name == queue.name;
    });
    if (twice || (queue_of(queue.name) == nullptr && queues.size() >= options.queues_max)) continue;
    subscribe(waiter, queue.name, queue.weight, now);
  }
  if (draining) outbox.reply(to, Notice{Notice::Kind::drain, {}, LeaseNumber::none});
  set_waiting(waiter);
}

void Machine::State::apply(Ticket, const SetCredit& set, Now, Outbox&) {
  const auto it = waiters.find(static_cast<std::uint64_t>(set.worker));
  if (it == waiters.end()) return;
  Waiter& waiter = *it->second;
  for (const Waiter::Subscription& subscription : waiter.queues) {
    subscription.queue->slots += set.credit;
    subscription.queue->slots -= waiter.credit;
  }
  waiter.credit = set.credit;
  set_waiting(waiter);
}

void Machine::State::apply(Ticket, const CloseWorker& close, Now now, Outbox&) {
  const auto waiter = waiters.find(static_cast<std::uint64_t>(close.worker));
  std::uint32_t held = waiter == waiters.end() ? 0 : waiter->second->held;
  drop_waiter(close.worker);
  for (auto grant = grants.begin(); grant != grants.end() && held > 0; ++grant) {
    for (const JobId& id : grant->second.jobs) {
      Entry* entry = find(id);
      if (entry == nullptr || !entry->active || entry->active->connection != close.worker) continue;
      LeaseState& lease = entry->active->lease;
      entry->active->connection = Ticket::none;
      --held;
      if (lease.expires_mono <= now.mono + close.grace_ms) continue;
      lease.expires_mono = now.mono + close.grace_ms;
      lease.expires_wall = now.wall + close.grace_ms;
      look_at_grant(entry->active->grant, lease.expires_mono);
    }
  }
}

// When the limits of the queue let a job start: at once, later, or when another ends (never).
Millis Machine::State::opens_at(const Queue& queue, Millis wall) const {
  const QueueSettings& settings = queue.row.settings;
  if (settings.max_concurrency && queue.count(Status::active) >= *settings.max_concurrency) return never;
  Millis opens = std::max(wall, queue.row.held_until);
  if (settings.rate_limit) opens = std::max(opens, queue.row.pace.opens_at(*settings.rate_limit, wall));
  return opens;
}

// Its limits keep its jobs from workers that wait: look again when they may start.
void Machine::State::wake_later(Queue& queue) {
  const Millis opens = opens_at(queue, matched_at);
  if (opens <= matched_at || opens == queue.limited_until) return;
  if (queue.count(Status::pending) + queue.count(Status::stalled) == 0) return;
  const auto number = static_cast<std::uint32_t>(queue.row.number);
  wakes.erase({queue.limited_until, number});
  queue.limited_until = opens;
  if (opens != never) wakes.emplace(opens, number);
}

// A job left `left`: that may let another start.
void Machine::State::note_room(Queue& queue, Status left) {
  if (left == Status::active && queue.row.settings.max_concurrency) note_matchable(queue);
}

bool Machine::State::grantable(Queue& queue, const Waiter& waiter) {
  if (queue.row.settings.paused || draining || too_much_active()) return false;
  if (opens_at(queue, matched_at) > matched_at) return false;
  return queue.has_lanes() ? pick(queue, waiter) != nullptr : first_in(queue, waiter) != nullptr;
}

Entry* Machine::State::first_for(Queue& queue, const Waiter& waiter) {
  if (queue.row.settings.paused || draining || too_much_active()) return nullptr;
  if (opens_at(queue, matched_at) > matched_at) return nullptr;
  return queue.has_lanes() ? pick(queue, waiter) : first_in(queue, waiter);
}

// Of the waiter's queues that have something for it, the one that had the least for its weight. REQUIRES: one
// has.
Queue* Machine::State::choose(Waiter& waiter) {
  if (waiter.queues.size() == 1) return waiter.queues.front().queue;
  Waiter::Subscription* best = nullptr;
  for (Waiter::Subscription& subscription : waiter.queues) {
    if (!grantable(*subscription.queue, waiter)) continue;
    if (best == nullptr || subscription.pass < best->pass) best = &subscription;
  }
  if (best == nullptr) return nullptr;
  // A queue that had nothing to give does not save up its turns.
  for (Waiter::Subscription& subscription : waiter.queues) {
    if (!grantable(*subscription.queue, waiter)) subscription.pass = std::max(subscription.pass, best->pass);
  }
  return best->queue;
}

GrantedJob Machine::State::grant_one(Entry& entry, Waiter& waiter, Now now, Outbox& outbox) {
  Job& job = entry.job;
  Queue& queue = *entry.queue;
  const Status from = job.status;
  leave_line(entry);
  --queue.count(from);
  job.transit(Event::lease, now.wall);
  ++queue.count(Status::active);
  mark_dirty(queue);
  if (job.keeps_latest()) free_unique(job, now, outbox);
  job.started_at = now.wall;
  job.worker_id = waiter.worker_id;
  if (queue.row.settings.rate_limit) queue.row.pace.start(*queue.row.settings.rate_limit, now.wall);

  const LeaseNumber number{marks.next_lease++};
  marks_dirty = true;
  if (open_grant.entries.empty()) {
    open_grant.number = static_cast<std::uint64_t>(number);
    open_grant.granted_wall = now.wall;
    open_grant_deadline = never;
  }
  if (open_grant.workers.empty() || open_grant.workers.back() != waiter.worker_id) {
    open_grant.workers.push_back(waiter.worker_id);
  }
  const auto worker = static_cast<std::uint32_t>(open_grant.workers.size() - 1);
  open_grant.entries.push_back({number, job.id, job.priority, worker, job.lease_ms});
  GrantState& grant = grants[open_grant.number];
  grant.jobs.push_back(job.id);
  ++grant.live;

  ActiveLease active;
  active.grant = open_grant.number;
  active.connection = waiter.connection ? waiter.ticket : Ticket::none;
  active.lease = {number,
                  waiter.worker_id,
                  now.wall,
                  now.mono + job.lease_ms,
                  now.wall + job.lease_ms,
                  job.timeout_ms > 0 ? now.mono + job.timeout_ms : never,
                  now.mono,
                  now.wall};
  open_grant_deadline = std::min({open_grant_deadline, active.lease.expires_mono, active.lease.timeout_mono});
  entry.active = std::move(active);
  if (queue.has_lanes()) start_in_lane(entry, now);
  ++active_jobs;
  active_bytes += entry.bytes();
  ++waiter.held;
  const Event cause = Event::lease;
  outbox.moved(job, queue.row.name, from, &cause);
  return {job.id,
          number,
          now.wall + job.lease_ms,
          job.lease_ms,
          queue.row.name,
          job.name,
          job.payload,
          job.attempts_made + 1,
          job.max_attempts,
          job.stalls,
          job.progress,
          job.message,
          job.timeout_ms,
          job.created_at,
          job.priority,
          job.group,
          job.traceparent,
          job.tags,
          job.steps,
          job.parents,
          job.target};
}

void Machine::State::grant_some(Queue& queue, Waiter& waiter, std::size_t most, Now now, Outbox& outbox) {
  Granted granted;
  const std::size_t count = std::min<std::size_t>(waiter.room(), most);
  while (granted.jobs.size() < count) {
    Entry* entry = first_for(queue, waiter);
    if (entry == nullptr) break;
    granted.jobs.push_back(grant_one(*entry, waiter, now, outbox));
  }
  if (!granted.jobs.empty()) queue.granted = ++grants_given;
  for (Waiter::Subscription& subscription : waiter.queues) {
    if (subscription.queue == &queue) {
      subscription.pass += static_cast<double>(granted.jobs.size()) / subscription.weight;
    }
  }
  const Ticket to = waiter.ticket;
  if (waiter.connection) {
    // To the back of each list: the next job goes to another.
    for (Waiter::Subscription& subscription : waiter.queues) {
      std::list<Waiter*>& list = subscription.queue->waiters;
      list.splice(list.end(), list, subscription.place);
    }
    set_waiting(waiter);
  } else {
    drop_waiter(to);
  }
  outbox.reply(to, std::move(granted));
}

void Machine::State::match_queue(Queue& queue, Now now, Outbox& outbox) {
  bool refills_noted = false;
  while (!queue.waiters.empty()) {
    // Rather asked once than for each worker that waits.
    if (opens_at(queue, matched_at) > matched_at) return wake_later(queue);
    Waiter* taker = nullptr;
    for (Waiter* waiter : queue.waiters) {
      if (grantable(queue, *waiter)) {
        taker = waiter;
        break;
      }
    }
    if (taker == nullptr) {
      const bool named =
          std::ranges::any_of(queue.waiters, [](const Waiter* waiter) { return !waiter->names.empty(); });
      if (named && !queue.row.settings.paused && !draining && !too_much_active()) want_named(queue);
      return;
    }
    Queue* from = choose(*taker);
    // Rather a turn later than short: the window of a queue that nobody asked for work holds only a few.
    if (from->window.size() + from->lined < taker->room()) {
      if (!std::exchange(refills_noted, true)) note_refills(*from);
      if (reads_on(*from)) {
        note_matchable(queue);
        return;
      }
    }
    grant_some(*from, *taker, share_of(*from), now, outbox);
  }
}

// A poll that does not wait is answered in its own turn, unless its queue's window has yet to be read.
void Machine::State::answer_impatient(Outbox& outbox) {
  std::vector<Ticket> later;
  for (const Ticket ticket : impatient) {
    const auto it = waiters.find(static_cast<std::uint64_t>(ticket));
    if (it == waiters.end()) continue;
    Queue& queue = *it->second->queues.front().queue;
    const bool unread = reads_on(queue) || std::ranges::any_of(named_lanes, [&](const Lane* lane) {
                          return lane->queue == &queue;
                        });
    if (unread && !queue.row.settings.paused) {
      later.push_back(ticket);
      continue;
    }
    drop_waiter(ticket);
    outbox.reply(ticket, Granted{});
  }
  impatient = std::move(later);
}

void Machine::match(Now now, Outbox& outbox) {
  State& state = *state_;
  state.matched_at = now.wall;
  std::vector<Queue*> asked = std::exchange(state.matchable, {});
  if (state.held_back && !state.too_much_active()) {
    state.held_back = false;
    for (const auto& [name, queue] : state.queues) asked.push_back(queue.get());
  }
  // A limit that several share goes to the one that was served longest ago.
  std::ranges::sort(asked, {},
                    [](const Queue* queue) { return std::pair(queue->granted, queue->row.number); });
  asked.erase(std::ranges::unique(asked).begin(), asked.end());
  for (Queue* queue : asked) state.match_queue(*queue, now, outbox);
  state.held_back = state.held_back || state.too_much_active();
  state.answer_impatient(outbox);
}

}  // namespace pawl::core
