// What comes from the broker: answers → records.
#include <pawl/records.hpp>

#include "client/src/json_slices.h"
#include "client/src/read_records.h"
#include "client/src/record_names.h"
#include "client/wire/time.h"

namespace pawl::client {
namespace {

Status parse_status(std::string_view text) {
  for (std::size_t i = 0; i < std::size(statuses); ++i) {
    if (to_string(statuses[i]) == text) return statuses[i];
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

// The value that `names` has at that place; a word that is not there changes nothing.
template <class Enum, std::size_t N>
void read_word(JsonSlice value, const std::string_view (&names)[N], Enum& out) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == value.plain()) out = static_cast<Enum>(i);
  }
}

template <class Number>
std::optional<Number> optional_of(JsonSlice value) {
  const auto number = value.integer();
  if (!number) return std::nullopt;
  return static_cast<Number>(*number);
}

std::optional<milliseconds> duration_of(JsonSlice value) { return optional_of<milliseconds>(value); }

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
  if (key == "ordered") job.ordered = value.is_true();
  if (key == "limits") {
    value.elements([&](JsonSlice limit) { job.limits.push_back(limit.string()); });
  }
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
  if (key == "redacted") job.redacted = value.is_true();
  if (key == "errors") {
    value.elements([&](JsonSlice error) { job.errors.push_back(attempt_error(error)); });
  }
  if (key == "history") {
    value.elements([&](JsonSlice change) {
      job.history.push_back({parse_status(change["status"].plain()), time_of(change["at"])});
    });
  }
}

Backoff backoff_of(JsonSlice slice) {
  Backoff backoff;
  slice.members([&](std::string_view key, JsonSlice value) {
    if (key == "type") read_word(value, backoff_types, backoff.type);
    if (key == "delayMs") backoff.delay = duration_of(value).value_or(backoff.delay);
    if (key == "factor") backoff.factor = value.number().value_or(backoff.factor);
    if (key == "maxDelayMs") backoff.max_delay = duration_of(value).value_or(backoff.max_delay);
    if (key == "jitter") backoff.jitter = value.number().value_or(backoff.jitter);
  });
  return backoff;
}

Retention retention_of(JsonSlice slice) {
  return {.completed = duration_of(slice["completedMs"]), .failed = duration_of(slice["failedMs"])};
}

std::optional<Callback> callback_of(JsonSlice slice) {
  if (!slice.present()) return std::nullopt;
  Callback callback{.url = slice["url"].string()};
  // An end that this version does not know stays, as `unknown`: without it `on` could be empty, which is all.
  slice["on"].elements([&](JsonSlice end) { callback.on.push_back(parse_status(end.plain())); });
  return callback;
}

// The members of a schedule that are those of a submit.
void read_template(JobSpec& job, std::string_view key, JsonSlice value) {
  if (key == "queue") job.queue = value.string();
  if (key == "name") job.name = value.string();
  if (key == "payload") job.payload = JsonTextAccess::trusted(value.text());
  if (key == "priority") job.priority = optional_of<int>(value);
  if (key == "delayMs") job.delay = duration_of(value);
  if (key == "maxAttempts") job.max_attempts = optional_of<std::uint32_t>(value);
  if (key == "maxStalls") job.max_stalls = optional_of<std::uint32_t>(value);
  if (key == "backoff" && value.present()) job.backoff = backoff_of(value);
  if (key == "leaseMs") job.lease = duration_of(value);
  if (key == "timeoutMs") job.timeout = duration_of(value);
  if (key == "uniqueKey") job.unique_key = value.string();
  if (key == "uniqueForMs") job.unique_for = duration_of(value);
  if (key == "throttle" && value.present())
    job.throttle = Throttle{value["key"].string(), duration_of(value["perMs"]).value_or(milliseconds{0})};
  if (key == "callback") job.callback = callback_of(value);
  if (key == "latest" && value.present()) job.latest = value["key"].string();
  if (key == "debounce" && value.present()) {
    job.debounce = Debounce{value["key"].string(), duration_of(value["delayMs"]).value_or(milliseconds{0}),
                            duration_of(value["maxWaitMs"])};
  }
  if (key == "group") job.group = value.string();
  if (key == "ordered") job.ordered = value.is_true();
  if (key == "limits") value.elements([&](JsonSlice limit) { job.limits.push_back(limit.string()); });
  if (key == "retention" && value.present()) job.retention = retention_of(value);
  if (key == "traceparent") job.traceparent = value.string();
  if (key == "tags") value.elements([&](JsonSlice tag) { job.tags.push_back(tag.string()); });
}

