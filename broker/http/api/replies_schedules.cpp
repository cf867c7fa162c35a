#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/replies_parts.h"

namespace pawl::http::api {
namespace {

template <typename T, typename Append>
void append_if(ObjectWriter& object, std::string_view key, const std::optional<T>& value, Append&& append) {
  if (!value) return;
  object.begin(key);
  append(*value);
}

/// What the template says; what it leaves to the queue's defaults is not there.
void append_gathering(std::string& out, ObjectWriter& object, const core::Gathering& gathering) {
  const bool debounce = gathering.mode == core::Gathering::Mode::debounce;
  const bool latest = gathering.mode == core::Gathering::Mode::latest;
  object.begin(latest ? "latest" : debounce ? "debounce" : "throttle");
  ObjectWriter inner(out);
  inner.text("key", gathering.key);
  if (!latest) inner.integer(debounce ? "delayMs" : "perMs", gathering.window_ms);
  if (gathering.max_wait_ms > 0) inner.integer("maxWaitMs", gathering.max_wait_ms);
}

void append_last_run(std::string& out, ObjectWriter& object, const core::ScheduleView& view) {
  if (view.row.last_at == 0) return object.null("lastRun");
  object.begin("lastRun");
  ObjectWriter run(out);
  run.time("at", view.row.last_at);
  if (!view.row.last_error.empty()) {
    run.null("jobId");
    run.text("error", view.row.last_error);
    return;
  }
  run.job_id("jobId", view.row.last_job);
  if (view.last_status) run.text("status", core::name_of(*view.last_status));
}

}  // namespace

void append_template(std::string& out, ObjectWriter& object, const core::NewJob& job) {
  object.text("queue", job.queue);
  if (!job.name.empty()) object.text("name", job.name);
  const auto integer = [&out](auto value) { wire::append_json_integer(out, std::int64_t{value}); };
  append_if(object, "priority", job.priority, integer);
  append_if(object, "delayMs", job.delay_ms, integer);
  append_if(object, "maxAttempts", job.max_attempts, integer);
  append_if(object, "maxStalls", job.max_stalls, integer);
  append_if(object, "backoff", job.backoff,
            [&](const core::Backoff& backoff) { append_backoff(out, backoff); });
  append_if(object, "leaseMs", job.lease_ms, integer);
  append_if(object, "timeoutMs", job.timeout_ms, integer);
  if (!job.unique_key.empty()) object.text("uniqueKey", job.unique_key);
  if (job.unique_for_ms > 0) object.integer("uniqueForMs", job.unique_for_ms);
  if (job.callback) {
    object.begin("callback");
    append_callback(out, job.callback.get());
  }
  if (job.gathering) append_gathering(out, object, *job.gathering);
  if (!job.group.empty()) object.text("group", job.group);
  if (!job.limits.empty()) object.texts("limits", job.limits);
  if (job.ordered) object.boolean("ordered", true);
  append_if(object, "retention", job.retention,
            [&](const core::Retention& retention) { append_retention(out, retention); });
  if (!job.tags.empty()) object.texts("tags", job.tags);
  if (!job.traceparent.empty()) object.text("traceparent", job.traceparent);
}

void append_schedule(std::string& out, const core::ScheduleView& view, const Redaction& redaction) {
  const core::Schedule& schedule = view.row.schedule;
  const core::Timetable& timetable = schedule.timetable;
  ClientJson json(redaction);
  ObjectWriter object(out);
  object.text("scheduleId", schedule.id);
  json.put(out, object, "payload", schedule.job.payload);
  append_template(out, object, schedule.job);
  if (timetable.cron.empty()) {
    object.integer("everyMs", timetable.every_ms);
  } else {
    object.text("cron", timetable.cron);
    object.text("timezone", timetable.timezone);
  }
  object.time_or_null("startAt", timetable.start_at);
  object.time_or_null("endAt", timetable.end_at == core::never ? 0 : timetable.end_at);
  if (timetable.max_runs > 0)
    object.integer("maxRuns", timetable.max_runs);
  else
    object.null("maxRuns");
  object.text("missed", core::missed_names[static_cast<std::size_t>(schedule.missed)]);
  object.text("overlap", core::overlap_names[static_cast<std::size_t>(schedule.overlap)]);
  object.boolean("paused", schedule.paused);
  object.list("nextRuns", view.next_runs, [&out](core::Millis at) { append_time(out, at); });
  append_last_run(out, object, view);
  object.integer("runs", view.row.runs);
  object.integer("skipped", view.row.skipped);
  object.time("createdAt", view.row.created_at);
  object.time("updatedAt", view.row.updated_at);
  json.mark(object);
}

}  // namespace pawl::http::api
