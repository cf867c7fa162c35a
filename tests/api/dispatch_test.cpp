#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/api/fake_exchange.h"

namespace pawl::http::api {
namespace {

using enum Method;

std::string header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST(DispatchTest, AJobLivesFromSubmitToCompletion) {
  Broker broker;
  const Response submitted = broker.ask(post, "/jobs", R"({"queue":"q","payload": {"b": 1.50,"a":[1 ,2]} })");
  ASSERT_EQ(submitted.status, 202u) << submitted.body;
  const std::string id = member(submitted.body, "jobId");
  EXPECT_EQ(header(submitted, "Location"), "/jobs/" + id);
  EXPECT_EQ(member(submitted.body, "status"), "pending");

  const auto leased = broker.lease("q");
  EXPECT_EQ(leased.job_id, id);
  const std::string lease = R"({"leaseId":")" + leased.lease_id + '"';
  const Response beat =
      broker.ask(post, "/jobs/" + id + "/heartbeat", lease + R"(,"progress":42,"message":"half"})");
  EXPECT_EQ(beat.status, 200u) << beat.body;
  EXPECT_EQ(member(beat.body, "cancelRequested"), "false");
  EXPECT_EQ(broker.ask(post, "/jobs/" + id + "/logs", lease + R"(,"lines":["one","two"]})").body,
            R"({"lines":2})");

  const Response active = broker.ask(get, "/jobs/" + id);
  EXPECT_NE(active.body.find(R"("payload":{"b": 1.50,"a":[1 ,2]})"), std::string::npos) << active.body;
  EXPECT_EQ(member(active.body, "progress"), "42");
  EXPECT_EQ(member(active.body, "workerId"), "w1");

  const std::string done = lease + R"(,"result":{"frames": 1e3}})";
  EXPECT_EQ(broker.ask(post, "/jobs/" + id + "/complete", done).body, R"({"status":"completed"})");
  EXPECT_EQ(broker.ask(post, "/jobs/" + id + "/complete", done).body, R"({"status":"completed"})");
  const Response record = broker.ask(get, "/jobs/" + id);
  EXPECT_EQ(member(record.body, "status"), "completed");
  EXPECT_NE(record.body.find(R"("result":{"frames": 1e3})"), std::string::npos) << record.body;
  const Response logs = broker.ask(get, "/jobs/" + id + "/logs");
  EXPECT_NE(logs.body.find(R"("text":"two")"), std::string::npos) << logs.body;
}

TEST(DispatchTest, AStaleLeaseIsRefused) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  broker.lease("q");
  for (const char* lease : {"nope", "0000000000000000", "00000000ffffffff"}) {
    const Response refused =
        broker.ask(post, "/jobs/" + id + "/complete", R"({"leaseId":")" + std::string(lease) + "\"}");
    EXPECT_EQ(refused.status, 409u);
    EXPECT_EQ(member(refused.body, "type"), "urn:pawl:error:lease-lost");
  }
  EXPECT_EQ(member(broker.ask(get, "/jobs/" + id).body, "status"), "active");
}

TEST(DispatchTest, SettlementsAreAnsweredOneByOne) {
  Broker broker;
  broker.submit(R"({"queue":"q","maxAttempts":1})");
  const std::string other = broker.submit(R"({"queue":"q"})");
  const auto leased = broker.lease("q");
  const Response answer = broker.ask(
      post, "/leases/settle",
      R"({"settlements":[{"jobId":")" + leased.job_id + R"(","leaseId":")" + leased.lease_id +
          R"(","outcome":"fail","error":{"type":"T","message":"m"}},{"jobId":")" + other +
          R"(","leaseId":"00000000000000ff","outcome":"complete"},{"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001",)" +
          R"("leaseId":"00000000000000ff","outcome":"release"}]})");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_TRUE(
      answer.body.starts_with(R"({"results":[{"status":"failed"},{"type":"urn:pawl:error:lease-lost")"))
      << answer.body;
  EXPECT_NE(answer.body.find(R"("type":"urn:pawl:error:unknown-job")"), std::string::npos) << answer.body;

  const Response dead = broker.ask(get, "/queues/q/dlq");
  EXPECT_NE(dead.body.find(leased.job_id), std::string::npos) << dead.body;
  EXPECT_NE(dead.body.find(R"("lastError":{"attempt":1)"), std::string::npos) << dead.body;
}

