// Between arguments.cpp and its parts: how a verb is put on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client/cli/arguments.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"

namespace pawl::cli {

/// What has been understood so far.
struct Draft {
  Common common;
  std::optional<Command> command;
};

struct VerbHelp {
  const char* name;
  const char* group;  // heading in `pawl --help`
  const char* text;
};

/// A subcommand with the struct that its options fill. The struct lives as long as the App.
template <typename C>
struct Verb {
  CLI::App* app;
  std::shared_ptr<C> options;
};

/// When `help.name` is what the user asked for, `draft.command` becomes the filled struct.
template <typename C>
Verb<C> add_verb(CLI::App& parent, Draft& draft, const VerbHelp& help, C initial = {}) {
  CLI::App* app = parent.add_subcommand(help.name, help.text);
  app->group(help.group);
  app->fallthrough();
  auto options = std::make_shared<C>(std::move(initial));
  app->callback([&draft, options] { draft.command = *options; });
  return {app, options};
}

/// An option that `take` reads from its text; the error's sentence goes to the user.
inline CLI::Option* add_read_option(
    CLI::App* app, const std::string& name, const std::string& help,
    std::function<std::expected<void, std::string>(const std::string&)> take) {
  const std::string shown = name.substr(0, name.find(','));
  return app->add_option_function<std::string>(
      name,
      [take = std::move(take), shown](const std::string& text) {
        const auto taken = take(text);
        if (!taken) throw CLI::ValidationError(shown, taken.error());
      },
      help);
}

/// `set` gets milliseconds.
inline CLI::Option* add_duration(CLI::App* app, const std::string& name, const std::string& help,
                                 std::function<void(std::int64_t)> set) {
  return add_read_option(app, name, help,
                         [set = std::move(set)](const std::string& text) -> std::expected<void, std::string> {
                           const auto ms = parse_duration(text);
                           if (!ms) return std::unexpected(ms.error());
                           set(*ms);
                           return {};
                         })
      ->type_name("DURATION");
}

/// A point in time, as parse_moment reads it.
inline CLI::Option* add_moment(CLI::App* app, const std::string& name, const std::string& help,
                               std::optional<Time>& value) {
  return add_read_option(app, name, help,
                         [&value](const std::string& text) -> std::expected<void, std::string> {
                           const auto at = parse_moment(text, now_ms());
                           if (!at) return std::unexpected(at.error());
                           value = Time{milliseconds{*at}};
                           return {};
                         })
      ->type_name("TIME");
}

/// PAYLOAD, --file and --text.
void add_payload(CLI::App& app, PayloadSource& source);
/// What a job's spec says beside its queue, payload and time.
void add_job_settings(CLI::App& app, JobSpec& spec);
/// --callback and --callback-on. `what` is the help of the first.
void add_callback(CLI::App& app, std::optional<Callback>& callback, const char* what);

/// --worker, --created-after and what else jobs are looked for by.
void add_search(CLI::App& app, JobSearch& search);
/// --limit and --cursor of a list. `what` is the help of the first.
void add_page(CLI::App& app, Page& page, const char* what);

void add_job_verbs(CLI::App& root, Draft& draft);
/// "50/1s", "1000/1h": so many starts within so many milliseconds.
std::expected<std::pair<std::int64_t, std::int64_t>, std::string> parse_rate(const std::string& text);

void add_limit_verbs(CLI::App& root, Draft& draft);
void add_queue_verbs(CLI::App& root, Draft& draft);
void add_schedule_verbs(CLI::App& root, Draft& draft);
void add_event_verbs(CLI::App& root, Draft& draft);
void add_workflow_verbs(CLI::App& root, Draft& draft);
void add_broker_verbs(CLI::App& root, Draft& draft);

}  // namespace pawl::cli
