#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/text/duration.h"
#include "client/cli/verbs/job_text.h"
#include "client/cli/verbs/queue_text.h"

namespace pawl::cli {
namespace {

bool changes_backoff(const Queue& command) {
  return command.backoff_type || command.backoff_delay_ms || command.backoff_max_delay_ms ||
         command.backoff_factor || command.backoff_jitter;
}

bool changes_retention(const Queue& command) { return command.keep_completed_ms || command.keep_failed_ms; }

/// The broker takes a backoff or a retention as a whole, so what is not given now stays as it was.
template <typename T>
void add_or_keep(JsonObject& object, std::string_view field, const std::optional<T>& given,
                 const Json& before) {
  if (given) {
    object.add(field, *given);
  } else if (!before[field].is_null()) {
    object.add_raw(field, before[field].dump());
  }
}

std::string backoff_json(const Queue& command, const Json& before) {
  JsonObject backoff;
  add_or_keep(backoff, "type", command.backoff_type, before);
  add_or_keep(backoff, "delayMs", command.backoff_delay_ms, before);
  add_or_keep(backoff, "factor", command.backoff_factor, before);
  add_or_keep(backoff, "maxDelayMs", command.backoff_max_delay_ms, before);
  add_or_keep(backoff, "jitter", command.backoff_jitter, before);
  return backoff.text();
}

std::string retention_json(const Queue& command, const Json& before) {
  JsonObject retention;
  const auto add = [&](std::string_view field, const std::optional<std::int64_t>& given) {
    if (given) {
      retention.add_raw(field, *given < 0 ? "null" : std::to_string(*given));
    } else if (before.is_object()) {
      retention.add_raw(field, before[field].dump());
    }
  };
  add("completedMs", command.keep_completed_ms);
  add("failedMs", command.keep_failed_ms);
  return retention.text();
}

void add_unset(JsonObject& defaults, const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    if (setting == "priority") defaults.add_raw("priority", "null");
    if (setting == "max-attempts") defaults.add_raw("maxAttempts", "null");
    if (setting == "max-stalls") defaults.add_raw("maxStalls", "null");
    if (setting == "lease") defaults.add_raw("leaseMs", "null");
    if (setting == "timeout") defaults.add_raw("timeoutMs", "null");
    if (setting == "backoff") defaults.add_raw("backoff", "null");
    if (setting == "keep") defaults.add_raw("retention", "null");
  }
}

void add_push(JsonObject& changes, const Queue& command) {
  if (!command.push_url) return;
  JsonObject push;
  push.add("url", *command.push_url);
  if (!command.push_secret.empty()) push.add("secret", command.push_secret);
  if (!command.push_headers.empty()) {
    JsonObject headers;
    for (const auto& [name, value] : command.push_headers) headers.add(name, value);
    push.add_raw("headers", headers.text());
  }
  push.add("timeoutMs", command.push_timeout_ms).add("maxConcurrency", command.push_concurrency);
  if (!command.push_permanent_on.empty())
    push.add_raw("permanentOn", fmt::format("[{}]", fmt::join(command.push_permanent_on, ",")));
  push.add("body", command.push_body);
  changes.add_raw("push", push.text());
}

void add_limits(JsonObject& changes, const Queue& command) {
  if (!command.searchable.empty()) changes.add("searchable", command.searchable);
  changes.add("maxConcurrency", command.max_concurrency);
  if (command.rate_max) {
    JsonObject rate;
    rate.add("max", *command.rate_max).add("perMs", command.rate_per_ms).add("burst", command.burst);
    changes.add_raw("rateLimit", rate.text());
  }
  changes.add("groupConcurrency", command.group_concurrency);
  if (command.group_rate_max) {
    JsonObject rate;
    rate.add("max", *command.group_rate_max).add("perMs", command.group_rate_per_ms);
    changes.add_raw("groupRateLimit", rate.text());
  }
  add_push(changes, command);
  if (command.callback) changes.add_raw("callback", to_json(*command.callback));
  changes.add("priorityAgeingMs", command.priority_ageing_ms);
  changes.add("onOrderedFailure", command.on_ordered_failure);
  for (const std::string& setting : command.unset) {
    if (setting == "group-concurrency") changes.add_raw("groupConcurrency", "null");
    if (setting == "push") changes.add_raw("push", "null");
    if (setting == "callback") changes.add_raw("callback", "null");
    if (setting == "priority-ageing") changes.add_raw("priorityAgeingMs", "null");
    if (setting == "group-rate") changes.add_raw("groupRateLimit", "null");
    if (setting == "max-concurrency") changes.add_raw("maxConcurrency", "null");
    if (setting == "rate") changes.add_raw("rateLimit", "null");
    if (setting == "searchable") changes.add_raw("searchable", "null");
  }
}

/// The defaults to change. `before`: as they are.
JsonObject changes_of(const Queue& command, const Json& before) {
  JsonObject defaults;
  defaults.add("priority", command.priority)
      .add("maxAttempts", command.max_attempts)
      .add("maxStalls", command.max_stalls)
      .add("leaseMs", command.lease_ms)
      .add("timeoutMs", command.timeout_ms);
  if (changes_backoff(command)) defaults.add_raw("backoff", backoff_json(command, before["backoff"]));
  if (changes_retention(command)) defaults.add_raw("retention", retention_json(command, before["retention"]));
  add_unset(defaults, command.unset);
  return defaults;
}

std::string kept_text(const Json& ms) { return ms.is_number() ? duration_text(ms.integer()) : "forever"; }

std::string backoff_text(const Json& backoff) {
  const std::string type = backoff["type"].text();
  std::string text = fmt::format("{}, first {}", type, duration_text(backoff["delayMs"].integer()));
  if (type == "exponential") text.append(fmt::format(", times {}", backoff["factor"].number()));
  if (type != "fixed")
    text.append(fmt::format(", at most {}", duration_text(backoff["maxDelayMs"].integer())));
  return text.append(fmt::format(", jitter {}", backoff["jitter"].number()));
}

std::string quantiles_text(const Json& of) {
  return fmt::format("p50 {}  p95 {}  p99 {}", quantile_text(of["p50"]), quantile_text(of["p95"]),
                     quantile_text(of["p99"]));
}

void add_limits(Fields& fields, const Json& settings) {
  if (settings["maxConcurrency"].is_number())
    fields.add("at once", fmt::format("at most {}", settings["maxConcurrency"].text()));
  if (settings["rateLimit"].is_object()) fields.add("starts", rate_limit_text(settings["rateLimit"]));
  if (settings["groupConcurrency"].is_number())
    fields.add("of a group at once", fmt::format("at most {}", settings["groupConcurrency"].text()));
  if (settings["groupRateLimit"].is_object())
    fields.add("starts of a group", rate_limit_text(settings["groupRateLimit"]));
  if (settings["priorityAgeingMs"].is_number())
    fields.add("ageing", fmt::format("one priority higher every {}",
                                     duration_text(settings["priorityAgeingMs"].integer())));
  if (const Json push = settings["push"]; push.is_object()) {
    fields.add("pushed to", push["url"].text());
    fields.add("push", fmt::format("{} at once, each {} at most{}", push["maxConcurrency"].text(),
                                   duration_text(push["timeoutMs"].integer()),
                                   push["signed"].truth() ? ", signed" : ", not signed"));
    if (push["body"].text() == "job") fields.add("what is pushed", "the job");
  }
  add_callback(fields, settings["callback"]);
  if (settings["onOrderedFailure"].text() == "skip") fields.add("strict orders", "skip what fails");
}

void add_defaults(Fields& fields, const Json& defaults) {
  const auto plain = [&](const char* label, const char* field) { fields.add(label, defaults[field].text()); };
  const auto duration = [&](const char* label, const char* field) {
    if (defaults[field].is_number()) fields.add(label, duration_text(defaults[field].integer()));
  };
  plain("default priority", "priority");
  plain("default attempts", "maxAttempts");
  plain("default stalls", "maxStalls");
  duration("default lease", "leaseMs");
  duration("default timeout", "timeoutMs");
  if (defaults["backoff"].is_object()) fields.add("default backoff", backoff_text(defaults["backoff"]));
  if (defaults["retention"].is_object()) {
    const Json retention = defaults["retention"];
    fields.add("default keeping",
               fmt::format("completed {}, dead letters {}", kept_text(retention["completedMs"]),
                           kept_text(retention["failedMs"])));
  }
}

std::string queue_text(const Json& queue, const Screen& screen) {
  Fields fields;
  fields.add("queue", queue["queue"].text());
  if (queue["paused"].truth()) {
    const std::string reason = queue["pauseReason"].text();
    fields.add("paused", reason.empty() ? "yes" : "yes: " + reason, Tone::warn);
  }
  if (queue["heldUntil"].is_string())
    fields.add("held until", queue["heldUntil"].text() + " by a rate limit outside; `pawl resume` ends that",
               Tone::warn);
  for (const auto& [status, count] : queue["counts"].members()) {
    if (status == "blocked" && count.integer() == 0) continue;
    const bool any = count.integer() > 0;
    fields.add(status == "failed" ? "dead letters" : status, count_text(count.integer()),
               any ? tone_of_status(status) : Tone::dim);
  }
  if (queue["oldestPendingMs"].integer() > 0)
    fields.add("oldest waits for", duration_text(queue["oldestPendingMs"].integer()));
  if (queue["estimatedWaitMs"].is_number())
    fields.add("estimated wait", duration_text(queue["estimatedWaitMs"].integer()));
  fields.add("workers",
             fmt::format("{} with {} slots", queue["workers"].integer(), queue["slots"].integer()));
  if (queue["groups"].integer() > 0) fields.add("groups", count_text(queue["groups"].integer()));
  fields.add("last minute",
             fmt::format("in {}/s  done {}/s  retried {}/s  dead {}/s", minute_rate_text(queue, "submitted"),
                         minute_rate_text(queue, "completed"), minute_rate_text(queue, "retried"),
                         minute_rate_text(queue, "failed")));
  fields.add("run time", quantiles_text(queue));
  fields.add("waiting time", quantiles_text(queue["waitMs"]));
  fields.add("in all",
             fmt::format("{} completed, {} failed", count_text(queue["lifetimeCompleted"].integer()),
                         count_text(queue["lifetimeFailed"].integer())));
  add_limits(fields, queue["settings"]);
  add_defaults(fields, queue["settings"]["defaults"]);
  return fields.text(screen);
}

}  // namespace

Result<Exit> run(const Queue& command, Session& session) {
  const std::string target = path("queues", command.name);
  Json before;
  if (changes_backoff(command) || changes_retention(command)) {
    // A queue that is not there yet is made by the PUT below.
    if (const auto queue = session.get(target)) {
      before = queue->json["settings"]["defaults"];
    } else if (queue.error().transient) {
      return std::unexpected(queue.error());
    }
  }
  JsonObject changes;
  if (const JsonObject defaults = changes_of(command, before); !defaults.empty())
    changes.add_raw("defaults", defaults.text());
  add_limits(changes, command);
  const auto answer = changes.empty() ? session.get(target) : session.call("PUT", target, changes.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(queue_text(answer->json, session.screen()));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
