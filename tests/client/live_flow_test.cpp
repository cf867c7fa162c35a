// Chains, limits, push targets, triggers, dead letters and bulk operations, from libpawl against a broker.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pawl/client.hpp>
#include <thread>

#include "tests/client/live_broker.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class LiveFlowTest : public ::testing::Test {
 protected:
  WorkerOptions options(std::string queue = "q") const {
    WorkerOptions out;
    out.url = broker_.url();
    out.queues = {{std::move(queue)}};
    out.prefetch = 0;
    return out;
  }
  /// The operation when it has ended.
  OperationRecord ended(const std::string& id) {
    OperationRecord operation = client_.get_operation(id);
    for (int tries = 0; tries < 2'000 && operation.status == "running"; ++tries) {
      std::this_thread::sleep_for(10ms);
      operation = client_.get_operation(id);
    }
    return operation;
  }
  OperationRecord ended(const Response& answer) { return ended(json::parse(answer.text)["operationId"]); }

  testing::LiveBroker broker_{{"--push-allow", "127.0.0.1"}};
  Client client_ = broker_.client();
};

TEST_F(LiveFlowTest, AChainHandsResultsOn) {
  Worker worker(options());
  worker.on("first", [](Job&) { return 20; });
  worker.on("second",
            [](Job& job) { return json::parse(job.parent("1").value().result.text()).get<int>() + 1; });
  worker.on("third",
            [](Job& job) { return json::parse(job.parent("2").value().result.text()).get<int>() * 2; });
  worker.start();
  const auto chain = client_.submit_workflow(WorkflowSpec::chain(
      "sum",
      {{.queue = "q", .name = "first"}, {.queue = "q", .name = "second"}, {.queue = "q", .name = "third"}}));
  EXPECT_EQ(client_.wait(chain.job_ids.at(2), 30s).result.text(), "42");
  EXPECT_EQ(client_.get_workflow(chain.workflow_id).status, "completed");
}

TEST_F(LiveFlowTest, AHandlerSleepsUntilAMoment) {
  Worker worker(options());
  const Time until = std::chrono::floor<milliseconds>(std::chrono::system_clock::now()) + 600ms;
  worker.on("sleeper", [&](Job& job) {
    job.sleep_until("morning", until);
    return std::chrono::system_clock::now() >= until && job.attempt() == 1;
  });
  worker.start();
  EXPECT_EQ(client_.wait(client_.enqueue({.queue = "q", .name = "sleeper"}).job_id, 30s).result.text(),
            "true");
}

TEST_F(LiveFlowTest, LimitsThatHaveANameAreMadeReadAndDeleted) {
  const LimitSpec spec{.name = "openai", .concurrency = 1, .rate = RateLimit{.max = 50, .per = 1s}};
  EXPECT_EQ(to_json(client_.put_limit(spec).spec), to_json(spec));
  EXPECT_EQ(to_json(client_.get_limit("openai").spec), to_json(spec));
  client_.put_limit({.name = "other", .concurrency = 7});
  ASSERT_EQ(client_.limits().size(), 2u);
  EXPECT_EQ(client_.limits().at(0).spec.name, "openai");
  const auto job = client_.enqueue({.queue = "q", .limits = {"openai"}});
  const Error refused = client_.try_delete_limit("openai").error();
  EXPECT_EQ(refused.type, "urn:pawl:error:limit-in-use");
  EXPECT_NE(refused.detail.find("job"), std::string::npos) << refused.detail;
  const auto leased =
      json::parse(client_.request("POST", "/queues/q/lease", R"({"workerId":"w"})").text)["jobs"][0];
  EXPECT_EQ(client_.get_limit("openai").active, 1u);
  const json slow = {{"leaseId", leased["leaseId"]}, {"retryAfterMs", 3'600'000}};
  ASSERT_TRUE(client_.request("POST", "/jobs/" + job.job_id + "/rate-limited", slow.dump()).ok());
  EXPECT_TRUE(client_.get_limit("openai").held_until);
  EXPECT_FALSE(client_.resume_limit("openai").held_until);
  client_.cancel(job.job_id);
  client_.delete_limit("openai");
  EXPECT_EQ(client_.try_get_limit("openai").error().type, "urn:pawl:error:unknown-limit");
}

