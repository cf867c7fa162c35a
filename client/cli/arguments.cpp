#include "client/cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/verbs.h"
#include "client/wire/protocol.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

constexpr const char* jobs = "Jobs";

void add_common(CLI::App& root, Common& common) {
  common.url = wire::url_default;
  root.add_option("--url", common.url, "Where the broker listens")
      ->envname("PAWL_URL")
      ->type_name("URL")
      ->capture_default_str();
  root.add_option("--token", common.token,
                  "The broker's token; others on this machine may see it, a file is safer")
      ->envname("PAWL_TOKEN")
      ->type_name("TOKEN");
  root.add_option("--token-file", common.token_file, "A file with the token in its first line")
      ->envname("PAWL_TOKEN_FILE")
      ->type_name("FILE");
  root.add_option("--actor", common.actor, "Who you are, for the broker's audit log; else the user's name")
      ->envname("PAWL_ACTOR")
      ->type_name("NAME");
  root.add_flag("--json", common.json, "Print the broker's answer as JSON instead of a table");
}

void add_when(const Verb<Enqueue>& verb) {
  JobSpec& spec = verb.options->spec;
  CLI::Option* delay = add_duration(verb.app, "--delay", "Not before this long from now",
                                    [&spec](std::int64_t ms) { spec.delay = milliseconds{ms}; });
  add_moment(verb.app, "--run-at", "Not before this time: RFC 3339, \"2026-11-24 20:56\", 20:56 or +30m",
             spec.run_at)
      ->excludes(delay);
}

void add_enqueue(CLI::App& root, Draft& draft) {
  const auto verb = add_verb<Enqueue>(
      root, draft, {"enqueue", jobs, "Submit a job; prints its id once it is on the broker's disk"});
  Enqueue& options = *verb.options;
  JobSpec& spec = options.spec;
  CLI::App& app = *verb.app;
  app.add_option("QUEUE", spec.queue, "The queue; made on first use")->required();
  add_payload(app, options);
  add_when(verb);
  add_job_settings(app, spec);
  app.add_option("--idempotency-key", spec.idempotency_key, "Repeating the command within 24 h submits once")
      ->type_name("KEY");
  app.add_flag("--wait", options.wait, "Follow the job to its end; exit status 1 when it does not complete");
}

template <typename C>
void add_for_one_job(CLI::App& root, Draft& draft, const VerbHelp& help) {
  const auto verb = add_verb<C>(root, draft, help);
  verb.app->add_option("ID", verb.options->job_id, "The job")->required();
}

void add_list(CLI::App& root, Draft& draft) {
  const auto verb = add_verb<List>(root, draft, {"list", jobs, "List jobs, the newest first"});
  List& options = *verb.options;
  CLI::App& app = *verb.app;
  app.add_option("--queue", options.queue, "Only of this queue")->type_name("QUEUE");
  app.add_option("--status", options.status, "Only in this state; several with commas")
      ->type_name("STATUS")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(
          {"pending", "active", "completed", "failed", "delayed", "stalled", "blocked", "cancelled"}));
  app.add_option("--name", options.name, "Only of this name")->type_name("NAME");
  app.add_option("--group", options.group, "Only of this group")->type_name("GROUP");
  app.add_option("--tag", options.tag, "Only with this tag")->type_name("TAG");
  app.add_option("--error-type", options.error_type, "Only whose last error is of this type")
      ->type_name("TYPE");
  app.add_option("--id", options.id, "Only whose id begins so")->type_name("ID");
  add_search(app, options.search);
  auto* oldest = app.add_flag("--oldest", options.oldest_first, "The oldest first");
  auto* due = app.add_flag("--due", options.due_first, "Of delayed jobs the one first that is due first")
                  ->excludes(oldest);
  app.add_flag("--longest", options.longest_first, "Of active jobs the one first that has run longest")
      ->excludes(oldest)
      ->excludes(due);
  add_page(app, options, "Most jobs to list");
}