void read_timetable(ScheduleSpec& spec, std::string_view key, JsonSlice value) {
  if (key == "scheduleId") spec.id = value.string();
  if (key == "cron") spec.cron = value.string();
  if (key == "everyMs") spec.every = duration_of(value);
  if (key == "timezone") spec.timezone = value.string();
  if (key == "startAt") spec.start_at = time_of(value);
  if (key == "endAt") spec.end_at = time_of(value);
  if (key == "maxRuns") spec.max_runs = optional_of<std::uint64_t>(value);
  if (key == "missed") read_word(value, missed_names, spec.missed);
  if (key == "overlap") read_word(value, overlap_names, spec.overlap);
  if (key == "paused") spec.paused = value.is_true();
}

ScheduleRun schedule_run(JsonSlice slice) {
  ScheduleRun run;
  slice.members([&](std::string_view key, JsonSlice value) {
    if (key == "at") run.at = time_of(value);
    if (key == "jobId") run.job_id = value.string();
    if (key == "status" && value.present()) run.status = parse_status(value.plain());
    if (key == "error") run.error = value.string();
  });
  return run;
}

}  // namespace

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

OperationRecord read_operation(JsonSlice answer) {
  OperationRecord operation;
  answer.members([&](std::string_view key, JsonSlice value) {
    if (key == "operationId") operation.id = value.string();
    if (key == "action") operation.action = value.string();
    if (key == "status") operation.status = value.string();
    if (key == "done") operation.done = number_of<std::uint64_t>(value);
    if (key == "skipped") operation.skipped = number_of<std::uint64_t>(value);
    if (key == "refused") operation.refused = number_of<std::uint64_t>(value);
    if (key == "left") operation.left = optional_of<std::uint64_t>(value);
    if (key == "ended") operation.ended = number_of<std::uint64_t>(value);
    if (key == "failed") operation.failed = number_of<std::uint64_t>(value);
  });
  operation.text = answer.text();
  return operation;
}

std::vector<FailureGroup> read_failure_groups(JsonSlice answer) {
  std::vector<FailureGroup> groups;
  answer["groups"].elements([&](JsonSlice item) {
    FailureGroup& group = groups.emplace_back();
    item.members([&](std::string_view key, JsonSlice value) {
      if (key == "fingerprint") group.fingerprint = value.string();
      if (key == "count") group.count = number_of<std::uint64_t>(value);
      if (key == "type") group.type = value.string();
      if (key == "sample") group.sample = value.string();
      if (key == "firstSeen") group.first_seen = time_of(value);
      if (key == "lastSeen") group.last_seen = time_of(value);
    });
  });
  return groups;
}

std::optional<RateLimit> rate_of(JsonSlice value) {
  if (!value.present()) return std::nullopt;
  RateLimit rate;
  value.members([&](std::string_view part, JsonSlice number) {
    if (part == "max") rate.max = number_of<std::uint32_t>(number);
    if (part == "perMs") rate.per = duration_of(number).value_or(rate.per);
    if (part == "burst") rate.burst = optional_of<std::uint32_t>(number);
  });
  return rate;
}

QueueLimits read_limits(JsonSlice settings) {
  QueueLimits limits;
  settings.members([&](std::string_view key, JsonSlice value) {
    if (key == "maxConcurrency") limits.max_concurrency = optional_of<std::uint32_t>(value);
    if (key == "rateLimit") limits.rate = rate_of(value);
    if (key == "groupConcurrency") limits.group_concurrency = optional_of<std::uint32_t>(value);
    if (key == "groupRateLimit") limits.group_rate = rate_of(value);
  });
  return limits;
}

QueueOrder read_order(JsonSlice settings) {
  QueueOrder order{.priority_ageing = duration_of(settings["priorityAgeingMs"])};
  read_word(settings["onOrderedFailure"], on_ordered_failure_names, order.on_ordered_failure);
  return order;
}

LimitRecord read_limit(JsonSlice answer) {
  LimitRecord limit;
  answer.members([&](std::string_view key, JsonSlice value) {
    if (key == "limit") limit.spec.name = value.string();
    if (key == "concurrency") limit.spec.concurrency = optional_of<std::uint32_t>(value);
    if (key == "rate") limit.spec.rate = rate_of(value);
    if (key == "active") limit.active = number_of<std::uint64_t>(value);
    if (key == "heldUntil") limit.held_until = time_of(value);
  });
  limit.text = answer.text();
  return limit;
}

GroupRecord read_group(JsonSlice answer) {
  GroupRecord group;
  answer.members([&](std::string_view key, JsonSlice value) {
    if (key == "group") group.group = value.string();
    if (key == "active") group.active = number_of<std::uint64_t>(value);
    if (key == "waiting") group.waiting = number_of<std::uint64_t>(value);
    if (key == "exact") group.exact = value.is_true();
    if (key == "jobsPerMinute") group.jobs_per_minute = value.number().value_or(0);
    if (key == "workerShare") group.worker_share = value.number().value_or(0);
    if (key == "paused") group.paused = value.is_true();
    if (key == "pauseReason") group.pause_reason = value.string();
    if (key == "pausedAt") group.paused_at = time_of(value);
  });
  group.text = answer.text();
  return group;
}

