// Groups of a queue.
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/text/table.h"

namespace pawl::cli {
namespace {

std::string pause_text(const Json& group) {
  if (!group["paused"].truth()) return {};
  const std::string reason = group["pauseReason"].text();
  return "since " + moment_text(group["pausedAt"]) + (reason.empty() ? "" : ": " + reason);
}

std::string groups_table(const std::vector<Json>& groups, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"GROUP", left, true},
               {"ACTIVE", right},
               {"WAITING", right},
               {"JOBS/MIN", right},
               {"WORKER TIME", right},
               {"PAUSED", left}}};
  for (const Json& group : groups) {
    const bool named = group["group"].is_string();
    table.add({{named ? group["group"].text() : "(none)", named ? Tone::bold : Tone::dim},
               {count_text(group["active"].integer())},
               {count_text(group["waiting"].integer()) + (group["exact"].truth() ? "" : "+")},
               {fmt::format("{:.1f}", group["jobsPerMinute"].number())},
               {fmt::format("{:.0f} %", group["workerShare"].number() * 100)},
               {pause_text(group), Tone::warn}});
  }
  return table.text(screen);
}

}  // namespace

Result<Exit> run(const Groups& command, Session& session) {
  Query query = Query{}.add("limit", std::to_string(command.limit));
  if (command.only_paused) query.add("paused", "true");
  const auto answer = session.get(path("queues", command.queue, "groups") + query.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  const auto items = answer->json["groups"].items();
  const std::vector<Json> groups{items.begin(), items.end()};
  if (groups.empty()) {
    print_error(command.only_paused ? "No group is paused.\n"
                                    : "No group has jobs. A job has one: pawl enqueue QUEUE --group NAME\n");
    return Exit::ok;
  }
  print(groups_table(groups, session.screen()));
  const auto more = answer->json["total"].integer() - static_cast<std::int64_t>(groups.size());
  if (more > 0) print_error(fmt::format("and {} more: --limit\n", count_text(more)));
  return Exit::ok;
}

}  // namespace pawl::cli
