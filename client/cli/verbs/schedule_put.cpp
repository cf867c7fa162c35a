#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/verbs/payload.h"
#include "client/cli/verbs/schedule_text.h"

namespace pawl::cli {

Result<Exit> run(const SchedulePut& command, Session& session) {
  auto payload = read_payload(command);
  if (!payload) return std::unexpected(payload.error());
  ScheduleSpec spec = command.spec;
  spec.job.payload = std::move(*payload);
  const auto answer = session.call("PUT", path("schedules", spec.id), to_json(spec));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(next_run_line(answer->json));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
