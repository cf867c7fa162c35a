#include <fmt/format.h>

#include <optional>

#include "client/cli/commands.h"
#include "client/cli/problem.h"
#include "client/cli/session.h"

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
  std::optional<Failure> last;
  for (const std::string& job_id : command.job_ids) {
    const auto answer = carry_out(command.kind, job_id, session);
    if (answer) {
      print_done(command, job_id, *answer, session);
      continue;
    }
    if (last) print_failure(*last);
    last = answer.error();
    if (command.job_ids.size() > 1) last->message = fmt::format("{}: {}", job_id, last->message);
    if (last->transient) break;  // the others would fail the same way
  }
  if (last) return std::unexpected(*last);
  return Exit::ok;
}

}  // namespace pawl::cli
