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
  const JobSpec later{.queue = "q", .run_at = Time(1'700'000'000'123ms)};
  EXPECT_EQ(json::parse(to_json(later))["runAt"], "2023-11-14T22:13:20.123Z");
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
