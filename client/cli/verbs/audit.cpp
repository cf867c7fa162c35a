#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/text/table.h"
#include "client/cli/verbs/page.h"

namespace pawl::cli {
namespace {

std::string or_dash(std::string text) { return text.empty() ? "-" : text; }

}  // namespace

Result<Exit> run(const Audit& command, Session& session) {
  const Query query = page_query(
      command, Query{}.add("queue", command.queue).add("action", command.action).add("actor", command.actor));
  const auto answer = session.get("/audit" + query.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  using enum Column::Align;
  Table table{{{"AT", left},
               {"WHO", left},
               {"FROM", left},
               {"ACTION", left},
               {"QUEUE", left},
               {"TARGET", left},
               {"COUNT", right},
               {"OUTCOME", left}}};
  const Json entries = answer->json["entries"];
  for (const Json& entry : entries.items()) {
    const std::string detail = entry["detail"].text();
    table.add({{entry["at"].text()},
               {or_dash(entry["actor"].text())},
               {or_dash(entry["address"].text())},
               {entry["action"].text()},
               {or_dash(entry["queue"].text())},
               {or_dash(entry["target"].text())},
               {count_text(entry["count"].integer())},
               {entry["outcome"].text() + (detail.empty() ? "" : ": " + detail)}});
  }
  if (entries.size() == 0) {
    print_error("Nobody has done anything that is audited.\n");
    return Exit::ok;
  }
  print(table.text(session.screen()));
  print_more(*answer);
  return Exit::ok;
}

}  // namespace pawl::cli