TEST_F(LiveFlowTest, AQueueIsPushedAndNoMore) {
  const PushTarget target{.url = "http://127.0.0.1:9/",
                          .headers = {{"X-Team", "blue"}},
                          .timeout = 5s,
                          .max_concurrency = 3,
                          .permanent_on = {410},
                          .body = PushBody::job};
  const json push = json::parse(client_.set_push("hooks", target).text)["settings"]["push"];
  EXPECT_EQ(push, json::parse(R"({"url":"http://127.0.0.1:9/","headers":["X-Team"],"timeoutMs":5000,
      "maxConcurrency":3,"signed":false,"permanentOn":[410],"body":"job"})"));
  EXPECT_TRUE(json::parse(client_.set_push("hooks", std::nullopt).text)["settings"]["push"].is_null());
  const Error refused = client_.try_set_push("hooks", PushTarget{.url = "http://10.0.0.1/"}).error();
  EXPECT_EQ(refused.errors.at(0).pointer, "/push/url");
}

TEST_F(LiveFlowTest, TriggersAreMadeReadAndDeleted) {
  TriggerSpec spec{
      .id = "welcome", .event = "signed-up", .match = json{{"plan", "pro"}}, .job = {.queue = "mail"}};
  EXPECT_EQ(to_json(client_.put_trigger(spec).spec), to_json(spec));
  EXPECT_EQ(client_.raise_event("signed-up", json{{"plan", "free"}}).started, 0u);
  EXPECT_EQ(client_.raise_event("signed-up", json{{"plan", "pro"}}).started, 1u);
  const TriggerRecord now = client_.get_trigger("welcome");
  EXPECT_EQ(now.jobs, 1u);
  EXPECT_EQ(json::parse(client_.get(now.last_job).payload.text()),
            (json{{"event", "signed-up"}, {"data", {{"plan", "pro"}}}}));
  ASSERT_EQ(client_.triggers().size(), 1u);
  EXPECT_EQ(to_json(client_.triggers().at(0).spec), to_json(spec));
  client_.delete_trigger("welcome");
  EXPECT_TRUE(client_.triggers().empty());
}

TEST_F(LiveFlowTest, DeadLettersAreGroupedReplayedWithACanaryAndPurged) {
  std::atomic<bool> mended = false;
  Worker worker(options());
  worker.on("mail", [&](Job& job) {
    if (!mended) throw permanent_error("smtp", "no mailbox " + std::to_string(job.payload().get<int>()));
  });
  worker.on("odd", [](Job&) { throw permanent_error("odd", "always"); });
  worker.start();
  std::vector<JobSpec> specs;
  for (int i = 0; i < 5; ++i) specs.push_back({.queue = "q", .name = "mail", .payload = i});
  specs.push_back({.queue = "q", .name = "odd"});
  for (const auto& job : client_.enqueue_many(specs))
    ASSERT_EQ(client_.wait(job.job_id, 30s).status, Status::failed);

  const std::vector<FailureGroup> groups = client_.failure_groups("q");
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups.at(0).count, 5u);
  EXPECT_EQ(groups.at(0).type, "smtp");
  const DeadLetters careful{
      .fingerprint = groups.at(0).fingerprint, .canary = 2, .stop_on_failure_rate = 0.5};
  EXPECT_EQ(ended(client_.dlq_replay("q", careful)).status, "stopped") << "both that went ahead failed again";
  EXPECT_EQ(client_.queue("q").failed, 6u);
  mended = true;
  const OperationRecord done = ended(client_.dlq_replay("q", careful));
  EXPECT_EQ(done.status, "done");
  EXPECT_EQ(done.done, 5u);
  EXPECT_EQ(client_.queue("q").failed, 1u);
  EXPECT_EQ(ended(client_.dlq_purge("q", {.error_type = "smtp"})).done, 0u);
  EXPECT_EQ(ended(client_.dlq_purge("q", {.error_type = "odd"})).done, 1u);
  EXPECT_TRUE(client_.dlq("q").jobs.empty());
}

TEST_F(LiveFlowTest, ABulkOperationTakesAnEmptyValueForWhatItIs) {
  client_.request("PUT", "/queues/q", R"({"searchable":["plan","coupon"]})");
  const auto kept = client_.enqueue({.queue = "q", .payload = json{{"plan", "pro"}, {"coupon", "x"}}});
  const auto gone = client_.enqueue({.queue = "q", .payload = json{{"plan", "pro"}, {"coupon", ""}}});
  client_.cancel(kept.job_id);
  client_.cancel(gone.job_id);
  BulkSpec spec{.action = BulkSpec::Action::remove, .queue = "q"};
  spec.payload = {{"plan", "pro"}, {"coupon", ""}};
  EXPECT_EQ(ended(client_.start_bulk(spec)).done, 1u);
  EXPECT_EQ(client_.get(kept.job_id).status, Status::cancelled);
  EXPECT_EQ(client_.try_get(gone.job_id).error().kind, ErrorKind::not_found);
  spec.payload = {{"a \"quoted\" path", "x"}};
  EXPECT_EQ(ended(client_.start_bulk(spec)).done, 0u) << "and no broken JSON";
}

}  // namespace
}  // namespace pawl
