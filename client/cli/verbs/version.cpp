#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/session.h"

namespace pawl::cli {

Result<Exit> run(const Version&, Session& session) {
  const auto answer = session.get("/version");
  if (session.wants_json()) {
    if (!answer) return std::unexpected(answer.error());
    print(JsonObject{}.add("pawl", PAWL_VERSION).add_raw("broker", answer->text).text() + "\n");
    return Exit::ok;
  }
  // This program's own version is worth something without a broker, too.
  print("pawl   " PAWL_VERSION "\n");
  if (!answer) return std::unexpected(answer.error());
  const std::string commit = answer->json["commit"].text();
  print(fmt::format("pawld  {}{} at {}\n", printable(answer->json["version"].text("?")),
                    commit.empty() ? "" : " (" + printable(commit) + ")", session.url()));
  return Exit::ok;
}

}  // namespace pawl::cli
