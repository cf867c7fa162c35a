#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/verbs/job_text.h"

namespace pawl::cli {

Result<Exit> run(const List& command, Session& session) {
  std::string status;
  for (const std::string& one : command.status) status.append(status.empty() ? "" : ",").append(one);
  const std::string_view order = command.oldest_first    ? "oldest"
                                 : command.due_first     ? "due"
                                 : command.longest_first ? "longest"
                                                         : "";
  Query query = Query{}
                    .add("queue", command.queue)
                    .add("status", status)
                    .add("name", command.name)
                    .add("group", command.group)
                    .add("tag", command.tag)
                    .add("errorType", command.error_type)
                    .add("worker", command.search.worker)
                    .add("id", command.id)
                    .add("q", command.search.text)
                    .add("order", order)
                    .add("limit", std::to_string(command.limit))
                    .add("cursor", command.cursor);
  if (command.search.created_after) query.add("createdAfter", wire_text(*command.search.created_after));
  if (command.search.created_before) query.add("createdBefore", wire_text(*command.search.created_before));
  if (command.search.attempts_min) query.add("attemptsMin", std::to_string(*command.search.attempts_min));
  if (command.search.attempts_max) query.add("attemptsMax", std::to_string(*command.search.attempts_max));
  for (const std::string& pair : command.search.payload) {
    const std::size_t equals = pair.find('=');
    query.add_always("payload." + pair.substr(0, equals), pair.substr(equals + 1));
  }
  const auto answer = session.get("/jobs" + query.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  const Json jobs = answer->json["jobs"];
  const std::string next = answer->json["nextCursor"].text();
  if (jobs.size() == 0 && next.empty()) {
    print_error("No job matches.\n");
    return Exit::ok;
  }
  print(jobs_table(jobs, session.screen()));
  if (next.empty()) return Exit::ok;
  const std::string looked_at =
      fmt::format("{} of {} looked at", count_text(answer->json["scanned"].integer()),
                  count_text(answer->json["of"].integer()));
  print_error(fmt::format("There may be more ({}): the same command with --cursor {}\n", looked_at, next));
  return Exit::ok;
}

}  // namespace pawl::cli
