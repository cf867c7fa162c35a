#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/verbs/page.h"
#include "client/cli/verbs/schedule_text.h"

namespace pawl::cli {
namespace {

/// A list does not say what became of the last jobs, so each is asked for. One that was deleted meanwhile, or
/// never ran, stays as the list has it.
std::vector<Json> with_last_status(Session& session, const Json& schedules) {
  std::vector<Json> whole;
  for (const Json& schedule : schedules.items()) {
    whole.push_back(schedule);
    if (schedule["lastRun"].is_null()) continue;
    if (const auto answer = session.get(path("schedules", schedule["scheduleId"].text())))
      whole.back() = answer->json;
  }
  return whole;
}

}  // namespace

Result<Exit> run(const Schedules& command, Session& session) {
  const Query query = page_query(command);
  const auto answer = session.get("/schedules" + query.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  const Json schedules = answer->json["schedules"];
  if (schedules.size() == 0) {
    print_error("There are no schedules. Make one: pawl schedules put ID QUEUE --every 5m\n");
    return Exit::ok;
  }
  print(schedules_table(with_last_status(session, schedules), session.screen()));
  print_more(*answer);
  return Exit::ok;
}

Result<Exit> run(const ScheduleGet& command, Session& session) {
  const auto answer = session.get(path("schedules", command.id));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(schedule_record_text(answer->json, session.screen()));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
