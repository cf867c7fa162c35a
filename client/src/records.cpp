// What goes to the broker: specs as JSON text. What comes from it: records_read.cpp.
#include <array>
#include <pawl/records.hpp>

#include "client/src/json_slices.h"
#include "client/src/read_records.h"
#include "client/src/record_names.h"
#include "client/wire/json_text.h"
#include "client/wire/status.h"
#include "client/wire/time.h"

namespace pawl {

std::string_view to_string(Status status) {
  const auto at = static_cast<std::size_t>(status);
  return at < wire::status_names.size() ? wire::status_names[at] : "unknown";
}

namespace {

using client::append_key;
using client::append_quoted;
using client::backoff_types;
using client::missed_names;
using client::on_ordered_failure_names;
using client::overlap_names;
using client::push_body_names;

void put(std::string& out, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  append_key(out, key);
  append_quoted(out, text);
}
void put(std::string& out, std::string_view key, std::int64_t number) {
  append_key(out, key);
  wire::append_json_integer(out, number);
}
template <class Number>
void put(std::string& out, std::string_view key, const std::optional<Number>& number) {
  if (number) put(out, key, static_cast<std::int64_t>(*number));
}
void put(std::string& out, std::string_view key, const std::optional<milliseconds>& duration) {
  if (duration) put(out, key, duration->count());
}
void put(std::string& out, std::string_view key, const std::optional<Time>& time) {
  if (time) put(out, key, wire::format_time(time->time_since_epoch().count()));
}

void put_backoff(std::string& out, const Backoff& backoff) {
  append_key(out, "backoff");
  out += '{';
  put(out, "type", backoff_types[static_cast<std::size_t>(backoff.type)]);
  put(out, "delayMs", backoff.delay.count());
  append_key(out, "factor");
  wire::append_json_number(out, backoff.factor);
  put(out, "maxDelayMs", backoff.max_delay.count());
  append_key(out, "jitter");
  wire::append_json_number(out, backoff.jitter);
  out += '}';
}

void put_throttle(std::string& out, const Throttle& throttle) {
  append_key(out, "throttle");
  out += '{';
  put(out, "key", throttle.key);
  put(out, "perMs", throttle.per.count());
  out += '}';
}

void put_debounce(std::string& out, const Debounce& debounce) {
  append_key(out, "debounce");
  out += '{';
  put(out, "key", debounce.key);
  put(out, "delayMs", debounce.delay.count());
  put(out, "maxWaitMs", debounce.max_wait);
  out += '}';
}

void put_retention(std::string& out, const Retention& retention) {
  const auto duration = [&](std::string_view key, const std::optional<milliseconds>& value) {
    append_key(out, key);
    if (value) {
      wire::append_json_integer(out, static_cast<std::int64_t>(value->count()));
    } else {
      out += "null";
    }
  };
  append_key(out, "retention");
  out += '{';
  duration("completedMs", retention.completed);
  duration("failedMs", retention.failed);
  out += '}';
}

}  // namespace

std::string_view to_string(Missed missed) {
  const auto at = static_cast<std::size_t>(missed);
  return at < std::size(missed_names) ? missed_names[at] : "unknown";
}

std::string_view to_string(Overlap overlap) {
  const auto at = static_cast<std::size_t>(overlap);
  return at < std::size(overlap_names) ? overlap_names[at] : "unknown";
}

namespace {

void put_texts(std::string& out, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  append_key(out, key);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    out += i == 0 ? '[' : ',';
    append_quoted(out, texts[i]);
  }
  out += ']';
}

void put_count(std::string& out, std::string_view key, const std::optional<std::uint32_t>& count) {
  append_key(out, key);
  if (count)
    wire::append_json_integer(out, std::uint64_t{*count});
  else
    out += "null";
}

void put_rate(std::string& out, std::string_view key, const std::optional<RateLimit>& rate) {
  append_key(out, key);
  if (!rate) {
    out += "null";
    return;
  }
  out += '{';
  put(out, "max", std::int64_t{rate->max});
  put(out, "perMs", rate->per.count());
  put(out, "burst", rate->burst);
  out += '}';
}

}  // namespace

std::string to_json(const Callback& callback) {
  std::string out = "{";
  append_key(out, "url");
  append_quoted(out, callback.url);
  std::vector<std::string> ends;
  for (const Status end : callback.on) ends.emplace_back(to_string(end));
  put_texts(out, "on", ends);
  return out + '}';
}

