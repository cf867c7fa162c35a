#include "broker/http/api/json_out.h"
#include "broker/http/api/problem.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/replies_parts.h"

namespace pawl::http::api {

void append_submitted(std::string& out, const core::Submitted::Item& item, std::string_view queue) {
  ObjectWriter object(out);
  object.job_id("jobId", item.id);
  object.text("status", core::name_of(item.status));
  object.text("queue", item.queue.empty() ? queue : std::string_view(item.queue));
  object.time("createdAt", item.created_at);
  if (item.deduplicated) object.boolean("deduplicated", true);
}

void append_batch(std::string& out, const core::Submitted& submitted) {
  out.reserve(out.size() + 40 + 75 * submitted.jobs.size());
  ObjectWriter object(out);
  object.list("jobs", submitted.jobs, [&](const core::Submitted::Item& item) {
    ObjectWriter job(out);
    job.job_id("jobId", item.id);
    job.text("status", core::name_of(item.status));
    if (item.deduplicated || submitted.repeated) job.boolean("deduplicated", true);
  });
  if (submitted.repeated) object.boolean("deduplicated", true);
}

void append_granted_job(std::string& out, const core::GrantedJob& job) {
  ObjectWriter object(out);
  object.job_id("jobId", job.id);
  object.lease_id("leaseId", job.lease);
  object.time("leaseExpiresAt", job.lease_expires_at);
  object.integer("leaseMs", job.lease_ms);
  object.text("queue", job.queue);
  object.text("name", job.name);
  object.raw("payload", job.payload);
  object.integer("attempt", job.attempt);
  object.integer("maxAttempts", job.max_attempts);
  object.integer("stalls", job.stalls);
  object.integer("priority", job.priority);
  object.time("createdAt", job.created_at);
  if (job.progress >= 0) {
    object.number("progress", job.progress);
  } else {
    object.null("progress");
  }
  object.text_or_null("traceparent", job.traceparent);
  // What most jobs do not have is left out here: a lease is the hot path.
  if (!job.message.empty()) object.text("message", job.message);
  if (job.timeout_ms > 0) object.integer("timeoutMs", job.timeout_ms);
  if (!job.group.empty()) object.text("group", job.group);
  if (!job.tags.empty()) object.texts("tags", job.tags);
  ClientJson as_kept;
  if (!job.steps.empty()) append_steps(out, object, job.steps, as_kept);
  if (!job.parents.empty()) append_parents(out, object, job.parents, as_kept);
}

std::size_t granted_bytes(const core::Granted& granted) {
  std::size_t sum = 16;
  for (const core::GrantedJob& job : granted.jobs) {
    sum += 330 + job.queue.size() + job.name.size() + (job.payload ? job.payload->size() : 4) +
           job.message.size();
    for (const core::ParentResult& parent : job.parents)
      sum += 100 + parent.ref.size() + (parent.result ? parent.result->size() : 4);
    for (const core::Step& step : job.steps)
      sum += 8 + step.name.size() + (step.result ? step.result->size() : 4);
  }
  return sum;
}

void append_settle_result(std::string& out, const core::SettleResult& result) {
  if (result.refused) return append_problem(out, problem_of(*result.refused));
  ObjectWriter object(out);
  object.text("status", core::name_of(result.status));
  if (result.status == core::Status::delayed) object.time("runAt", result.run_at);
}

void append_beat_result(std::string& out, const core::BeatResult& result) {
  if (result.refused) return append_problem(out, problem_of(*result.refused));
  ObjectWriter object(out);
  object.time("leaseExpiresAt", result.lease_expires_at);
  object.boolean("cancelRequested", result.cancel_requested);
}

}  // namespace pawl::http::api
