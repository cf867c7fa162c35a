#include "client/cli/verbs/dlq_text.h"
#include "client/cli/verbs/operation_text.h"

namespace pawl::cli {

Result<Exit> run(const DlqReplay& command, Session& session) {
  if (const auto fits = check_choice(command.job_ids, command.filter); !fits)
    return std::unexpected(fits.error());
  if (!command.job_ids.empty() && command.per_second > 0)
    return misuse("--per-second is for all that match, not for ids");
  const auto answer = session.call("POST", path("queues", command.queue, "dlq/replay"),
                                   choice_json(command.job_ids, command.filter, command.per_second));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(operation_text(command.queue, answer->json));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
