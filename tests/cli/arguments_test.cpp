// What a command line means, and what is said about one that means nothing.
#include <gtest/gtest.h>

#include "client/cli/arguments.h"

namespace pawl::cli {
namespace {

template <typename C>
C command_of(const std::vector<std::string>& words) {
  const auto parsed = parse_arguments(words);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return std::get<C>(std::get<Invocation>(parsed.value()).command);
}

Failure failure_of(const std::vector<std::string>& words) {
  const auto parsed = parse_arguments(words);
  EXPECT_FALSE(parsed);
  return parsed ? Failure{} : parsed.error();
}

TEST(ArgumentsTest, EnqueueFillsTheWholeSpec) {
  const auto enqueue = command_of<Enqueue>(
      {"enqueue", "video",          R"({"a":1})", "--name",       "encode", "--priority", "-5",  "--delay",
       "30s",     "--max-attempts", "7",          "--unique-key", "k",      "--group",    "g",   "--tag",
       "one",     "--tag",          "two",        "--timeout",    "5m",     "--lease",    "10s", "--wait"});
  EXPECT_EQ(enqueue.spec.queue, "video");
  EXPECT_EQ(enqueue.payload, R"({"a":1})");
  EXPECT_EQ(enqueue.spec.name, "encode");
  EXPECT_EQ(enqueue.spec.priority, -5);
  EXPECT_EQ(enqueue.spec.delay, milliseconds{30'000});
  EXPECT_EQ(enqueue.spec.max_attempts, 7u);
  EXPECT_EQ(enqueue.spec.unique_key, "k");
  EXPECT_EQ(enqueue.spec.group, "g");
  EXPECT_EQ(enqueue.spec.tags, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(enqueue.spec.timeout, milliseconds{300'000});
  EXPECT_EQ(enqueue.spec.lease, milliseconds{10'000});
  EXPECT_TRUE(enqueue.wait);
}

TEST(ArgumentsTest, APayloadMayLookLikeAnOption) {
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q", "-"}).payload, "-");
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q", "-5"}).payload, "-5");
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q", "--tag", "t", "--", "-5"}).payload, "-5");
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "--tag", "t", "q", "[1,2]"}).payload, "[1,2]");
}

TEST(ArgumentsTest, AnOptionThatMayRepeatTakesOneWordAtATime) {
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "--tag", "t", "q", "1"}).spec.queue, "q");
  EXPECT_EQ(command_of<Work>({"work", "--name", "n", "q", "--exec", "x"}).queues[0].name, "q");
  EXPECT_EQ(command_of<List>({"list", "--status", "failed,active", "--status", "stalled"}).status.size(), 3u);
}

TEST(ArgumentsTest, WordsInBracketsStayWhole) {
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q", "[]"}).payload, "[]");
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q", "[{\"a\":1}, \"x\"]"}).payload, "[{\"a\":1}, \"x\"]");
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q", "--tag=[a,b]"}).spec.tags,
            std::vector<std::string>{"[a,b]"});
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q", "--unique-key", "[k]"}).spec.unique_key, "[k]");
  const auto throttled = command_of<Enqueue>({"enqueue", "q", "--throttle", "a/b/1h"}).spec.throttle;
  ASSERT_TRUE(throttled);
  EXPECT_EQ(throttled->key, "a/b");
  EXPECT_EQ(throttled->per, milliseconds{3'600'000});
  for (const bool first : {true, false}) {  // the order of the two does not matter
    const std::vector<std::string> wait{"--max-wait", "1m"};
    std::vector<std::string> words{"enqueue", "q", "--debounce", "k/5s"};
    words.insert(first ? words.begin() + 2 : words.end(), wait.begin(), wait.end());
    const auto debounced = command_of<Enqueue>(words).spec.debounce;
    ASSERT_TRUE(debounced);
    EXPECT_EQ(debounced->key, "k");
    EXPECT_EQ(debounced->delay, milliseconds{5'000});
    EXPECT_EQ(debounced->max_wait, milliseconds{60'000});
  }
  EXPECT_EQ(command_of<Work>({"work", "q", "--exec", "[ -f x ]"}).command, "[ -f x ]");
}

TEST(ArgumentsTest, CommonOptionsMayStandBeforeAndBehindTheVerb) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--url", "http://x:1", "--json", "queues"},
        std::vector<std::string>{"queues", "--json", "--url", "http://x:1"}}) {
    const auto parsed = parse_arguments(words);
    ASSERT_TRUE(parsed);
    const auto& common = std::get<Invocation>(*parsed).common;
    EXPECT_EQ(common.url, "http://x:1");
    EXPECT_TRUE(common.json);
  }
  const auto parsed = parse_arguments({"dlq", "list", "q", "--json"});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(std::get<Invocation>(*parsed).common.json);
}

TEST(ArgumentsTest, WorkTakesQueuesWithWeights) {
  const auto work = command_of<Work>({"work", "video=3", "mail", "--exec", "cat", "--concurrency", "4"});
  ASSERT_EQ(work.queues.size(), 2u);
  EXPECT_EQ(work.queues[0].name, "video");
  EXPECT_EQ(work.queues[0].weight, 3u);
  EXPECT_EQ(work.queues[1].name, "mail");
  EXPECT_EQ(work.queues[1].weight, 1u);
  EXPECT_EQ(work.command, "cat");
  EXPECT_EQ(work.concurrency, 4u);
}

TEST(ArgumentsTest, QueueSettingsAreRead) {
  const auto queue =
      command_of<Queue>({"queue", "q", "--backoff", "fixed", "--backoff-delay", "5s", "--keep-failed",
                         "forever", "--keep-completed", "2d", "--unset", "lease,timeout"});
  EXPECT_EQ(queue.backoff_type, "fixed");
  EXPECT_EQ(queue.backoff_delay_ms, 5000);
  EXPECT_EQ(queue.keep_failed_ms, -1);
  EXPECT_EQ(queue.keep_completed_ms, 172'800'000);
  EXPECT_EQ(queue.unset, (std::vector<std::string>{"lease", "timeout"}));
}

TEST(ArgumentsTest, ACallbackIsReadWithItsEnds) {
  const Callback all{"http://h/"};
  const Callback some{"http://h/", {Status::failed, Status::cancelled}};
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q"}).spec.callback, std::nullopt);
  EXPECT_EQ(command_of<Enqueue>({"enqueue", "q", "--callback", "http://h/"}).spec.callback, all);
  const std::vector<std::string> options{"--callback-on", "cancelled,failed", "--callback", "http://h/"};
  const auto with_options = [&options](std::vector<std::string> words) {
    words.insert(words.end(), options.begin(), options.end());
    return words;
  };
  EXPECT_EQ(command_of<Enqueue>(with_options({"enqueue", "q"})).spec.callback, some);
  EXPECT_EQ(command_of<SchedulePut>(with_options({"schedules", "put", "s", "q", "--every", "1h"}))
                .spec.job.callback,
            some);
  EXPECT_EQ(command_of<TriggerPut>(with_options({"triggers", "put", "t", "e", "q"})).spec.job.callback, some);
  EXPECT_EQ(command_of<Queue>(with_options({"queue", "q"})).callback, some);
}

TEST(ArgumentsTest, SchedulesListWhenNothingElseIsSaid) {
  EXPECT_EQ(command_of<Schedules>({"schedules"}).limit, 50u);
  EXPECT_EQ(command_of<Schedules>({"schedules", "--limit", "7", "--cursor", "c"}).cursor, "c");
  EXPECT_EQ(command_of<ScheduleGet>({"schedules", "get", "s", "--json"}).id, "s");
  using Kind = ScheduleAction::Kind;
  for (const auto& [word, kind] : {std::pair{"run", Kind::run}, std::pair{"pause", Kind::pause},
                                   std::pair{"resume", Kind::resume}, std::pair{"delete", Kind::remove}}) {
    const auto action = command_of<ScheduleAction>({"schedules", word, "s"});
    EXPECT_EQ(action.kind, kind);
    EXPECT_EQ(action.id, "s");
  }
}

TEST(ArgumentsTest, SchedulesPutFillsTheWholeSpec) {
  const auto put = command_of<SchedulePut>({"schedules",
                                            "put",
                                            "s",
                                            "q",
                                            R"({"a":1})",
                                            "--every",
                                            "5m",
                                            "--name",
                                            "n",
                                            "--priority",
                                            "-5",
                                            "--start-at",
                                            "2040-01-02T03:04:05Z",
                                            "--end-at",
                                            "2041-01-02T03:04:05Z",
                                            "--max-runs",
                                            "12",
                                            "--missed",
                                            "all",
                                            "--overlap",
                                            "replace",
                                            "--paused",
                                            "--max-attempts",
                                            "7",
                                            "--delay",
                                            "30s",
                                            "--unique-key",
                                            "k"});
  EXPECT_EQ(put.payload, R"({"a":1})");
  EXPECT_EQ(put.spec.id, "s");
  EXPECT_EQ(put.spec.job.queue, "q");
  EXPECT_EQ(put.spec.job.name, "n");
  EXPECT_EQ(put.spec.job.priority, -5);
  EXPECT_EQ(put.spec.job.max_attempts, 7u);
  EXPECT_EQ(put.spec.job.delay, milliseconds{30'000});
  EXPECT_EQ(put.spec.job.unique_key, "k");
  EXPECT_EQ(put.spec.every, milliseconds{300'000});
  ASSERT_TRUE(put.spec.start_at && put.spec.end_at);
  EXPECT_EQ(*put.spec.end_at - *put.spec.start_at, milliseconds{366LL * 86'400'000});
  EXPECT_EQ(put.spec.max_runs, 12u);
  EXPECT_EQ(put.spec.missed, Missed::all);
  EXPECT_EQ(put.spec.overlap, Overlap::replace);
  EXPECT_TRUE(put.spec.paused);
  const auto cron = command_of<SchedulePut>(
      {"schedules", "put", "s", "q", "--cron", "30 2 * * *", "--timezone", "Asia/Tokyo"});
  EXPECT_EQ(cron.spec.cron, "30 2 * * *");
  EXPECT_EQ(cron.spec.timezone, "Asia/Tokyo");
  EXPECT_FALSE(cron.spec.every);
  EXPECT_FALSE(cron.payload);
  EXPECT_EQ(cron.spec.missed, Missed::one);
  EXPECT_EQ(cron.spec.overlap, Overlap::allow);
  EXPECT_FALSE(cron.spec.paused);
}

TEST(ArgumentsTest, WrongUseIsMisuseAndSaysWhereToLook) {
  struct Row {
    std::vector<std::string> words;
    const char* message;  // a part of it
    const char* hint;
  };
  const std::vector<Row> rows{
      {{}, "say what to do", "pawl --help"},
      {{"frobnicate"}, "no command \"frobnicate\"", "pawl --help"},
      {{"enqueue"}, "QUEUE", "pawl enqueue --help"},
      {{"enqueue", "q", "1", "--delay", "30"}, "no unit", "pawl enqueue --help"},
      {{"enqueue", "q", "1", "--delay", "1s", "--run-at", "+1s"}, "--delay", "pawl enqueue --help"},
      {{"enqueue", "q", "1", "--run-at", "soon"}, "is not a time", "pawl enqueue --help"},
      {{"enqueue", "q", "1", "--file", "f"}, "--file", "pawl enqueue --help"},
      {{"enqueue", "q", "1", "--priority", "high"}, "priority", "pawl enqueue --help"},
      {{"enqueue", "q", "--callback-on", "failed"},
       "--callback-on requires --callback",
       "pawl enqueue --help"},
      {{"enqueue", "q", "--callback", "http://h/", "--callback-on", "failed,stalled"},
       "stalled",
       "pawl enqueue --help"},
      {{"queue", "q", "--callback-on", "failed"}, "--callback-on requires --callback", "pawl queue --help"},
      {{"list", "--status", "running"}, "running", "pawl list --help"},
      {{"list", "--limit", "5000"}, "5000", "pawl list --help"},
      {{"get", "id", "--colour"}, "--colour", "pawl get --help"},
      {{"work", "q"}, "--exec", "pawl work --help"},
      {{"work", "q=0", "--exec", "x"}, "weight", "pawl work --help"},
      {{"work", "no name", "--exec", "x"}, "no queue name", "pawl work --help"},
      {{"work", "q", "--exec", "x", "--concurrency", "0"}, "0", "pawl work --help"},
      {{"dlq"}, "", "pawl dlq --help"},
      {{"dlq", "replay"}, "QUEUE", "pawl dlq replay --help"},
      {{"dlq", "replay", "q", "--per-second", "-1"}, "per-second", "pawl dlq replay --help"},
      {{"schedules", "list"}, "list", "pawl schedules --help"},
      {{"schedules", "get"}, "ID", "pawl schedules get --help"},
      {{"schedules", "put", "s"}, "QUEUE", "pawl schedules put --help"},
      {{"schedules", "put", "s", "q"}, "say when: --cron EXPRESSION or --every", "pawl schedules put --help"},
      {{"schedules", "put", "s", "q", "--every", "1h", "--cron", "@daily"},
       "--cron",
       "pawl schedules put --help"},
      {{"schedules", "put", "s", "q", "--every", "1h", "--timezone", "UTC"},
       "--cron",
       "pawl schedules put --help"},
      {{"schedules", "put", "s", "q", "--every", "5"}, "no unit", "pawl schedules put --help"},
      {{"schedules", "put", "s", "q", "--every", "1h", "--missed", "some"},
       "skip, one or all",
       "pawl schedules put --help"},
      {{"schedules", "put", "s", "q", "--every", "1h", "--max-runs", "0"},
       "max-runs",
       "pawl schedules put --help"},
      {{"schedules", "put", "s", "q", "1", "--every", "1h", "--file", "f"},
       "--file",
       "pawl schedules put --help"},
  };
  for (const Row& row : rows) {
    const Failure failure = failure_of(row.words);
    EXPECT_EQ(failure.exit, Exit::misuse);
    EXPECT_NE(failure.message.find(row.message), std::string::npos)
        << failure.message << " should say " << row.message;
    ASSERT_EQ(failure.hints.size(), 1u);
    EXPECT_EQ(failure.hints[0], std::string{"See: "} + row.hint);
  }
}

TEST(ArgumentsTest, BenchTakesWorksByNameInEitherCase) {
  const auto bench = command_of<Bench>({"bench", "--work", "w1", "--work", "W4-bulk", "--scale", "0.5"});
  EXPECT_EQ(bench.works, (std::vector<std::string>{"W1", "W4-bulk"}));
  EXPECT_EQ(bench.scale, 0.5);
  EXPECT_EQ(failure_of({"bench", "--work", "W9"}).exit, Exit::misuse);
  EXPECT_EQ(failure_of({"bench", "--scale", "0"}).exit, Exit::misuse);
}

TEST(ArgumentsTest, BenchTakesTheNumbersThatTheWorksLeaveOpen) {
  const auto bench = command_of<Bench>({"bench", "--jobs",    "5000", "--queues",  "16",   "--priorities",
                                        "10",    "--payload", "1024", "--workers", "100",  "--keep-completed",
                                        "60s",   "--drain",   "7",    "--rate",    "2500", "--seconds",
                                        "30",    "--every",   "10s"});
  EXPECT_EQ(bench.jobs, 5'000u);
  EXPECT_EQ(bench.queues, 16u);
  EXPECT_EQ(bench.priorities, 10u);
  EXPECT_EQ(bench.payload_bytes, 1024u);
  EXPECT_EQ(bench.workers, 100u);
  EXPECT_EQ(bench.keep_completed_ms, 60'000);
  EXPECT_EQ(bench.drained, 7u);
  EXPECT_EQ(bench.rate, 2500);
  EXPECT_EQ(bench.seconds, 30);
  EXPECT_EQ(bench.every_ms, 10'000);
  EXPECT_EQ(failure_of({"bench", "--jobs", "10", "--scale", "2"}).exit, Exit::misuse);
  EXPECT_EQ(failure_of({"bench", "--payload", "10"}).exit, Exit::misuse);
  EXPECT_EQ(failure_of({"bench", "--queues", "0"}).exit, Exit::misuse);
}

TEST(ArgumentsTest, AUrlThatWasGivenIsToldFromTheDefault) {
  const auto given = [](const std::vector<std::string>& words) {
    return std::get<Invocation>(parse_arguments(words).value()).common.url_given;
  };
  EXPECT_FALSE(given({"queues"}));
  EXPECT_TRUE(given({"--url", "http://127.0.0.1:7711", "queues"}));
}

TEST(ArgumentsTest, HelpNamesEveryCommandAndNoOther) {
  const auto parsed = parse_arguments({"--help"});
  ASSERT_TRUE(parsed);
  const std::string& help = std::get<Information>(*parsed).text;
  for (const char* verb :
       {"enqueue", "get",   "watch",   "list",  "logs",    "why",    "queues",   "queue",  "top",
        "workers", "dlq",   "cancel",  "retry", "promote", "delete", "pause",    "change", "resume",
        "drain",   "stats", "version", "work",  "bench",   "check",  "schedules"}) {
    EXPECT_NE(help.find(std::string{"  "} + verb + " "), std::string::npos) << verb;
  }
  EXPECT_EQ(help.find("backup"), std::string::npos);
}

TEST(ArgumentsTest, AnEmptyTokenFileIsMisuse) {
  Common common;
  common.token_file = "/dev/null";
  const auto session = Session::open(common);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().exit, Exit::misuse);
}

}  // namespace
}  // namespace pawl::cli