TEST(DispatchTest, AnIdempotencyKeyGetsTheFirstAnswerAgain) {
  Broker broker;
  const auto with_key = [](Request& request) { request.idempotency_key = "key-1"; };
  const std::string body = R"({"queue":"q","payload":1})";
  const Response first = broker.ask(post, "/jobs", body, with_key);
  const Response again = broker.ask(post, "/jobs", body, with_key);
  EXPECT_EQ(first.status, 202u);
  EXPECT_EQ(again.status, 200u);
  EXPECT_EQ(member(again.body, "jobId"), member(first.body, "jobId"));
  EXPECT_EQ(member(again.body, "queue"), "q");
  EXPECT_EQ(member(again.body, "deduplicated"), "true");
  const Response other = broker.ask(post, "/jobs", R"({"queue":"q","payload":2})", with_key);
  EXPECT_EQ(other.status, 422u);
  EXPECT_EQ(member(other.body, "type"), "urn:pawl:error:idempotency-mismatch");
  const Response bad = broker.ask(post, "/jobs", body,
                                  [](Request& request) { request.idempotency_key = std::string(256, 'k'); });
  EXPECT_EQ(bad.status, 422u);
  EXPECT_NE(bad.body.find(R"({"pointer":"/Idempotency-Key","in":"header")"), std::string::npos) << bad.body;
  for (const char* keep : {"999", "86400001", "1e4", "10000 ", "-1"}) {
    const Response refused = broker.ask(post, "/jobs", body, [&](Request& request) {
      request.idempotency_key = "key-2";
      request.idempotency_keep_ms = keep;
    });
    EXPECT_EQ(refused.status, 422u) << keep;
    EXPECT_NE(refused.body.find("/Idempotency-Keep-Ms"), std::string::npos) << refused.body;
  }
}

TEST(DispatchTest, ABatchIsAllOrNone) {
  Broker broker;
  const Response refused =
      broker.ask(post, "/jobs/batch", R"({"jobs":[{"queue":"b"},{"queue":"b","priority":5000}]})");
  EXPECT_EQ(refused.status, 422u);
  EXPECT_NE(refused.body.find("\"/jobs/1/priority\""), std::string::npos);
  EXPECT_EQ(broker.ask(get, "/queues/b").status, 404u);
  const Response taken = broker.ask(post, "/jobs/batch", R"({"jobs":[{"queue":"b"},{"queue":"c"}]})");
  EXPECT_EQ(taken.status, 202u);
  EXPECT_EQ(member(broker.ask(get, "/queues/b").body, "pending"), "1");
}

TEST(DispatchTest, AUniqueKeyFindsTheFirstJob) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q","uniqueKey":"k"})");
  const Response again = broker.ask(post, "/jobs", R"({"queue":"q","uniqueKey":"k"})");
  EXPECT_EQ(again.status, 200u);
  EXPECT_EQ(member(again.body, "jobId"), id);
  EXPECT_EQ(member(again.body, "deduplicated"), "true");
}

TEST(DispatchTest, APollWithTheETagIsNearlyFree) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  const Response first = broker.ask(get, "/jobs/" + id);
  const std::string etag = header(first, "ETag");
  ASSERT_EQ(etag.size(), 18u);
  const auto with_etag = [&etag](Request& request) { request.if_none_match = etag; };
  const Response same = broker.ask(get, "/jobs/" + id, "", with_etag);
  EXPECT_EQ(same.status, 304u);
  EXPECT_TRUE(same.body.empty());
  EXPECT_EQ(header(same, "ETag"), etag);
  broker.lease("q");
  EXPECT_EQ(broker.ask(get, "/jobs/" + id, "", with_etag).status, 200u);
}

TEST(DispatchTest, AWaitIsAnsweredAtTheEndOfTheJob) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  const auto waiting = broker.send(get, "/jobs/" + id + "?waitMs=30000");
  const auto preferring = broker.send(get, "/jobs/" + id, "",
                                      [](Request& request) { request.prefer = "respond-async, wait=20"; });
  const auto leased = broker.lease("q");
  EXPECT_FALSE(waiting->answered());
  broker.ask(post, "/jobs/" + id + "/complete", R"({"leaseId":")" + leased.lease_id + "\"}");
  EXPECT_EQ(member(waiting->wait().body, "status"), "completed");
  const Response preferred = preferring->wait();
  EXPECT_EQ(member(preferred.body, "status"), "completed");
  EXPECT_EQ(header(preferred, "Preference-Applied"), "wait=20");
  EXPECT_EQ(member(broker.ask(get, "/jobs/" + id + "?waitMs=30000").body, "status"), "completed");
}

