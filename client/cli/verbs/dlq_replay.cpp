#include "client/cli/verbs/dlq_text.h"
#include "client/cli/verbs/operation_text.h"

namespace pawl::cli {

Result<Exit> run(const DlqReplay& command, Session& session) {
  if (const auto fits = check_choice(command.job_ids, command.filter); !fits)
    return std::unexpected(fits.error());
  if (!command.job_ids.empty() && (command.per_second > 0 || command.canary || command.stop_on_failure_rate))
    return misuse("--per-second, --canary and --stop-on-failure-rate are for all that match, not for ids");
  JsonObject choice = choice_json(command.job_ids, command.filter);
  if (command.per_second > 0) choice.add("perSecond", command.per_second);
  choice.add("canary", command.canary).add("stopOnFailureRate", command.stop_on_failure_rate);
  if (!command.into.empty()) choice.add("into", command.into);
  const auto answer = session.call("POST", path("queues", command.queue, "dlq/replay"), choice.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(operation_text(command.queue, answer->json));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
