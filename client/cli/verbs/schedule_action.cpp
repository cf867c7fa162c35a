#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/verbs/schedule_text.h"

namespace pawl::cli {
namespace {

Result<Answer> carry_out_schedule(const ScheduleAction& command, Session& session) {
  switch (command.kind) {
    case ScheduleAction::Kind::run:
      return session.call("POST", path("schedules", command.id, "run"), {});
    case ScheduleAction::Kind::pause:
      return session.call("POST", path("schedules", command.id, "pause"), {});
    case ScheduleAction::Kind::resume:
      return session.call("POST", path("schedules", command.id, "resume"), {});
    case ScheduleAction::Kind::remove:
      break;
  }
  return session.call("DELETE", path("schedules", command.id) + (command.force ? "?force=true" : ""), {});
}

}  // namespace

Result<Exit> run(const ScheduleAction& command, Session& session) {
  const auto answer = carry_out_schedule(command, session);
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else if (command.kind == ScheduleAction::Kind::run) {
    print(answer->json["jobId"].text() + "\n");
    if (answer->json["deduplicated"].truth()) print_error("This job was there already: same unique key.\n");
  } else if (command.kind == ScheduleAction::Kind::remove) {
    print(fmt::format("{}  deleted\n", command.id));
  } else {
    print(next_run_line(answer->json));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
