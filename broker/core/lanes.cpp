// Lanes, groups and strict orders: which job of a queue with groups is next.
//
// A queue serves its groups by the worker time that they used: stride scheduling, the pass of a group being
// that time. A start is charged at once with what the group's jobs took of late, and set right when it ends.
// A group that comes anew begins with the least pass of those that wait, so that it is served before any of
// them is served twice. What a limit or a strict order keeps from starting stands apart, parked, and is not
// looked at again before that has changed: a pick costs the same with one group and with many.
#include <algorithm>
#include <cmath>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

constexpr double newest_share = 0.2;  // of the newest run in the average

void take_run(double& average, std::int64_t run_ms) {
  const auto run = static_cast<double>(run_ms);
  average = average == 0 ? run : average + newest_share * (run - average);
}

std::pair<std::uint32_t, std::uint32_t> address_of(const Lane& lane) {
  return {number_of(*lane.queue), lane.number};
}

// One that waits for as long as ageing asks for stands where one of the next priority stood at its submit.
Head head_of(const ReadyKey& key, Lane& lane) {
  const std::optional<Millis>& ageing = lane.queue->row.settings.priority_ageing_ms;
  return {ageing ? key.id.created_at() - key.priority * *ageing : 0, key, &lane};
}

}  // namespace

bool operator<(const Head& a, const Head& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  return a.key != b.key ? a.key < b.key : a.lane->number < b.lane->number;
}

bool LaneOrder::operator()(const Lane* a, const Lane* b) const { return address_of(*a) < address_of(*b); }

// ── Which lanes there are ──

void Machine::State::lane_needs(const NewJob& spec, Needs& needs) const {
  const auto queue = queues.find(spec.queue);
  if (queue == queues.end()) return;
  const auto need = [&](const LaneTerms& terms) {
    if (queue->second->lanes_by_key.contains(terms)) return;
    LaneKey key = terms.key();
    if (lane_numbers.contains({number_of(*queue->second), key})) return;
    needs.lanes.emplace_back(queue->second->row.number, std::move(key));
  };
  const std::string latest = latest_key(spec);
  const bool ordered = spec.ordered || !latest.empty();
  const LaneTerms plain{spec.group, spec.limits, ordered, 0, latest};
  if (!plain.empty()) need(plain);
  const QueueSettings& settings = queue->second->row.settings;
  if (!settings.priority_ageing_ms || ordered) return;
  const int priority = spec.priority.value_or(settings.priority.value_or(0));
  if (priority != 0) need({spec.group, spec.limits, false, priority, {}});
}

void Machine::load_lane(QueueNumber queue, const LaneKey& key, std::optional<std::uint32_t> number) {
  state_->lane_numbers.try_emplace({static_cast<std::uint32_t>(queue), key}, number);
}

bool Machine::State::lane_is_known(const Queue& queue, const LaneTerms& terms) const {
  return queue.row.next_lane == 1 || queue.lanes_by_key.contains(terms) ||
         lane_numbers.contains({number_of(queue), terms.key()});
}

// REQUIRES: its lane_needs are loaded, or its queue is new.
void Machine::State::set_lane(Queue& queue, Job& job, Outbox& outbox) {
  job.aged = queue.row.settings.priority_ageing_ms.has_value() && job.priority != 0 && !job.ordered;
  // When its priorities age since this batch, nobody has looked that lane up.
  if (job.aged && !lane_is_known(queue, job.lane_terms())) job.aged = false;
  const LaneTerms terms = job.lane_terms();
  if (terms.empty()) return;
  const auto known = queue.lanes_by_key.find(terms);
  if (known != queue.lanes_by_key.end()) {
    job.lane = known->second->number;
    return;
  }
  const LaneKey key = terms.key();
  std::optional<std::uint32_t>& number = lane_numbers[{number_of(queue), key}];
  if (!number) {
    number = queue.row.next_lane++;
    mark_dirty(queue);
    outbox.put_lane(queue.row.number, key, *number);
  }
  job.lane = *number;
}

