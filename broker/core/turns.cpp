// Whose turn it is in a queue with groups.
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
    if (limit == limits.end()) continue;
    limit->second->dirty = false;
    LimitRow& row = limit->second->row;
    row.made = limit->second->exists;
    marks_dirty = true;
    if (row.made || !row.live.empty()) {
      outbox.put_limit(row);
    } else {
      outbox.erase_limit(name);
      forget_unused(*limit->second);
    }
  }
}

}  // namespace pawl::core
