#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/verbs/queue_text.h"

namespace pawl::cli {

Result<Exit> run(const Queues&, Session& session) {
  const auto answer = get_queues(session);
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else if (answer->json["queues"].size() == 0) {
    print_error("There are no queues yet; the first job makes one: pawl enqueue QUEUE '{\"hello\":1}'\n");
  } else {
    print(queues_table(answer->json["queues"], session.screen()));
    if (!answer->json["nextCursor"].text().empty())
      print_error("There are more queues than these: GET /queues with its cursor lists all.\n");
  }
  return Exit::ok;
}

}  // namespace pawl::cli