Lane& Machine::State::lane_of(const Entry& entry) {
  const Job& job = entry.job;
  if (job.lane == 0) return *entry.queue;
  const auto known = entry.queue->lanes.find(job.lane);
  return known != entry.queue->lanes.end() ? *known->second
                                           : make_lane(*entry.queue, job.lane, job.lane_key());
}

Lane* Machine::State::lane_at(std::uint32_t queue, std::uint32_t number) {
  Queue* in = queue_of(QueueNumber{queue});
  if (in == nullptr || number == 0) return in;
  const auto lane = in->lanes.find(number);
  return lane == in->lanes.end() ? nullptr : lane->second.get();
}

Lane& Machine::State::make_lane(Queue& queue, std::uint32_t number, LaneKey key) {
  if (const auto known = queue.lanes.find(number); known != queue.lanes.end()) return *known->second;
  if (queue.group == nullptr) {
    queue.group = &make_group(queue, {});
    ++queue.group->lanes;
    stand(queue);
  }
  auto made = std::make_unique<Lane>();
  Lane& lane = *made;
  lane.queue = &queue;
  lane.number = number;
  lane.group = &make_group(queue, key.group);
  ++lane.group->lanes;
  for (const std::string& name : key.limits) {
    Limit& limit = limit_named(name);
    ++limit.lanes;
    lane.limits.push_back(&limit);
  }
  lane.key = std::move(key);
  queue.lanes_by_key[lane.key] = &lane;
  queue.lanes[number] = std::move(made);
  ++lanes_count;
  return lane;
}

void Machine::restore_lane(const Job& first) {
  Queue* queue = state_->queue_of(first.queue);
  if (queue == nullptr || first.lane == 0) return;
  Lane& lane = state_->make_lane(*queue, first.lane, first.lane_key());
  lane.beyond = true;
  state_->note_refill(lane);
}

void Machine::restore_order(const OrderRow& row) {
  state_->orders[{static_cast<std::uint32_t>(row.queue), row.lane}] = row;
}

// REQUIRES: it has no jobs in memory, and none beyond; or its queue goes.
void Machine::State::forget_lane(Lane& lane) {
  Queue& queue = *lane.queue;
  if (lane.parked) unpark(lane);
  refill_lanes.erase(&lane);
  named_lanes.erase(&lane);
  for (Limit* limit : lane.limits) {
    --limit->lanes;
    forget_unused(*limit);
  }
  Group& group = *lane.group;
  // A queue that goes takes its jobs with it: they still stand here.
  if (lane.stands) group.heads.erase(*std::exchange(lane.stands, std::nullopt));
  if (group.heads.empty()) leave_turns(group);
  --group.lanes;
  forget_if_idle(group);
  queue.lanes_by_key.erase(lane.key);
  queue.lanes.erase(lane.number);
  --lanes_count;
}

void Machine::State::forget_idle_lanes() {
  lanes_looked_at = std::min(lanes_looked_at, lanes_count);
  if (lanes_count - lanes_looked_at < options.lanes_idle_max / 8) return;
  for (const auto& [name, queue] : queues) {
    std::vector<Lane*> idle;
    for (const auto& [number, lane] : queue->lanes) {
      if (!lane->has_jobs() && lane->finds.empty()) idle.push_back(lane.get());
    }
    for (Lane* lane : idle) forget_lane(*lane);
  }
  lanes_looked_at = lanes_count;
}

// The queue goes, and its rows with it.
void Machine::State::forget_lanes(Queue& queue) {
  while (!queue.lanes.empty()) forget_lane(*queue.lanes.begin()->second);
  for (const auto& [name, group] : queue.groups) {
    group_wakes.erase({group->wake_at, number_of(queue), name});
    dirty_groups.erase({number_of(queue), name});
  }
  std::erase_if(groups_over, [&](const auto& group) { return group.first == queue.row.number; });
  std::erase_if(orders_over, [&](const auto& order) { return order.first == queue.row.number; });
  const auto first = orders.lower_bound({number_of(queue), 0});
  orders.erase(first, orders.lower_bound({number_of(queue) + 1, 0}));
}

