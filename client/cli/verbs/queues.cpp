#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/verbs/page.h"
#include "client/cli/verbs/queue_text.h"

namespace pawl::cli {

Result<Exit> run(const Queues& command, Session& session) {
  const auto answer = get_queues(session, command);
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else if (answer->json["queues"].size() == 0) {
    print_error("There are no queues yet; the first job makes one: pawl enqueue QUEUE '{\"hello\":1}'\n");
  } else {
    print(queues_table(answer->json["queues"], session.screen()));
    print_more(*answer);
  }
  return Exit::ok;
}

}  // namespace pawl::cli