TEST(DispatchTest, AWaitThatIsOverShowsTheJobAsItStands) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  const auto waiting = broker.send(get, "/jobs/" + id + "?waitMs=5");
  waiting->pass_time();
  EXPECT_EQ(member(waiting->wait().body, "status"), "pending");
  const auto gone = broker.send(get, "/jobs/" + id + "?waitMs=30000");
  gone->abandon();
  EXPECT_FALSE(gone->answered());
  EXPECT_EQ(broker.ask(get, "/jobs/0199b3c2-7a10-7000-8000-0000a1f40001?waitMs=30000").status, 404u);
}

TEST(DispatchTest, APollThatWasAbandonedTakesNothing) {
  Broker broker;
  broker.submit(R"({"queue":"q"})");
  const auto first = broker.lease("q");
  const auto poll = broker.send(post, "/queues/q/lease", R"({"workerId":"w2","waitMs":30000})");
  poll->abandon();
  const std::string id = broker.submit(R"({"queue":"q"})");
  EXPECT_EQ(broker.lease("q").job_id, id);
}

TEST(DispatchTest, QueuesAreReadChangedPausedAndDeleted) {
  Broker broker;
  EXPECT_EQ(broker.ask(get, "/queues/q").status, 404u);
  EXPECT_EQ(broker.ask(post, "/queues/q/pause").status, 404u);
  const Response made = broker.ask(put, "/queues/q", R"({"defaults":{"maxAttempts":7}})");
  EXPECT_EQ(made.status, 200u) << made.body;
  EXPECT_EQ(member(made.body, "maxAttempts"), "7");
  const Response paused = broker.ask(post, "/queues/q/pause", R"({"reason":"upgrade"})");
  EXPECT_EQ(member(paused.body, "paused"), "true");
  EXPECT_EQ(member(paused.body, "pauseReason"), "upgrade");
  const std::string id = broker.submit(R"({"queue":"q"})");
  EXPECT_EQ(member(broker.ask(get, "/jobs/" + id + "/why").body, "reason"), "queue-paused");
  EXPECT_EQ(member(broker.ask(post, "/queues/q/resume").body, "paused"), "false");
  EXPECT_EQ(member(broker.ask(get, "/jobs/" + id).body, "maxAttempts"), "7");
  EXPECT_EQ(broker.ask(del, "/queues/q").status, 409u);
  EXPECT_EQ(broker.ask(del, "/queues/q?force=true").body, R"({"queue":"q","deletedJobs":1})");
}

TEST(DispatchTest, ListsGoOnFromTheirCursor) {
  Broker broker;
  for (const char* queue : {"a", "b", "c"}) broker.submit(R"({"queue":")" + std::string(queue) + "\"}");
  const Response first = broker.ask(get, "/queues?limit=2");
  EXPECT_NE(first.body.find(R"("queue":"b")"), std::string::npos);
  const std::string cursor = member(first.body, "nextCursor");
  const Response second = broker.ask(get, "/queues?limit=2&cursor=" + cursor);
  EXPECT_EQ(second.body.find(R"("queue":"b")"), std::string::npos);
  EXPECT_NE(second.body.find(R"("queue":"c")"), std::string::npos);
  EXPECT_EQ(member(second.body, "nextCursor"), "null");

  const Response jobs = broker.ask(get, "/jobs?limit=2&order=oldest&status=pending,active");
  ASSERT_EQ(jobs.status, 200u) << jobs.body;
  const Response rest = broker.ask(
      get, "/jobs?limit=2&order=oldest&status=pending,active&cursor=" + member(jobs.body, "nextCursor"));
  EXPECT_NE(rest.body.find(R"("queue":"c")"), std::string::npos) << rest.body;
}

struct QueryRow {
  std::string_view target;
  std::string_view pointer;
};

