#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/replies_parts.h"
#include "client/wire/status.h"

namespace pawl::http::api {
namespace {

static_assert(core::status_count == wire::status_names.size());
static_assert(core::name_of(core::Status::cancelled) == wire::name_of(wire::Status::cancelled));
static_assert(core::name_of(core::Status::stalled) == wire::name_of(wire::Status::stalled));

void append_attempt_error(std::string& out, const core::AttemptError& error) {
  ObjectWriter object(out);
  object.integer("attempt", error.attempt);
  object.time("at", error.at);
  object.text("type", error.type);
  object.text("message", error.message);
  object.text("stack", error.stack);
  object.text_or_null("workerId", error.worker_id);
}

void append_transition(std::string& out, const core::Transition& transition) {
  ObjectWriter object(out);
  object.text("status", core::name_of(transition.status));
  object.time("at", transition.at);
}

void append_wait(std::string& out, ObjectWriter& object, const core::Wait* wait, ClientJson& json) {
  if (wait == nullptr) return object.null("waitsFor");
  object.begin("waitsFor");
  ObjectWriter inner(out);
  inner.text("event", wait->event);
  append_match(out, inner, wait->match, json);
  inner.text("as", wait->as);
  inner.time_or_null("until", wait->until);
}

void append_heartbeats(std::string& out, ObjectWriter& object, const std::optional<core::LeaseState>& lease) {
  if (!lease) return object.null("heartbeats");
  object.begin("heartbeats");
  ObjectWriter beats(out);
  beats.integer("count", lease->beats);
  beats.time("heardAt", lease->heard_wall);
  beats.integer("longestGapMs", lease->longest_gap_ms);
}

void append_details(std::string& out, ObjectWriter& object, const core::Job& job, ClientJson& json) {
  object.list("errors", job.errors,
              [&out](const core::AttemptError& error) { append_attempt_error(out, error); });
  object.list("history", job.history, [&out](const core::Transition& step) { append_transition(out, step); });
  object.begin("backoff");
  append_backoff(out, job.backoff);
  object.integer("leaseMs", job.lease_ms);
  if (job.timeout_ms > 0) {
    object.integer("timeoutMs", job.timeout_ms);
  } else {
    object.null("timeoutMs");
  }
  object.begin("retention");
  append_retention(out, job.retention);
  object.text_or_null("uniqueKey", job.keeps_latest() ? std::string_view() : job.unique_key);
  object.integer("uniqueForMs", job.unique_for_ms);
  object.begin("callback");
  append_callback(out, job.callback.get());
  object.text_or_null("target", job.target);
  object.text_or_null("traceparent", job.traceparent);
  object.integer("logLines", job.log_lines);
  append_steps(out, object, job.steps, json);
  append_parents(out, object, job.parents, json);
  if (job.workflow.is_none())
    object.null("workflowId");
  else
    object.text("workflowId", wire::format_uuid(job.workflow.bytes));
  object.text_or_null("ref", job.ref);
  append_wait(out, object, job.wait.get(), json);
}

/// In a list the last error stands for all.
void append_last_error(std::string& out, ObjectWriter& object, const core::Job& job) {
  object.begin("lastError");
  if (job.errors.empty()) {
    out += "null";
  } else {
    append_attempt_error(out, job.errors.back());
  }
}

std::size_t raw_bytes(const core::Job& job, const RecordParts& parts) {
  std::size_t sum = 0;
  if (parts.payload && job.payload) sum += job.payload->size();
  if (parts.result && job.result) sum += job.result->size();
  return sum;
}

void append_record(std::string& out, const core::JobView& view, const RecordParts& parts, bool omitted,
                   const Redaction& redaction) {
  const core::Job& job = view.job;
  ClientJson json(redaction);
  ObjectWriter object(out);
  object.job_id("jobId", job.id);
  object.text("queue", view.queue);
  object.text("name", job.name);
  object.text("status", core::name_of(job.status));
  object.integer("priority", job.priority);
  if (parts.payload) json.put(out, object, "payload", job.payload);
  if (parts.result) json.put(out, object, "result", job.result);
  if (omitted) object.boolean("omitted", true);
  if (job.progress >= 0) {
    object.number("progress", job.progress);
  } else {
    object.null("progress");
  }
  object.text_or_null("message", job.message);
  object.integer("attemptsMade", job.attempts_made);
  object.integer("maxAttempts", job.max_attempts);
  object.integer("stalls", job.stalls);
  object.integer("maxStalls", job.max_stalls);
  object.integer("replays", job.replays);
  object.time("createdAt", job.created_at);
  object.time_or_null("runAt", job.run_at);
  object.time_or_null("startedAt", job.started_at);
  object.time_or_null("finishedAt", job.finished_at);
  object.time_or_null("expiresAt", job.expires_at);
  object.text_or_null("workerId", view.lease ? view.lease->worker_id : job.worker_id);
  object.time_or_null("leaseExpiresAt", view.lease ? view.lease->expires_wall : 0);
  object.boolean("cancelRequested", job.cancel_requested);
  object.text_or_null("group", job.group);
  object.texts("limits", job.limits);
  object.boolean("ordered", job.ordered && !job.keeps_latest());
  object.text_or_null("latestKey",
                      job.keeps_latest() ? std::string_view(job.unique_key).substr(1) : std::string_view());
  object.texts("tags", job.tags);
  if (parts.details) {
    append_heartbeats(out, object, view.lease);
    append_details(out, object, job, json);
  } else {
    append_last_error(out, object, job);
  }
  json.mark(object);
}

}  // namespace

void append_backoff(std::string& out, const core::Backoff& backoff) {
  ObjectWriter object(out);
  object.text("type", wire::backoff_type_names[static_cast<std::size_t>(backoff.type)]);
  object.integer("delayMs", backoff.delay_ms);
  object.number("factor", backoff.factor);
  object.integer("maxDelayMs", backoff.max_delay_ms);
  object.number("jitter", backoff.jitter);
}

void append_callback(std::string& out, const core::Callback* callback) {
  if (callback == nullptr) {
    out += "null";
    return;
  }
  ObjectWriter object(out);
  object.text("url", callback->url);
  std::vector<std::string> on;
  if ((callback->on & core::Callback::completed) != 0) on.emplace_back("completed");
  if ((callback->on & core::Callback::failed) != 0) on.emplace_back("failed");
  if ((callback->on & core::Callback::cancelled) != 0) on.emplace_back("cancelled");
  object.texts("on", on);
}

void append_retention(std::string& out, const core::Retention& retention) {
  const auto append_age = [](ObjectWriter& object, std::string_view key, core::Millis ms) {
    if (ms < 0) return object.null(key);
    object.integer(key, ms);
  };
  ObjectWriter object(out);
  append_age(object, "completedMs", retention.completed_ms);
  append_age(object, "failedMs", retention.failed_ms);
}

void append_job(std::string& out, const core::JobView& view, const RecordParts& parts,
                const Redaction& redaction) {
  out.reserve(out.size() + 900 + raw_bytes(view.job, parts) + 40 * view.job.history.size());
  append_record(out, view, parts, false, redaction);
}

void append_job_page(std::string& out, const engine::JobPage& page, RecordParts parts,
                     std::size_t raw_bytes_max, const Redaction& redaction) {
  out.reserve(out.size() + 64 + 700 * page.jobs.size());
  std::size_t raw_sum = 0;
  ObjectWriter object(out);
  object.list("jobs", page.jobs, [&](const core::JobView& view) {
    RecordParts own = parts;
    const std::size_t bytes = raw_bytes(view.job, parts);
    const bool omit = bytes > 0 && raw_sum + bytes > raw_bytes_max;
    if (omit) {
      own.payload = own.result = false;
    } else {
      raw_sum += bytes;
    }
    append_record(out, view, own, omit, redaction);
  });
  object.text_or_null("nextCursor", page.next_cursor.value_or(""));
  object.integer("scanned", page.scanned);
  object.integer("of", page.of);
}

void append_logs(std::string& out, const engine::JobLister::Logs& logs) {
  ObjectWriter object(out);
  object.list("lines", logs.lines, [&out](const engine::LogLine& line) {
    ObjectWriter item(out);
    item.time("at", line.at);
    if (line.attempt > 0)
      item.integer("attempt", line.attempt);
    else
      item.null("attempt");
    item.text("text", line.text);
  });
  object.text_or_null("nextCursor", logs.next_cursor.value_or(""));
}

void append_changed(std::string& out, const core::JobChanged& changed) {
  ObjectWriter object(out);
  object.job_id("jobId", changed.id);
  object.text("status", core::name_of(changed.status));
  object.boolean("cancelRequested", changed.cancel_requested);
}

}  // namespace pawl::http::api
