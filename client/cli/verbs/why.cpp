#include "client/cli/commands.h"
#include "client/cli/session.h"

namespace pawl::cli {

Result<Exit> run(const Why& command, Session& session) {
  const auto answer = session.get(path("jobs", command.job_id, "why"));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(printable(answer->json["sentence"].text()) + "\n");
  }
  return Exit::ok;
}

}  // namespace pawl::cli
