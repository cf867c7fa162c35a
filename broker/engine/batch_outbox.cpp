#include "broker/engine/batch_outbox.h"

#include "broker/engine/codec.h"

namespace pawl::engine {

using core::Job;
using core::Status;

void BatchOutbox::clear() {
  batch.clear();
  replies.clear();
  events.clear();
  samples.clear();
  failures.clear();
  log_erases.clear();
  notes.clear();
  searchable_changed.clear();
}

void BatchOutbox::put_job(core::Place place, const Job& job) {
  if (with_notes) {
    const auto paths = searchable.find(static_cast<std::uint32_t>(job.queue));
    notes.add(job, paths == searchable.end() ? nullptr : &paths->second, value_at);
  }
  value_.clear();
  encode_job(place, job, value_);
  if (place == core::Place::ready && job.lane != 0) {
    batch.put(family::ready, lane_row_key(job.queue, job.lane, job.priority, job.id), value_);
  } else if (place == core::Place::ready) {
    batch.put(family::ready, ready_key(job.queue, job.priority, job.id), value_);
  } else {
    batch.put(family_of(place), placed_key(job.queue, job.id), value_);
  }
  if (place == core::Place::ready && job.priority != job.id.priority()) {
    value_.clear();
    encode_priority({job.priority, job.lane}, value_);
    batch.put(family::priorities, placed_key(job.queue, job.id), value_);
  }
  if (place == core::Place::dead) failures.push_back(FailureChange::of(FailureChange::What::arrived, job));
}

void BatchOutbox::erase_job(core::Place place, const Job& job) {
  if (place == core::Place::ready && job.lane != 0) {
    batch.erase(family::ready, lane_row_key(job.queue, job.lane, job.priority, job.id));
  } else if (place == core::Place::ready) {
    batch.erase(family::ready, ready_key(job.queue, job.priority, job.id));
  } else {
    batch.erase(family_of(place), placed_key(job.queue, job.id));
  }
  if (place == core::Place::ready && job.priority != job.id.priority())
    batch.erase(family::priorities, placed_key(job.queue, job.id));
  if (place == core::Place::dead) failures.push_back(FailureChange::of(FailureChange::What::left, job));
}

void BatchOutbox::put_timer(core::Millis due, const core::JobId& id) {
  batch.put(family::timers, timer_key(due, id), {});
}

void BatchOutbox::erase_timer(core::Millis due, const core::JobId& id) {
  batch.erase(family::timers, timer_key(due, id));
}

void BatchOutbox::erase_timers(const core::Timer& first, const core::Timer& last) {
  const std::string end = timer_key(last.first, last.second).str() + '\0';
  batch.erase_range(family::timers, timer_key(first.first, first.second), end);
}

void BatchOutbox::put_grant(const core::Grant& grant) {
  value_.clear();
  encode_grant(grant, value_);
  batch.put(family::grants, grant_key(grant.number), value_);
}

void BatchOutbox::erase_grant(std::uint64_t number) { batch.erase(family::grants, grant_key(number)); }

void BatchOutbox::declare(const core::QueueRow& row) {
  const auto number = static_cast<std::uint32_t>(row.number);
  const auto known = searchable.find(number);
  if (row.settings.searchable.empty() && known == searchable.end()) return;
  if (known != searchable.end() && known->second == row.settings.searchable) return;
  searchable_changed.push_back(row.number);
  if (row.settings.searchable.empty())
    searchable.erase(number);
  else
    searchable[number] = row.settings.searchable;
}

void BatchOutbox::put_queue(const core::QueueRow& row) {
  declare(row);
  value_.clear();
  encode_queue(row, value_);
  batch.put(family::queues, queue_key(row.number), value_);
}

void BatchOutbox::erase_queue(const core::QueueRow& row) {
  const Key<4> begin = queue_key(row.number);
  const Key<4> end = queue_end(row.number);
  batch.erase(family::queues, begin);
  for (const storage::Family which :
       {family::ready, family::parked, family::ended, family::dead, family::unique, family::retained,
        family::lanes, family::groups, family::orders, family::priorities}) {
    batch.erase_range(which, begin, end);
  }
  failures.push_back({FailureChange::What::queue_gone, row.number});
}

void BatchOutbox::put_retained(const core::RetainedRow& row) {
  const Key<13> key = retained_key(row);
  if (row.count == 0) {
    batch.erase(family::retained, key);
    return;
  }
  value_.clear();
  encode_retained(row, value_);
  batch.put(family::retained, key, value_);
}

void BatchOutbox::put_marks(const core::Marks& marks) {
  value_.clear();
  encode_marks(marks, value_);
  batch.put(family::meta, marks_key, value_);
}

void BatchOutbox::put_unique(core::QueueNumber queue, std::string_view key, const core::UniqueRow& row) {
  value_.clear();
  encode_unique(row, value_);
  batch.put(family::unique, unique_key(queue, key), value_);
}

void BatchOutbox::erase_unique(core::QueueNumber queue, std::string_view key) {
  batch.erase(family::unique, unique_key(queue, key));
}

void BatchOutbox::put_idempotency(std::string_view key, const core::IdempotencyRow& row) {
  value_.clear();
  encode_idempotency(row, value_);
  batch.put(family::idempotency, key, value_);
}

void BatchOutbox::put_lane(core::QueueNumber queue, const core::LaneKey& key, std::uint32_t number) {
  value_.clear();
  encode_lane(number, value_);
  batch.put(family::lanes, lane_key(queue, key), value_);
}

void BatchOutbox::put_limit(const core::LimitRow& row) {
  value_.clear();
  encode_limit(row, value_);
  batch.put(family::limits, row.name, value_);
}

void BatchOutbox::erase_limit(const std::string& name) { batch.erase(family::limits, name); }

void BatchOutbox::put_group(const core::GroupRow& row) {
  value_.clear();
  encode_group(row, value_);
  batch.put(family::groups, unique_key(row.queue, row.group), value_);
}

void BatchOutbox::erase_group(core::QueueNumber queue, const std::string& group) {
  batch.erase(family::groups, unique_key(queue, group));
}

void BatchOutbox::put_order(const core::OrderRow& row) {
  value_.clear();
  encode_order(row, value_);
  batch.put(family::orders, order_key(row.queue, row.lane), value_);
}

void BatchOutbox::erase_order(core::QueueNumber queue, std::uint32_t lane) {
  batch.erase(family::orders, order_key(queue, lane));
}

void BatchOutbox::put_schedule(const core::ScheduleRow& row) {
  value_.clear();
  encode_schedule(row, value_);
  batch.put(family::schedules, row.schedule.id, value_);
}

void BatchOutbox::erase_schedule(const std::string& id) { batch.erase(family::schedules, id); }

void BatchOutbox::put_trigger(const core::TriggerRow& row) {
  value_.clear();
  encode_trigger(row, value_);
  batch.put(family::triggers, row.trigger.id, value_);
}

void BatchOutbox::erase_trigger(const std::string& id) { batch.erase(family::triggers, id); }

void BatchOutbox::put_gathered(const core::GatheredRow& row) {
  value_.clear();
  encode_gathered(row, value_);
  batch.put(family::gathered, gathered_key(row.trigger, row.number), value_);
}

void BatchOutbox::erase_gathered(const std::string& trigger, std::uint64_t number) {
  batch.erase(family::gathered, gathered_key(trigger, number));
}

void BatchOutbox::put_workflow(const core::WorkflowRow& row) {
  value_.clear();
  encode_workflow(row, value_);
  batch.put(family::workflows, row.id.view(), value_);
}

void BatchOutbox::put_member(const core::MemberRow& row) {
  value_.clear();
  encode_member(row, value_);
  batch.put(family::members, member_key(row.workflow, row.index), value_);
}

void BatchOutbox::erase_workflow(const core::WorkflowId& id, std::uint32_t jobs) {
  for (std::uint32_t index = 0; index < jobs; ++index) batch.erase(family::members, member_key(id, index));
  batch.erase(family::workflows, id.view());
}

void BatchOutbox::put_dependent(const core::JobId& parent, const core::Dependent& dependent) {
  value_.clear();
  encode_dependent(dependent, value_);
  batch.put(family::dependents, pair_key(parent.view(), dependent.id.view()), value_);
}

void BatchOutbox::erase_dependent(const core::JobId& parent, const core::JobId& child) {
  batch.erase(family::dependents, pair_key(parent.view(), child.view()));
}

void BatchOutbox::put_parent(const core::JobId& child, const core::ParentResult& parent) {
  value_.clear();
  encode_parent(parent, value_);
  batch.put(family::parents, pair_key(child.view(), parent.id.view()), value_);
}

void BatchOutbox::erase_parent(const core::JobId& child, const core::JobId& parent) {
  batch.erase(family::parents, pair_key(child.view(), parent.view()));
}

void BatchOutbox::erase_parents(const core::JobId& child) {
  batch.erase_range(family::parents, child.view(), end_of_prefix(child.view()));
}

void BatchOutbox::put_join(const core::JobId& child, const core::Join& join) {
  value_.clear();
  encode_join(join, value_);
  batch.put(family::joins, child.view(), value_);
}

void BatchOutbox::erase_join(const core::JobId& child) { batch.erase(family::joins, child.view()); }

void BatchOutbox::put_owed(const core::Owed& owed) {
  value_.clear();
  encode_owed(owed, value_);
  batch.put(family::owed, owed_key(owed.number), value_);
}

void BatchOutbox::erase_owed(std::uint64_t number) { batch.erase(family::owed, owed_key(number)); }

void BatchOutbox::put_wait(const core::JobId& id, const core::Wait& wait) {
  value_.clear();
  encode_wait(wait, value_);
  batch.put(family::waits, id.view(), value_);
}

void BatchOutbox::erase_wait(const core::JobId& id) { batch.erase(family::waits, id.view()); }

void BatchOutbox::put_audit(const AuditEntry& entry, core::Millis at) {
  value_.clear();
  encode_audit(entry, at + audit_kept_ms, value_);
  batch.put(family::audit, audit_key(at, ++audited_), value_);
}

void BatchOutbox::put_logs(const core::Job& job, core::Millis at, std::span<const std::string> lines) {
  value_.clear();
  encode_logs(job.attempts_made + 1, lines, value_);
  batch.put(family::logs, log_key(job.id, at, job.log_lines), value_);
}

void BatchOutbox::erase_logs(const core::JobId& id) { log_erases.push_back(id); }

void BatchOutbox::reply(core::Ticket to, core::Reply&& reply) {
  if (to != core::Ticket::none) replies.emplace_back(to, std::move(reply));
}

namespace {

std::shared_ptr<JobEvent> make_event(JobEvent::Kind kind, const Job& job, const std::string& queue) {
  auto event = std::make_shared<JobEvent>();
  event->kind = kind;
  event->job = job.id;
  event->queue = queue;
  event->name = job.name;
  event->status = job.status;
  event->at = job.history.empty() ? job.created_at : job.history.back().at;
  event->attempt = job.attempts_made + (job.status == Status::active ? 1 : 0);
  event->progress = job.progress;
  return event;
}

double seconds(core::Millis ms) { return static_cast<double>(ms < 0 ? 0 : ms) / 1000; }

Meters::Sample make_sample(const Job& job, const std::string& queue, Status from, const core::Event* cause) {
  Meters::Sample sample;
  sample.queue = queue;
  sample.number = job.queue;
  sample.name = job.name;
  sample.from = from;
  sample.to = job.status;
  sample.submitted = cause == nullptr;
  if (cause != nullptr) {
    sample.retried = *cause == core::Event::retry_later || *cause == core::Event::retry_now;
    sample.released = *cause == core::Event::release || *cause == core::Event::release_later;
  }
  sample.at = job.history.back().at;
  if (job.status == Status::active && job.history.size() > 1) {
    sample.wait_s = seconds(sample.at - job.history[job.history.size() - 2].at);
  }
  if (from == Status::active) {
    sample.run_s = seconds(sample.at - job.started_at);
    sample.stalled_or_timed_out = !job.last_settle.by_worker;
    sample.timed_out =
        sample.stalled_or_timed_out && !job.errors.empty() && job.errors.back().type == "timeout";
  }
  return sample;
}

}  // namespace

void BatchOutbox::moved(const Job& job, const std::string& queue, Status from, const core::Event* cause) {
  samples.push_back(make_sample(job, queue, from, cause));
  if (!with_events) return;
  auto event = make_event(JobEvent::Kind::status, job, queue);
  // The error belongs to the news only when it came with this move.
  if (from == Status::active && !job.errors.empty() && job.errors.back().at == event->at) {
    event->error_type = job.errors.back().type;
  }
  events.push_back(std::move(event));
}

void BatchOutbox::changed(const Job& job, const std::string& queue) {
  if (with_events) events.push_back(make_event(JobEvent::Kind::status, job, queue));
}

void BatchOutbox::progressed(const Job& job, const std::string& queue) {
  if (!with_events) return;
  auto event = make_event(JobEvent::Kind::progress, job, queue);
  event->message = job.message;
  events.push_back(std::move(event));
}

void BatchOutbox::logged(const Job& job, const std::string& queue, std::span<const std::string> lines) {
  if (!with_events) return;
  auto event = make_event(JobEvent::Kind::log, job, queue);
  event->lines.assign(lines.begin(), lines.end());
  events.push_back(std::move(event));
}

}  // namespace pawl::engine
