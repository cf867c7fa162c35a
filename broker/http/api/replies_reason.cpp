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
             std::to_string(reason.ahead) + (reason.ahead == 1 ? " job" : " jobs") + " of its queue " +
             reason.queue + ".";
    case no_worker:
      return "No worker asks for jobs of its queue " + reason.queue + ".";
    case no_worker_for_name:
      return "Workers ask for jobs of its queue " + reason.queue + ", but none for jobs of its name.";
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
  if (reason.code == behind) {
    object.integer("ahead", reason.ahead);
    object.boolean("exact", reason.exact);
  }
  const bool limited = reason.code == concurrency_limit || reason.code == rate_limit || reason.code == held;
  if (limited) object.integer("ahead", reason.ahead);
  if (limited) object.boolean("exact", reason.exact);
  if (limited && reason.limit > 0) object.integer("limit", reason.limit);
  if (reason.code == delayed || reason.code == rate_limit || reason.code == held)
    object.time("until", reason.until);
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
}

}  // namespace pawl::http::api