std::vector<GroupRecord> read_groups(JsonSlice answer) {
  std::vector<GroupRecord> groups;
  answer["groups"].elements([&](JsonSlice group) { groups.push_back(read_group(group)); });
  return groups;
}

QueueInfo read_queue(JsonSlice answer) {
  QueueInfo queue;
  answer.members([&](std::string_view key, JsonSlice value) {
    if (key == "queue") queue.queue = value.string();
    if (key == "heldUntil") queue.held_until = time_of(value);
    if (key == "settings") {
      queue.limits = read_limits(value);
      queue.order = read_order(value);
      queue.callback = callback_of(value["callback"]);
    }
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

WorkflowSubmitted read_graph_made(JsonSlice answer) {
  WorkflowSubmitted made{answer["workflowId"].string(), {}};
  answer["jobs"].elements([&](JsonSlice job) { made.job_ids.push_back(job["jobId"].string()); });
  return made;
}

WorkflowRecord read_workflow(JsonSlice answer) {
  WorkflowRecord workflow;
  const auto texts = [](JsonSlice list) {
    std::vector<std::string> out;
    list.elements([&](JsonSlice text) { out.push_back(text.string()); });
    return out;
  };
  answer.members([&](std::string_view key, JsonSlice value) {
    if (key == "workflowId") workflow.workflow_id = value.string();
    if (key == "name") workflow.name = value.string();
    if (key == "status") workflow.status = value.string();
    if (key == "total") workflow.total = number_of<std::uint32_t>(value);
    if (key == "left") workflow.left = number_of<std::uint32_t>(value);
    if (key == "failed") workflow.failed = number_of<std::uint32_t>(value);
    if (key == "cancelled") workflow.cancelled = number_of<std::uint32_t>(value);
    if (key != "jobs") return;
    value.elements([&](JsonSlice item) {
      WorkflowRecord::Job& job = workflow.jobs.emplace_back();
      job.ref = item["ref"].string();
      job.job_id = item["jobId"].string();
      job.queue = item["queue"].string();
      job.status = parse_status(item["status"].plain());
      job.depends_on = texts(item["dependsOn"]);
      job.waits_for = texts(item["waitsFor"]);
    });
  });
  workflow.text = answer.text();
  return workflow;
}

std::uint64_t read_jobs_count(JsonSlice answer) { return number_of<std::uint64_t>(answer["jobs"]); }

TriggerRecord read_trigger(JsonSlice answer) {
  TriggerRecord trigger;
  answer.members([&](std::string_view key, JsonSlice value) {
    read_template(trigger.spec.job, key, value);
    if (key == "triggerId") trigger.spec.id = value.string();
    if (key == "event") trigger.spec.event = value.string();
    if (key == "match") trigger.spec.match = JsonTextAccess::trusted(value.text());
    if (key == "events") trigger.events = number_of<std::uint64_t>(value);
    if (key == "jobs") trigger.jobs = number_of<std::uint64_t>(value);
    if (key == "gathered") trigger.gathered = number_of<std::uint64_t>(value);
    if (key == "batch" && value.present()) {
      trigger.spec.batch_max = number_of<std::uint32_t>(value["max"]);
      trigger.spec.batch_timeout = duration_of(value["timeoutMs"]).value_or(milliseconds{0});
    }
    if (key == "lastRun" && value.present()) {
      trigger.last_at = time_of(value["at"]);
      trigger.last_job = value["jobId"].string();
    }
  });
  trigger.text = answer.text();
  return trigger;
}

EventRaised read_raised(JsonSlice answer) {
  return {.resumed = number_of<std::uint64_t>(answer["resumed"]),
          .started = number_of<std::uint64_t>(answer["started"]),
          .gathered = number_of<std::uint64_t>(answer["gathered"])};
}

ScheduleRecord read_schedule(JsonSlice answer) {
  ScheduleRecord schedule;
  answer.members([&](std::string_view key, JsonSlice value) {
    read_template(schedule.spec.job, key, value);
    read_timetable(schedule.spec, key, value);
    if (key == "lastRun" && value.present()) schedule.last_run = schedule_run(value);
    if (key == "runs") schedule.runs = number_of<std::uint64_t>(value);
    if (key == "skipped") schedule.skipped = number_of<std::uint64_t>(value);
    if (key == "createdAt") schedule.created_at = time_of(value);
    if (key == "updatedAt") schedule.updated_at = time_of(value);
    if (key != "nextRuns") return;
    value.elements([&](JsonSlice at) {
      if (const auto time = time_of(at)) schedule.next_runs.push_back(*time);
    });
  });
  schedule.text = answer.text();
  return schedule;
}

}  // namespace pawl::client
