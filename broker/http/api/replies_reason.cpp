#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

std::string_view code_name(core::Reason::Code code) {
  using enum core::Reason::Code;
  switch (code) {
    case running:
      return "running";
    case ended:
      return "ended";
    case queue_paused:
      return "queue-paused";
    case group_paused:
      return "group-paused";
    case delayed:
      return "delayed";
    case blocked:
      return "blocked";
    case waiting_for_event:
      return "waiting-for-event";
    case behind:
      return "behind";
    case no_worker:
      return "no-worker";
    case no_worker_for_name:
      return "no-worker-for-name";
    case group_turn:
      return "group-turn";
    case workers_busy:
      return "workers-busy";
    case starting:
      return "starting";
    case draining:
      return "draining";
    case concurrency_limit:
      return "concurrency-limit";
    case rate_limit:
      return "rate-limit";
    case held:
      return "held";
    case group_concurrency_limit:
      return "group-concurrency-limit";
    case group_rate_limit:
      return "group-rate-limit";
    case named_concurrency_limit:
      return "named-concurrency-limit";
    case named_rate_limit:
      return "named-rate-limit";
    case named_limit_held:
      return "named-limit-held";
    case ordered_behind:
      return "ordered-behind";
    case ordered_failed:
      return "ordered-failed";
  }
  return "starting";
}

}  // namespace

std::string sentence_of(const core::Reason& reason) {
  using enum core::Reason::Code;
  switch (reason.code) {
    case running:
      return "It is running now, on worker " + reason.worker_id + ".";
    case ended:
      return "It has ended: " + std::string(core::name_of(reason.status)) + ".";
    case queue_paused:
      return "Its queue " + reason.queue + " is paused" + (reason.text.empty() ? "." : ": " + reason.text);
    case group_paused:
      return "Its group " + reason.text + " is paused" + (reason.words.empty() ? "." : ": " + reason.words);
    case delayed:
      return "It is not due before " + wire::format_time(reason.until) + ".";
    case blocked:
      if (!reason.parent) return "It waits for other jobs to end.";
      return "It waits for " + reason.text + " to end" +
             (reason.ahead > 1 ? ", and for " + std::to_string(reason.ahead - 1) + " more." : ".");
    case waiting_for_event:
      return "It waits for the event " + reason.text +
             (reason.until == 0 ? "." : ", until " + wire::format_time(reason.until) + " at most.");
    case behind:
      return std::string(reason.exact ? "It is behind " : "It is behind at least ") +
             std::to_string(reason.ahead) + (reason.ahead == 1 ? " job" : " jobs") +
             (reason.text.empty() ? " of its queue " + reason.queue : " of its group " + reason.text) + ".";
    case group_turn:
      return "It is the first of " +
             (reason.text.empty() ? "the jobs without a group" : "its group " + reason.text) + ", and " +
             (reason.exact ? "" : "at least ") + std::to_string(reason.ahead) +
             (reason.ahead == 1 ? " other group comes" : " other groups come") + " first.";
    case no_worker:
      if (reason.pushed)
        return "Its queue " + reason.queue + " is a push queue, and the setting push.allow names no host.";
      return "No worker asks for jobs of its queue " + reason.queue + ".";
    case no_worker_for_name:
      return "Workers ask for jobs of its queue " + reason.queue + ", but none for jobs of its name.";
    case workers_busy:
      if (reason.limit > 0)
        return "It is next: its queue " + reason.queue + " posts " + std::to_string(reason.limit) +
               " at once, and so many are under way.";
      return "It is next: all workers of its queue " + reason.queue + " have as much as they take.";
    case starting:
      return "It is next: a worker is about to get it.";
    case draining:
      return "The broker is stopping and hands out no more jobs.";
    case concurrency_limit:
      return "Its queue " + reason.queue + " may run " + std::to_string(reason.limit) +
             " at once, and so many are running.";
    case rate_limit:
      return "Its queue " + reason.queue +
             " has started as many jobs as its rate limit allows; it goes on at " +
             wire::format_time(reason.until) + ".";
    case held:
      return "A worker was told to slow down; its queue " + reason.queue + " goes on at " +
             wire::format_time(reason.until) + ".";
    case group_concurrency_limit:
      return "Of its group " + reason.text + ", " + std::to_string(reason.limit) +
             " may run at once, and so many are running.";
    case group_rate_limit:
      return "Its group " + reason.text +
             " has started as many jobs as its rate limit allows; it goes on at " +
             wire::format_time(reason.until) + ".";
    case named_concurrency_limit:
      return "Under the limit " + reason.text + ", " + std::to_string(reason.limit) +
             " may run at once, and so many are running.";
    case named_rate_limit:
      return "As many jobs have started under the limit " + reason.text + " as may; it goes on at " +
             wire::format_time(reason.until) + ".";
    case named_limit_held:
      return "A worker was told to slow down; the limit " + reason.text + " goes on at " +
             wire::format_time(reason.until) + ".";
    case ordered_behind:
      if (reason.text.empty())
        return "Of its latest key one job runs at a time, and the one before has not ended.";
      return "Its group " + reason.text + " runs in strict order, and a job before it has not ended.";
    case ordered_failed:
      return "Its group " + reason.text + " runs in strict order, and a job before it has failed: replay, " +
             "cancel or delete that, or let the queue skip what fails.";
  }
  return {};
}

void append_reason(std::string& out, const core::JobId& id, const core::Reason& reason) {
  using enum core::Reason::Code;
  ObjectWriter object(out);
  object.job_id("jobId", id);
  object.text("status", core::name_of(reason.status));
  object.text("reason", code_name(reason.code));
  object.text("sentence", sentence_of(reason));
  object.text_or_null("queue", reason.queue);
  if (reason.code == behind || reason.code == group_turn) {
    object.integer("ahead", reason.ahead);
    object.boolean("exact", reason.exact);
  }
  const bool grouped = reason.code == group_concurrency_limit || reason.code == group_rate_limit;
  const bool named = reason.code == named_concurrency_limit || reason.code == named_rate_limit ||
                     reason.code == named_limit_held;
  const bool ordered = reason.code == ordered_behind || reason.code == ordered_failed;
  const bool limited = reason.code == concurrency_limit || reason.code == rate_limit || reason.code == held ||
                       grouped || named;
  const bool in_group =
      grouped || ordered || reason.code == group_paused || reason.code == behind || reason.code == group_turn;
  if (in_group && !reason.text.empty()) object.text("group", reason.text);
  if (named) object.text("limitName", reason.text);
  if (ordered && reason.parent) object.job_id("waitsFor", *reason.parent);
  if (limited) object.integer("ahead", reason.ahead);
  if (limited) object.boolean("exact", reason.exact);
  if ((limited || reason.code == workers_busy) && reason.limit > 0) object.integer("limit", reason.limit);
  if (reason.code == delayed || (limited && reason.until != 0)) object.time("until", reason.until);
  if (reason.code == blocked && reason.parent) {
    object.integer("ahead", reason.ahead);
    object.job_id("waitsFor", *reason.parent);
  }
  if (reason.code == waiting_for_event) {
    object.text("event", reason.text);
    object.time_or_null("until", reason.until);
  }
  if (reason.code == running) object.text_or_null("workerId", reason.worker_id);
  if (reason.code == queue_paused) object.text_or_null("pauseReason", reason.text);
  if (reason.code == group_paused) object.text_or_null("pauseReason", reason.words);
}

}  // namespace pawl::http::api
