// The verbs for queues, dead letters, the broker and its workers.
#include <fmt/format.h>

#include <charconv>
#include <fstream>

#include "client/cli/bench/works.h"
#include "client/cli/verbs.h"
#include "client/wire/protocol.h"

namespace pawl::cli {

std::expected<std::pair<std::int64_t, std::int64_t>, std::string> parse_rate(const std::string& text) {
  const std::size_t slash = text.find('/');
  const char* const end = text.data() + std::min(slash, text.size());
  std::int64_t max = 0;
  const auto [after, error] = std::from_chars(text.data(), end, max);
  if (slash == std::string::npos || error != std::errc{} || after != end)
    return std::unexpected(fmt::format("\"{}\": write it as 50/1s or 1000/1h", text));
  const auto per_ms = parse_duration(text.substr(slash + 1));
  if (!per_ms) return std::unexpected(per_ms.error());
  return std::pair{max, *per_ms};
}

namespace {

constexpr const char* queues = "Queues";
constexpr const char* dead_letters = "Dead letter queues";
constexpr const char* broker = "Broker and workers";

/// "7d" or "forever"; negative stands for the latter.
void add_keep(CLI::App* app, const std::string& name, const std::string& help,
              std::optional<std::int64_t>& value) {
  add_read_option(app, name, help, [&value](const std::string& text) -> std::expected<void, std::string> {
    value = -1;
    if (text == "forever") return {};
    const auto ms = parse_duration(text);
    if (!ms) return std::unexpected(ms.error() + ", or forever");
    value = *ms;
    return {};
  })->type_name("DURATION");
}

void add_rate(CLI::App* app, const char* name, const char* help, std::optional<std::int64_t>& max,
              std::int64_t& per_ms) {
  add_read_option(app, name, help,
                  [&max, &per_ms](const std::string& text) -> std::expected<void, std::string> {
                    const auto rate = parse_rate(text);
                    if (!rate) return std::unexpected(rate.error());
                    max = rate->first;
                    per_ms = rate->second;
                    return {};
                  })
      ->type_name("MAX/DURATION");
}

void add_queue(CLI::App& root, Draft& draft) {
  const auto verb = add_verb<Queue>(
      root, draft, {"queue", queues, "Show a queue; with settings, change them first (and make it)"});
  Queue& options = *verb.options;
  CLI::App& app = *verb.app;
  const auto duration = [&app](const char* name, const char* help, std::optional<std::int64_t>& value) {
    add_duration(&app, name, help, [&value](std::int64_t ms) { value = ms; });
  };
  app.add_option("QUEUE", options.name, "The queue")->required();
  app.add_option("--priority", options.priority, "Of jobs that do not say")->type_name("N");
  app.add_option("--max-attempts", options.max_attempts, "Of jobs that do not say")->type_name("N");
  app.add_option("--max-stalls", options.max_stalls, "Lost leases before a job fails")->type_name("N");
  duration("--lease", "A worker that is silent for so long has lost the job", options.lease_ms);
  duration("--timeout", "An attempt's hard limit", options.timeout_ms);
  app.add_option("--backoff", options.backoff_type, "How the wait before another attempt grows")
      ->check(CLI::IsMember({"exponential", "linear", "fixed"}))
      ->type_name("TYPE");
  duration("--backoff-delay", "The first wait", options.backoff_delay_ms);
  duration("--backoff-max", "The longest wait", options.backoff_max_delay_ms);
  app.add_option("--backoff-factor", options.backoff_factor,
                 "Exponential: each wait is so many times the last")
      ->type_name("X");
  app.add_option("--backoff-jitter", options.backoff_jitter, "A share added on top, 0 to 1")->type_name("X");
  add_keep(&app, "--keep-completed", "How long completed jobs stay, or forever", options.keep_completed_ms);
  add_keep(&app, "--keep-failed", "How long dead letters stay, or forever", options.keep_failed_ms);
  app.add_option("--max-concurrency", options.max_concurrency, "At most so many of its jobs run at once")
      ->type_name("N");
  add_rate(&app, "--rate", "At most so many jobs start within so long: 50/1s, 1000/1h", options.rate_max,
           options.rate_per_ms);
  app.add_option("--burst", options.burst, "With --rate: at most so many start at once")
      ->needs("--rate")
      ->type_name("N");
  app.add_option("--group-concurrency", options.group_concurrency,
                 "At most so many jobs of each group run at once")
      ->type_name("N");
  add_rate(&app, "--group-rate", "At most so many jobs of each group start within so long",
           options.group_rate_max, options.group_rate_per_ms);
  duration("--priority-ageing", "A job counts as one priority higher for each so long since its submit",
           options.priority_ageing_ms);
  app.add_option("--on-ordered-failure", options.on_ordered_failure,
                 "What a failed job of a strict order does to those behind it")
      ->check(CLI::IsMember({"block", "skip"}))
      ->type_name("block|skip");
  app.add_option("--searchable", options.searchable,
                 "Paths into payloads by which jobs can be listed, such as user.id; with commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("PATH");
  CLI::Option* push =
      app.add_option("--push", options.push_url, "The broker posts its jobs to this URL itself")
          ->type_name("URL");
  add_read_option(&app, "--push-secret-file",
                  "With --push: a file with the whsec_ secret that signs the requests",
                  [&options](const std::string& file) -> std::expected<void, std::string> {
                    std::ifstream in(file);
                    if (!std::getline(in, options.push_secret))
                      return std::unexpected(fmt::format("the file {} cannot be read, or is empty", file));
                    return {};
                  })
      ->needs(push)
      ->type_name("FILE");
  add_read_option(&app, "--push-header", "With --push: 'Name: value' of a header; may be given several times",
                  [&options](const std::string& text) -> std::expected<void, std::string> {
                    const std::size_t colon = text.find(':');
                    if (colon == std::string::npos)
                      return std::unexpected(fmt::format("\"{}\": write it as 'Name: value'", text));
                    const std::size_t value = std::min(text.find_first_not_of(' ', colon + 1), text.size());
                    options.push_headers.emplace_back(text.substr(0, colon), text.substr(value));
                    return {};
                  })
      ->needs(push)
      ->type_name("HEADER");
  add_duration(&app, "--push-timeout", "With --push: for one request", [&options](std::int64_t ms) {
    options.push_timeout_ms = ms;
  })->needs(push);
  app.add_option("--push-concurrency", options.push_concurrency, "With --push: most requests at once")
      ->needs(push)
      ->type_name("N");
  app.add_option("--push-body", options.push_body,
                 "With --push: what is posted, the payload or the job as a worker gets it")
      ->needs(push)
      ->check(CLI::IsMember({"payload", "job"}))
      ->type_name("payload|job");
  app.add_option("--push-permanent-on", options.push_permanent_on,
                 "With --push: statuses after which a job is not tried again, with commas")
      ->needs(push)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("STATUS");
  add_callback(app, options.callback, "This URL is told of the ends of its jobs that name none");
  app.add_option("--unset", options.unset, "Settings to put back to the broker's defaults, with commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("SETTING")
      ->check(CLI::IsMember({"priority", "max-attempts", "max-stalls", "lease", "timeout", "backoff", "keep",
                             "max-concurrency", "rate", "group-concurrency", "group-rate", "priority-ageing",
                             "searchable", "push", "callback"}));
}

void add_queue_action(CLI::App& root, Draft& draft, QueueAction::Kind kind, const VerbHelp& help) {
  const auto verb = add_verb<QueueAction>(root, draft, help, QueueAction{kind, {}});
  verb.app->add_option("QUEUE", verb.options->queue, "The queue")->required();
  if (kind != QueueAction::Kind::drain) {
    verb.app->add_option("--group", verb.options->group, "Only jobs of this group of the queue")
        ->type_name("GROUP");
  }
  if (kind == QueueAction::Kind::pause) {
    verb.app->add_option("--reason", verb.options->reason, "Why; `pawl why` tells it")->type_name("TEXT");
  }
}

void add_filter(CLI::App* app, DlqFilter& filter) {
  app->add_option("--name", filter.name, "Only jobs of this name")->type_name("NAME");
  app->add_option("--error-type", filter.error_type, "Only jobs whose last error is of this type")
      ->type_name("TYPE");
  app->add_option("--fingerprint", filter.fingerprint, "Only jobs of this group; see `pawl dlq groups`")
      ->type_name("FINGERPRINT");
}

void add_dlq(CLI::App& root, Draft& draft) {
  CLI::App* dlq = root.add_subcommand("dlq", "Look at, replay or purge the jobs that failed for good");
  dlq->group(dead_letters);
  dlq->fallthrough();
  dlq->require_subcommand(1);

  const auto groups =
      add_verb<DlqGroups>(*dlq, draft, {"groups", "Commands", "What made jobs of a queue fail, by its kind"});
  groups.app->add_option("QUEUE", groups.options->queue, "The queue")->required();

  const auto list = add_verb<DlqList>(*dlq, draft, {"list", "Commands", "List the dead letters of a queue"});
  list.app->add_option("QUEUE", list.options->queue, "The queue")->required();
  add_filter(list.app, list.options->filter);
  add_page(*list.app, *list.options, "Most jobs to list");

  const auto replay = add_verb<DlqReplay>(*dlq, draft, {"replay", "Commands", "Run dead letters again"});
  replay.app->add_option("QUEUE", replay.options->queue, "The queue")->required();
  replay.app->add_option("ID", replay.options->job_ids, "Only these jobs; all that match when left out");
  add_filter(replay.app, replay.options->filter);
  replay.app->add_option("--per-second", replay.options->per_second, "Not faster than this")
      ->check(CLI::PositiveNumber)
      ->type_name("X");
  replay.app
      ->add_option("--canary", replay.options->canary,
                   "So many first; the others when these have ended and not too many failed again")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  replay.app
      ->add_option("--stop-on-failure-rate", replay.options->stop_on_failure_rate,
                   "Stop when a larger share of those that have ended failed again (0 to 1)")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("SHARE");
  replay.app->add_option("--into", replay.options->into, "Another queue that they run in, under other ids")
      ->type_name("QUEUE");

  const auto purge = add_verb<DlqPurge>(
      *dlq, draft, {"purge", "Commands", "Delete dead letters for good; asks for their exact number first"});
  purge.app->add_option("QUEUE", purge.options->queue, "The queue")->required();
  purge.app->add_option("ID", purge.options->job_ids, "Only these jobs; all that match when left out");
  add_filter(purge.app, purge.options->filter);
  purge.app->add_flag("--yes", purge.options->yes, "Do not ask");
}

void add_bulk(CLI::App& root, Draft& draft) {
  using Kind = BulkAction::Kind;
  CLI::App* bulk = root.add_subcommand("bulk", "Do the same to all jobs that match; see how far that is");
  bulk->group(queues);
  bulk->fallthrough();
  bulk->require_subcommand(1);
  const auto start =
      add_verb<BulkStart>(*bulk, draft, {"start", "Commands", "Begin; it goes on in the broker"});
  BulkStart& options = *start.options;
  start.app->add_option("ACTION", options.action, "retry, cancel, promote or delete")
      ->required()
      ->check(CLI::IsMember({"retry", "cancel", "promote", "delete"}));
  start.app->add_option("--queue", options.queue, "Only jobs of this queue")->type_name("QUEUE");
  start.app->add_option("--status", options.status, "Only jobs in these states, with commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("STATUS");
  start.app->add_option("--group", options.group, "Only jobs of this group")->type_name("GROUP");
  start.app->add_option("--tag", options.tag, "Only jobs with this tag")->type_name("TAG");
  add_filter(start.app, options.filter);
  add_search(*start.app, options.search);
  start.app->add_option("--per-second", options.per_second, "Not faster than this")
      ->check(CLI::PositiveNumber)
      ->type_name("X");
  const auto list =
      add_verb<BulkList>(*bulk, draft, {"list", "Commands", "What runs, and what ended within a week"});
  add_page(*list.app, *list.options, "Most to list");
  const auto add_action = [&](Kind kind, const VerbHelp& help) {
    const auto verb = add_verb<BulkAction>(*bulk, draft, help, BulkAction{kind, {}});
    verb.app->add_option("ID", verb.options->id, "The operation")->required();
  };
  add_action(Kind::get, {"get", "Commands", "How far one is"});
  add_action(Kind::pause, {"pause", "Commands", "Let it wait"});
  add_action(Kind::resume, {"resume", "Commands", "Let it go on"});
  add_action(Kind::cancel, {"cancel", "Commands", "Stop it; what it did stays done"});
}

/// "video" or "video=3"
std::expected<WorkerQueue, std::string> parse_worker_queue(const std::string& text) {
  const std::size_t sign = text.rfind('=');
  WorkerQueue queue{text.substr(0, sign), 1};
  if (sign != std::string::npos) {
    const char* const begin = text.data() + sign + 1;
    const char* const end = text.data() + text.size();
    const auto [after, error] = std::from_chars(begin, end, queue.weight);
    if (error != std::errc{} || after != end || queue.weight < 1 || queue.weight > wire::weight_max) {
      return std::unexpected(
          fmt::format("\"{}\": the weight after = must be 1 to {}", text, wire::weight_max));
    }
  }
  if (!wire::is_name(queue.name)) {
    return std::unexpected(
        fmt::format("\"{}\" is no queue name: up to 128 of A-Z a-z 0-9 . _ : -", queue.name));
  }
  return queue;
}

void add_work(CLI::App& root, Draft& draft) {
  const auto verb = add_verb<Work>(root, draft, {"work", broker, "Do jobs: run a command for each"});
  Work& options = *verb.options;
  CLI::App& app = *verb.app;
  app.add_option_function<std::vector<std::string>>(
         "QUEUE",
         [&options](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             auto queue = parse_worker_queue(text);
             if (!queue) throw CLI::ValidationError("QUEUE", queue.error());
             options.queues.push_back(std::move(*queue));
           }
         },
         "The queues, as NAME or NAME=WEIGHT")
      ->required();
  app.add_option(
         "--exec", options.command,
         "The command, for sh -c. It gets the payload, or with --input job the job, on standard input; its "
         "standard output is the result. "
         "Exit 0 completes, 65 fails for good, 75 behind a line PAWL_RATE_LIMITED MS on standard error gives "
         "the job back, anything else fails the attempt")
      ->required()
      ->type_name("COMMAND");
  app.add_option(
         "--input", options.input,
         "What the command gets: the payload, or the job with its payload, the results of its parents and "
         "its steps")
      ->check(CLI::IsMember({"payload", "job"}))
      ->capture_default_str();
  app.add_option("--concurrency", options.concurrency, "Jobs at once")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--name", options.names, "Only jobs of this name; may be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--worker-id", options.worker_id, "What the broker calls this worker")->type_name("ID");
  add_duration(&app, "--drain-timeout", "How long running jobs may go on after SIGTERM (30s)",
               [&options](std::int64_t ms) { options.drain_timeout_ms = ms; });
  app.add_flag("--quiet", options.quiet, "Say nothing about single jobs");
}

/// How much, and of what, where the works leave it open.
void add_load(CLI::App& app, Bench& options) {
  CLI::Option* scale = app.add_option("--scale", options.scale, "Times so many jobs as usual")
                           ->check(CLI::Range(0.0001, 100.0))
                           ->capture_default_str();
  app.add_option("--jobs", options.jobs, "So many jobs")
      ->check(CLI::Range(1, 100'000'000))
      ->type_name("N")
      ->excludes(scale);
  app.add_option("--queues", options.queues, "The jobs are dealt to so many queues")
      ->check(CLI::Range(1, 10'000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--priorities", options.priorities, "And to so many priorities, from 0 up")
      ->check(CLI::Range(1, wire::priority_max))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--groups", options.groups, "And to so many groups; none when left out")
      ->check(CLI::Range(0u, 100'000u))
      ->type_name("N");
  app.add_flag(
      "--limited", options.limited,
      "Give the queues a concurrency limit and a rate limit that hold nothing back: what do they cost?");
  app.add_option("--payload", options.payload_bytes, "Bytes of JSON in each job")
      ->check(CLI::Range(bench::payload_bytes_min, wire::payload_bytes_default_max))
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option(
         "--workers", options.workers,
         "Worker connections. One has four handler threads; several have these four between them, but "
         "one each at least. One takes a hundred queues at most, so there are as many as that needs")
      ->check(CLI::Range(1, 5'000))
      ->type_name("N")
      ->capture_default_str();
  add_duration(&app, "--keep-completed", "How long the broker keeps the completed jobs",
               [&options](std::int64_t ms) { options.keep_completed_ms = ms; });
  app.add_option("--drain", options.drained, "W6: jobs of the backlog that are drained")
      ->check(CLI::Range(1, 100'000'000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--rate", options.rate, "W5: submits a second, whatever becomes of those before")
      ->check(CLI::Range(0.1, 1e6))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "W5: for so long")
      ->check(CLI::Range(0.1, 1e6))
      ->type_name("N")
      ->capture_default_str();
  add_duration(&app, "--every",
               "W5: tell so often how it stands; the latencies are those since the last time",
               [&options](std::int64_t ms) { options.every_ms = std::max<std::int64_t>(ms, 100); });
}

void add_bench(CLI::App& root, Draft& draft) {
  const auto verb = add_verb<Bench>(
      root, draft,
      {"bench", broker, "Measure a broker of its own on a fresh directory, or the one that --url names"});
  std::vector<std::string> names;
  std::string texts;
  for (const bench::Work& work : bench::works) {
    names.emplace_back(work.name);
    texts.append("\n  ").append(work.name).append(": ").append(work.text);
  }
  verb.app
      ->add_option("--work", verb.options->works,
                   "What to do; may be given several times, all when left out:" + texts)
      ->type_name("WORK")
      ->transform(CLI::IsMember(names, CLI::ignore_case))
      ->allow_extra_args(false);
  add_load(*verb.app, *verb.options);
}

}  // namespace

void add_queue_verbs(CLI::App& root, Draft& draft) {
  using Kind = QueueAction::Kind;
  const auto list = add_verb<Queues>(
      root, draft, {"queues", queues, "List the queues with their depth by state"}, Queues{{1000, {}}});
  add_page(*list.app, *list.options, "Most queues to list");
  add_queue(root, draft);
  add_queue_action(root, draft, Kind::pause, {"pause", queues, "Give no more jobs of a queue to workers"});
  add_queue_action(root, draft, Kind::resume, {"resume", queues, "Give jobs of a queue to workers again"});
  add_queue_action(root, draft, Kind::drain, {"drain", queues, "Cancel all jobs of a queue that wait"});
  const auto groups = add_verb<Groups>(
      root, draft, {"groups", queues, "List the groups of a queue and what each gets of its workers"});
  groups.app->add_option("QUEUE", groups.options->queue, "The queue")->required();
  groups.app->add_option("--limit", groups.options->limit, "Most to list")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  groups.app->add_flag("--paused", groups.options->only_paused, "Only those that are paused");
  add_dlq(root, draft);
  add_bulk(root, draft);
}

void add_broker_verbs(CLI::App& root, Draft& draft) {
  const auto top = add_verb<Top>(root, draft, {"top", broker, "Watch queues, rates and workers live"});
  top.app->add_flag("--once", top.options->once, "One picture, then end");
  add_duration(top.app, "--every", "How often to look (1s)", [options = top.options](std::int64_t ms) {
    options->every_ms = std::max<std::int64_t>(ms, 100);
  });
  const auto workers = add_verb<Workers>(
      root, draft, {"workers", broker, "List the workers and what they hold"}, Workers{{1000, {}}});
  add_page(*workers.app, *workers.options, "Most workers to list");
  const auto audit = add_verb<Audit>(root, draft, {"audit", broker, "Show who did what, the newest first"});
  audit.app->add_option("--queue", audit.options->queue, "Only to this queue")->type_name("QUEUE");
  audit.app->add_option("--action", audit.options->action, "Only of this kind: cancel, pause, purge, …")
      ->type_name("ACTION");
  audit.app->add_option("--actor", audit.options->actor, "Only by this actor")->type_name("NAME");
  add_page(*audit.app, *audit.options, "Most entries to list");
  const auto stats =
      add_verb<Stats>(root, draft, {"stats", broker, "Show how many jobs came and went lately"});
  stats.app->add_option("--queue", stats.options->queue, "Only of this queue")->type_name("QUEUE");
  add_verb<Version>(root, draft, {"version", broker, "Show the versions of this program and of the broker"});
  add_work(root, draft);
  add_bench(root, draft);
  const auto check = add_verb<Check>(
      root, draft,
      {"check", broker, "Scan a data directory that no broker has open, and prove that it is sound"});
  check.app->add_option("DIR", check.options->directory, "The data directory")
      ->required()
      ->type_name("FOLDER");
}

}  // namespace pawl::cli
