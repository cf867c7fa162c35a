#include <algorithm>
#include <array>
#include <cmath>

#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

void add(engine::Histogram& sum, const engine::Histogram& part) {
  for (std::size_t i = 0; i < sum.buckets.size(); ++i) sum.buckets[i] += part.buckets[i];
  sum.sum_s += part.sum_s;
  sum.count += part.count;
}

/// Milliseconds with one digit after the point; null when nothing was measured.
void append_quantile(std::string& out, const engine::Histogram& histogram, double q) {
  if (histogram.count == 0) {
    out += "null";
  } else {
    wire::append_json_number(out, std::round(histogram.quantile(q) * 10'000) / 10);
  }
}

void append_quantiles(std::string& out, ObjectWriter& object, const engine::Histogram& histogram) {
  object.begin("p50");
  append_quantile(out, histogram, 0.50);
  object.begin("p95");
  append_quantile(out, histogram, 0.95);
  object.begin("p99");
  append_quantile(out, histogram, 0.99);
}

template <typename T>
void integer_or_null(ObjectWriter& object, std::string_view key, const std::optional<T>& value) {
  if (value) {
    object.integer(key, *value);
  } else {
    object.null(key);
  }
}

void append_rate_limit(std::string& out, const std::optional<core::RateLimit>& limit) {
  if (!limit) {
    out += "null";
    return;
  }
  ObjectWriter object(out);
  object.integer("max", limit->max);
  object.integer("perMs", limit->per_ms);
  if (limit->burst > 0)
    object.integer("burst", limit->burst);
  else
    object.null("burst");
}

// What it holds of secrets is not shown: whoever sees the queue need not be able to forge its requests.
void append_push(std::string& out, const core::Push* push) {
  if (push == nullptr) {
    out += "null";
    return;
  }
  ObjectWriter object(out);
  object.text("url", push->url);
  std::vector<std::string> names;
  for (const auto& [name, value] : push->headers) names.push_back(name);
  object.texts("headers", names);
  object.integer("timeoutMs", push->timeout_ms);
  object.integer("maxConcurrency", push->max_concurrency);
  object.boolean("signed", !push->secret.empty());
  object.text("body", core::push_body_names[static_cast<std::size_t>(push->body)]);
  object.list("permanentOn", push->permanent_on,
              [&out](std::uint16_t status) { out += std::to_string(status); });
}

void append_settings(std::string& out, const core::QueueSettings& settings) {
  ObjectWriter object(out);
  object.boolean("paused", settings.paused);
  object.text_or_null("pauseReason", settings.pause_reason);
  integer_or_null(object, "maxConcurrency", settings.max_concurrency);
  object.begin("rateLimit");
  append_rate_limit(out, settings.rate_limit);
  integer_or_null(object, "groupConcurrency", settings.group_concurrency);
  object.begin("groupRateLimit");
  append_rate_limit(out, settings.group_rate_limit);
  integer_or_null(object, "priorityAgeingMs", settings.priority_ageing_ms);
  object.begin("callback");
  append_callback(out, settings.callback.get());
  object.begin("push");
  append_push(out, settings.push.get());
  object.text("onOrderedFailure", settings.skip_failed ? "skip" : "block");
  object.texts("searchable", settings.searchable);
  object.begin("defaults");
  ObjectWriter defaults(out);
  integer_or_null(defaults, "priority", settings.priority);
  integer_or_null(defaults, "maxAttempts", settings.max_attempts);
  integer_or_null(defaults, "maxStalls", settings.max_stalls);
  defaults.begin("backoff");
  if (settings.backoff) {
    append_backoff(out, *settings.backoff);
  } else {
    out += "null";
  }
  integer_or_null(defaults, "leaseMs", settings.lease_ms);
  integer_or_null(defaults, "timeoutMs", settings.timeout_ms);
  defaults.begin("retention");
  if (settings.retention) {
    append_retention(out, *settings.retention);
  } else {
    out += "null";
  }
}

void append_rates(std::string& out, const engine::RatePoint& sums) {
  const auto per_second = [](std::uint32_t count) { return std::round(count * 100 / 60.0) / 100; };
  ObjectWriter object(out);
  object.number("submittedPerSecond", per_second(sums.submitted));
  object.number("startedPerSecond", per_second(sums.started));
  object.number("completedPerSecond", per_second(sums.completed));
  object.number("failedPerSecond", per_second(sums.failed));
  object.number("retriedPerSecond", per_second(sums.retried));
}

/// Pending jobs × mean duration ÷ slots; null while nothing tells the duration or nobody works.
void append_estimated_wait(ObjectWriter& object, const core::QueueView& queue, const engine::Histogram& run) {
  const auto waiting = queue.counts[static_cast<std::size_t>(core::Status::pending)] +
                       queue.counts[static_cast<std::size_t>(core::Status::stalled)];
  if (waiting == 0) return object.integer("estimatedWaitMs", 0);
  if (run.count == 0 || queue.slots == 0) return object.null("estimatedWaitMs");
  const double mean_s = run.sum_s / static_cast<double>(run.count);
  object.integer("estimatedWaitMs",
                 static_cast<std::int64_t>(static_cast<double>(waiting) * mean_s * 1000 / queue.slots));
}

}  // namespace

engine::JobMeters sum_of(const JobMetersMap& meters, const std::string& queue) {
  engine::JobMeters sum;
  for (auto it = meters.lower_bound({queue, {}}); it != meters.end() && it->first.first == queue; ++it) {
    add(sum.wait, it->second.wait);
    add(sum.run, it->second.run);
  }
  return sum;
}

void append_queue(std::string& out, const core::QueueView& queue, const QueueMeters& meters) {
  ObjectWriter object(out);
  object.text("queue", queue.name);
  object.boolean("paused", queue.settings.paused);
  object.text_or_null("pauseReason", queue.settings.pause_reason);
  object.time_or_null("heldUntil", queue.held_until);
  object.time("createdAt", queue.created_at);
  object.begin("counts");
  {
    ObjectWriter counts(out);
    for (std::size_t i = 0; i < core::status_count; ++i) {
      counts.integer(core::name_of(static_cast<core::Status>(i)), queue.counts[i]);
    }
  }
  object.integer("oldestPendingMs", queue.oldest_pending_ms);
  append_estimated_wait(object, queue, meters.sum.run);
  object.integer("workers", queue.workers);
  object.integer("slots", queue.slots);
  object.integer("groups", queue.groups);
  object.integer("lifetimeCompleted", queue.lifetime_completed);
  object.integer("lifetimeFailed", queue.lifetime_failed);
  object.begin("rates");
  append_rates(out, meters.last_minute);
  append_quantiles(out, object, meters.sum.run);
  object.begin("waitMs");
  {
    ObjectWriter wait(out);
    append_quantiles(out, wait, meters.sum.wait);
  }
  object.begin("settings");
  append_settings(out, queue.settings);
}

void append_group(std::string& out, const core::GroupView& group) {
  ObjectWriter object(out);
  object.text_or_null("group", group.group);
  object.integer("active", group.active);
  object.integer("waiting", group.waiting);
  object.boolean("exact", group.waiting_exact);
  object.number("jobsPerMinute", group.jobs_per_minute);
  object.number("workerShare", group.worker_share);
  object.boolean("paused", group.pause.has_value());
  object.text_or_null("pauseReason", group.pause ? group.pause->reason : std::string());
  object.time_or_null("pausedAt", group.pause ? group.pause->since : 0);
}

void append_limit(std::string& out, const core::LimitView& view) {
  const core::LimitRow& row = view.row;
  ObjectWriter object(out);
  object.text("limit", row.name);
  integer_or_null(object, "concurrency", row.concurrency);
  object.begin("rate");
  append_rate_limit(out, row.rate);
  object.integer("active", view.active);
  object.time_or_null("heldUntil", row.held_until);
  object.time("createdAt", row.created_at);
}

void append_worker(std::string& out, const core::WorkerView& worker, const WorkerFacts* facts) {
  ObjectWriter object(out);
  object.text("workerId", worker.worker_id);
  object.boolean("connected", worker.connected);
  object.texts("queues", worker.queues);
  object.integer("credit", worker.credit);
  object.list("active", worker.active, [&out](const core::JobId& id) { append_job_id(out, id); });
  object.time_or_null("lastSeenAt", worker.last_seen);
  object.text_or_null("address", facts != nullptr ? facts->address : "");
  object.text_or_null("host", facts != nullptr ? facts->host : "");
  object.text_or_null("version", facts != nullptr ? facts->version : "");
  if (facts != nullptr && facts->round_trip) {
    object.number("roundTripMs", std::chrono::duration<double, std::milli>(*facts->round_trip).count());
  } else {
    object.null("roundTripMs");
  }
}

std::string_view state_name(engine::OperationView::State state) {
  switch (state) {
    case engine::OperationView::State::running:
      return "running";
    case engine::OperationView::State::done:
      return "done";
    case engine::OperationView::State::cancelled:
      return "cancelled";
    case engine::OperationView::State::paused:
      return "paused";
    case engine::OperationView::State::stopped:
      return "stopped";
  }
  return "running";
}

namespace {

void append_filter(std::string& out, const engine::OperationSpec& spec, const Redaction& redaction) {
  ObjectWriter object(out);
  if (!spec.queue.empty()) object.text("queue", spec.queue);
  if (!spec.filter.status.empty())
    object.list("status", spec.filter.status,
                [&out](core::Status status) { wire::append_json_string(out, core::name_of(status)); });
  if (spec.filter.name) object.text("name", *spec.filter.name);
  if (spec.filter.group) object.text("group", *spec.filter.group);
  if (spec.filter.tag) object.text("tag", *spec.filter.tag);
  if (spec.filter.error_type) object.text("errorType", *spec.filter.error_type);
  if (spec.filter.fingerprint) object.text("fingerprint", engine::fingerprint_text(*spec.filter.fingerprint));
  if (spec.filter.worker) object.text("worker", *spec.filter.worker);
  if (spec.filter.created_from) object.time("createdAfter", *spec.filter.created_from);
  if (spec.filter.created_before) object.time("createdBefore", *spec.filter.created_before);
  if (spec.filter.attempts_min > 0) object.integer("attemptsMin", spec.filter.attempts_min);
  if (spec.filter.attempts_max != UINT32_MAX) object.integer("attemptsMax", spec.filter.attempts_max);
  if (!spec.filter.payload.empty()) {
    object.begin("payload");
    ObjectWriter values(out);
    for (const auto& [path, value] : spec.filter.payload) {
      if (redaction.covers(path))
        values.raw(path, redaction_mask);
      else
        values.text(path, value);
    }
  }
  if (spec.filter.text) object.text("q", *spec.filter.text);
}

/// Not known while they are being counted, nor for what does not count.
std::optional<std::uint64_t> left_of(const engine::OperationView& operation) {
  if (operation.state == engine::OperationView::State::done) return 0;
  if (!operation.counted) return std::nullopt;
  const std::uint64_t over = operation.done + operation.skipped + operation.refused;
  return operation.found - std::min(operation.found, over);
}

}  // namespace

void append_operation(std::string& out, const engine::OperationView& operation, const Redaction& redaction) {
  constexpr std::array<std::string_view, 7> actions{"replay", "purge",   "drain", "retry",
                                                    "cancel", "promote", "delete"};
  ObjectWriter object(out);
  object.text("operationId", operation.id);
  object.text("action", actions[static_cast<std::size_t>(operation.spec.action)]);
  object.text("state", state_name(operation.state));
  object.text("bulkId", operation.id);
  object.text("status", state_name(operation.state));
  object.begin("filter");
  append_filter(out, operation.spec, redaction);
  object.text_or_null("queue", operation.spec.queue);
  object.text_or_null("name", operation.spec.filter.name.value_or(""));
  object.text_or_null("errorType", operation.spec.filter.error_type.value_or(""));
  if (operation.spec.per_second > 0) {
    object.number("perSecond", operation.spec.per_second);
  } else {
    object.null("perSecond");
  }
  if (operation.spec.canary > 0)
    object.integer("canary", operation.spec.canary);
  else
    object.null("canary");
  if (operation.spec.stop_on_failure_rate)
    object.number("stopOnFailureRate", *operation.spec.stop_on_failure_rate);
  else
    object.null("stopOnFailureRate");
  object.text_or_null("into", operation.spec.into);
  object.integer("ended", operation.ended);
  object.integer("failed", operation.failed);
  object.integer("done", operation.done);
  object.integer("skipped", operation.skipped);
  object.integer("refused", operation.refused);
  if (const auto left = left_of(operation))
    object.integer("left", *left);
  else
    object.null("left");
  object.list("errors", operation.errors, [&out](const engine::OperationError& error) {
    ObjectWriter item(out);
    item.job_id("jobId", error.job);
    item.text("detail", error.detail);
  });
  const engine::Actor by = operation.spec.actor.value_or(engine::Actor{});
  object.text_or_null("actor", by.name);
  object.text_or_null("address", by.address);
  object.time("startedAt", operation.started_at);
  object.time_or_null("finishedAt", operation.finished_at);
}

void append_failure_group(std::string& out, const engine::FailureGroup& group) {
  ObjectWriter object(out);
  object.text("fingerprint", engine::fingerprint_text(group.fingerprint));
  object.integer("count", group.count);
  object.text_or_null("type", group.type);
  object.text_or_null("sample", group.sample);
  object.time("firstSeen", group.first_seen);
  object.time("lastSeen", group.last_seen);
  object.list("trend", group.trend, [&out](std::uint32_t failures) { out += std::to_string(failures); });
}

void append_event(std::string& out, const engine::JobEvent& event) {
  constexpr std::array<std::string_view, 3> kinds{"status", "progress", "log"};
  out += "id: ";
  wire::append_json_integer(out, event.id);
  out += "\nevent: ";
  out += kinds[static_cast<std::size_t>(event.kind)];
  out += "\ndata: ";
  {
    ObjectWriter object(out);
    object.job_id("jobId", event.job);
    object.text("queue", event.queue);
    object.text("name", event.name);
    object.text("status", core::name_of(event.status));
    object.time("at", event.at);
    object.integer("attempt", event.attempt);
    if (event.kind == engine::JobEvent::Kind::progress) {
      if (event.progress >= 0) {
        object.number("progress", event.progress);
      } else {
        object.null("progress");
      }
      object.text_or_null("message", event.message);
    }
    if (event.kind == engine::JobEvent::Kind::status && !event.error_type.empty()) {
      object.text("errorType", event.error_type);
    }
    if (event.kind == engine::JobEvent::Kind::log) object.texts("lines", event.lines);
  }
  out += "\n\n";
}

}  // namespace pawl::http::api
