// The verbs for schedules.
#include <array>

#include "client/cli/verbs.h"

namespace pawl::cli {
namespace {

constexpr const char* schedules = "Schedules";
constexpr const char* commands = "Commands";

/// One of an enumeration's words; `sentence` says which there are.
template <typename Enum, std::size_t N>
void add_word(CLI::App& app, const std::string& name, const std::string& help, const char* sentence,
              const std::array<Enum, N>& choices, Enum& value) {
  add_read_option(&app, name, help,
                  [choices, sentence, &value](const std::string& text) -> std::expected<void, std::string> {
                    for (const Enum choice : choices) {
                      if (to_string(choice) != text) continue;
                      value = choice;
                      return {};
                    }
                    return std::unexpected("\"" + text + "\" must be " + sentence);
                  })
      ->type_name("WORD");
}

void add_timetable(CLI::App& app, ScheduleSpec& spec) {
  CLI::Option* cron = app.add_option("--cron", spec.cron,
                                     "When: \"30 2 * * *\", six fields with the seconds first, or @daily")
                          ->type_name("EXPRESSION");
  app.add_option("--timezone", spec.timezone, "Of the cron expression, such as Europe/Berlin (UTC)")
      ->type_name("ZONE")
      ->needs(cron);
  add_duration(&app, "--every", "When: so far apart, from --start-at or from now on; 1s to 366d",
               [&spec](std::int64_t ms) { spec.every = milliseconds{ms}; })
      ->excludes(cron);
  add_moment(&app, "--start-at", "No run before this time; as --run-at of enqueue", spec.start_at);
  add_moment(&app, "--end-at", "No run after this time", spec.end_at);
  app.add_option("--max-runs", spec.max_runs, "No more runs than this; those by hand do not count")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  add_word(app, "--missed", "What becomes of runs while the broker was down: skip, one (default) or all",
           "skip, one or all", std::array{Missed::skip, Missed::one, Missed::all}, spec.missed);
  add_word(app, "--overlap", "When the last job has not ended: allow (default), skip or replace",
           "allow, skip or replace", std::array{Overlap::allow, Overlap::skip, Overlap::replace},
           spec.overlap);
  app.add_flag("--paused", spec.paused, "Make no jobs until it is resumed");
}

void add_put(CLI::App& parent, Draft& draft) {
  const auto verb = add_verb<SchedulePut>(
      parent, draft,
      {"put", commands, "Make a schedule, or put another in its place: what is not named has its default"});
  ScheduleSpec& spec = verb.options->spec;
  CLI::App& app = *verb.app;
  app.add_option("ID", spec.id, "The schedule")->required();
  app.add_option("QUEUE", spec.job.queue, "Where its jobs go; made on first use")->required();
  add_payload(app, *verb.options);
  add_timetable(app, spec);
  add_job_settings(app, spec.job);
  add_duration(&app, "--delay", "Not before this long from the run",
               [&spec](std::int64_t ms) { spec.job.delay = milliseconds{ms}; });
  app.callback([&draft, options = verb.options] {
    if (options->spec.cron.empty() && !options->spec.every)
      throw CLI::RequiredError("say when: --cron EXPRESSION or --every DURATION",
                               CLI::ExitCodes::RequiredError);
    draft.command = *options;
  });
}

void add_action(CLI::App& parent, Draft& draft, ScheduleAction::Kind kind, const char* name,
                const char* text) {
  const auto verb = add_verb<ScheduleAction>(parent, draft, {name, commands, text}, ScheduleAction{kind, {}});
  verb.app->add_option("ID", verb.options->id, "The schedule")->required();
  if (kind == ScheduleAction::Kind::remove)
    verb.app->add_flag("--force", verb.options->force, "Also while the last of its jobs has not ended");
}

}  // namespace

void add_schedule_verbs(CLI::App& root, Draft& draft) {
  using Kind = ScheduleAction::Kind;
  const auto list = add_verb<Schedules>(
      root, draft, {"schedules", schedules, "List the schedules; get, put, run, pause, resume, delete one"});
  CLI::App& app = *list.app;
  app.require_subcommand(0, 1);
  add_page(app, *list.options, "Most schedules to list");
  // Called after that of the command behind it.
  app.callback([&draft, options = list.options] {
    if (!draft.command) draft.command = *options;
  });

  const auto get =
      add_verb<ScheduleGet>(app, draft, {"get", commands, "Show a schedule with its next runs and its last"});
  get.app->add_option("ID", get.options->id, "The schedule")->required();
  add_put(app, draft);
  add_action(app, draft, Kind::run, "run", "Make a job now, whatever the timetable says; prints its id");
  add_action(app, draft, Kind::pause, "pause", "Make no jobs until it is resumed");
  add_action(app, draft, Kind::resume, "resume", "Go on from now; what was left out is not made up for");
  add_action(app, draft, Kind::remove, "delete", "Delete a schedule; the jobs that it made stay");
}

}  // namespace pawl::cli
