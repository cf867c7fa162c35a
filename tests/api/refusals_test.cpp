// What a request asks for and would not get is refused, not passed over.
#include <gtest/gtest.h>

#include <string>

#include "tests/api/fake_exchange.h"

namespace pawl::http::api {
namespace {

using enum Method;

void expect_refused(const Response& response, const std::string& error) {
  EXPECT_EQ(response.status, 422u) << response.body;
  EXPECT_NE(response.body.find(error), std::string::npos) << response.body;
}

TEST(RefusalsTest, AQueryThatNobodyReadsIsNotPassedOver) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q","maxAttempts":1})");
  const auto leased = broker.lease("q");
  const std::string failed = R"({"leaseId":")" + leased.lease_id + R"(","error":{"type":"T","message":"m"}})";
  ASSERT_EQ(broker.ask(post, "/jobs/" + id + "/fail", failed).status, 200u);
  // It would purge all.
  expect_refused(broker.ask(post, "/queues/q/dlq/purge?errorType=Timeout"),
                 R"({"pointer":"/errorType","in":"query")");
  EXPECT_NE(broker.ask(get, "/queues/q/dlq").body.find(id), std::string::npos);

  const std::string waiting = broker.submit(R"({"queue":"q","group":"other"})");
  expect_refused(broker.ask(post, "/queues/q/drain?group=acme"), R"({"pointer":"/group","in":"query")");
  EXPECT_EQ(member(broker.ask(get, "/jobs/" + waiting).body, "status"), "pending");
  for (const std::string& path :
       {"/jobs/" + waiting + "/why", std::string("/queues/q"), std::string("/version")})
    expect_refused(broker.ask(get, path + "?no=1"), R"({"pointer":"/no","in":"query")");
  expect_refused(broker.ask(post, "/jobs?queue=q", R"({"queue":"q"})"),
                 R"({"pointer":"/queue","in":"query")");
}

TEST(RefusalsTest, AnIdempotencyKeyThatMeansNothingIsNotPassedOver) {
  Broker broker;
  const auto with_key = [](Request& request) { request.idempotency_key = "key-1"; };
  const std::string graph = R"({"name":"w","jobs":[{"ref":"a","queue":"q"}]})";
  const std::string pointer = R"({"pointer":"/Idempotency-Key","in":"header")";
  expect_refused(broker.ask(post, "/workflows", graph, with_key), pointer);
  expect_refused(broker.ask(post, "/events", R"({"name":"e","data":1})", with_key), pointer);
  ASSERT_EQ(broker.ask(put, "/schedules/s", R"({"queue":"q","everyMs":60000})").status, 200u);
  expect_refused(broker.ask(post, "/schedules/s/run", "", with_key), pointer);
  EXPECT_EQ(broker.ask(get, "/workflows").body.find("workflowId"), std::string::npos);
  EXPECT_EQ(broker.ask(post, "/workflows", graph).status, 202u);
}

TEST(RefusalsTest, ACallbackThatMayNotBeMadeIsRefusedWhereverAJobIsDescribed) {
  Broker broker;
  broker.context.check_push = [](const core::Push&) {
    return std::pair{std::string("url"), std::string("no such host")};
  };
  const std::string job = R"("queue":"q","callback":{"url":"http://not-allowed.example/"})";
  const auto at = [](const std::string& pointer) {
    return R"({"pointer":")" + pointer + R"(/callback/url","detail":"no such host")";
  };
  expect_refused(broker.ask(post, "/jobs", "{" + job + "}"), at(""));
  expect_refused(broker.ask(post, "/jobs/batch", R"({"jobs":[{"queue":"q"},{)" + job + "}]}"), at("/jobs/1"));
  expect_refused(broker.ask(put, "/schedules/s", R"({"everyMs":60000,)" + job + "}"), at(""));
  expect_refused(broker.ask(put, "/triggers/t", R"({"event":"e",)" + job + "}"), at(""));
  expect_refused(broker.ask(post, "/workflows", R"({"name":"w","jobs":[{"ref":"a",)" + job + "}]}"),
                 at("/jobs/0"));
  const std::string id = broker.submit(R"({"queue":"q"})");
  const std::string lease = R"({"leaseId":")" + broker.lease("q").lease_id + '"';
  expect_refused(
      broker.ask(post, "/jobs/" + id + "/children", lease + R"(,"jobs":[{"ref":"a",)" + job + "}]}"),
      at("/jobs/0"));
  expect_refused(broker.ask(post, "/jobs/" + id + "/suspend", lease + R"(,"invoke":{)" + job + "}}"),
                 at("/invoke"));
}

TEST(RefusalsTest, AQueueInUseNeedNotHaveJobs) {
  Broker broker;
  ASSERT_EQ(broker.ask(put, "/queues/q", "{}").status, 200u);
  ASSERT_EQ(broker.ask(put, "/schedules/s", R"({"queue":"q","everyMs":60000})").status, 200u);
  const Response refused = broker.ask(del, "/queues/q");
  EXPECT_EQ(refused.status, 409u);
  EXPECT_EQ(member(refused.body, "type"), "urn:pawl:error:queue-in-use");
  EXPECT_EQ(member(refused.body, "title"), "The queue is in use");
}

