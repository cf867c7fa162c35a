#include <pawl/records.hpp>

#include "client/src/json_slices.h"
#include "client/src/read_records.h"
#include "client/wire/json_text.h"
#include "client/wire/status.h"
#include "client/wire/time.h"

namespace pawl {

// Lets the library fill a JsonText with text that the broker has checked already.
struct JsonTextAccess {
  static JsonText trusted(std::string_view text) {
    JsonText out;
    if (!text.empty()) out.text_ = text;
    return out;
  }
};

std::string_view to_string(Status status) {
  const auto at = static_cast<std::size_t>(status);
  return at < wire::status_names.size() ? wire::status_names[at] : "unknown";
}

namespace {

using client::append_key;
using client::append_quoted;
using client::JsonSlice;

Status parse_status(std::string_view text) {
  for (std::size_t i = 0; i < std::size(client::statuses); ++i) {
    if (to_string(client::statuses[i]) == text) return client::statuses[i];
  }
  return Status::unknown;
}

std::optional<Time> time_of(JsonSlice value) {
  const auto ms = wire::parse_time(value.plain());
  if (!ms) return std::nullopt;
  return Time(milliseconds(*ms));
}

template <class Number>
Number number_of(JsonSlice value) {
  return static_cast<Number>(value.integer().value_or(0));
}

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

void put_backoff(std::string& out, const Backoff& backoff) {
  static constexpr std::string_view types[] = {"exponential", "linear", "fixed"};
  append_key(out, "backoff");
  out += '{';
  put(out, "type", types[static_cast<std::size_t>(backoff.type)]);
  put(out, "delayMs", backoff.delay.count());
  append_key(out, "factor");
  wire::append_json_number(out, backoff.factor);
  put(out, "maxDelayMs", backoff.max_delay.count());
  append_key(out, "jitter");
  wire::append_json_number(out, backoff.jitter);
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

AttemptError attempt_error(JsonSlice slice) {
  AttemptError error;
  slice.members([&](std::string_view key, JsonSlice value) {
    if (key == "attempt") error.attempt = number_of<std::uint32_t>(value);
    if (key == "at") error.at = time_of(value);
    if (key == "type") error.type = value.string();
    if (key == "message") error.message = value.string();
    if (key == "stack") error.stack = value.string();
    if (key == "workerId") error.worker_id = value.string();
  });
  return error;
}

// The members that say who and what the job is; the rest is read_course's.
void read_identity(JobRecord& job, std::string_view key, JsonSlice value) {
  if (key == "jobId") job.job_id = value.string();
  if (key == "queue") job.queue = value.string();
  if (key == "name") job.name = value.string();
  if (key == "status") job.status = parse_status(value.plain());
  if (key == "priority") job.priority = number_of<int>(value);
  if (key == "maxAttempts") job.max_attempts = number_of<std::uint32_t>(value);
  if (key == "group") job.group = value.string();
  if (key == "payload") job.payload = JsonTextAccess::trusted(value.text());
  if (key == "tags") {
    value.elements([&](JsonSlice tag) { job.tags.push_back(tag.string()); });
  }
}

void read_course(JobRecord& job, std::string_view key, JsonSlice value) {
  if (key == "attemptsMade") job.attempts_made = number_of<std::uint32_t>(value);
  if (key == "stalls") job.stalls = number_of<std::uint32_t>(value);
  if (key == "progress") job.progress = value.number();
  if (key == "message") job.message = value.string();
  if (key == "workerId") job.worker_id = value.string();
  if (key == "createdAt") job.created_at = time_of(value);
  if (key == "runAt") job.run_at = time_of(value);
  if (key == "startedAt") job.started_at = time_of(value);
  if (key == "finishedAt") job.finished_at = time_of(value);
  if (key == "result") job.result = JsonTextAccess::trusted(value.text());
  if (key == "errors") {
    value.elements([&](JsonSlice error) { job.errors.push_back(attempt_error(error)); });
  }
  if (key == "history") {
    value.elements([&](JsonSlice change) {
      job.history.push_back({parse_status(change["status"].plain()), time_of(change["at"])});
    });
  }
}

}  // namespace

std::string to_json(const JobSpec& spec) {
  std::string out = "{";
  append_key(out, "queue");
  append_quoted(out, spec.queue);
  put(out, "name", spec.name);
  append_key(out, "payload");
  out += spec.payload.text();
  put(out, "priority", spec.priority);
  put(out, "delayMs", spec.delay);
  if (spec.run_at) put(out, "runAt", wire::format_time(spec.run_at->time_since_epoch().count()));
  put(out, "maxAttempts", spec.max_attempts);
  put(out, "maxStalls", spec.max_stalls);
  if (spec.backoff) put_backoff(out, *spec.backoff);
  put(out, "leaseMs", spec.lease);
  put(out, "timeoutMs", spec.timeout);
  put(out, "uniqueKey", spec.unique_key);
  put(out, "uniqueForMs", spec.unique_for);
  put(out, "group", spec.group);
  if (spec.retention) put_retention(out, *spec.retention);
  if (!spec.tags.empty()) {
    append_key(out, "tags");
    for (std::size_t i = 0; i < spec.tags.size(); ++i) {
      out += i == 0 ? '[' : ',';
      append_quoted(out, spec.tags[i]);
    }
    out += ']';
  }
  put(out, "traceparent", spec.traceparent);
  out += '}';
  return out;
}

namespace client {

Status read_status(JsonSlice value) { return parse_status(value.plain()); }

Enqueued read_enqueued(JsonSlice answer) {
  Enqueued out;
  answer.members([&](std::string_view key, JsonSlice value) {
    if (key == "jobId") out.job_id = value.string();
    if (key == "status") out.status = parse_status(value.plain());
    if (key == "deduplicated") out.deduplicated = value.is_true();
  });
  return out;
}

JobRecord read_job(JsonSlice answer) {
  JobRecord job;
  answer.members([&](std::string_view key, JsonSlice value) {
    read_identity(job, key, value);
    read_course(job, key, value);
  });
  job.text = answer.text();
  return job;
}

JobPage read_page(JsonSlice answer) {
  JobPage page;
  answer.members([&](std::string_view key, JsonSlice value) {
    if (key == "jobs") value.elements([&](JsonSlice job) { page.jobs.push_back(read_job(job)); });
    if (key == "nextCursor" && value.present()) page.next_cursor = value.string();
  });
  return page;
}

QueueInfo read_queue(JsonSlice answer) {
  QueueInfo queue;
  answer.members([&](std::string_view key, JsonSlice value) {
    if (key == "queue") queue.queue = value.string();
    if (key == "paused") queue.paused = value.is_true();
    if (key == "oldestPendingMs" && value.integer()) queue.oldest_pending = milliseconds(*value.integer());
    if (key != "counts") return;
    value.members([&](std::string_view status, JsonSlice count) {
      const auto n = number_of<std::uint64_t>(count);
      if (status == "pending") queue.pending = n;
      if (status == "active") queue.active = n;
      if (status == "completed") queue.completed = n;
      if (status == "failed") queue.failed = n;
      if (status == "delayed") queue.delayed = n;
      if (status == "stalled") queue.stalled = n;
      if (status == "blocked") queue.blocked = n;
      if (status == "cancelled") queue.cancelled = n;
    });
  });
  queue.text = answer.text();
  return queue;
}

}  // namespace client
}  // namespace pawl
