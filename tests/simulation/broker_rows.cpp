// What the machine writes and answers goes on to the disk and to the clients, some of it falsified.
#include <fmt/format.h>

#include <algorithm>

#include "broker/engine/codec.h"
#include "tests/simulation/broker.h"

namespace pawl::sim {

using namespace core;

void Broker::put_job(Place place, const Job& job) {
  wrote_ = true;
  Job changed = job;
  if (is(Canary::changed_payload) && job.payload && !job.payload->empty() && parts_.random.one_in(50)) {
    std::string bytes = *job.payload;
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    changed.payload = std::make_shared<const std::string>(std::move(bytes));
  }
  if (is(Canary::debounce_kept_payload) && place == Place::parked && job.started_at == 0) {
    const std::optional<Job> before = parts_.disk.job(job.id, now_.wall);
    if (before) changed.payload = before->payload;
  }
  if (is(Canary::lost_steps)) changed.steps.clear();
  if (is(Canary::lost_errors) && place == Place::dead) changed.errors.clear();
  parts_.disk.rows().put_job(place, changed);
  if (is(Canary::lost_priority)) parts_.disk.lose_priority(changed);
  if (is(Canary::invented_job) && parts_.random.one_in(100)) {
    changed.id.bytes[15] ^= 1;
    parts_.disk.rows().put_job(place, changed);
  }
}

void Broker::erase_job(Place place, const Job& job) {
  wrote_ = true;
  if (is(Canary::kept_row) && parts_.random.one_in(20)) return;
  if (is(Canary::moved_and_kept) && moving_) return;
  parts_.disk.rows().erase_job(place, job);
}

void Broker::put_timer(Millis due, const JobId& id) {
  wrote_ = true;
  const bool beyond = parts_.model.delayed_count() > options_.machine.timer_window;
  if (beyond && due < timers_end_) parts_.rare.add(Rare::timer_ahead_of_a_full_window);
  if (is(Canary::lost_timer) && parts_.random.one_in(20)) return;
  parts_.disk.rows().put_timer(due, id);
}
void Broker::erase_timer(Millis due, const JobId& id) {
  wrote_ = true;
  if (is(Canary::postponed_timer_kept) && changing_) return;
  parts_.disk.rows().erase_timer(due, id);
}
void Broker::erase_timers(const Timer& first, const Timer& last) {
  wrote_ = true;
  parts_.rare.add(Rare::timers_erased_together);
  parts_.disk.rows().erase_timers(first, last);
}
void Broker::put_grant(const Grant& grant) {
  wrote_ = true;
  parts_.disk.rows().put_grant(grant);
}
void Broker::erase_grant(std::uint64_t number) {
  wrote_ = true;
  parts_.disk.rows().erase_grant(number);
}
void Broker::put_queue(const QueueRow& row) {
  wrote_ = true;
  QueueRow changed = row;
  if (is(Canary::miscounted) && parts_.random.one_in(100)) ++changed.counts[0];
  hide_limits(changed.name, changed.settings, changed.held_until);
  parts_.disk.rows().put_queue(changed);
}
void Broker::erase_queue(const QueueRow& row) {
  wrote_ = true;
  parts_.disk.rows().erase_queue(row);
}
void Broker::put_retained(const RetainedRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_retained(row);
}
void Broker::put_marks(const Marks& marks) {
  wrote_ = true;
  parts_.disk.rows().put_marks(marks);
}
void Broker::put_unique(QueueNumber queue, std::string_view key, const UniqueRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_unique(queue, key, row);
}
void Broker::erase_unique(QueueNumber queue, std::string_view key) {
  wrote_ = true;
  parts_.disk.rows().erase_unique(queue, key);
}
void Broker::put_idempotency(std::string_view key, const IdempotencyRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_idempotency(key, row);
}
void Broker::put_trigger(const TriggerRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_trigger(row);
}
void Broker::erase_trigger(const std::string& id) {
  wrote_ = true;
  parts_.disk.rows().erase_trigger(id);
}
void Broker::put_gathered(const GatheredRow& row) {
  wrote_ = true;
  if (is(Canary::lost_gathered)) return;
  parts_.disk.rows().put_gathered(row);
}
void Broker::erase_gathered(const std::string& trigger, std::uint64_t number) {
  wrote_ = true;
  parts_.disk.rows().erase_gathered(trigger, number);
}
void Broker::put_workflow(const WorkflowRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_workflow(row);
}
void Broker::put_member(const MemberRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_member(row);
}
void Broker::put_dependent(const JobId& parent, const Dependent& dependent) {
  wrote_ = true;
  if (is(Canary::lost_dependent) && parts_.random.one_in(4)) return;
  parts_.disk.rows().put_dependent(parent, dependent);
}
void Broker::erase_dependent(const JobId& parent, const JobId& child) {
  wrote_ = true;
  if (is(Canary::kept_dependent)) return;
  parts_.disk.rows().erase_dependent(parent, child);
}
void Broker::put_parent(const JobId& child, const ParentResult& parent) {
  wrote_ = true;
  parts_.disk.rows().put_parent(child, parent);
}
void Broker::erase_parent(const JobId& child, const JobId& parent) {
  wrote_ = true;
  parts_.disk.rows().erase_parent(child, parent);
}
void Broker::erase_parents(const JobId& child) {
  wrote_ = true;
  parts_.disk.rows().erase_parents(child);
}
void Broker::put_join(const JobId& child, const Join& join) {
  wrote_ = true;
  parts_.disk.rows().put_join(child, join);
}
void Broker::erase_join(const JobId& child) {
  wrote_ = true;
  parts_.disk.rows().erase_join(child);
}
void Broker::put_owed(const core::Owed& owed) {
  wrote_ = true;
  if (is(Canary::lost_debt)) return;
  parts_.disk.rows().put_owed(owed);
}
void Broker::erase_owed(std::uint64_t number) {
  wrote_ = true;
  parts_.disk.rows().erase_owed(number);
}
void Broker::put_wait(const JobId& id, const Wait& wait) {
  wrote_ = true;
  parts_.disk.rows().put_wait(id, wait);
}
void Broker::erase_wait(const JobId& id) {
  wrote_ = true;
  parts_.disk.rows().erase_wait(id);
}
void Broker::put_lane(QueueNumber queue, const LaneKey& key, std::uint32_t number) {
  wrote_ = true;
  parts_.disk.rows().put_lane(queue, key, number);
}
void Broker::put_limit(const LimitRow& row) {
  wrote_ = true;
  LimitView view{row, 0};
  if (is(Canary::named_limit_ignored) || is(Canary::named_hold_ignored)) {
    hide_limit(view);
    const auto known = parts_.model.limits().find(row.name);
    if (known != parts_.model.limits().end()) view.row.held_until = known->second.held_until;
  }
  parts_.disk.rows().put_limit(view.row);
}
void Broker::erase_limit(const std::string& name) {
  wrote_ = true;
  parts_.disk.rows().erase_limit(name);
}
void Broker::put_group(const GroupRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_group(row);
}
void Broker::erase_group(QueueNumber queue, const std::string& group) {
  wrote_ = true;
  parts_.disk.rows().erase_group(queue, group);
}
void Broker::put_order(const OrderRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_order(row);
}
void Broker::erase_order(QueueNumber queue, std::uint32_t lane) {
  wrote_ = true;
  parts_.disk.rows().erase_order(queue, lane);
}
void Broker::put_schedule(const ScheduleRow& row) {
  wrote_ = true;
  ScheduleRow kept = row;
  hide_rules(kept);
  parts_.model.schedule_kept(kept);
  parts_.disk.rows().put_schedule(kept);
}
void Broker::erase_schedule(const std::string& id) {
  wrote_ = true;
  parts_.model.schedule_erased(id);
  if (is(Canary::kept_schedule)) return;
  parts_.disk.rows().erase_schedule(id);
}
void Broker::put_logs(const Job& job, Millis at, std::span<const std::string> lines) {
  wrote_ = true;
  parts_.disk.rows().put_logs(job, at, lines);
}
void Broker::erase_logs(const JobId& id) {
  wrote_ = true;
  parts_.disk.rows().erase_logs(id);
}

void Broker::reply(Ticket to, Reply&& reply) {
  if (to == Ticket::none) return;
  if (auto* view = std::get_if<ScheduleView>(&reply)) hide_rules(view->row);
  if (auto* list = std::get_if<ScheduleList>(&reply)) {
    for (ScheduleView& view : list->schedules) hide_rules(view.row);
  }
  if (auto* view = std::get_if<GroupView>(&reply)) hide_pause(*view);
  if (auto* list = std::get_if<GroupList>(&reply)) {
    for (GroupView& view : list->groups) hide_pause(view);
  }
  if (auto* view = std::get_if<LimitView>(&reply)) hide_limit(*view);
  if (auto* list = std::get_if<LimitList>(&reply)) {
    for (LimitView& view : list->limits) hide_limit(view);
  }
  if (auto* view = std::get_if<QueueView>(&reply)) hide_limits(*view);
  if (auto* list = std::get_if<QueueList>(&reply)) {
    for (QueueView& view : list->queues) hide_limits(view);
  }
  if (looking_) {
    seen_ = std::move(reply);
    return;
  }
  parts_.model.replied(to, reply);
  replies_.emplace_back(to, std::move(reply));
}

void Broker::moved(const Job& job, const std::string& queue, Status from, const Event* cause) {
  parts_.model.moved(job, queue, from, cause);
  parts_.operations.moved(job, from);
}
void Broker::changed(const Job& job, const std::string& queue) {
  parts_.model.changed(job, queue);
  parts_.operations.changed(job.id);
}
void Broker::progressed(const Job&, const std::string&) {}
void Broker::logged(const Job&, const std::string&, std::span<const std::string>) {}

}  // namespace pawl::sim
