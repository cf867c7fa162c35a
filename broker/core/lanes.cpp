// Lanes, groups and strict orders: which lanes a queue has, and what keeps a job of them waiting. Whose turn
// it is is in turns.cpp.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {

std::pair<std::uint32_t, std::uint32_t> address_of(const Lane& lane) {
  return {number_of(*lane.queue), lane.number};
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
  if (!lane.key.order.empty()) ++latest_count;
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
  if (!lane.key.order.empty()) --latest_count;
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