TEST(DispatchTest, WrongQueriesAreNamed) {
  Broker broker;
  constexpr QueryRow rows[]{
      {"/jobs?limit=0", "/limit"},
      {"/jobs?limit=1001", "/limit"},
      {"/jobs?limit=x", "/limit"},
      {"/jobs?limit=1&limit=2", "/limit"},
      {"/jobs?colour=red", "/colour"},
      {"/jobs?status=done", "/status"},
      {"/jobs?queue=a%20b", "/queue"},
      {"/jobs?name=%zz", "/name"},
      {"/jobs?tag=%ff", "/tag"},
      {"/jobs?order=up", "/order"},
      {"/jobs?include=all", "/include"},
      {"/jobs?cursor=zz", "/cursor"},
      {"/queues?cursor=zz", "/cursor"},
      {"/stats?seconds=604801", "/seconds"},
      {"/stats?seconds=7200&step=10", "/step"},
      {"/stats?seconds=7200&step=90", "/step"},
      {"/stats?from=yesterday", "/from"},
      {"/stats?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "/from"},
      {"/events?lastEventId=x", "/lastEventId"},
      {"/queues/a%20b", "/queue"},
  };
  for (const QueryRow& row : rows) {
    const Response response = broker.ask(get, std::string(row.target));
    EXPECT_EQ(response.status, 422u) << row.target << " " << response.body;
    EXPECT_NE(response.body.find("{\"pointer\":\"" + std::string(row.pointer) + "\",\"in\":"),
              std::string::npos)
        << row.target << " " << response.body;
  }
}

TEST(DispatchTest, CancelRetryPromoteDelete) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q","delayMs":600000})");
  EXPECT_EQ(broker.ask(post, "/jobs/" + id + "/retry").status, 409u);
  EXPECT_EQ(member(broker.ask(post, "/jobs/" + id + "/promote").body, "status"), "pending");
  const Response cancelled = broker.ask(post, "/jobs/" + id + "/cancel", "{}");
  EXPECT_EQ(cancelled.body, R"({"jobId":")" + id + R"(","status":"cancelled","cancelRequested":false})");
  EXPECT_EQ(member(broker.ask(post, "/jobs/" + id + "/retry").body, "status"), "pending");
  const auto leased = broker.lease("q");
  const Response refused = broker.ask(del, "/jobs/" + id);
  EXPECT_EQ(refused.status, 409u);
  EXPECT_EQ(member(refused.body, "jobStatus"), "active");
  EXPECT_EQ(member(broker.ask(post, "/jobs/" + id + "/cancel").body, "cancelRequested"), "true");
  broker.ask(post, "/jobs/" + id + "/release", R"({"leaseId":")" + leased.lease_id + "\"}");
  EXPECT_EQ(broker.ask(del, "/jobs/" + id).status, 204u);
  EXPECT_EQ(broker.ask(get, "/jobs/" + id).status, 404u);
}

TEST(DispatchTest, AJobThatWaitsIsChanged) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  const std::string at = "/jobs/" + id;
  const Response later = broker.ask(patch, at, R"({"runAt":"2099-01-02T03:04:05.006Z","priority":-7})");
  EXPECT_EQ(later.body, R"({"jobId":")" + id + R"(","status":"delayed","cancelRequested":false})");
  EXPECT_EQ(member(broker.ask(get, at).body, "runAt"), "2099-01-02T03:04:05.006Z");
  EXPECT_EQ(member(broker.ask(get, at).body, "priority"), "-7");
  EXPECT_EQ(member(broker.ask(patch, at, R"({"delayMs":0})").body, "status"), "pending");
  EXPECT_EQ(member(broker.ask(patch, at, R"({"priority":1000})").body, "status"), "pending");
  broker.lease("q");
  const Response refused = broker.ask(patch, at, R"({"priority":1})");
  EXPECT_EQ(refused.status, 409u);
  EXPECT_EQ(member(refused.body, "jobStatus"), "active");
  EXPECT_EQ(broker.ask(patch, "/jobs/0199b3c2-7a10-7000-8000-0000a1f40001", R"({"priority":1})").status,
            404u);
  EXPECT_EQ(broker.ask(patch, "/jobs").status, 405u);
}

struct ChangeRow {
  std::string_view body;
  std::string_view pointer;
};

