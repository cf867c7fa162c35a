#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <pawl/client.hpp>
#include <semaphore>

#include "tests/client/live_broker.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class LiveWorkerTest : public ::testing::Test {
 protected:
  WorkerOptions options(unsigned concurrency = 2) const {
    WorkerOptions out;
    out.url = broker_.url();
    out.queues = {{"q"}};
    out.concurrency = concurrency;
    out.prefetch = 0;
    return out;
  }
  JobRecord end_of(const Enqueued& job) { return client_.wait(job.job_id, 30s); }
  Enqueued submit(std::string name, JsonText payload = {}) {
    JobSpec spec{.queue = "q", .name = std::move(name), .payload = std::move(payload)};
    spec.backoff = Backoff{.type = Backoff::Type::fixed, .delay = 10ms};
    return client_.enqueue(spec);
  }

  testing::LiveBroker broker_;
  Client client_ = broker_.client();
};

TEST_F(LiveWorkerTest, TheReturnValueIsTheResult) {
  Worker worker(options());
  worker.on("sum", [](Job& job) {
    const auto payload = job.payload();
    return payload.at("a").get<int>() + payload.at("b").get<int>();
  });
  worker.on("nothing", [](Job&) {});
  worker.start();
  EXPECT_EQ(end_of(submit("sum", json{{"a", 2}, {"b", 3}})).result.text(), "5");
  EXPECT_EQ(end_of(submit("nothing")).result.text(), "null");
  EXPECT_EQ(client_.get(submit("unheard-of").job_id).status, Status::pending) << "nobody asked for that name";
}

TEST_F(LiveWorkerTest, ExceptionsFailTheAttemptAndRetriesGoOn) {
  Worker worker(options());
  worker.on("third-time", [](Job& job) {
    if (job.attempt() < 3) throw std::out_of_range("not yet");
    return job.attempt();
  });
  worker.on("never", [](Job&) { throw permanent_error("no-such-file", "it is gone"); });
  worker.on("later", [](Job& job) {
    if (job.attempt() == 1) throw retry_after(1ms, "busy");
  });
  worker.start();
  const auto third = end_of(submit("third-time"));
  EXPECT_EQ(third.result.text(), "3");
  ASSERT_EQ(third.errors.size(), 2u);
  EXPECT_EQ(third.errors[0].type, "std::out_of_range");
  EXPECT_EQ(third.errors[0].message, "not yet");
  const auto never = end_of(submit("never"));
  EXPECT_EQ(never.status, Status::failed);
  EXPECT_EQ(never.attempts_made, 1u);
  EXPECT_EQ(never.errors.at(0).type, "no-such-file");
  EXPECT_EQ(client_.dlq("q").jobs.size(), 1u);
  EXPECT_EQ(end_of(submit("later")).status, Status::completed);
}

TEST_F(LiveWorkerTest, ARateLimitOutsideCostsNoAttempt) {
  Worker worker(options());
  std::atomic<int> calls = 0;
  worker.on("mail", [&](Job& job) {
    if (++calls == 1) throw rate_limited(20ms);
    return job.attempt();
  });
  worker.start();
  const auto mail = end_of(submit("mail"));
  EXPECT_EQ(mail.result.text(), "1");
  EXPECT_TRUE(mail.errors.empty());
  EXPECT_EQ(calls, 2);
}

class LiveChildrenTest : public LiveWorkerTest {
 protected:
  /// A worker of the jobs that add children, and the adder that was cancelled and retried when `left` had
  /// ended and `right` had not.
  JobRecord end_of_retried(const std::vector<std::string>& depends_on) {
    Worker worker(options());
    worker.on("adder", [&](Job& job) {
      job.wait_for_children(
          {{.ref = "left", .job = {.queue = "children", .payload = "left"}},
           {.ref = "right", .job = {.queue = "children", .payload = "right"}, .depends_on = depends_on}});
      return json{job.parent("left")->result.parse(), job.parent("right")->result.parse()};
    });
    worker.start();
    const Enqueued adder = submit("adder");
    complete_child("left");
    (void)client_.cancel(adder.job_id);
    (void)client_.retry(adder.job_id);
    if (depends_on.empty()) {
      complete_child("right");  // nobody waits for it any more
      complete_child("right");
    }
    return end_of(adder);
  }
  void complete_child(std::string_view payload) {
    const auto given = json::parse(
        client_.request("POST", "/queues/children/lease", R"({"workerId":"w","waitMs":20000})").text);
    const json& job = given.at("jobs").at(0);
    EXPECT_EQ(job["payload"], payload);
    const json body{{"leaseId", job["leaseId"]}, {"result", payload}};
    EXPECT_TRUE(
        client_.request("POST", "/jobs/" + job["jobId"].get<std::string>() + "/complete", body.dump()).ok());
  }
};

