// Submit: all jobs or none, unique keys, idempotency keys, queue defaults.
#include <set>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

// What the submitter did not say comes from the queue, then from Job itself.
template <typename T>
void settle_on(T& field, const std::optional<T>& said, const std::optional<T>& by_queue) {
  if (said)
    field = *said;
  else if (by_queue)
    field = *by_queue;
}

}  // namespace

Job make_job(const NewJob& spec, const QueueRow& queue, Now now) {
  Job job;
  job.queue = queue.number;
  job.name = spec.name.empty() ? queue.name : spec.name;
  job.payload = spec.payload;
  settle_on(job.priority, spec.priority, queue.settings.priority);
  settle_on(job.max_attempts, spec.max_attempts, queue.settings.max_attempts);
  settle_on(job.max_stalls, spec.max_stalls, queue.settings.max_stalls);
  settle_on(job.backoff, spec.backoff, queue.settings.backoff);
  settle_on(job.lease_ms, spec.lease_ms, queue.settings.lease_ms);
  settle_on(job.timeout_ms, spec.timeout_ms, queue.settings.timeout_ms);
  settle_on(job.retention, spec.retention, queue.settings.retention);
  job.unique_key = spec.unique_key;
  job.unique_for_ms = spec.unique_for_ms;
  job.group = spec.group;
  job.limits = spec.limits;
  job.ordered = spec.ordered;
  if (std::string key = latest_key(spec); !key.empty()) {  // a strict order of its own
    job.unique_key = std::move(key);
    job.ordered = true;
  }
  if (job.ordered) job.priority = 0;
  job.tags = spec.tags;
  job.traceparent = spec.traceparent;
  job.callback = spec.callback;
  job.target = spec.target;
  job.created_at = now.wall;
  job.run_at = now.wall;
  if (spec.delay_ms && *spec.delay_ms > 0) job.run_at = now.wall + *spec.delay_ms;
  if (spec.run_at && *spec.run_at > now.wall) job.run_at = *spec.run_at;
  if (const auto until = gathers_until(spec, now.wall)) job.run_at = *until;
  return job;
}

// A job that is new to the queue, pending or delayed, gets its id there. REQUIRES: nobody holds its unique
// key.
Entry& Machine::State::admit(Queue& queue, Job job, Outbox& outbox) {
  set_lane(queue, job, outbox);
  job.id = new_id(job.created_at, queue, job);
  Entry& entry = adopt(std::move(job));
  count_live(entry.job, true);
  ++queue.count(entry.job.status);
  mark_dirty(queue);
  hold_unique(entry.job, outbox);
  if (entry.job.status == Status::delayed)
    place_delayed(entry, outbox);
  else
    place_ready(entry, outbox);
  if (entry.line == nullptr) touch(entry);
  outbox.moved(entry.job, queue.row.name, entry.job.status, nullptr);
  return entry;
}

Submitted::Item Machine::State::submit_one(const NewJob& spec, Now now, Outbox& outbox) {
  Queue& queue = make_queue(spec.queue, now.wall);
  if (!spec.unique_key.empty()) {
    const auto row = unique.find({static_cast<std::uint32_t>(queue.row.number), spec.unique_key});
    if (row != unique.end() && row->second && (row->second->until == 0 || row->second->until > now.wall)) {
      const JobId holder = row->second->id;
      const Entry* entry = find(holder);
      const Status status = entry != nullptr ? entry->job.status : Status::completed;
      return {holder, status, holder.created_at(), true, spec.queue};
    }
  }
  if (spec.gathering) {
    if (auto gathered = gather(spec, queue, now, outbox)) return *std::move(gathered);
  }
  Job job = make_job(spec, queue.row, now);
  job.status = job.run_at > now.wall ? Status::delayed : Status::pending;
  job.history.push_back({job.status, now.wall});
  Entry& entry = admit(queue, std::move(job), outbox);
  if (spec.gathering && !entry.job.keeps_latest()) open_window(spec, entry, now, outbox);
  return {entry.job.id, entry.job.status, now.wall, false, spec.queue};
}

// It has ended: whoever asked for it is told, by a job that is made in the same batch.
void Machine::State::call_back(const Job& job, const Queue& queue, Now now, Outbox& outbox) {
  const Callback* callback = job.callback ? job.callback.get() : queue.row.settings.callback.get();
  if (callback == nullptr || options.ends == nullptr || queue.row.name == callbacks_queue) return;
  const unsigned end = job.status == Status::completed ? Callback::completed
                       : job.status == Status::failed  ? Callback::failed
                                                       : Callback::cancelled;
  if ((callback->on & end) == 0) return;
  NewJob spec;
  spec.queue = callbacks_queue;
  spec.name = "pawl.job." + std::string(name_of(job.status));
  spec.payload = std::make_shared<const std::string>(options.ends->write(job, queue.row.name));
  spec.target = callback->url;
  spec.max_attempts = callback_attempts;
  spec.traceparent = job.traceparent;
  submit_one(spec, now, outbox);
}

void Machine::State::apply(Ticket to, const Submit& submit, Now now, Outbox& outbox) {
  if (submit.idempotency) {
    const auto known_answer = idempotency.find(submit.idempotency->key);
    if (known_answer != idempotency.end() && known_answer->second &&
        known_answer->second->expires_at > now.wall) {
      const IdempotencyRow& row = *known_answer->second;
      if (row.body_hash != submit.idempotency->body_hash) {
        outbox.reply(to, Refused{Refusal::idempotency_mismatch,
                                 "this Idempotency-Key was used with another body, and is still kept",
                                 {},
                                 {}});
      } else {
        outbox.reply(to, Submitted{row.jobs, true});
      }
      return;
    }
  }
  std::set<std::string> unknown;
  for (const NewJob& spec : submit.jobs) {
    if (queue_of(spec.queue) == nullptr) unknown.insert(spec.queue);
  }
  if (!unknown.empty() && !has_room_for_queues(unknown.size())) {
    outbox.reply(to, Refused{Refusal::too_many_queues,
                             "the broker holds its limit of queues; delete one that is not needed",
                             {},
                             {}});
    return;
  }
  if (auto refused = check_terms(submit)) return outbox.reply(to, *std::move(refused));
  Submitted answer;
  answer.jobs.reserve(submit.jobs.size());
  for (const NewJob& spec : submit.jobs) answer.jobs.push_back(submit_one(spec, now, outbox));
  if (submit.idempotency) {
    IdempotencyRow row{submit.idempotency->body_hash, now.wall + submit.idempotency->keep_ms, answer.jobs};
    outbox.put_idempotency(submit.idempotency->key, row);
    idempotency[submit.idempotency->key] = std::move(row);
  }
  outbox.reply(to, std::move(answer));
}

}  // namespace pawl::core