TEST(DispatchTest, AWrongChangeIsNamedAndChangesNothing) {
  Broker broker;
  const std::string at = "/jobs/" + broker.submit(R"({"queue":"q"})");
  constexpr ChangeRow rows[]{
      {"{}", ""},
      {R"({"runAt":"tomorrow"})", "/runAt"},
      {R"({"runAt":null})", "/runAt"},
      {R"({"delayMs":-1,"priority":3})", "/delayMs"},
      {R"({"delayMs":3155760000001})", "/delayMs"},
      {R"({"delayMs":5,"runAt":"2099-01-02T03:04:05Z"})", "/runAt"},
      {R"({"priority":1001})", "/priority"},
      {R"({"priority":-1001})", "/priority"},
      {R"({"priority":"high"})", "/priority"},
      {R"({"name":"other"})", "/name"},
  };
  for (const ChangeRow& row : rows) {
    const Response response = broker.ask(patch, at, std::string(row.body));
    EXPECT_EQ(response.status, 422u) << row.body << " " << response.body;
    EXPECT_NE(response.body.find("{\"pointer\":\"" + std::string(row.pointer) + "\","), std::string::npos)
        << row.body << " " << response.body;
  }
  EXPECT_EQ(broker.ask(patch, at, "{").status, 400u);
  const std::string record = broker.ask(get, at).body;
  EXPECT_EQ(member(record, "status"), "pending");
  EXPECT_EQ(member(record, "priority"), "0");
}

TEST(DispatchTest, DeadLettersAreReplayedAndPurged) {
  Broker broker;
  std::vector<std::string> dead;
  for (int i = 0; i < 3; ++i) {
    broker.submit(R"({"queue":"q"})");
    const auto leased = broker.lease("q");
    broker.ask(post, "/jobs/" + leased.job_id + "/fail",
               R"({"leaseId":")" + leased.lease_id + R"(","error":{"type":"T"},"permanent":true})");
    dead.push_back(leased.job_id);
  }
  const std::string some = R"({"jobIds":[")" + dead[0] + R"(","0199b3c2-7a10-7000-8000-0000a1f40001"]})";
  EXPECT_EQ(broker.ask(post, "/queues/q/dlq/replay", some).body,
            R"({"replayed":1,"skipped":1,"operationId":null,"state":"done"})");
  EXPECT_EQ(broker.ask(post, "/queues/q/dlq/replay", some).body,
            R"({"replayed":0,"skipped":2,"operationId":null,"state":"done"})");
  EXPECT_EQ(broker.ask(post, "/queues/none/dlq/replay", some).status, 404u);
  EXPECT_EQ(broker.ask(post, "/queues/q/dlq/purge", R"({"jobIds":[")" + dead[1] + "\"]}").body,
            R"({"purged":1,"skipped":0,"operationId":null,"state":"done"})");
  const Response all = broker.ask(post, "/queues/q/dlq/replay", R"({"all":true,"errorType":"T"})");
  EXPECT_EQ(all.status, 200u) << all.body;
  EXPECT_EQ(member(all.body, "replayed"), "1");
  const Response operation = broker.ask(get, "/bulk/" + member(all.body, "operationId"));
  EXPECT_EQ(member(operation.body, "action"), "replay") << operation.body;
  EXPECT_EQ(member(operation.body, "done"), "1");
  EXPECT_EQ(broker.ask(get, "/bulk/nothing").status, 404u);
  EXPECT_EQ(member(broker.ask(post, "/queues/q/drain").body, "drained"), "2");
}

