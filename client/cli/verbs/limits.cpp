// Limits that have a name.
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/text/table.h"
#include "client/cli/verbs/limit_text.h"
#include "client/cli/verbs/page.h"
#include "client/cli/verbs/queue_text.h"

namespace pawl::cli {
namespace {

std::string concurrency_text(const Json& limit) {
  const Json most = limit["concurrency"];
  return most.is_number() ? most.text() : "-";
}

std::string limit_text(const Json& limit, const Screen& screen) {
  Fields fields;
  fields.add("limit", limit["limit"].text());
  fields.add("active", count_text(limit["active"].integer()));
  if (limit["concurrency"].is_number())
    fields.add("at once", fmt::format("at most {}", limit["concurrency"].text()));
  if (limit["rate"].is_object()) fields.add("starts", rate_limit_text(limit["rate"]));
  if (limit["heldUntil"].is_string())
    fields.add("held until",
               limit["heldUntil"].text() + " by a rate limit outside; `pawl limits resume` ends that",
               Tone::warn);
  fields.add("created", moment_text(limit["createdAt"]));
  return fields.text(screen);
}

Result<Exit> show(const Result<Answer>& answer, const Session& session) {
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(limit_text(answer->json, session.screen()));
  }
  return Exit::ok;
}

}  // namespace

std::string limits_table(const std::vector<Json>& limits, const Screen& screen) {
  using enum Column::Align;
  Table table{
      {{"LIMIT", left, true}, {"ACTIVE", right}, {"AT ONCE", right}, {"STARTS", left}, {"HELD UNTIL", left}}};
  for (const Json& limit : limits) {
    const bool held = limit["heldUntil"].is_string();
    table.add({{limit["limit"].text(), Tone::bold},
               {count_text(limit["active"].integer())},
               {concurrency_text(limit)},
               {limit["rate"].is_object() ? rate_limit_text(limit["rate"]) : "-"},
               {held ? moment_text(limit["heldUntil"]) : "", Tone::warn}});
  }
  return table.text(screen);
}

std::vector<Json> busy_limits(const Json& limits) {
  std::vector<Json> busy;
  for (const Json& limit : limits.items()) {
    if (limit["active"].integer() > 0 || limit["heldUntil"].is_string()) busy.push_back(limit);
  }
  return busy;
}

Result<Exit> run(const LimitsList& command, Session& session) {
  const Query query = page_query(command);
  const auto answer = session.get("/limits" + query.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  const Json limits = answer->json["limits"];
  if (limits.size() == 0) {
    print_error("There are no limits. Make one: pawl limits put NAME --concurrency N\n");
    return Exit::ok;
  }
  const auto items = limits.items();
  print(limits_table({items.begin(), items.end()}, session.screen()));
  print_more(*answer);
  return Exit::ok;
}

Result<Exit> run(const LimitPut& command, Session& session) {
  return show(session.call("PUT", path("limits", command.spec.name), to_json(command.spec)), session);
}

Result<Exit> run(const LimitAction& command, Session& session) {
  const std::string target = path("limits", command.name);
  switch (command.kind) {
    case LimitAction::Kind::get:
      return show(session.get(target), session);
    case LimitAction::Kind::resume:
      return show(session.call("POST", target + "/resume", {}), session);
    case LimitAction::Kind::remove:
      break;
  }
  const auto answer = session.call("DELETE", target, {});
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(fmt::format("{}  deleted\n", command.name));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
