#include "client/cli/commands.h"
#include "client/cli/verbs/page.h"
#include "client/cli/verbs/worker_text.h"

namespace pawl::cli {

Result<Exit> run(const Workers& command, Session& session) {
  const auto answer = get_workers(session, command);
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else if (answer->json["workers"].size() == 0) {
    print_error("No worker asks for jobs. Start one: pawl work QUEUE --exec 'COMMAND'\n");
  } else {
    print(workers_table(answer->json["workers"], session.screen()));
    print_more(*answer);
  }
  return Exit::ok;
}

}  // namespace pawl::cli