// ── Turns ──

// Its first job changed, or whether that may start.
void Machine::State::stand(Lane& lane) {
  std::optional<ReadyKey> first;
  if (!lane.parked) {
    if (!lane.window.empty()) first = lane.window.order.begin()->first;
    if (!lane.finds.empty() && (!first || lane.finds.order.begin()->first < *first))
      first = lane.finds.order.begin()->first;
  }
  std::optional<Head> head;
  if (first) head = head_of(*first, lane);
  if (head == lane.stands) return;
  Group& group = *lane.group;
  if (lane.stands && head) {
    auto node = group.heads.extract(*lane.stands);
    node.value() = *head;
    group.heads.insert(std::move(node));
  } else if (head) {
    group.heads.insert(*head);
  } else {
    group.heads.erase(*lane.stands);
  }
  lane.stands = head;
  if (group.heads.empty())
    leave_turns(group);
  else if (!group.in_turns && !group.parked)
    enter_turns(group);
}

// Its priorities age otherwise than before.
void Machine::State::stand_anew(Queue& queue) {
  if (!queue.has_lanes()) return;
  stand(queue);
  for (const auto& [number, lane] : queue.lanes) stand(*lane);
}

// Of those that keep its jobs from starting, the one that does so longest.
Limit* Machine::State::closed_limit(const Lane& lane, Millis& opens) const {
  Limit* closed = nullptr;
  opens = matched_at;
  for (Limit* limit : lane.limits) {
    const Millis at = opens_at(*limit, matched_at);
    if (at <= opens) continue;
    opens = at;
    closed = limit;
  }
  return closed;
}

bool Machine::State::order_waits(const Lane& lane, Millis& until) const {
  until = never;
  if (lane.active > 0) return true;
  const auto order = orders.find(address_of(lane));
  if (order == orders.end()) return false;
  const OrderRow& row = order->second;
  if (!row.failed) return true;
  if (lane.queue->row.settings.skip_failed || !lane.key.order.empty() ||
      (row.until != 0 && row.until <= matched_at))
    return false;
  if (row.until != 0) until = row.until;
  return true;
}

void Machine::State::park(Lane& lane, Limit* on, Millis until) {
  lane.parked = true;
  lane.parked_on = on;
  lane.parked_turn = {lane.group->pass, lane.group->served};
  const std::uint32_t queue = number_of(*lane.queue);
  if (on == nullptr) {
    lane.wake_at = until;
    if (until != never) lane_wakes.emplace(until, queue, lane.number);
  } else {
    on->parked[queue].insert({lane.parked_turn, &lane});
    wake_at(*on, until);
  }
  stand(lane);
}

void Machine::State::wake_at(Limit& limit, Millis at) {
  if (at >= limit.wake_at) return;
  limit_wakes.erase({limit.wake_at, limit.row.name});
  limit_wakes.emplace(limit.wake_at = at, limit.row.name);
}

void Machine::State::unpark(Lane& lane) {
  if (!std::exchange(lane.parked, false)) return;
  const std::uint32_t queue = number_of(*lane.queue);
  if (Limit* on = std::exchange(lane.parked_on, nullptr)) {
    const auto lanes = on->parked.find(queue);
    lanes->second.erase({lane.parked_turn, &lane});
    if (lanes->second.empty()) on->parked.erase(lanes);
  }
  lane_wakes.erase({std::exchange(lane.wake_at, never), queue, lane.number});
  stand(lane);
  note_matchable(*lane.queue);
}

