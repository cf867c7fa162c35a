// The verbs for workflows.
#include "client/cli/verbs.h"

namespace pawl::cli {
namespace {

constexpr const char* workflows_group = "Workflows";
constexpr const char* workflow_commands = "Commands";

void add_for_one(CLI::App& parent, Draft& draft, WorkflowAction::Kind kind, const char* name,
                 const char* text) {
  const auto verb =
      add_verb<WorkflowAction>(parent, draft, {name, workflow_commands, text}, WorkflowAction{kind, {}});
  verb.app->add_option("ID", verb.options->id, "The workflow")->required();
}

}  // namespace

void add_workflow_verbs(CLI::App& root, Draft& draft) {
  using Kind = WorkflowAction::Kind;
  const auto list = add_verb<Workflows>(
      root, draft, {"workflows", workflows_group, "List the workflows; submit, get, cancel, retry one"});
  CLI::App& app = *list.app;
  app.require_subcommand(0, 1);
  add_page(app, *list.options, "Most workflows to list");
  // Called after that of the command behind it.
  app.callback([&draft, options = list.options] {
    if (!draft.command) draft.command = *options;
  });
  const auto submit =
      add_verb<WorkflowSubmit>(app, draft,
                               {"submit", workflow_commands,
                                "Submit the graph of a file, as POST /workflows takes it; prints its id"});
  submit.app->add_option("FILE", submit.options->file, "JSON; - reads it from standard input")->required();
  add_for_one(app, draft, Kind::get, "get", "Show a workflow: the state of each job, and what it waits for");
  add_for_one(app, draft, Kind::cancel, "cancel", "Cancel all of its jobs that have not ended");
  add_for_one(app, draft, Kind::retry, "retry", "Run again what failed or was cancelled");
}

}  // namespace pawl::cli
