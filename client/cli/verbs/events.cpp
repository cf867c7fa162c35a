// Events, and the triggers that they pull.
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/text/table.h"
#include "client/cli/verbs/job_text.h"
#include "client/cli/verbs/page.h"
#include "client/cli/verbs/payload.h"
#include "client/cli/verbs/trigger_text.h"

namespace pawl::cli {
namespace {

std::string matches_text(const Json& trigger) {
  const std::string text = trigger["match"].dump(false);
  return text == "{}" ? "" : text;
}

std::string batch_text(const Json& trigger) {
  const Json batch = trigger["batch"];
  if (batch.is_null()) return {};
  return fmt::format("{} within {}", count_text(batch["max"].integer()),
                     exact_duration_text(batch["timeoutMs"].integer()));
}

std::string triggers_table(const std::vector<Json>& triggers, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"TRIGGER", left, true},
               {"EVENT", left, true},
               {"MATCH", left, true},
               {"QUEUE", left, true},
               {"NAME", left, true},
               {"BATCH", left},
               {"EVENTS", right},
               {"WAIT", right},
               {"JOBS", right}}};
  for (const Json& trigger : triggers) {
    table.add({{trigger["triggerId"].text(), Tone::bold},
               {trigger["event"].text()},
               {matches_text(trigger)},
               {trigger["queue"].text()},
               {trigger["name"].text("-")},
               {batch_text(trigger)},
               {count_text(trigger["events"].integer())},
               {count_text(trigger["gathered"].integer())},
               {count_text(trigger["jobs"].integer())}});
  }
  return table.text(screen);
}

std::string trigger_text(const Json& trigger, const Screen& screen) {
  Fields fields;
  fields.add("trigger", trigger["triggerId"].text());
  fields.add("event", trigger["event"].text());
  fields.add("match", matches_text(trigger));
  fields.add("queue", trigger["queue"].text());
  fields.add("name", trigger["name"].text());
  fields.add("batch", batch_text(trigger));
  fields.add("events", count_text(trigger["events"].integer()));
  fields.add("waiting", count_text(trigger["gathered"].integer()));
  fields.add("jobs", count_text(trigger["jobs"].integer()));
  if (const Json last = trigger["lastRun"]; !last.is_null()) {
    fields.add("last job", last["jobId"].text());
    fields.add("made", moment_text(last["at"]));
  }
  fields.add("created", moment_text(trigger["createdAt"]));
  fields.add("changed", moment_text(trigger["updatedAt"]));
  fields.add("tags", tags_text(trigger));
  return fields.text(screen);
}

}  // namespace

std::string triggers_line(const Json& page) {
  const auto triggers = page["triggers"].items();
  if (triggers.empty()) return {};
  std::int64_t events = 0;
  std::int64_t jobs = 0;
  std::int64_t gathered = 0;
  for (const Json& trigger : triggers) {
    events += trigger["events"].integer();
    jobs += trigger["jobs"].integer();
    gathered += trigger["gathered"].integer();
  }
  return fmt::format("triggers {}{}  events {}  jobs {}  gathered {}\n",
                     count_text(static_cast<std::int64_t>(triggers.size())),
                     page["nextCursor"].is_null() ? "" : "+", count_text(events), count_text(jobs),
                     count_text(gathered));
}

Result<Exit> run(const RaiseEvent& command, Session& session) {
  const auto data = read_payload(command);
  if (!data) return std::unexpected(data.error());
  const std::string name = JsonText::raw(fmt::format("\"{}\"", command.name)).text();
  const auto answer =
      session.call("POST", "/events", fmt::format(R"({{"name":{},"data":{}}})", name, data->text()));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(fmt::format("{} resumed, {} started, {} gathered\n", count_text(answer->json["resumed"].integer()),
                      count_text(answer->json["started"].integer()),
                      count_text(answer->json["gathered"].integer())));
  }
  return Exit::ok;
}

Result<Exit> run(const Triggers& command, Session& session) {
  const Query query = page_query(command);
  const auto answer = session.get("/triggers" + query.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  const Json triggers = answer->json["triggers"];
  if (triggers.size() == 0) {
    print_error("There are no triggers. Make one: pawl triggers put ID EVENT QUEUE\n");
    return Exit::ok;
  }
  const auto items = triggers.items();
  print(triggers_table({items.begin(), items.end()}, session.screen()));
  print_more(*answer);
  return Exit::ok;
}

Result<Exit> run(const TriggerGet& command, Session& session) {
  const auto answer = session.get(path("triggers", command.id));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(trigger_text(answer->json, session.screen()));
  }
  return Exit::ok;
}

Result<Exit> run(const TriggerPut& command, Session& session) {
  TriggerSpec spec = command.spec;
  if (!command.match.empty()) {
    PayloadSource match;
    match.payload = command.match;
    auto read = read_payload(match);
    if (!read) return std::unexpected(read.error());
    spec.match = std::move(*read);
  }
  const auto answer = session.call("PUT", path("triggers", spec.id), to_json(spec));
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(fmt::format("{}  starts jobs in {} for {}\n", spec.id, spec.job.queue, spec.event));
  }
  return Exit::ok;
}

Result<Exit> run(const TriggerDelete& command, Session& session) {
  const auto answer = session.call("DELETE", path("triggers", command.id), {});
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(fmt::format("{}  deleted\n", command.id));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