TEST(DispatchTest, DeadLettersRunAgainInAnotherQueue) {
  Broker broker;
  std::vector<std::string> dead;
  for (int i = 0; i < 3; ++i) {
    broker.submit(R"({"queue":"q","tags":["t"]})");
    const auto leased = broker.lease("q");
    broker.ask(post, "/jobs/" + leased.job_id + "/fail",
               R"({"leaseId":")" + leased.lease_id + R"(","error":{"type":"T"},"permanent":true})");
    dead.push_back(leased.job_id);
  }
  const std::string one = R"({"jobIds":[")" + dead[0] + R"("],"into":"r"})";
  for (const std::string& body : {one, std::string(R"({"all":true,"into":"r"})")}) {
    const Response refused = broker.ask(post, "/queues/q/dlq/replay", body);
    EXPECT_EQ(refused.status, 422u);
    EXPECT_NE(refused.body.find(R"("pointer":"/into")"), std::string::npos) << refused.body;
  }
  EXPECT_EQ(broker.ask(put, "/queues/r", "{}").status, 200u);
  EXPECT_EQ(broker.ask(post, "/queues/q/dlq/replay", one).body,
            R"({"replayed":1,"skipped":0,"operationId":null,"state":"done"})");
  EXPECT_EQ(broker.ask(get, "/jobs/" + dead[0]).status, 404u);
  const Response moved = broker.ask(get, "/jobs?queue=r&tag=moved-from:" + dead[0]);
  EXPECT_NE(moved.body.find(R"("tags":["t","moved-from:)" + dead[0]), std::string::npos) << moved.body;
  const Response all = broker.ask(post, "/queues/q/dlq/replay", R"({"all":true,"into":"r"})");
  EXPECT_EQ(member(all.body, "replayed"), "2") << all.body;
  EXPECT_EQ(member(broker.ask(get, "/bulk/" + member(all.body, "operationId")).body, "into"), "r");
  EXPECT_EQ(member(broker.ask(get, "/queues/q/dlq").body, "of"), "0");
  // A purge goes nowhere.
  EXPECT_EQ(broker.ask(post, "/queues/q/dlq/purge", R"({"all":true,"into":"r"})").status, 422u);
}

TEST(DispatchTest, WhatTheBrokerSaysOfItself) {
  Broker broker;
  broker.context.metrics = [] { return std::string("pawl_up 1\n"); };
  EXPECT_EQ(broker.ask(get, "/livez").body, R"({"status":"ok"})");
  EXPECT_EQ(broker.ask(get, "/readyz").body, R"({"status":"ready"})");
  EXPECT_EQ(member(broker.ask(get, "/version").body, "workerProtocol"), "pawl.worker.v1");
  EXPECT_EQ(broker.ask(get, "/metrics").body, "pawl_up 1\n");
  EXPECT_TRUE(broker.ask(get, "/openapi.json").body.starts_with(R"({"openapi":"3.1.0")"));
  EXPECT_EQ(broker.ask(get, "/worker").status, 426u);
}

TEST(DispatchTest, WorkersAndStatsAreShown) {
  Broker broker;
  broker.submit(R"({"queue":"q"})");
  const auto leased = broker.lease("q");
  const Response workers = broker.ask(get, "/workers");
  EXPECT_NE(workers.body.find(R"({"workerId":"w1","connected":false)"), std::string::npos) << workers.body;
  EXPECT_NE(workers.body.find(leased.job_id), std::string::npos) << workers.body;
  const Response stats = broker.ask(get, "/stats?queue=q&seconds=60");
  EXPECT_EQ(stats.status, 200u);
  EXPECT_NE(stats.body.find(R"("submitted":1)"), std::string::npos) << stats.body;
}

TEST(DispatchTest, UnknownPathsAndWrongMethods) {
  Broker broker;
  EXPECT_EQ(broker.ask(get, "/").status, 404u);
  EXPECT_EQ(broker.ask(get, "/nowhere").status, 404u);
  EXPECT_EQ(broker.ask(get, "/jobs/not-a-uuid").status, 404u);
  const Response wrong = broker.ask(del, "/jobs");
  EXPECT_EQ(wrong.status, 405u);
  EXPECT_EQ(header(wrong, "Allow"), "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(header(broker.ask(get, "/jobs/batch"), "Allow"), "POST, OPTIONS");
  const Response options_answer = broker.ask(options, "/jobs/x");
  EXPECT_EQ(options_answer.status, 204u);
  EXPECT_EQ(header(options_answer, "Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(broker.ask(get, "/jobs", "{}").status, 422u);
  broker.context.ui = [](const Request& request, const std::shared_ptr<Exchange>& exchange) {
    if (request.path != "/") return false;
    exchange->respond({302, "", "", {{"Location", "/ui/"}}});
    return true;
  };
  EXPECT_EQ(broker.ask(get, "/").status, 302u);
  EXPECT_EQ(broker.ask(get, "/ui/x").status, 404u);
}

}  // namespace
}  // namespace pawl::http::api
