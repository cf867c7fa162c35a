#include <pawl/client.hpp>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/verbs/payload.h"
#include "client/cli/verbs/watching.h"

namespace pawl::cli {

Result<Exit> run(const Enqueue& command, Session& session) {
  auto payload = read_payload(command);
  if (!payload) return std::unexpected(payload.error());
  JobSpec spec = command.spec;
  spec.payload = std::move(*payload);
  Session::Headers headers;
  if (!spec.idempotency_key.empty()) headers.emplace_back("Idempotency-Key", spec.idempotency_key);
  const auto answer = session.call("POST", "/jobs", to_json(spec), headers);
  if (!answer) return std::unexpected(answer.error());
  const std::string job_id = answer->json["jobId"].text();
  const bool deduplicated = answer->json["deduplicated"].truth();
  if (!command.wait) {
    if (session.wants_json()) {
      Session::print_json(*answer);
    } else {
      print(job_id + "\n");
      if (deduplicated) print_error("This job was there already: same unique key.\n");
    }
    return Exit::ok;
  }
  return watch_to_the_end(session, job_id);
}

}  // namespace pawl::cli
