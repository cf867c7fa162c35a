#include <fmt/format.h>

#include <array>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/verbs/operation_text.h"

namespace pawl::cli {

Result<Exit> run(const QueueAction& command, Session& session) {
  using Kind = QueueAction::Kind;
  constexpr std::array<std::string_view, 3> words{"pause", "resume", "drain"};
  std::string body;
  if (!command.reason.empty()) body = JsonObject{}.add("reason", command.reason).text();
  const auto word = words[static_cast<std::size_t>(command.kind)];
  const auto answer = session.call("POST", path("queues", command.queue, word), std::move(body));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else if (command.kind == Kind::drain) {
    print(operation_text(command.queue, answer->json));
  } else {
    print(fmt::format("{}  {}\n", command.queue, command.kind == Kind::pause ? "paused" : "not paused"));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