void add_logs(CLI::App& root, Draft& draft) {
  const auto verb = add_verb<Logs>(root, draft, {"logs", jobs, "Show the lines that a job's workers logged"});
  verb.app->add_option("ID", verb.options->job_id, "The job")->required();
  verb.app->add_flag("-f,--follow", verb.options->follow, "Go on until the job has ended");
  verb.app->add_option("--attempt", verb.options->attempt, "Only what this attempt wrote")
      ->check(CLI::Range(std::uint32_t{1}, UINT32_MAX));
}

void add_job_action(CLI::App& root, Draft& draft, JobAction::Kind kind, const VerbHelp& help) {
  const auto verb = add_verb<JobAction>(root, draft, help, JobAction{kind, {}});
  verb.app->add_option("ID", verb.options->job_ids, "The jobs")->required();
}

void add_change(CLI::App& root, Draft& draft) {
  const auto verb = add_verb<Change>(
      root, draft, {"change", jobs, "Give jobs that wait another time, another priority, or both"});
  Change& options = *verb.options;
  CLI::App& app = *verb.app;
  app.add_option("ID", options.job_ids, "The jobs")->required();
  CLI::Option* delay = add_duration(&app, "--delay", "Not before this long from now",
                                    [&options](std::int64_t ms) { options.delay = milliseconds{ms}; });
  add_moment(&app, "--run-at", "Not before this time: RFC 3339, \"2026-11-24 20:56\", 20:56 or +30m",
             options.run_at)
      ->excludes(delay);
  app.add_option("--priority", options.priority, "-1000 to 1000, the higher first")->type_name("N");
  app.callback([&draft, options = verb.options] {
    if (!options->run_at && !options->delay && !options->priority)
      throw CLI::RequiredError("say what: --run-at TIME, --delay DURATION or --priority N",
                               CLI::ExitCodes::RequiredError);
    draft.command = *options;
  });
}

// CLI11 takes a word in brackets for a list and splits it, but here it is a JSON array or a shell's test. A
// mark in front hides the bracket while CLI11 looks at the word.
constexpr char mark = '\x01';

std::string marked(const std::string& word) {
  const std::size_t begin = word.starts_with("--") ? word.find('=') + 1 : 0;
  if (begin >= word.size() || (begin == 0 && word.starts_with("--"))) return word;
  const bool bracket = word[begin] == '[' && word.back() == ']';
  if (!bracket && word[begin] != mark) return word;
  return std::string{word}.insert(begin, 1, mark);
}

void unmark_all(CLI::App& app) {
  const CLI::Validator unmark{[](std::string& text) {
                                if (text.starts_with(mark)) text.erase(0, 1);
                                return std::string{};
                              },
                              "", "unmark"};
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() > 0) option->transform(unmark);
  }
  for (CLI::App* verb : app.get_subcommands({})) unmark_all(*verb);
}

/// What to say about a command line that CLI11 did not take.
Failure misuse_of(const CLI::ParseError& error, const CLI::App& root) {
  Failure failure;
  failure.exit = Exit::misuse;
  failure.message = error.what();
  std::string asked = "pawl";
  for (const CLI::App* app = &root; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    asked += " " + app->get_name();
  }
  const auto rest = root.remaining();
  if (asked == "pawl" && !rest.empty() && !rest.front().starts_with('-')) {
    failure.message = fmt::format("there is no command \"{}\"", rest.front());
  } else if (asked == "pawl" && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    failure.message = "say what to do";
  }
  failure.hints.push_back(fmt::format("See: {} --help", asked));
  return failure;
}

}  // namespace

void add_page(CLI::App& app, Page& page, const char* what) {
  app.add_option("--limit", page.limit, what)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--cursor", page.cursor, "Go on where an earlier list ended")->type_name("CURSOR");
}

