// Limits that have a name, shared by jobs of any queues.
#include "tests/core/lanes_bench.h"

namespace pawl::core::test {
namespace {

TEST_F(LanesTest, ANamedLimitHoldsOverAllQueues) {
  limit("api", 2);
  for (int i = 0; i < 5; ++i) submit("", {"api"});
  for (int i = 0; i < 5; ++i) submit("", {"api"}, false, "r");
  const JobId free = submit("");
  const Ticket worker = connect(100);
  const std::vector<GrantedJob> jobs = bench.granted(worker);
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(bench.status(free), Status::active);
  EXPECT_EQ(bench.call<LimitView>(GetLimit{"api"}).active, 2u);
  for (const GrantedJob& job : jobs) bench.complete(job);
  EXPECT_EQ(bench.granted(worker).size(), 2u);
  bench.restart();
  EXPECT_EQ(bench.granted(connect(100)).size(), 0u);
  EXPECT_EQ(bench.call<LimitView>(GetLimit{"api"}).active, 2u);
  limit("api", 4);
  bench.call<LimitList>(ListLimits{});
  EXPECT_EQ(bench.count("q", Status::active) + bench.count("r", Status::active), 4u);
}

TEST_F(LanesTest, AllLimitsOfAJobHold) {
  limit("api", 3);
  limit("api:a", 1);
  limit("api:b", 1);
  std::vector<JobId> a;
  for (int i = 0; i < 3; ++i) a.push_back(submit("", {"api", "api:a"}));
  for (int i = 0; i < 3; ++i) submit("", {"api", "api:b"});
  const Ticket worker = connect(100);
  std::vector<GrantedJob> jobs = bench.granted(worker);
  ASSERT_EQ(jobs.size(), 2u);
  const Reason reason = why(a[1]);
  EXPECT_EQ(reason.code, Reason::Code::named_concurrency_limit);
  EXPECT_EQ(reason.text, "api:a");
  EXPECT_EQ(reason.limit, 1u);
  bench.complete(jobs[0]);
  ASSERT_EQ(bench.granted(worker).size(), 1u);
  EXPECT_EQ(bench.status(a[1]), Status::active);
}

TEST_F(LanesTest, ANamedRateOutlivesARestart) {
  limit("api", std::nullopt, RateLimit{5, 60'000, 0});
  std::vector<JobId> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back(submit("", {"api"}, false, i % 2 == 0 ? "q" : "r"));
  EXPECT_EQ(bench.granted(connect(100)).size(), 5u);
  EXPECT_EQ(why(jobs[19]).code, Reason::Code::named_rate_limit);
  bench.restart();
  const Ticket again = connect(100);
  EXPECT_EQ(bench.granted_in(again, {59'000, 2'000}), (std::vector<std::size_t>{0, 0, 5}));
}

TEST_F(LanesTest, ARateLimitOutsideHoldsTheLimitsOfTheJobAndNotItsQueue) {
  limit("api", 10);
  const JobId limited = submit("", {"api"});
  const JobId other = submit("", {"api"});
  const GrantedJob job = bench.lease("q").at(0);
  ASSERT_EQ(job.id, limited);
  EXPECT_EQ(bench.rate_limited(job, 30'000).status, Status::pending);
  EXPECT_EQ(why(other).code, Reason::Code::named_limit_held);
  EXPECT_EQ(why(other).until, bench.now.wall + 30'000);
  submit("");
  EXPECT_EQ(bench.lease("q", 10).size(), 1u);
  bench.restart();
  EXPECT_EQ(bench.lease("q", 10).size(), 0u);
  bench.call<LimitView>(ResumeLimit{"api"});
  EXPECT_EQ(bench.lease("q", 10).size(), 2u);
}

TEST_F(LanesTest, AnUnknownLimitIsRefusedAndNothingIsMade) {
  NewJob job = Bench::job("q");
  job.limits = {"nobody", "api"};
  limit("api", 1);
  const auto pointers = [](const Refused& refused) {
    EXPECT_EQ(refused.why, Refusal::unknown_limit);
    std::vector<std::string> all;
    for (const WrongField& field : refused.fields) all.push_back(field.pointer);
    return all;
  };
  using Pointers = std::vector<std::string>;
  EXPECT_EQ(pointers(bench.call<Refused>(Submit{{Bench::job("q"), job}, {}, true})),
            Pointers{"/jobs/1/limits/0"});
  bench.post(DeleteLimit{"api"});
  EXPECT_EQ(pointers(bench.call<Refused>(Submit{{Bench::job("q"), job}, {}, true})),
            (Pointers{"/jobs/1/limits/0", "/jobs/1/limits/1"}));
  EXPECT_EQ(pointers(bench.call<Refused>(Submit{{job}, {}, false})), (Pointers{"/limits/0", "/limits/1"}));
  const std::vector<NewJob> many(15, job);
  EXPECT_EQ(pointers(bench.call<Refused>(Submit{many, {}, true})).size(), wrong_fields_max);
  EXPECT_TRUE(bench.rows.queues.empty());
}

TEST_F(LanesTest, ALimitInUseSaysWhoUsesIt) {
  limit("api", 1);
  submit("", {"api"});
  const auto refused = bench.call<Refused>(DeleteLimit{"api"});
  EXPECT_EQ(refused.why, Refusal::limit_in_use);
  EXPECT_NE(refused.detail.find("jobs of queue q"), std::string::npos);
  const GrantedJob job = bench.lease("q").at(0);
  EXPECT_EQ(bench.call<Refused>(DeleteLimit{"api"}).why, Refusal::limit_in_use);
  bench.fail(job, true);
  EXPECT_EQ(bench.call<LimitDeleted>(DeleteLimit{"api"}).limit, "api");
  EXPECT_TRUE(bench.rows.limits.empty());
  EXPECT_EQ(bench.call<Refused>(GetLimit{"api"}).why, Refusal::unknown_limit);
  // A dead job that comes again is not kept by what is gone.
  bench.call<JobChanged>(Retry{job.id, {}});
  EXPECT_EQ(bench.lease("q").size(), 1u);
}

TEST_F(LanesTest, JobsThatAreNotDueYetUseTheirLimitsToo) {
  limit("api", 1);
  NewJob later = Bench::job("q");
  later.limits = {"api"};
  later.delay_ms = 60'000;
  const JobId delayed = bench.submit(later);
  const auto in_use = [&] { return bench.call<Refused>(DeleteLimit{"api"}).why; };
  EXPECT_EQ(in_use(), Refusal::limit_in_use);
  bench.restart();
  EXPECT_EQ(in_use(), Refusal::limit_in_use);
  bench.call<JobChanged>(Cancel{delayed});
  const JobId retried = submit("", {"api"});
  bench.fail(bench.lease("q").at(0));
  EXPECT_EQ(bench.status(retried), Status::delayed);
  EXPECT_EQ(in_use(), Refusal::limit_in_use);
  bench.call<JobDeleted>(Delete{retried, {}});
  bench.restart();
  EXPECT_EQ(bench.call<LimitDeleted>(DeleteLimit{"api"}).limit, "api");
  // What comes again is counted, though nobody has made the limit.
  bench.call<JobChanged>(Retry{delayed, {}});
  bench.restart();
  limit("api", 1);
  EXPECT_EQ(in_use(), Refusal::limit_in_use);
  bench.complete(bench.lease("q").at(0));
  EXPECT_EQ(bench.call<LimitDeleted>(DeleteLimit{"api"}).limit, "api");
  EXPECT_TRUE(bench.rows.limits.empty());
}

TEST_F(LanesTest, QueuesThatShareALimitAreServedInTurn) {
  limit("api", 1);
  for (const char* queue : {"q", "r"}) {
    for (int i = 0; i < 10; ++i) submit("", {"api"}, false, queue);
  }
  std::map<std::string, Ticket> workers;
  for (const char* queue : {"q", "r"}) {
    workers[queue] = bench.post(OpenWorker{queue, {{queue, 1}}, {}, 10, {}});
    bench.take(workers[queue]);
  }
  std::string order;
  for (int i = 0; i < 8; ++i) {
    for (const auto& [queue, worker] : workers) {
      for (const GrantedJob& job : bench.granted(worker)) {
        order += queue;
        bench.complete(job);
      }
    }
  }
  EXPECT_NE(order.find("qrqrqr"), std::string::npos) << order;
}

TEST_F(LanesTest, APollGetsAsManyOfAGroupAsItAsksFor) {
  submit_many("a", 400);
  bench.restart();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bench.lease("q", 50).size(), 50u);
}

TEST(LanesBoundTest, LatestKeysTakeNoRoomOfGroups) {
  MachineOptions options;
  options.lanes_max = 3;
  Bench bench(options);
  const auto latest = [](int i) {
    NewJob job = Bench::job("q");
    job.gathering = Gathering{Gathering::Mode::latest, "k" + std::to_string(i), 0, 0};
    return Submit{{job}, {}, false};
  };
  for (int i = 0; i < 3; ++i) bench.call<Submitted>(latest(i));
  EXPECT_NE(bench.call<Refused>(latest(3)).detail.find("latest keys"), std::string::npos);
  bench.call<Submitted>(latest(0));
  NewJob grouped = Bench::job("q");
  grouped.group = "g";
  bench.call<Submitted>(Submit{{grouped}, {}, false});
}

}  // namespace
}  // namespace pawl::core::test
