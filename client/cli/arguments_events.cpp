// The verbs for events and triggers.
#include "client/cli/verbs.h"

namespace pawl::cli {
namespace {

constexpr const char* events = "Events";
constexpr const char* event_commands = "Commands";

void add_trigger_put(CLI::App& parent, Draft& draft) {
  const auto verb = add_verb<TriggerPut>(
      parent, draft,
      {"put", event_commands,
       "Make a trigger, or put another in its place: what is not named has its default"});
  TriggerSpec& spec = verb.options->spec;
  CLI::App& app = *verb.app;
  app.add_option("ID", spec.id, "The trigger")->required();
  app.add_option("EVENT", spec.event, "The event that starts a job")->required();
  app.add_option("QUEUE", spec.job.queue, "Where its jobs go; made at once")->required();
  app.add_option("--match", verb.options->match,
                 R"(Only events whose data has these values: {"order.country": "de"})")
      ->type_name("JSON");
  CLI::Option* batch =
      app.add_option("--batch", spec.batch_max, "So many events start one job together; 1 to 1000")
          ->check(CLI::Range(1, 1000))
          ->type_name("N");
  CLI::Option* within =
      add_duration(&app, "--within", "With --batch: or those that came until so long after the first",
                   [&spec](std::int64_t ms) { spec.batch_timeout = milliseconds{ms}; });
  batch->needs(within);
  within->needs(batch);
  add_job_settings(app, spec.job);
  add_duration(&app, "--delay", "Not before this long from the event",
               [&spec](std::int64_t ms) { spec.job.delay = milliseconds{ms}; });
}

}  // namespace

void add_event_verbs(CLI::App& root, Draft& draft) {
  const auto raise = add_verb<RaiseEvent>(
      root, draft,
      {"event", events, "Wake the jobs that wait for an event, and start those that it triggers"});
  raise.app->add_option("NAME", raise.options->name, "The event")->required();
  add_payload(*raise.app, *raise.options);

  const auto list =
      add_verb<Triggers>(root, draft, {"triggers", events, "List the triggers; get, put, delete one"});
  CLI::App& app = *list.app;
  app.require_subcommand(0, 1);
  add_page(app, *list.options, "Most triggers to list");
  // Called after that of the command behind it.
  app.callback([&draft, options = list.options] {
    if (!draft.command) draft.command = *options;
  });
  const auto get = add_verb<TriggerGet>(app, draft, {"get", event_commands, "Show a trigger"});
  get.app->add_option("ID", get.options->id, "The trigger")->required();
  add_trigger_put(app, draft);
  const auto remove =
      add_verb<TriggerDelete>(app, draft, {"delete", event_commands, "Delete a trigger; its jobs stay"});
  remove.app->add_option("ID", remove.options->id, "The trigger")->required();
}

}  // namespace pawl::cli