void add_search(CLI::App& app, JobSearch& search) {
  app.add_option("--worker", search.worker, "Only last taken by this worker")->type_name("WORKER");
  add_moment(&app, "--created-after", "Only submitted at this time or later", search.created_after);
  add_moment(&app, "--created-before", "Only submitted before this time", search.created_before);
  app.add_option("--attempts-min", search.attempts_min, "Only with so many attempts made, or more")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N");
  app.add_option("--attempts-max", search.attempts_max, "Only with so many attempts made, or fewer")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N");
  app.add_option("--text", search.text, "Only with this text in the payload or in an error")
      ->type_name("TEXT");
  app.add_option("--payload", search.payload, "Only with this value at a path of the payload")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false)
      ->check(CLI::Validator(
          [](const std::string& text) {
            const std::size_t equals = text.find('=');
            return equals != 0 && equals != std::string::npos ? "" : "must be PATH=VALUE, such as user.id=42";
          },
          ""));
}

void add_payload(CLI::App& app, PayloadSource& source) {
  CLI::Option* payload =
      app.add_option("PAYLOAD", source.payload,
                     fmt::format("JSON; - reads it from standard input; {} when left out", source.left_out));
  app.add_option("--file", source.file, "Read the payload from a file")->type_name("FILE")->excludes(payload);
  app.add_flag("--text", source.text, "The payload is plain text: send it as a JSON string");
}

namespace {

/// "KEY/DURATION". Keys may have slashes too.
std::expected<std::pair<std::string, milliseconds>, std::string> parse_key_and_duration(
    const std::string& text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string::npos || slash == 0)
    return std::unexpected(fmt::format("\"{}\": write it as KEY/DURATION, such as report-7/30s", text));
  const auto ms = parse_duration(text.substr(slash + 1));
  if (!ms) return std::unexpected(ms.error());
  return std::pair{text.substr(0, slash), milliseconds{*ms}};
}

void add_gathering(CLI::App& app, JobSpec& spec) {
  using Taken = std::expected<void, std::string>;
  add_read_option(&app, "--throttle", "No second job for the key within so long",
                  [&spec](const std::string& text) -> Taken {
                    const auto read = parse_key_and_duration(text);
                    if (!read) return std::unexpected(read.error());
                    spec.throttle = Throttle{read->first, read->second};
                    return {};
                  })
      ->type_name("KEY/DURATION")
      ->excludes("--unique-key");
  CLI::Option* debounce =
      add_read_option(&app, "--debounce", "Wait so long for another with the key, which takes its place",
                      [&spec](const std::string& text) -> Taken {
                        const auto read = parse_key_and_duration(text);
                        if (!read) return std::unexpected(read.error());
                        spec.debounce = Debounce{read->first, read->second,
                                                 spec.debounce ? spec.debounce->max_wait : std::nullopt};
                        return {};
                      })
          ->type_name("KEY/DURATION")
          ->excludes("--unique-key")
          ->excludes("--throttle");
  add_duration(&app, "--max-wait", "With --debounce: no longer than this from the first on",
               [&spec](std::int64_t ms) {
                 if (!spec.debounce) spec.debounce.emplace();
                 spec.debounce->max_wait = milliseconds{ms};
               })
      ->needs(debounce);
  app.add_option("--latest", spec.latest,
                 "One job of the key runs, and of those after it only the newest waits")
      ->type_name("KEY")
      ->excludes("--unique-key")
      ->excludes("--throttle")
      ->excludes(debounce);
}

}  // namespace

void add_callback(CLI::App& app, std::optional<Callback>& callback, const char* what) {
  CLI::Option* url = app.add_option_function<std::string>(
                            "--callback",
                            [&callback](const std::string& text) {
                              if (!callback) callback.emplace();
                              callback->url = text;
                            },
                            what)
                         ->type_name("URL");
  app.add_option_function<std::vector<std::string>>(
         "--callback-on",
         [&callback](const std::vector<std::string>& words) {
           if (!callback) callback.emplace();
           for (const Status end : {Status::completed, Status::failed, Status::cancelled}) {
             if (std::ranges::find(words, to_string(end)) != words.end()) callback->on.push_back(end);
           }
         },
         "With --callback: only of these ends, completed, failed or cancelled, with commas")
      ->needs(url)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("END")
      ->check(CLI::IsMember({"completed", "failed", "cancelled"}));
}

