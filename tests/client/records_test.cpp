#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pawl/client.hpp>

#include "client/src/problem.h"
#include "client/src/read_records.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

TEST(JobSpecTest, SaysOnlyWhatWasGiven) {
  EXPECT_EQ(json::parse(to_json({.queue = "q"})), json::parse(R"({"queue":"q","payload":null})"));
}

TEST(JobSpecTest, SaysEveryField) {
  JobSpec spec{.queue = "q", .name = "n", .payload = json{{"a", 1}}};
  spec.priority = -5;
  spec.delay = 1500ms;
  spec.max_attempts = 7;
  spec.max_stalls = 0;
  spec.backoff =
      Backoff{.type = Backoff::Type::linear, .delay = 1s, .factor = 2, .max_delay = 1min, .jitter = 0.25};
  spec.lease = 3s;
  spec.timeout = 1h;
  spec.unique_key = "u\"k";
  spec.unique_for = 1ms;
  spec.group = "g";
  spec.retention = Retention{.completed = 1s, .failed = std::nullopt};
  spec.tags = {"t1", "t2"};
  spec.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_EQ(json::parse(to_json(spec)), json::parse(R"({
      "queue":"q","name":"n","payload":{"a":1},"priority":-5,"delayMs":1500,"maxAttempts":7,"maxStalls":0,
      "backoff":{"type":"linear","delayMs":1000,"factor":2.0,"maxDelayMs":60000,"jitter":0.25},
      "leaseMs":3000,"timeoutMs":3600000,"uniqueKey":"u\"k","uniqueForMs":1,"group":"g",
      "retention":{"completedMs":1000,"failedMs":null},"tags":["t1","t2"],
      "traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})"));
  const JobSpec throttled{.queue = "q", .throttle = Throttle{"a/b", 1h}};
  EXPECT_EQ(json::parse(to_json(throttled))["throttle"], json::parse(R"({"key":"a/b","perMs":3600000})"));
  JobSpec debounced{.queue = "q", .debounce = Debounce{.key = "k", .delay = 2s}};
  EXPECT_EQ(json::parse(to_json(debounced))["debounce"], json::parse(R"({"key":"k","delayMs":2000})"));
  debounced.debounce->max_wait = 10s;
  EXPECT_EQ(json::parse(to_json(debounced))["debounce"]["maxWaitMs"], 10'000);
  JobSpec told{.queue = "q", .callback = Callback{"http://h/"}};
  EXPECT_EQ(json::parse(to_json(told))["callback"], json::parse(R"({"url":"http://h/"})"));
  told.callback->on = {Status::failed, Status::cancelled};
  EXPECT_EQ(json::parse(to_json(told))["callback"]["on"], json::parse(R"(["failed","cancelled"])"));
  const JobSpec later{.queue = "q", .run_at = Time(1'700'000'000'123ms)};
  EXPECT_EQ(json::parse(to_json(later))["runAt"], "2023-11-14T22:13:20.123Z");
}

TEST(ScheduleSpecTest, SaysTheTemplateAndTheTimetable) {
  const ScheduleSpec least{.id = "s", .job = {.queue = "q"}, .every = 5min};
  EXPECT_EQ(json::parse(to_json(least)),
            json::parse(R"({"queue":"q","payload":null,"everyMs":300000,"missed":"one","overlap":"allow"})"));
  ScheduleSpec spec{.id = "s", .job = {.queue = "q", .name = "n", .payload = 1}, .cron = "0 4 * * *"};
  spec.timezone = "Europe/Berlin";
  spec.start_at = Time(1'700'000'000'123ms);
  spec.end_at = Time(1'800'000'000'000ms);
  spec.max_runs = 12;
  spec.missed = Missed::all;
  spec.overlap = Overlap::replace;
  spec.paused = true;
  EXPECT_EQ(json::parse(to_json(spec)), json::parse(R"({
      "queue":"q","name":"n","payload":1,"cron":"0 4 * * *","timezone":"Europe/Berlin",
      "startAt":"2023-11-14T22:13:20.123Z","endAt":"2027-01-15T08:00:00.000Z","maxRuns":12,"missed":"all",
      "overlap":"replace","paused":true})"));
}

TEST(JsonTextTest, KeepsRawTextAndRefusesWhatIsNotOneValue) {
  EXPECT_EQ(JsonText::raw("{ \"a\" : 1.0 }").text(), "{ \"a\" : 1.0 }");
  for (const char* wrong : {"", "{", "1,2", R"(1},{"queue":"x")", "\"\xff\"", "nul"}) {
    EXPECT_THROW((void)JsonText::raw(wrong), Exception) << wrong;
  }
  EXPECT_THROW(JsonText(json("\xff")), Exception);
  EXPECT_EQ(JsonText(42).text(), "42");
  EXPECT_EQ(JsonText(std::string("x")).text(), "\"x\"");
  EXPECT_EQ(JsonText().text(), "null");
  EXPECT_EQ(JsonText(json{{"a", {1, 2}}}).parse()["a"][1], 2);
}

TEST(RecordTest, ReadsAJob) {
  const auto job = client::read_job(client::JsonSlice(R"({
      "jobId":"0190","queue":"q","name":"n","status":"failed","priority":-3,"payload":{"x" : 1.0},"progress":12.5,
      "message":"half \"way\"","attemptsMade":2,"maxAttempts":3,"stalls":1,"workerId":"w","group":null,"tags":["a","b"],
      "createdAt":"2024-01-02T03:04:05.006Z","startedAt":null,"finishedAt":"2024-01-02T03:04:06.000Z","result":null,
      "errors":[{"attempt":1,"at":"2024-01-02T03:04:05.500Z","type":"t","message":"m","stack":"s","workerId":"w"}],
      "history":[{"status":"pending","at":"2024-01-02T03:04:05.006Z"},{"status":"from-the-future","at":null}],
      "somethingNew":{"deep":[1]}})"));
  EXPECT_EQ(job.status, Status::failed);
  EXPECT_EQ(job.priority, -3);
  EXPECT_EQ(job.payload.text(), R"({"x" : 1.0})");
  EXPECT_EQ(job.progress, 12.5);
  EXPECT_EQ(job.message, "half \"way\"");
  EXPECT_EQ(job.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*job.finished_at - *job.created_at, 994ms);
  EXPECT_FALSE(job.started_at);
  ASSERT_EQ(job.errors.size(), 1u);
  EXPECT_EQ(job.errors[0].stack, "s");
  ASSERT_EQ(job.history.size(), 2u);
  EXPECT_EQ(job.history[1].status, Status::unknown);
}

TEST(RecordTest, ReadsAScheduleWhoseJobsGather) {
  for (const std::string gathering :
       {R"("throttle":{"key":"k","perMs":5})", R"("debounce":{"key":"k","delayMs":5,"maxWaitMs":9})",
        R"("debounce":{"key":"k","delayMs":5})"}) {
    const auto schedule = client::read_schedule(client::JsonSlice(
        R"({"scheduleId":"s","queue":"q","payload":null,"everyMs":1000,)" + gathering + "}"));
    EXPECT_TRUE(to_json(schedule.spec).contains(gathering)) << to_json(schedule.spec);
  }
}

TEST(RecordTest, ReadsAScheduleThatCanBePutAgain) {
  const std::string job = R"("queue":"q","name":"n","payload":{ "x" : 1.0 },"priority":-3,"delayMs":5,
      "maxAttempts":7,"maxStalls":0,"backoff":{"type":"linear","delayMs":1000,"factor":2.5,"maxDelayMs":60000,
      "jitter":0.25},"leaseMs":3000,"timeoutMs":9000,"uniqueKey":"u\"k","uniqueForMs":1,
      "callback":{"url":"http://h/","on":["failed","cancelled"]},"group":"g",
      "retention":{"completedMs":1000,"failedMs":null},"tags":["a","b"],
      "traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")";
  const std::string timetable =
      R"("cron":"@daily","timezone":"Asia/Tokyo","startAt":"2024-01-02T03:04:05.006Z",
      "endAt":"2025-01-02T03:04:05.006Z","maxRuns":12,"missed":"skip","overlap":"skip","paused":true)";
  const auto schedule =
      client::read_schedule(client::JsonSlice(R"({"scheduleId":"s",)" + job + "," + timetable +
                                              R"(,
      "nextRuns":["2024-01-02T03:04:06.000Z","2024-01-02T03:04:07.000Z"],
      "lastRun":{"at":"2024-01-02T03:04:05.000Z","jobId":"0190","status":"active"},
      "runs":3,"skipped":1,"createdAt":"2024-01-01T00:00:00.000Z","updatedAt":"2024-01-01T00:00:01.000Z",
      "somethingNew":{"deep":[1]}})"));
  EXPECT_EQ(schedule.spec.id, "s");
  EXPECT_EQ(schedule.spec.job.payload.text(), "{ \"x\" : 1.0 }");
  EXPECT_EQ(json::parse(to_json(schedule.spec)), json::parse("{" + job + "," + timetable + "}"));
  ASSERT_EQ(schedule.next_runs.size(), 2u);
  EXPECT_EQ(schedule.next_runs[1] - schedule.next_runs[0], 1s);
  ASSERT_TRUE(schedule.last_run);
  EXPECT_EQ(schedule.last_run->job_id, "0190");
  EXPECT_EQ(schedule.last_run->status, Status::active);
  EXPECT_EQ(schedule.runs, 3u);
  EXPECT_EQ(schedule.skipped, 1u);
  EXPECT_EQ(*schedule.updated_at - *schedule.created_at, 1s);
}

TEST(RecordTest, ReadsATriggerThatCanBePutAgain) {
  const std::string spec = R"("event":"paid","match":{"plan":"pro"},"queue":"q",
      "callback":{"url":"http://h/","on":["failed"]},"batch":{"max":3,"timeoutMs":5})";
  const auto trigger =
      client::read_trigger(client::JsonSlice(R"({"triggerId":"t",)" + spec + R"(,"events":7})"));
  EXPECT_EQ(trigger.events, 7u);
  EXPECT_EQ(json::parse(to_json(trigger.spec)), json::parse("{" + spec + "}"));
}