TEST_F(LiveChildrenTest, ThoseThatAreMissingAfterARetryAreAddedAgain) {
  const JobRecord end = end_of_retried({});
  EXPECT_EQ(end.result.text(), R"(["left","right"])");
  EXPECT_TRUE(end.errors.empty());
}

TEST_F(LiveChildrenTest, ThoseThatDependOnOneThatHasEndedFailTheJobAndAreNamed) {
  const JobRecord end = end_of_retried({"left"});
  EXPECT_EQ(end.status, Status::failed);
  ASSERT_EQ(end.errors.size(), 1u);
  EXPECT_EQ(end.errors[0].type, "children-missing");
  EXPECT_TRUE(end.errors[0].message.ends_with("Missing: right")) << end.errors[0].message;
}

TEST_F(LiveWorkerTest, AnEventWithoutDataCameAndOneWithNullReadsAsATimeOut) {
  Worker worker(options());
  worker.on("waits", [](Job& job) {
    const auto came = job.wait_for_event({.event = std::string(job.payload())});
    return came ? came->text() : "nothing";
  });
  worker.start();
  const auto result_after = [&](const std::string& event, const auto& raise) {
    const Enqueued job = submit("waits", event);
    while (client_.get(job.job_id).status != Status::blocked) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(raise().resumed, 1u);
    return end_of(job).result.parse();
  };
  EXPECT_EQ(result_after("plain", [&] { return client_.raise_event("plain"); }), "{}");
  EXPECT_EQ(result_after("null", [&] { return client_.raise_event("null", JsonText()); }), "nothing");
}

TEST_F(LiveWorkerTest, AHandleThatIsDroppedFailsTheAttemptAsAbandoned) {
  Worker worker(options());
  worker.on("dropped", [](Job job) { const Job gone = std::move(job); });
  worker.on("thrown", [](Job) { throw std::runtime_error("over board"); });
  worker.start();
  JobSpec once{.queue = "q", .name = "dropped"};
  once.max_attempts = 1;
  EXPECT_EQ(end_of(client_.enqueue(once)).errors.at(0).type, "abandoned");
  once.name = "thrown";
  EXPECT_EQ(end_of(client_.enqueue(once)).errors.at(0).message, "over board");
}

TEST_F(LiveWorkerTest, CancelReachesARunningHandler) {
  std::binary_semaphore began(0);
  Worker worker(options());
  worker.on("long", [&](Job& job) {
    std::binary_semaphore stopped(0);
    const std::stop_callback stop(job.stop_token(), [&] { stopped.release(); });
    began.release();
    stopped.acquire();
    EXPECT_EQ(job.stop_reason(), StopReason::cancelled);
    throw std::runtime_error("stopped");
  });
  worker.start();
  const auto job = submit("long");
  began.acquire();
  (void)client_.cancel(job.job_id);
  EXPECT_EQ(end_of(job).status, Status::cancelled);
}

TEST_F(LiveWorkerTest, HeartbeatsKeepAShortLeaseWhileTheHandlerIsBusy) {
  Worker worker(options());
  worker.on("slow", [](Job& job) {
    job.progress(50, "half");
    std::this_thread::sleep_for(10s);  // stands for work that takes over three leases
  });
  worker.start();
  JobSpec spec{.queue = "q", .name = "slow"};
  spec.lease = 3s;
  const auto end = end_of(client_.enqueue(spec));
  EXPECT_EQ(end.status, Status::completed);
  EXPECT_EQ(end.stalls, 0u);
  EXPECT_EQ(end.progress, 50);
  EXPECT_EQ(end.message, "half");
}

TEST_F(LiveWorkerTest, GoesOnWithItsLeasesAfterTheBrokerCrashed) {
  std::binary_semaphore began(0);
  std::binary_semaphore go(0);
  std::atomic<int> runs = 0;
  Worker worker(options());
  worker.on("held", [&](Job&) {
    ++runs;
    began.release();
    go.acquire();
    return "done";
  });
  worker.start();
  const auto job = submit("held");
  began.acquire();
  broker_.crash_and_restart();
  go.release();
  const auto end = end_of(job);
  EXPECT_EQ(end.status, Status::completed);
  EXPECT_EQ(end.stalls, 0u);
  EXPECT_EQ(runs, 1);
}

