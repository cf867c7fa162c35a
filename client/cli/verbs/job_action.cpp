#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/problem.h"
#include "client/cli/session.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

std::string_view word_of(JobAction::Kind kind) {
  switch (kind) {
    case JobAction::Kind::cancel:
      return "cancel";
    case JobAction::Kind::retry:
      return "retry";
    case JobAction::Kind::promote:
      return "promote";
    case JobAction::Kind::remove:
      return "delete";
  }
  return {};
}

Result<Answer> carry_out(JobAction::Kind kind, const std::string& job_id, Session& session) {
  if (kind == JobAction::Kind::remove) return session.call("DELETE", path("jobs", job_id), {});
  return session.call("POST", path("jobs", job_id, word_of(kind)), {});
}

std::string text_of(const Change& command) {
  std::string text;
  const auto add = [&text](std::string_view name, const std::string& value) {
    text += fmt::format(R"({}"{}":{})", text.empty() ? "{" : ",", name, value);
  };
  if (command.run_at) add("runAt", '"' + wire::format_time(command.run_at->time_since_epoch().count()) + '"');
  if (command.delay) add("delayMs", std::to_string(command.delay->count()));
  if (command.priority) add("priority", std::to_string(*command.priority));
  return text + "}";
}

/// All of them, one after the other: each that works is printed.
template <typename CarryOut, typename PrintDone>
Result<Exit> for_each_job(const std::vector<std::string>& job_ids, CarryOut carry_out, PrintDone print_done) {
  std::optional<Failure> last;
  for (const std::string& job_id : job_ids) {
    const auto answer = carry_out(job_id);
    if (answer) {
      print_done(job_id, *answer);
      continue;
    }
    if (last) print_failure(*last);
    last = answer.error();
    if (job_ids.size() > 1) last->message = fmt::format("{}: {}", job_id, last->message);
    if (last->transient) break;  // the others would fail the same way
  }
  if (last) return std::unexpected(*last);
  return Exit::ok;
}

void print_done(const JobAction& command, const std::string& job_id, const Answer& answer,
                const Session& session) {
  if (session.wants_json()) {
    Session::print_json(answer);
  } else if (command.kind == JobAction::Kind::remove) {
    print(fmt::format("{}  deleted\n", job_id));
  } else if (answer.json["cancelRequested"].truth()) {
    print(fmt::format("{}  {}, its worker is told to stop\n", job_id, answer.json["status"].text()));
  } else {
    print(fmt::format("{}  {}\n", job_id, answer.json["status"].text()));
  }
}

}  // namespace

Result<Exit> run(const JobAction& command, Session& session) {
  return for_each_job(
      command.job_ids, [&](const std::string& job_id) { return carry_out(command.kind, job_id, session); },
      [&](const std::string& job_id, const Answer& answer) { print_done(command, job_id, answer, session); });
}

Result<Exit> run(const Change& command, Session& session) {
  const std::string change = text_of(command);
  return for_each_job(
      command.job_ids,
      [&](const std::string& job_id) { return session.call("PATCH", path("jobs", job_id), change); },
      [&](const std::string& job_id, const Answer& answer) {
        if (session.wants_json()) return Session::print_json(answer);
        print(fmt::format("{}  {}\n", job_id, answer.json["status"].text()));
      });
}

}  // namespace pawl::cli