std::string to_json(const JobSpec& spec) {
  std::string out = "{";
  append_key(out, "queue");
  append_quoted(out, spec.queue);
  put(out, "name", spec.name);
  append_key(out, "payload");
  out += spec.payload.text();
  put(out, "priority", spec.priority);
  put(out, "delayMs", spec.delay);
  put(out, "runAt", spec.run_at);
  put(out, "maxAttempts", spec.max_attempts);
  put(out, "maxStalls", spec.max_stalls);
  if (spec.backoff) put_backoff(out, *spec.backoff);
  put(out, "leaseMs", spec.lease);
  put(out, "timeoutMs", spec.timeout);
  put(out, "uniqueKey", spec.unique_key);
  put(out, "uniqueForMs", spec.unique_for);
  if (spec.throttle) put_throttle(out, *spec.throttle);
  if (spec.debounce) put_debounce(out, *spec.debounce);
  if (spec.callback) {
    append_key(out, "callback");
    out += to_json(*spec.callback);
  }
  if (!spec.latest.empty()) {
    append_key(out, "latest");
    out += '{';
    put(out, "key", spec.latest);
    out += '}';
  }
  put(out, "group", spec.group);
  put_texts(out, "limits", spec.limits);
  if (spec.ordered) {
    append_key(out, "ordered");
    out += "true";
  }
  if (spec.retention) put_retention(out, *spec.retention);
  put_texts(out, "tags", spec.tags);
  put(out, "traceparent", spec.traceparent);
  out += '}';
  return out;
}

std::string to_json(const QueueLimits& limits) {
  std::string out = "{";
  put_count(out, "maxConcurrency", limits.max_concurrency);
  put_rate(out, "rateLimit", limits.rate);
  put_count(out, "groupConcurrency", limits.group_concurrency);
  put_rate(out, "groupRateLimit", limits.group_rate);
  return out + '}';
}

std::string to_json(const QueueOrder& order) {
  std::string out = "{";
  append_key(out, "priorityAgeingMs");
  if (order.priority_ageing)
    wire::append_json_integer(out, std::int64_t{order.priority_ageing->count()});
  else
    out += "null";
  put(out, "onOrderedFailure", on_ordered_failure_names[static_cast<std::size_t>(order.on_ordered_failure)]);
  return out + '}';
}

std::string to_json(const std::optional<PushTarget>& target) {
  if (!target) return R"({"push":null})";
  std::string out = "{";
  put(out, "url", target->url);
  if (!target->headers.empty()) {
    append_key(out, "headers");
    out += '{';
    for (const auto& [name, value] : target->headers) put(out, name, value);
    out += '}';
  }
  put(out, "timeoutMs", target->timeout);
  if (target->max_concurrency) put_count(out, "maxConcurrency", target->max_concurrency);
  if (!target->secret.empty()) put(out, "secret", target->secret);
  if (!target->permanent_on.empty()) {
    append_key(out, "permanentOn");
    for (std::size_t i = 0; i < target->permanent_on.size(); ++i) {
      out += i == 0 ? '[' : ',';
      wire::append_json_integer(out, std::uint64_t{target->permanent_on[i]});
    }
    out += ']';
  }
  put(out, "body", push_body_names[static_cast<std::size_t>(target->body)]);
  return R"({"push":)" + out + "}}";
}

std::string to_json(const LimitSpec& spec) {
  std::string out = "{";
  put_count(out, "concurrency", spec.concurrency);
  put_rate(out, "rate", spec.rate);
  return out + '}';
}

namespace {

void put_graph(std::string& out, const std::vector<WorkflowJob>& jobs) {
  append_key(out, "jobs");
  out += '[';
  for (const WorkflowJob& job : jobs) {
    if (&job != &jobs.front()) out += ',';
    out += to_json(job.job);
    out.pop_back();  // the brace
    put(out, "ref", job.ref);
    if (!job.depends_on.empty()) {
      append_key(out, "dependsOn");
      for (std::size_t i = 0; i < job.depends_on.size(); ++i) {
        out += i == 0 ? '[' : ',';
        append_quoted(out, job.depends_on[i]);
      }
      out += ']';
    }
    if (job.on_parent_failure != OnParentFailure::fail)
      put(out, "onParentFailure", job.on_parent_failure == OnParentFailure::run ? "run" : "skip");
    out += '}';
  }
  out += ']';
}

}  // namespace

WorkflowSpec WorkflowSpec::chain(std::string name, std::vector<JobSpec> jobs) {
  WorkflowSpec spec = group(std::move(name), std::move(jobs));
  for (std::size_t i = 1; i < spec.jobs.size(); ++i) spec.jobs[i].depends_on = {spec.jobs[i - 1].ref};
  return spec;
}

WorkflowSpec WorkflowSpec::group(std::string name, std::vector<JobSpec> jobs) {
  WorkflowSpec spec{std::move(name)};
  for (JobSpec& job : jobs)
    spec.jobs.push_back({.ref = std::to_string(spec.jobs.size() + 1), .job = std::move(job)});
  return spec;
}