TEST_F(LiveWorkerTest, DrainLetsRunningJobsEndAndGivesBackTheRest) {
  std::binary_semaphore began(0);
  std::binary_semaphore go(0);
  WorkerOptions setup = options(1);
  setup.prefetch = 5;
  Worker worker(setup);
  worker.on("n", [&](Job&) {
    began.release();
    go.acquire();
  });
  std::vector<JobSpec> specs(4, JobSpec{.queue = "q", .name = "n"});
  const auto jobs = client_.enqueue_many(specs);
  worker.start();
  began.acquire();
  worker.drain();
  go.release();
  ASSERT_TRUE(worker.wait());
  const auto queue = client_.queue("q");
  EXPECT_EQ(queue.completed, 1u);
  EXPECT_EQ(queue.pending, 3u);
  EXPECT_EQ(queue.active + queue.stalled, 0u);
  for (const auto& job : jobs) EXPECT_EQ(client_.get(job.job_id).stalls, 0u);
}

TEST_F(LiveWorkerTest, ManyShortJobsEachRunOnce) {
  constexpr std::size_t count = 5'000;
  std::mutex mutex;
  std::map<std::string, int, std::less<>> runs;
  std::vector<JobSpec> specs;
  for (std::size_t i = 0; i < count; ++i) specs.push_back({.queue = "q", .name = "short", .payload = i});
  const auto jobs = client_.enqueue_many(specs);
  WorkerOptions setup = options(4);
  setup.prefetch.reset();
  Worker worker(setup);
  worker.on("short", [&](Job& job) {
    const std::lock_guard lock(mutex);
    ++runs[std::string(job.id())];
    return job.payload();
  });
  worker.start();
  for (const auto& job : jobs) ASSERT_EQ(end_of(job).status, Status::completed);
  worker.drain();
  ASSERT_TRUE(worker.wait());
  EXPECT_EQ(worker.counts().completed, count);
  EXPECT_EQ(runs.size(), count);
  for (const auto& [id, times] : runs) EXPECT_EQ(times, 1) << id;
}

TEST_F(LiveWorkerTest, LogLinesAreKeptInOrder) {
  Worker worker(options());
  worker.on("talks", [](Job& job) {
    for (int i = 0; i < 5; ++i) job.log("line " + std::to_string(i));
  });
  worker.start();
  const auto job = submit("talks");
  (void)end_of(job);
  const std::string logs = client_.request("GET", "/jobs/" + job.job_id + "/logs").text;
  std::size_t at = 0;
  for (int i = 0; i < 5; ++i) {
    at = logs.find("line " + std::to_string(i), at);
    EXPECT_NE(at, std::string::npos) << logs;
  }
}

TEST_F(LiveWorkerTest, ThousandsOfLongLogLinesArrive) {
  constexpr int lines = 2'000;
  const std::string long_text(8'000, '\x01');  // six times as long in JSON
  Worker worker(options());
  worker.on("talks", [&](Job& job) {
    for (int i = 0; i < lines; ++i) job.log(std::to_string(i) + long_text);
  });
  worker.start();
  const auto job = submit("talks");
  (void)end_of(job);
  EXPECT_EQ(worker.counts().connections, 1u);
  int next = 0;
  for (json cursor = ""; cursor.is_string();) {
    const std::string from = cursor == "" ? "" : "&cursor=" + cursor.get<std::string>();
    const auto logs =
        json::parse(client_.request("GET", "/jobs/" + job.job_id + "/logs?limit=100" + from).text);
    for (const json& line : logs["lines"])
      EXPECT_TRUE(line["text"].get<std::string>().starts_with(std::to_string(next++) + '\x01'));
    cursor = logs["nextCursor"];
  }
  EXPECT_EQ(next, lines);
}

TEST_F(LiveWorkerTest, AnInvalidNameEndsTheWorkerWithTheReason) {
  Worker worker(options());
  worker.on("no spaces", [](Job&) {});
  const auto result = worker.try_run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::invalid) << result.error().text();
}

}  // namespace
}  // namespace pawl