// Of each limit that may have room again, the lane whose turn it is goes back to its group. Returns whether
// any did.
bool Machine::State::reopen(Queue& queue) {
  bool any = false;
  for (auto it = queue.reopened.begin(); it != queue.reopened.end();) {
    const auto found = limits.find(*it);
    if (found == limits.end()) {
      it = queue.reopened.erase(it);
      continue;
    }
    Limit& limit = *found->second;
    const auto lanes = limit.parked.find(number_of(queue));
    const Millis opens = opens_at(limit, matched_at);
    if (opens > matched_at) wake_at(limit, opens);
    if (opens > matched_at || lanes == limit.parked.end()) {
      it = queue.reopened.erase(it);
      continue;
    }
    ++it;
    unpark(*lanes->second.begin()->lane);
    any = true;
  }
  return any;
}

Entry* Machine::State::first_in(const Lane& lane, const Waiter& waiter) const {
  if (lane.key.ordered) {
    // In a strict order nobody passes, whatever names a worker takes.
    Entry* first = lane.window.first({});
    const bool takes = first != nullptr &&
                       (waiter.names.empty() || std::ranges::binary_search(waiter.names, first->job.name));
    return takes ? first : nullptr;
  }
  Entry* entry = lane.window.first(waiter.names);
  if (entry != nullptr || waiter.names.empty()) return entry;
  // Only when its names were all looked for are the finds complete for it.
  return std::ranges::includes(lane.named, waiter.names) ? lane.finds.first(waiter.names) : nullptr;
}

Entry* Machine::State::first_in(Group& group, const Waiter& waiter) {
  if (const Millis opens = opens_at(group, matched_at); opens > matched_at) {
    park(group, opens);
    return nullptr;
  }
  Entry* best = nullptr;
  Head best_head;
  for (auto head = group.heads.begin(); head != group.heads.end();) {
    if (best != nullptr && best_head < *head) break;
    Lane& lane = *(head++)->lane;
    Millis until = never;
    if (Limit* limit = closed_limit(lane, until)) {
      park(lane, limit, until);
    } else if (lane.key.ordered && order_waits(lane, until)) {
      park(lane, nullptr, until);
    } else if (Entry* entry = first_in(lane, waiter)) {
      const Head found = head_of(entry->job.ready_key(), lane);
      if (best == nullptr || found < best_head) {
        best = entry;
        best_head = found;
      }
    }
  }
  return best;
}

// The job of a queue with groups that the waiter gets next; null when none may start, or none is for it.
Entry* Machine::State::pick(Queue& queue, const Waiter& waiter) {
  reopen(queue);
  while (true) {
    for (auto turn = queue.turns.begin(); turn != queue.turns.end();) {
      Group& group = *(turn++)->group;
      if (Entry* entry = first_in(group, waiter)) return entry;
    }
    if (!reopen(queue)) return nullptr;
  }
}

// ── Starts and ends ──

/// Its place among the turns, if it has one, follows what changes.
template <typename Change>
void Machine::State::change_turn(Group& group, Change&& change) {
  if (!group.in_turns) return change();
  auto node = group.queue->turns.extract({group.pass, group.served, &group});
  change();
  node.value() = {group.pass, group.served, &group};
  group.queue->turns.insert(std::move(node));
}

// REQUIRES: it is active.
void Machine::State::start_in_lane(Entry& entry, Now now) {
  Lane& lane = *entry.lane;
  Group& group = *lane.group;
  Queue& queue = *lane.queue;
  const double run_ms = group.run_ms > 0 ? group.run_ms : queue.run_ms_of_jobs;
  entry.active->charged = std::max<std::int64_t>(std::llround(run_ms), 1);
  entry.active->granted_mono = now.mono;
  queue.turn_pass = std::max(queue.turn_pass, group.pass);
  change_turn(group, [&] {
    group.pass += entry.active->charged;
    group.used = group.pass;
    group.served = ++queue.turns_served;
  });
  hold_in_lane(entry);
  if (!group.name.empty() && queue.row.settings.group_rate_limit) {
    group.pace.start(*queue.row.settings.group_rate_limit, now.wall);
    dirty_groups.emplace(number_of(queue), group.name);
  }
  for (Limit* limit : lane.limits) {
    if (!limit->exists || !limit->row.rate) continue;
    limit->row.pace.start(*limit->row.rate, now.wall);
    keep_limit(*limit);
  }
}

