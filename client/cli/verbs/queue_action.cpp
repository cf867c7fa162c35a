#include <fmt/format.h>

#include <array>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/verbs/operation_text.h"

namespace pawl::cli {

Result<Exit> run(const QueueAction& command, Session& session) {
  using Kind = QueueAction::Kind;
  constexpr std::array<std::string_view, 3> words{"pause", "resume", "drain"};
  const bool of_group = !command.group.empty();
  JsonObject body;
  if (of_group) body.add("group", command.group);
  if (!command.reason.empty()) body.add("reason", command.reason);
  const std::string word{words[static_cast<std::size_t>(command.kind)]};
  const std::string target = path("queues", command.queue, of_group ? "groups/" + word : word);
  const bool says_something = of_group || !command.reason.empty();
  const auto answer = session.call("POST", target, says_something ? body.text() : std::string());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else if (command.kind == Kind::drain) {
    print(operation_text(command.queue, answer->json));
  } else {
    print(fmt::format("{}{}  {}\n", command.queue, of_group ? "  " + command.group : "",
                      command.kind == Kind::pause ? "paused" : "not paused"));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
