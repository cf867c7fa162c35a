// One action over all jobs that match: begin it, see it, stop it. Replays, purges and drains are listed too.
#include <fmt/format.h>

#include <array>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/text/table.h"
#include "client/cli/verbs/job_text.h"
#include "client/cli/verbs/operation_table.h"
#include "client/cli/verbs/page.h"

namespace pawl::cli {
namespace {

// The fields of the filter that it has: "queue mails, status failed"
std::string filter_text(const Json& filter) {
  std::string text;
  for (const std::string_view field :
       {"queue", "status", "name", "group", "tag", "errorType", "fingerprint", "worker", "createdAfter",
        "createdBefore", "attemptsMin", "attemptsMax", "payload", "q"}) {
    const Json value = filter[field];
    std::string words = value.is_string() || value.is_number() ? value.text() : "";
    if (value.is_object()) words = value.dump();
    for (const Json& item : value.items()) words += (words.empty() ? "" : " ") + item.text();
    if (words.empty()) continue;
    if (!text.empty()) text += ", ";
    text.append(field).append(" ").append(printable(words));
  }
  return text;
}

void add_search(JsonObject& filter, const JobSearch& search) {
  if (!search.worker.empty()) filter.add("worker", search.worker);
  if (search.created_after) filter.add("createdAfter", wire_text(*search.created_after));
  if (search.created_before) filter.add("createdBefore", wire_text(*search.created_before));
  if (search.attempts_min) filter.add("attemptsMin", *search.attempts_min);
  if (search.attempts_max) filter.add("attemptsMax", *search.attempts_max);
  JsonObject payload;
  for (const std::string& pair : search.payload) {
    const std::size_t equals = pair.find('=');
    payload.add(pair.substr(0, equals), pair.substr(equals + 1));
  }
  if (!payload.empty()) filter.add_raw("payload", payload.text());
  if (!search.text.empty()) filter.add("q", search.text);
}

Tone tone_of(const std::string& status) {
  if (status == "stopped") return Tone::bad;
  return status == "paused" || status == "cancelled" ? Tone::warn : Tone::plain;
}

std::string left_text(const Json& operation) {
  return operation["left"].is_number() ? count_text(operation["left"].integer()) : "-";
}

std::string operation_fields(const Json& operation, const Screen& screen) {
  Fields fields;
  const std::string status = operation["status"].text();
  fields.add("operation", operation["bulkId"].text());
  fields.add("action", operation["action"].text());
  fields.add("jobs", filter_text(operation["filter"]));
  fields.add("status", status, tone_of(status));
  fields.add("done", count_text(operation["done"].integer()));
  fields.add("left", left_text(operation));
  if (operation["skipped"].integer() > 0) fields.add("skipped", count_text(operation["skipped"].integer()));
  if (operation["refused"].integer() > 0) fields.add("refused", count_text(operation["refused"].integer()));
  if (operation["ended"].integer() > 0)
    fields.add("failed again", fmt::format("{} of {} that have ended", operation["failed"].text(),
                                           count_text(operation["ended"].integer())));
  for (const Json& error : operation["errors"].items())
    fields.add("error", fmt::format("{}  {}", error["jobId"].text(), printable(error["detail"].text())));
  fields.add("started", moment_text(operation["startedAt"]));
  if (const std::string by = operation["actor"].text(operation["address"].text()); !by.empty())
    fields.add("by", printable(by));
  if (operation["finishedAt"].is_string()) fields.add("finished", moment_text(operation["finishedAt"]));
  return fields.text(screen);
}

}  // namespace

std::string operations_table(const std::vector<Json>& operations, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"OPERATION", left},
               {"ACTION", left},
               {"STATUS", left},
               {"DONE", right},
               {"LEFT", right},
               {"JOBS", left, true}}};
  for (const Json& operation : operations) {
    const std::string status = operation["status"].text();
    table.add({{operation["bulkId"].text()},
               {operation["action"].text()},
               {status, tone_of(status)},
               {count_text(operation["done"].integer())},
               {left_text(operation)},
               {filter_text(operation["filter"])}});
  }
  return table.text(screen);
}

std::vector<Json> under_way(const Json& list) {
  std::vector<Json> some;
  for (const Json& item : list.items()) {
    const std::string status = item["status"].text();
    if (status == "running" || status == "paused") some.push_back(item);
  }
  return some;
}

Result<Exit> run(const BulkStart& command, Session& session) {
  JsonObject filter;
  const auto add = [&filter](std::string_view field, const std::string& value) {
    if (!value.empty()) filter.add(field, value);
  };
  add("queue", command.queue);
  if (!command.status.empty()) filter.add("status", command.status);
  add("name", command.filter.name);
  add("group", command.group);
  add("tag", command.tag);
  add("errorType", command.filter.error_type);
  add("fingerprint", command.filter.fingerprint);
  add_search(filter, command.search);
  if (filter.empty())
    return misuse("say which jobs: --queue, --status, --tag or another of pawl bulk start --help");
  JsonObject body;
  body.add_raw("filter", filter.text()).add("action", command.action);
  if (command.per_second > 0) body.add("perSecond", command.per_second);
  const auto answer = session.call("POST", "/bulk", body.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(fmt::format("{}\n", answer->json["bulkId"].text()));
  }
  return Exit::ok;
}

Result<Exit> run(const BulkList& command, Session& session) {
  const Query query = page_query(command);
  const auto answer = session.get("/bulk" + query.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  const Json operations = answer->json["operations"];
  if (operations.size() == 0) {
    print_error("No operation has run within a week. Begin one: pawl bulk start ACTION --queue QUEUE\n");
    return Exit::ok;
  }
  const auto items = operations.items();
  print(operations_table({items.begin(), items.end()}, session.screen()));
  print_more(*answer);
  return Exit::ok;
}

Result<Exit> run(const BulkAction& command, Session& session) {
  using Kind = BulkAction::Kind;
  constexpr std::array<std::string_view, 4> words{"", "pause", "resume", "cancel"};
  const std::string target = path("bulk", command.id, words[static_cast<std::size_t>(command.kind)]);
  const auto answer = command.kind == Kind::get ? session.get(target) : session.call("POST", target, {});
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(operation_fields(answer->json, session.screen()));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