WorkflowSpec WorkflowSpec::chord(std::string name, std::vector<JobSpec> jobs, JobSpec last) {
  WorkflowSpec spec = group(std::move(name), std::move(jobs));
  WorkflowJob end{.ref = "last", .job = std::move(last)};
  for (const WorkflowJob& job : spec.jobs) end.depends_on.push_back(job.ref);
  spec.jobs.push_back(std::move(end));
  return spec;
}

WorkflowSpec WorkflowSpec::map(std::string name, const JobSpec& each, const std::vector<JsonText>& payloads,
                               std::optional<JobSpec> last) {
  std::vector<JobSpec> jobs;
  for (const JsonText& payload : payloads) {
    jobs.push_back(each);
    jobs.back().payload = payload;
  }
  if (last) return chord(std::move(name), std::move(jobs), *std::move(last));
  return group(std::move(name), std::move(jobs));
}

std::string to_json(const WorkflowSpec& spec) {
  std::string out = "{";
  append_key(out, "name");
  append_quoted(out, spec.name);
  put_graph(out, spec.jobs);
  return out + '}';
}

namespace client {
std::string bulk_json(const BulkSpec& spec) {
  constexpr std::array<std::string_view, 4> actions{"retry", "cancel", "promote", "delete"};
  std::string filter = "{";
  const auto text = [&filter](std::string_view key, const std::string& value) {
    if (!value.empty()) put(filter, key, value);
  };
  text("queue", spec.queue);
  if (!spec.status.empty()) {
    append_key(filter, "status");
    for (std::size_t i = 0; i < spec.status.size(); ++i) {
      filter += i == 0 ? '[' : ',';
      append_quoted(filter, spec.status[i]);
    }
    filter += ']';
  }
  text("name", spec.name);
  text("group", spec.group);
  text("tag", spec.tag);
  text("errorType", spec.error_type);
  text("fingerprint", spec.fingerprint);
  text("worker", spec.worker);
  put(filter, "createdAfter", spec.created_after);
  put(filter, "createdBefore", spec.created_before);
  put(filter, "attemptsMin", spec.attempts_min);
  put(filter, "attemptsMax", spec.attempts_max);
  if (!spec.payload.empty()) {
    append_key(filter, "payload");
    std::string values = "{";
    for (const auto& [path, value] : spec.payload) {
      if (values.size() > 1) values += ',';
      append_quoted(values, path);
      values += ':';
      append_quoted(values, value);  // an empty one too: it is a value like any other
    }
    filter += values + '}';
  }
  text("q", spec.text);
  std::string out = "{";
  append_key(out, "filter");
  out += filter + '}';
  append_key(out, "action");
  append_quoted(out, actions[static_cast<std::size_t>(spec.action)]);
  if (spec.per_second) {
    append_key(out, "perSecond");
    wire::append_json_number(out, *spec.per_second);
  }
  return out + '}';
}

std::string children_json(std::string_view lease_id, const std::vector<WorkflowJob>& children) {
  std::string out = "{";
  append_key(out, "leaseId");
  append_quoted(out, lease_id);
  put_graph(out, children);
  return out + '}';
}
}  // namespace client

std::string to_json(const TriggerSpec& spec) {
  std::string out = to_json(spec.job);
  // What follows the queue is the payload, which a trigger has not.
  constexpr std::string_view payload = R"(,"payload":null)";
  if (const std::size_t at = out.find(payload); at != std::string::npos) out.erase(at, payload.size());
  out.pop_back();  // the brace
  put(out, "event", spec.event);
  append_key(out, "match");
  out += spec.match.text();
  if (spec.batch_max > 0) {
    append_key(out, "batch");
    out += '{';
    put(out, "max", std::int64_t{spec.batch_max});
    put(out, "timeoutMs", spec.batch_timeout.count());
    out += '}';
  }
  return out + '}';
}

std::string to_json(const ScheduleSpec& spec) {
  std::string out = to_json(spec.job);
  out.pop_back();  // the brace: the timetable stands beside the template
  put(out, "cron", spec.cron);
  put(out, "everyMs", spec.every);
  put(out, "timezone", spec.timezone);
  put(out, "startAt", spec.start_at);
  put(out, "endAt", spec.end_at);
  put(out, "maxRuns", spec.max_runs);
  put(out, "missed", to_string(spec.missed));
  put(out, "overlap", to_string(spec.overlap));
  if (spec.paused) {
    append_key(out, "paused");
    out += "true";
  }
  out += '}';
  return out;
}

}  // namespace pawl