void Machine::State::hold_in_lane(const Entry& entry) {
  Lane& lane = *entry.lane;
  ++lane.active;
  ++lane.group->active;
  for (Limit* limit : lane.limits) ++limit->active;
  if (lane.key.ordered) lane.runs = entry.job.id;
}

void Machine::State::end_in_lane(const Entry& entry) {
  const ActiveLease& lease = *entry.active;
  if (lease.charged == 0) return;
  Lane& lane = *entry.lane;
  Group& group = *lane.group;
  Queue& queue = *lane.queue;
  const std::int64_t used = std::max<std::int64_t>(seen_mono - lease.granted_mono, 1);
  take_run(group.run_ms, used);
  group.recent.add(used, seen_mono);
  take_run(queue.run_ms_of_jobs, used);
  change_turn(group, [&] {
    std::int64_t pass = group.pass + used - lease.charged;
    // What it gets back does not put it before one that waits already.
    if (pass < group.pass) {
      const std::int64_t least = queue.turns.empty() ? queue.turn_pass : queue.turns.begin()->pass;
      pass = std::max(pass, std::min(group.pass, least));
    }
    group.pass = group.used = pass;
  });
  --lane.active;
  --group.active;
  for (Limit* limit : lane.limits) {
    --limit->active;
    note_room(*limit);
  }
  unpark(group);
  if (lane.key.ordered && lane.parked && lane.parked_on == nullptr) unpark(lane);
}

// The settings of the queue changed.
void Machine::State::unpark_all(Queue& queue) {
  for (const auto& [name, group] : queue.groups) unpark(*group);
  std::vector<Lane*> in_order;
  for (const auto& [number, lane] : queue.lanes) {
    if (lane->parked && lane->parked_on == nullptr) in_order.push_back(lane.get());
  }
  std::ranges::sort(in_order, LaneOrder{});
  for (Lane* lane : in_order) unpark(*lane);
}

void Machine::State::wake_lanes(Now now) {
  while (!limit_wakes.empty() && limit_wakes.begin()->first <= now.wall) {
    const std::string name = limit_wakes.begin()->second;
    limit_wakes.erase(limit_wakes.begin());
    Limit& limit = limit_named(name);
    limit.wake_at = never;
    note_room(limit);
  }
  while (!group_wakes.empty() && std::get<0>(*group_wakes.begin()) <= now.wall) {
    const auto [at, queue, name] = *group_wakes.begin();
    group_wakes.erase(group_wakes.begin());
    if (Group* group = group_at(queue, name)) unpark(*group);
  }
  while (!lane_wakes.empty() && std::get<0>(*lane_wakes.begin()) <= now.wall) {
    const auto [at, queue, number] = *lane_wakes.begin();
    lane_wakes.erase(lane_wakes.begin());
    const auto order = orders.find({queue, number});
    if (order != orders.end() && order->second.until != 0 && order->second.until <= now.wall) {
      orders_over.emplace_back(QueueNumber{queue}, number);
      orders.erase(order);
    }
    if (Lane* lane = lane_at(queue, number)) unpark(*lane);
  }
}

Millis Machine::State::next_lane_wake() const {
  Millis next = never;
  if (!limit_wakes.empty()) next = limit_wakes.begin()->first;
  if (!group_wakes.empty()) next = std::min(next, std::get<0>(*group_wakes.begin()));
  if (!lane_wakes.empty()) next = std::min(next, std::get<0>(*lane_wakes.begin()));
  return next;
}

