// The verbs for limits that have a name.
#include <algorithm>

#include "client/cli/verbs.h"

namespace pawl::cli {
namespace {

constexpr const char* heading = "Queues";
constexpr const char* limit_commands = "Commands";

void add_limit_put(CLI::App& parent, Draft& draft) {
  const auto verb =
      add_verb<LimitPut>(parent, draft, {"put", limit_commands, "Make a limit, or put another in its place"});
  LimitSpec& spec = verb.options->spec;
  CLI::App& app = *verb.app;
  app.add_option("NAME", spec.name, "The limit")->required();
  app.add_option("--concurrency", spec.concurrency, "At most so many jobs that name it run at once")
      ->type_name("N");
  CLI::Option* rate = add_read_option(&app, "--rate", "At most so many start within so long: 500/1m",
                                      [&spec](const std::string& text) -> std::expected<void, std::string> {
                                        const auto read = parse_rate(text);
                                        if (!read) return std::unexpected(read.error());
                                        if (read->first < 1 || read->first > 1'000'000)
                                          return std::unexpected("so many must be 1 to 1000000");
                                        const auto burst = spec.rate ? spec.rate->burst : std::nullopt;
                                        spec.rate = RateLimit{static_cast<std::uint32_t>(read->first),
                                                              milliseconds{read->second}, burst};
                                        return {};
                                      })
                          ->type_name("MAX/DURATION");
  app.add_option_function<std::uint32_t>(
         "--burst",
         [&spec](std::uint32_t burst) {
           if (!spec.rate) spec.rate.emplace();
           spec.rate->burst = burst;
         },
         "With --rate: at most so many start at once")
      ->needs(rate)
      ->type_name("N");
}

void add_limit_action(CLI::App& parent, Draft& draft, LimitAction::Kind kind, const VerbHelp& help) {
  const auto verb = add_verb<LimitAction>(parent, draft, help, LimitAction{kind, {}});
  verb.app->add_option("NAME", verb.options->name, "The limit")->required();
}

}  // namespace

void add_limit_verbs(CLI::App& root, Draft& draft) {
  using Kind = LimitAction::Kind;
  const auto list = add_verb<LimitsList>(
      root, draft, {"limits", heading, "List the limits that have a name; get, put, resume, delete one"});
  CLI::App& app = *list.app;
  app.require_subcommand(0, 1);
  add_page(app, *list.options, "Most to list");
  // Called after that of the command behind it.
  app.callback([&draft, options = list.options] {
    if (!draft.command) draft.command = *options;
  });
  add_limit_action(app, draft, Kind::get, {"get", limit_commands, "Show a limit"});
  add_limit_put(app, draft);
  add_limit_action(app, draft, Kind::resume,
                   {"resume", limit_commands, "End what a rate limit outside holds back"});
  add_limit_action(app, draft, Kind::remove, {"delete", limit_commands, "Delete a limit that nothing names"});
}

}  // namespace pawl::cli
