// Workflows: lists, graphs, and what is done to them.
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/text/table.h"
#include "client/cli/verbs/job_text.h"
#include "client/cli/verbs/operation_table.h"
#include "client/cli/verbs/page.h"
#include "client/cli/verbs/payload.h"

namespace pawl::cli {
namespace {

Tone tone_of_workflow(const std::string& status) {
  if (status == "completed") return Tone::good;
  if (status == "failed") return Tone::bad;
  return status == "cancelled" ? Tone::dim : Tone::bold;
}

std::string joined(const Json& refs) {
  std::string text;
  for (const Json& ref : refs.items()) text += (text.empty() ? "" : " ") + ref.text();
  return text;
}

std::string waits_text(const Json& job) {
  if (job["waitsForEvent"].is_string()) return "event " + job["waitsForEvent"].text();
  if (job["waitsForJob"].is_string()) return "job " + job["waitsForJob"].text();
  return joined(job["waitsFor"]);
}

std::string workflow_table(const Json& workflow, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"REF", left, true},
               {"STATUS", left},
               {"QUEUE", left, true},
               {"JOB", left, true},
               {"AFTER", left, true},
               {"WAITS FOR", left, true}}};
  for (const Json& job : workflow["jobs"].items()) {
    const std::string status = job["status"].text("gone");
    table.add({{job["ref"].text(), Tone::bold},
               {status, tone_of_status(status)},
               {job["queue"].text()},
               {job["jobId"].text()},
               {joined(job["dependsOn"])},
               {waits_text(job)}});
  }
  return table.text(screen);
}

std::string workflow_line(const Json& workflow) {
  return fmt::format("{}  {}  {} of {} jobs have ended\n", workflow["name"].text(), workflow["status"].text(),
                     workflow["total"].integer() - workflow["left"].integer(), workflow["total"].integer());
}

}  // namespace

std::string workflows_table(const std::vector<Json>& workflows, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"WORKFLOW", left, true},
               {"NAME", left, true},
               {"STATUS", left},
               {"JOBS", right},
               {"LEFT", right},
               {"FAILED", right},
               {"CREATED", right}}};
  for (const Json& workflow : workflows) {
    const std::string status = workflow["status"].text();
    table.add({{workflow["workflowId"].text(), Tone::bold},
               {workflow["name"].text()},
               {status, tone_of_workflow(status)},
               {count_text(workflow["total"].integer())},
               {count_text(workflow["left"].integer())},
               {count_text(workflow["failed"].integer())},
               {moment_text(workflow["createdAt"])}});
  }
  return table.text(screen);
}

Result<Exit> run(const Workflows& command, Session& session) {
  const Query query = page_query(command);
  const auto answer = session.get("/workflows" + query.text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  const auto workflows = answer->json["workflows"].items();
  if (workflows.empty()) {
    print_error("There are no workflows. Submit one: pawl workflows submit FILE\n");
    return Exit::ok;
  }
  print(workflows_table({workflows.begin(), workflows.end()}, session.screen()));
  print_more(*answer);
  return Exit::ok;
}

Result<Exit> run(const WorkflowSubmit& command, Session& session) {
  PayloadSource source;
  if (command.file == "-")
    source.payload = "-";
  else
    source.file = command.file;
  const auto graph = read_payload(source);
  if (!graph) return std::unexpected(graph.error());
  const auto answer = session.call("POST", "/workflows", graph->text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(answer->json["workflowId"].text() + "\n");
  }
  return Exit::ok;
}

Result<Exit> run(const WorkflowAction& command, Session& session) {
  using Kind = WorkflowAction::Kind;
  const auto answer =
      command.kind == Kind::get
          ? session.get(path("workflows", command.id))
          : session.call(
                "POST", path("workflows", command.id, command.kind == Kind::cancel ? "cancel" : "retry"), {});
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else if (command.kind == Kind::get) {
    print(workflow_line(answer->json) + workflow_table(answer->json, session.screen()));
  } else {
    print(fmt::format("{}  {} jobs {}\n", command.id, answer->json["jobs"].integer(),
                      command.kind == Kind::cancel ? "cancelled, or their workers told" : "run again"));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