void Machine::State::flush_lanes(Outbox& outbox) {
  // What is over may have begun anew in this batch.
  for (const auto& [queue, name] : std::exchange(groups_over, {})) outbox.erase_group(queue, name);
  for (const auto& [queue, lane] : std::exchange(orders_over, {})) {
    if (!orders.contains({static_cast<std::uint32_t>(queue), lane})) outbox.erase_order(queue, lane);
  }
  for (const auto& [queue, name] : std::exchange(dirty_groups, {})) {
    Group* group = group_at(queue, name);
    if (group == nullptr) continue;
    group->has_row = true;
    outbox.put_group({QueueNumber{queue}, name, group->pace, group->pause});
    marks_dirty = true;
  }
  for (const std::string& name : std::exchange(dirty_limits, {})) {
    const auto limit = limits.find(name);
    if (limit == limits.end() || !limit->second->exists) continue;
    limit->second->dirty = false;
    outbox.put_limit(limit->second->row);
    marks_dirty = true;
  }
}

// ── Strict orders ──

// It left the line and has not ended, or is dead: the others of its order wait.
void Machine::State::keep_order(const Entry& entry, Outbox& outbox) {
  const Job& job = entry.job;
  const bool failed = job.status == Status::failed;
  const OrderRow row{job.queue, job.lane, job.id, failed, failed ? job.expires_at : 0};
  orders[{static_cast<std::uint32_t>(job.queue), job.lane}] = row;
  outbox.put_order(row);
}

void Machine::State::free_order(const Entry& entry, Outbox& outbox) {
  const Job& job = entry.job;
  const auto order = orders.find({static_cast<std::uint32_t>(job.queue), job.lane});
  if (order == orders.end() || order->second.job != job.id) return;
  orders.erase(order);
  outbox.erase_order(job.queue, job.lane);
  Lane* lane = lane_at(static_cast<std::uint32_t>(job.queue), job.lane);
  if (lane != nullptr && lane->parked && lane->parked_on == nullptr) unpark(*lane);
}

// ── Why ──

bool Machine::State::explain_lane(const Entry& entry, Millis wall, Reason& why) {
  using Code = Reason::Code;
  const Job& job = entry.job;
  Lane* lane = job.lane == 0 ? nullptr : lane_at(static_cast<std::uint32_t>(job.queue), job.lane);
  if (lane == nullptr) return false;
  const QueueSettings& settings = lane->queue->row.settings;
  why.text = lane->key.group;
  if (const Millis opens = opens_at(*lane->group, wall); opens > wall) {
    why.code = opens == never ? Code::group_concurrency_limit : Code::group_rate_limit;
    why.limit = opens == never ? *settings.group_concurrency : settings.group_rate_limit->max;
    why.until = opens == never ? 0 : opens;
    return true;
  }
  const Millis matched = std::exchange(matched_at, wall);
  Millis until = never;
  const Limit* limit = closed_limit(*lane, until);
  Millis order_until = never;
  const bool waits = lane->key.ordered && order_waits(*lane, order_until);
  matched_at = matched;
  if (limit != nullptr) {
    why.text = limit->row.name;
    why.until = until == never ? 0 : until;
    why.code = until == never                   ? Code::named_concurrency_limit
               : until == limit->row.held_until ? Code::named_limit_held
                                                : Code::named_rate_limit;
    if (until == never) why.limit = *limit->row.concurrency;
    if (why.code == Code::named_rate_limit) why.limit = limit->row.rate->max;
    return true;
  }
  if (!lane->key.ordered) return false;
  const auto order = orders.find(address_of(*lane));
  why.code = Code::ordered_behind;
  if (lane->active > 0) {
    why.parent = lane->runs;
    return true;
  }
  if (waits) {
    why.parent = order->second.job;
    if (order->second.failed) why.code = Code::ordered_failed;
    if (order_until != never) why.until = order_until;
    return true;
  }
  if (lane->window.empty() || lane->window.order.begin()->first.id == job.id) return false;
  why.parent = lane->window.order.begin()->first.id;
  return true;
}

}  // namespace pawl::core
