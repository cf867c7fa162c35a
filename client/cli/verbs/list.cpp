#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/verbs/job_text.h"

namespace pawl::cli {

Result<Exit> run(const List& command, Session& session) {
  std::string status;
  for (const std::string& one : command.status) status.append(status.empty() ? "" : ",").append(one);
  const Query query = Query{}
                          .add("queue", command.queue)
                          .add("status", status)
                          .add("name", command.name)
                          .add("group", command.group)
                          .add("tag", command.tag)
                          .add("order", command.oldest_first ? "oldest" : "")
                          .add("limit", std::to_string(command.limit))
                          .add("cursor", command.cursor);
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
  if (!next.empty()) print_error(fmt::format("There are more: the same command with --cursor {}\n", next));
  return Exit::ok;
}

}  // namespace pawl::cli