TEST(RefusalsTest, AnEventWithoutDataIsAnEmptyObject) {
  Broker broker;
  const auto heard = [&broker](const std::string& event) {
    const std::string id = broker.submit(R"({"queue":"q"})");
    const std::string lease = R"({"leaseId":")" + broker.lease("q").lease_id + '"';
    EXPECT_EQ(broker.ask(post, "/jobs/" + id + "/suspend", lease + R"(,"waitFor":{"event":"e"}})").status,
              200u);
    EXPECT_EQ(broker.ask(post, "/events", event).status, 202u);
    const std::string body = broker.ask(get, "/jobs/" + id).body;
    EXPECT_EQ(broker.ask(post, "/jobs/" + id + "/cancel").status, 200u);
    const std::size_t from = body.find(R"("steps":)");
    return body.substr(from, body.find('}', from) + 1 - from);
  };
  EXPECT_EQ(heard(R"({"name":"e"})"), R"("steps":{"e":{})");
  EXPECT_EQ(heard(R"({"name":"e","data":null})"), R"("steps":{"e":null})");
}

TEST(RefusalsTest, WhatASuspensionWaitsForIsOneThing) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  const std::string lease = broker.lease("q").lease_id;
  struct Row {
    std::string_view fields;
    std::string_view pointer;
    std::string_view detail;
  };
  constexpr Row rows[] = {
      {"", "", "needs one of sleepMs, until, waitFor and invoke"},
      {R"(,"as":"a")", "", "needs one of sleepMs, until, waitFor and invoke"},
      {R"(,"sleepMs":1,"until":"2030-01-01T00:00:00Z")", "/until", "excludes sleepMs: give one of them"},
      {R"(,"waitFor":{"event":"e"},"sleepMs":1)", "/sleepMs", "excludes waitFor: give one of them"},
      {R"(,"invoke":{"queue":"q"},"sleepMs":1)", "/sleepMs", "excludes invoke: give one of them"},
      {R"(,"sleepMs":"1")", "/sleepMs", "must be a number, not a string"},
  };
  for (const Row& row : rows) {
    const Response answer = broker.ask(post, "/jobs/" + id + "/suspend",
                                       R"({"leaseId":")" + lease + '"' + std::string(row.fields) + "}");
    expect_refused(answer, R"("errors":[{"pointer":")" + std::string(row.pointer) + R"(","detail":")" +
                               std::string(row.detail) + R"("}])");
  }
  expect_refused(broker.ask(post, "/leases/settle",
                            R"({"settlements":[{"jobId":")" + id + R"(","leaseId":")" + lease +
                                R"(","outcome":"suspend"},{"jobId":")" + id + R"(","leaseId":")" + lease +
                                R"(","outcome":"suspend","waitFor":{"event":"e"},"sleepMs":1}]})"),
                 R"([{"pointer":"/settlements/0","detail":"needs one of sleepMs, until and waitFor"},)"
                 R"({"pointer":"/settlements/1/sleepMs","detail":"excludes waitFor: give one of them"}])");
}

TEST(RefusalsTest, WhatIsNamedInvokeCanBeWaitedFor) {
  Broker broker;
  for (const char* rest : {R"("waitFor":{"event":"invoke"})", R"("sleepMs":1000,"as":"invoke")",
                           R"("waitFor":{"event":"e","match":{"state":"invoke"}})"}) {
    const std::string id = broker.submit(R"({"queue":"q"})");
    const std::string lease = broker.lease("q").lease_id;
    const Response answer =
        broker.ask(post, "/jobs/" + id + "/suspend", R"({"leaseId":")" + lease + R"(",)" + rest + "}");
    EXPECT_EQ(answer.status, 200u) << rest << answer.body;
  }
}

TEST(RefusalsTest, WhatMeansNothingForAJobOfAGraphOrOneThatIsInvokedIsNamed) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  const std::string lease = broker.lease("q").lease_id;
  const auto invoke = [&](const std::string& fields) {
    return broker.ask(post, "/jobs/" + id + "/suspend",
                      R"({"leaseId":")" + lease + R"(","invoke":{"queue":"q",)" + fields + "}}");
  };
  const auto graph = [&](const std::string& fields) {
    return broker.ask(post, "/workflows", R"({"name":"w","jobs":[{"ref":"a","queue":"q",)" + fields + "}]}");
  };
  expect_refused(graph(R"("uniqueForMs":60000)"), R"({"pointer":"/jobs/0/uniqueForMs")");
  expect_refused(invoke(R"("uniqueForMs":60000)"), R"({"pointer":"/invoke/uniqueForMs")");
  expect_refused(invoke(R"("uniqueKey":"k")"), R"({"pointer":"/invoke/uniqueKey")");
  expect_refused(invoke(R"("throttle":{"key":"k","perMs":1000})"), R"({"pointer":"/invoke/throttle")");
  expect_refused(invoke(R"("delayMs":1000,"runAt":"2030-01-01T00:00:00Z")"), R"({"pointer":"/invoke/runAt")");
}

TEST(RefusalsTest, AHeaderOfAPushIsNotCut) {
  Broker broker;
  const auto with_header = [&](std::size_t bytes) {
    return broker.ask(put, "/queues/q",
                      R"({"push":{"url":"http://127.0.0.1/","headers":{"Authorization":")" +
                          std::string(bytes, 't') + R"("}}})");
  };
  broker.context.check_push = [](const core::Push&) {
    return std::optional<std::pair<std::string, std::string>>();
  };
  EXPECT_EQ(with_header(4096).status, 200u);
  expect_refused(with_header(4097), R"({"pointer":"/push/headers/Authorization")");
}

}  // namespace
}  // namespace pawl::http::api
