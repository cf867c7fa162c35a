#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/verbs/dlq_text.h"
#include "client/cli/verbs/job_text.h"
#include "client/cli/verbs/page.h"

namespace pawl::cli {
namespace {

std::string letters_table(const Json& jobs, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"JOB", left},
               {"NAME", left, true},
               {"ATTEMPTS", right},
               {"DEAD FOR", right},
               {"LAST ERROR", left, true}}};
  for (const Json& job : jobs.items()) {
    table.add({{job["jobId"].text()},
               {job["name"].text()},
               {attempts_text(job)},
               {age_text(job["finishedAt"])},
               {last_error_text(job), Tone::bad}});
  }
  return table.text(screen);
}

std::string groups_table(const Json& groups, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"FINGERPRINT", left},
               {"JOBS", right},
               {"FIRST", right},
               {"LAST", right},
               {"LAST ERROR", left, true}}};
  for (const Json& group : groups.items()) {
    const std::string type = printable(group["type"].text());
    const std::string sample = printable(group["sample"].text());
    table.add({{group["fingerprint"].text(), Tone::bold},
               {count_text(group["count"].integer())},
               {age_text(group["firstSeen"])},
               {age_text(group["lastSeen"])},
               {sample.empty() ? type : type + ": " + sample, Tone::bad}});
  }
  return table.text(screen);
}

}  // namespace

Result<Exit> run(const DlqGroups& command, Session& session) {
  const auto answer = session.get(path("queues", command.queue, "dlq/groups"));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else if (answer->json["groups"].size() == 0) {
    print_error(fmt::format("There are no dead letters in {}.\n", printable(command.queue)));
  } else {
    print(groups_table(answer->json["groups"], session.screen()));
  }
  return Exit::ok;
}

Result<Exit> run(const DlqList& command, Session& session) {
  const auto answer = get_dead_letters(session, command.queue, command.filter, command.limit, command.cursor);
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  const std::string next = answer->json["nextCursor"].text();
  if (answer->json["jobs"].size() == 0 && next.empty()) {
    print_error(fmt::format("No dead letters in {} match.\n", printable(command.queue)));
    return Exit::ok;
  }
  print(letters_table(answer->json["jobs"], session.screen()));
  print_more(*answer);
  return Exit::ok;
}

}  // namespace pawl::cli