TEST(RecordTest, AnEndThatIsNotKnownDoesNotMakeACallbackOfAll) {
  const auto schedule = client::read_schedule(client::JsonSlice(
      R"({"scheduleId":"s","queue":"q","callback":{"url":"http://h/","on":["from-the-future"]}})"));
  EXPECT_EQ(schedule.spec.job.callback, (Callback{"http://h/", {Status::unknown}}));
}

TEST(RecordTest, AScheduleMayHaveNothingButNulls) {
  const auto schedule = client::read_schedule(client::JsonSlice(R"({
      "scheduleId":"s","queue":"q","payload":null,"everyMs":1000,"startAt":null,"endAt":null,"maxRuns":null,
      "missed":"from-the-future","overlap":"allow","paused":false,"nextRuns":[],"lastRun":null})"));
  EXPECT_EQ(schedule.spec.every, 1s);
  EXPECT_EQ(schedule.spec.missed, Missed::one);
  EXPECT_FALSE(schedule.spec.start_at || schedule.spec.end_at || schedule.spec.max_runs);
  EXPECT_FALSE(schedule.spec.job.backoff || schedule.spec.job.retention || schedule.last_run);
  const auto failed = client::read_schedule(client::JsonSlice(
      R"({"lastRun":{"at":"2024-01-02T03:04:05.000Z","jobId":null,"error":"too many queues"}})"));
  ASSERT_TRUE(failed.last_run);
  EXPECT_EQ(failed.last_run->job_id, "");
  EXPECT_EQ(failed.last_run->error, "too many queues");
}

TEST(ErrorTest, ReadsAProblemAndNamesEveryField) {
  Response response;
  response.status = 422;
  response.text =
      R"({"type":"urn:pawl:error:invalid-input","title":"t","status":422,"detail":"2 fields are wrong",
      "errors":[{"pointer":"/priority","detail":"too high"},{"pointer":"","detail":"odd"}]})";
  const Error error = to_error(response);
  EXPECT_EQ(error.kind, ErrorKind::invalid);
  EXPECT_EQ(error.type, "urn:pawl:error:invalid-input");
  EXPECT_EQ(error.text(), "2 fields are wrong; /priority: too high; odd");
  EXPECT_STREQ(Exception(error).what(), error.text().c_str());
}

TEST(ErrorTest, AnAnswerThatIsNoProblemStillSaysItsStatus) {
  Response response;
  response.status = 502;
  response.text = "<html>";
  EXPECT_EQ(to_error(response).text(), "the broker answered 502");
}

}  // namespace
}  // namespace pawl