void add_job_settings(CLI::App& app, JobSpec& spec) {
  app.add_option("--name", spec.name, "The kind of job; the queue's name when left out")->type_name("NAME");
  app.add_option("--priority", spec.priority, "-1000 to 1000, the higher first")->type_name("N");
  app.add_option("--max-attempts", spec.max_attempts, "1 to 1000")->type_name("N");
  add_duration(&app, "--lease", "A worker that is silent for so long has lost the job",
               [&spec](std::int64_t ms) { spec.lease = milliseconds{ms}; });
  add_duration(&app, "--timeout", "An attempt's hard limit",
               [&spec](std::int64_t ms) { spec.timeout = milliseconds{ms}; });
  app.add_option("--unique-key", spec.unique_key, "One live job for this key in the queue")->type_name("KEY");
  add_duration(&app, "--unique-for", "And for so long after its end",
               [&spec](std::int64_t ms) { spec.unique_for = milliseconds{ms}; });
  add_gathering(app, spec);
  CLI::Option* group =
      app.add_option("--group", spec.group, "A queue serves its groups in turn")->type_name("GROUP");
  app.add_flag("--ordered", spec.ordered, "One job of the group at a time, in the order of the submits")
      ->needs(group);
  add_callback(app, spec.callback, "This URL is told of the job's end");
  app.add_option("--limits", spec.limits, "Limits that have a name, with commas; see `pawl limits`")
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--tag", spec.tags, "To find it by; may be given several times")
      ->type_name("TAG")
      ->allow_extra_args(false);
}

void add_job_verbs(CLI::App& root, Draft& draft) {
  using Kind = JobAction::Kind;
  add_enqueue(root, draft);
  add_for_one_job<Get>(root, draft, {"get", jobs, "Show all that is known about a job"});
  add_for_one_job<Watch>(root, draft, {"watch", jobs, "Follow a job to its end, with a progress bar"});
  add_for_one_job<Why>(root, draft, {"why", jobs, "Say why a job is not running now"});
  add_list(root, draft);
  add_logs(root, draft);
  add_job_action(root, draft, Kind::cancel,
                 {"cancel", jobs, "End jobs that wait; tell the workers of those that run"});
  add_job_action(root, draft, Kind::retry,
                 {"retry", jobs, "Run ended jobs again, their attempts counted anew"});
  add_job_action(root, draft, Kind::promote, {"promote", jobs, "Run delayed jobs now"});
  add_change(root, draft);
  add_job_action(root, draft, Kind::remove,
                 {"delete", jobs, "Remove the records of jobs that are not running"});
}

Result<std::variant<Invocation, Information>> parse_arguments(const std::vector<std::string>& words) {
  CLI::App root{"pawl: the command line of the Pawl job broker", "pawl"};
  root.require_subcommand(1);
  root.set_version_flag("--version", "pawl " PAWL_VERSION);
  root.footer(
      "Exit status: 0 done, 1 refused or not reached, 2 wrong use. Help for one command: pawl COMMAND "
      "--help");
  Draft draft;
  add_common(root, draft.common);
  add_job_verbs(root, draft);
  add_queue_verbs(root, draft);
  add_limit_verbs(root, draft);
  add_schedule_verbs(root, draft);
  add_event_verbs(root, draft);
  add_workflow_verbs(root, draft);
  add_broker_verbs(root, draft);
  unmark_all(root);
  std::vector<std::string> reversed;
  for (const std::string& word : words) reversed.insert(reversed.begin(), marked(word));
  try {
    root.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return Information{root.help()};
  } catch (const CLI::CallForVersion& version) {
    return Information{std::string{version.what()} + "\n"};
  } catch (const CLI::ParseError& error) {
    return std::unexpected(misuse_of(error, root));
  }
  draft.common.url_given = root.get_option("--url")->count() > 0;
  return Invocation{std::move(draft.common), std::move(*draft.command)};
}

}  // namespace pawl::cli
