#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/verbs/job_text.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

std::string run_text(const Json& job) {
  const auto started = wire::parse_time(job["startedAt"].text());
  const auto finished = wire::parse_time(job["finishedAt"].text());
  if (!started) return {};
  if (finished) return duration_text(std::max<std::int64_t>(0, *finished - *started));
  return job["status"].text() == "active"
             ? duration_text(std::max<std::int64_t>(0, now_ms() - *started)) + " so far"
             : "";
}

/// "pending 20:56:01 → active 20:56:02 → completed 20:56:09"
std::string history_text(const Json& job) {
  std::string text;
  for (const Json& change : job["history"].items()) {
    if (!text.empty()) text.append(" → ");
    text.append(change["status"].text());
    if (const auto at = wire::parse_time(change["at"].text())) text.append(" ").append(clock_text(*at));
  }
  return text;
}

std::string errors_text(const Json& job) {
  std::string text;
  for (const Json& error : job["errors"].items()) {
    text.append(fmt::format("attempt {}, {}: {}", error["attempt"].integer(), moment_text(error["at"]),
                            error["type"].text()));
    if (const std::string message = error["message"].text(); !message.empty())
      text.append(": ").append(message);
    if (const std::string worker = error["workerId"].text(); !worker.empty())
      text.append("  on ").append(worker);
    text.append("\n");
    if (const std::string stack = error["stack"].text(); !stack.empty()) text.append(stack).append("\n");
  }
  return text;
}

/// "paid {"order.id": 7}, until 2026-11-24 20:56:00 (in 3 h)"
std::string wait_text(const Json& wait) {
  std::string text = wait["event"].text();
  if (const Json match = wait["match"]; match.size() > 0) text.append(" ").append(match.dump());
  if (!wait["until"].is_null()) text.append(", until ").append(moment_text(wait["until"]));
  return text;
}

/// What became of the jobs that it waited for; their results stand in their own records.
std::string parents_text(const Json& job) {
  std::string text;
  for (const auto& [ref, parent] : job["parents"].members())
    text.append(fmt::format("{}  {}  {}\n", ref, parent["jobId"].text(), parent["status"].text()));
  return text;
}

std::string record_text(const Json& job, const Screen& screen) {
  const std::string status = job["status"].text();
  Fields fields;
  fields.add("job", job["jobId"].text());
  fields.add("queue", job["queue"].text());
  fields.add("name", job["name"].text());
  fields.add("status", job["cancelRequested"].truth() ? status + ", cancel requested" : status,
             tone_of_status(status));
  fields.add("priority", job["priority"].text());
  fields.add("attempts", attempts_text(job));
  if (job["stalls"].integer() > 0)
    fields.add("stalls", fmt::format("{} of {}", job["stalls"].integer(), job["maxStalls"].text("?")));
  fields.add("progress", progress_text(job));
  fields.add("created", moment_text(job["createdAt"]));
  if (job["runAt"].text() != job["createdAt"].text()) fields.add("not before", moment_text(job["runAt"]));
  fields.add("started", moment_text(job["startedAt"]));
  fields.add("finished", moment_text(job["finishedAt"]));
  fields.add("ran for", run_text(job));
  fields.add("worker", job["workerId"].text());
  fields.add("lease until", moment_text(job["leaseExpiresAt"]));
  fields.add("group", job["group"].text());
  fields.add("unique key", job["uniqueKey"].text());
  fields.add("tags", tags_text(job));
  fields.add("workflow", job["workflowId"].text());
  fields.add("ref", job["ref"].text());
  fields.add("waits for", wait_text(job["waitsFor"]));
  add_callback(fields, job["callback"]);
  fields.add("history", history_text(job));
  fields.add_block("parents", parents_text(job));
  fields.add_block("errors", errors_text(job));
  if (!job["payload"].is_null()) fields.add_block("payload", job["payload"].dump(true));
  if (status == "completed") fields.add_block("result", job["result"].dump(true));
  return fields.text(screen);
}

}  // namespace

Result<Exit> run(const Get& command, Session& session) {
  const auto answer = session.get(path("jobs", command.job_id));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(record_text(answer->json, session.screen()));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
