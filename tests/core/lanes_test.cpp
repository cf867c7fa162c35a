// Groups, ageing and strict orders.
#include "tests/core/lanes_bench.h"

namespace pawl::core::test {
namespace {

using Names = std::vector<std::string>;

// ── Groups ──

TEST_F(LanesTest, ANewGroupWaitsForNoMoreThanOneJobOfEachOther) {
  submit_many("big", 200);
  EXPECT_EQ(serve(20).size(), 20u);
  submit("small");
  const Names next = serve(2);
  EXPECT_NE(std::ranges::find(next, "small"), next.end());
}

TEST_F(LanesTest, GroupsShareTheTimeOfTheWorkersAndNotTheCountOfJobs) {
  submit_many("slow", 200);
  submit_many("quick", 200);
  std::map<std::string, int> counts;
  for (const std::string& group : serve(110, {{"slow", 1'000}, {"quick", 100}})) ++counts[group];
  EXPECT_NEAR(counts["slow"], 10, 2);
  EXPECT_NEAR(counts["quick"], 100, 2);
}

TEST_F(LanesTest, JobsWithoutAGroupAreOneGroupMore) {
  submit_many("", 50);
  submit_many("a", 50);
  std::map<std::string, int> counts;
  for (const std::string& group : serve(20)) ++counts[group];
  EXPECT_EQ(counts[""], 10);
  EXPECT_EQ(counts["a"], 10);
}

TEST_F(LanesTest, AGroupThatWasIdleDoesNotSaveUpItsTurns) {
  submit_many("a", 100);
  EXPECT_EQ(serve(50).size(), 50u);
  submit_many("b", 20);
  std::map<std::string, int> counts;
  for (const std::string& group : serve(10)) ++counts[group];
  EXPECT_LE(counts["b"], 6);
}

TEST_F(LanesTest, WhyTellsWhatComesBeforeItInItsGroupAndHowManyGroupsDo) {
  submit_many("a", 3);
  const JobId last_of_a = submit("a");
  submit_many("b", 2);
  const JobId of_c = submit("c");
  const JobId without = submit("");
  connect(0);
  EXPECT_EQ(why(without).code, Reason::Code::workers_busy) << "its turn is the first";
  EXPECT_EQ(why(of_c).code, Reason::Code::group_turn);
  EXPECT_EQ(why(of_c).ahead, 3u);
  EXPECT_TRUE(why(of_c).exact);
  EXPECT_EQ(why(of_c).text, "c");
  EXPECT_EQ(why(last_of_a).code, Reason::Code::behind);
  EXPECT_EQ(why(last_of_a).text, "a");
  EXPECT_GT(why(last_of_a).ahead, 0u);
  EXPECT_EQ(serve(4), (Names{"", "a", "b", "c"}));
  EXPECT_EQ(bench.get(of_c).status, Status::completed);
  limit("api", 5);
  const JobId second_of_c = submit("c");
  NewJob urgent = Bench::job("q");
  urgent.group = "c";
  urgent.limits = {"api"};
  urgent.priority = 5;
  bench.submit(urgent);
  EXPECT_EQ(why(second_of_c).code, Reason::Code::behind) << "another lane of its group";
  EXPECT_EQ(why(second_of_c).ahead, 1u);
  EXPECT_FALSE(why(second_of_c).exact);
}

TEST_F(LanesTest, PriorityCountsInsideAGroup) {
  submit("a");
  NewJob urgent = Bench::job("q");
  urgent.group = "a";
  urgent.priority = 5;
  const JobId first = bench.submit(urgent);
  EXPECT_EQ(bench.lease("q").at(0).id, first);
}

TEST_F(LanesTest, NoMoreOfAGroupRunAtOnceThanMay) {
  settings(2);
  submit_many("a", 5);
  const JobId last = submit("a");
  submit_many("b", 1);
  submit_many("", 5);
  const Ticket worker = connect(100);
  const std::vector<GrantedJob> jobs = bench.granted(worker);
  EXPECT_EQ(jobs.size(), 8u);  // two of a, one of b, and those without a group
  EXPECT_EQ(why(last).code, Reason::Code::group_concurrency_limit);
  EXPECT_EQ(why(last).text, "a");
  const auto of_a = std::ranges::find(jobs, "a", &GrantedJob::group);
  bench.complete(*of_a);
  EXPECT_EQ(bench.granted(worker).size(), 1u);
  bench.restart();
  EXPECT_EQ(bench.granted(connect(100)).size(), 0u);
  settings(3);
  EXPECT_EQ(bench.count("q", Status::active), 9u);
}

TEST_F(LanesTest, StartsOfAGroupKeepToItsRateOverARestart) {
  settings(std::nullopt, RateLimit{2, 10'000, 0});
  submit_many("a", 10);
  const JobId last = submit("a");
  submit_many("b", 1);
  EXPECT_EQ(bench.granted(connect(100)).size(), 3u);
  EXPECT_EQ(why(last).code, Reason::Code::group_rate_limit);
  bench.restart();
  const Ticket worker = connect(100);
  EXPECT_EQ(bench.granted_in(worker, {9'000, 1'200}), (std::vector<std::size_t>{0, 0, 2}));
}

TEST_F(LanesTest, AJobOfAGroupIsFoundBehindAMillionOfAnother) {
  MachineOptions options;
  options.window_jobs = 8;
  options.window_jobs_idle = 2;
  options.window_jobs_lane = 2;
  bench.~Bench();
  new (&bench) Bench(options);
  submit_many("big", 300);
  submit_many("", 50);
  const JobId small = submit("small");
  bench.restart();
  const Names next = serve(3);
  EXPECT_NE(std::ranges::find(next, "small"), next.end());
  EXPECT_EQ(bench.status(small), Status::completed);
  EXPECT_EQ(serve(1000).size(), 348u);
  EXPECT_LT(bench.machine().resident_count(), 5u);
}

TEST_F(LanesTest, AWorkerForNamesFindsThemInAllGroups) {
  MachineOptions options;
  options.window_jobs = 4;
  options.window_jobs_lane = 2;
  bench.~Bench();
  new (&bench) Bench(options);
  submit_many("a", 50);
  NewJob named = Bench::job("q");
  named.name = "rare";
  named.group = "a";
  const JobId rare = bench.submit(named);
  const Ticket worker = connect(10, {"rare"});
  const std::vector<GrantedJob> jobs = bench.granted(worker);
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].id, rare);
}

TEST_F(LanesTest, IdleGroupsLeaveTheMemoryAndKeepTheirLane) {
  MachineOptions options;
  options.lanes_idle_max = 8;
  bench.~Bench();
  new (&bench) Bench(options);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 30; ++i) submit("g" + std::to_string(i));
    EXPECT_EQ(serve(100).size(), 30u);
  }
  EXPECT_EQ(bench.rows.lanes.size(), 30u);
}

// ── Ageing ──

class AgeingTest : public LanesTest {
 protected:
  void ageing(std::optional<Millis> per_priority) {
    PutQueue put;
    put.name = "q";
    put.priority_ageing_ms = per_priority;
    bench.call<QueueView>(std::move(put));
  }
  JobId submit_at(int priority, std::string group = {}) {
    NewJob job = Bench::job("q");
    job.priority = priority;
    job.group = std::move(group);
    return bench.submit(std::move(job));
  }
};

TEST_F(AgeingTest, AJobStandsOnePriorityHigherForEachSoLong) {
  ageing(1'000);
  const JobId low = submit_at(-3);
  bench.advance(2'900);
  const JobId before = submit_at(0);
  bench.advance(200);
  const JobId after = submit_at(0);
  EXPECT_EQ(bench.lease("q").at(0).id, before);
  EXPECT_EQ(bench.lease("q").at(0).id, low);
  EXPECT_EQ(bench.lease("q").at(0).id, after);
}

TEST_F(AgeingTest, WithoutItALowPriorityStarvesAndWithItTheWaitIsBounded) {
  const auto waits = [&](std::optional<Millis> per_priority) {
    ageing(per_priority);
    const JobId low = submit_at(-10);
    // One worker, and urgent jobs as fast as it works.
    for (int served = 0; served < 300; ++served) {
      submit_at(10);
      const GrantedJob job = bench.lease("q").at(0);
      if (job.id == low) return served;
      bench.advance(100);
      bench.complete(job);
    }
    bench.call<JobChanged>(Cancel{low});
    return 300;
  };
  EXPECT_EQ(waits(std::nullopt), 300);
  EXPECT_NEAR(waits(1'000), 20 * 10, 2);
}

TEST_F(AgeingTest, ItOutlivesARestartAndWindowsThatHoldLittle) {
  MachineOptions options;
  options.window_jobs = 8;
  options.window_jobs_idle = 2;
  options.window_jobs_lane = 2;
  bench.~Bench();
  new (&bench) Bench(options);
  ageing(100);
  std::vector<std::pair<Millis, JobId>> all;
  for (int i = 0; i < 200; ++i) {
    const int priority = i % 7 - 3;
    const JobId id = submit_at(priority);
    all.emplace_back(id.created_at() - priority * 100, id);
    bench.advance(13);
    if (i == 100) bench.restart();
  }
  std::ranges::sort(all, {}, &std::pair<Millis, JobId>::first);
  bench.restart();
  Millis newest = 0;
  for (int i = 0; i < 200; ++i) {
    const GrantedJob job = bench.lease("q").at(0);
    const auto found = std::ranges::find(all, job.id, &std::pair<Millis, JobId>::second);
    ASSERT_NE(found, all.end());
    EXPECT_GE(found->first, newest) << i;
    newest = found->first;
    bench.complete(job);
  }
}

TEST_F(AgeingTest, SwitchedOffPrioritiesCountAlone) {
  ageing(1);
  const JobId low = submit_at(-5);
  bench.advance(1'000);
  const JobId high = submit_at(5);
  ageing(std::nullopt);
  EXPECT_EQ(bench.lease("q").at(0).id, high);
  EXPECT_EQ(bench.lease("q").at(0).id, low);
}

TEST_F(AgeingTest, ItCountsInsideAGroup) {
  ageing(1'000);
  const JobId low = submit_at(-1, "a");
  bench.advance(2'000);
  submit_at(0, "a");
  submit_at(0, "b");
  const std::vector<GrantedJob> jobs = bench.lease("q", 2);
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_TRUE(jobs[0].id == low || jobs[1].id == low);
}

TEST_F(AgeingTest, SetInTheBatchOfASubmitItCountsFromTheNext) {
  submit_at(3, "a");  // the queue has lanes
  PutQueue put;
  put.name = "q";
  put.priority_ageing_ms = std::optional<Millis>(1'000);
  bench.call<QueueView>(std::move(put));
  submit_at(3, "a");
  submit_at(3, "a");
  EXPECT_EQ(bench.rows.lanes.size(), 2u);
  EXPECT_EQ(serve(10).size(), 3u);
}

// ── Strict order ──

TEST_F(LanesTest, AStrictOrderRunsOneAtATimeInTheOrderOfItsSubmits) {
  std::vector<JobId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(submit("a", {}, true));
  const Ticket worker = connect(100);
  for (const JobId& id : ids) {
    const std::vector<GrantedJob> jobs = bench.granted(worker);
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_EQ(jobs[0].id, id);
    if (id != ids.back()) {
      EXPECT_EQ(why(ids.back()).code, Reason::Code::ordered_behind);
      EXPECT_EQ(why(ids.back()).parent, id);
    }
    bench.complete(jobs[0]);
  }
}

TEST_F(LanesTest, AJobThatIsTriedAgainKeepsItsPlaceInTheOrder) {
  const JobId first = submit("a", {}, true);
  const JobId second = submit("a", {}, true);
  bench.fail(bench.lease("q").at(0), false, 5'000);
  EXPECT_TRUE(bench.lease("q").empty());
  EXPECT_EQ(why(second).parent, first);
  bench.restart();
  EXPECT_TRUE(bench.lease("q").empty());
  bench.advance(5'000);
  const std::vector<GrantedJob> again = bench.lease("q", 10);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].id, first);
  bench.advance(40'000);  // the lease runs out
  EXPECT_EQ(bench.status(first), Status::stalled);
  EXPECT_EQ(bench.lease("q", 10).at(0).id, first);
}

TEST_F(LanesTest, AFailedJobHoldsUpItsOrderUntilSomebodySaysWhatBecomesOfIt) {
  const JobId first = submit("a", {}, true);
  const JobId second = submit("a", {}, true);
  bench.fail(bench.lease("q").at(0), true);
  EXPECT_TRUE(bench.lease("q").empty());
  EXPECT_EQ(why(second).code, Reason::Code::ordered_failed);
  EXPECT_EQ(why(second).parent, first);
  bench.restart();
  EXPECT_TRUE(bench.lease("q").empty());
  bench.call<JobChanged>(Retry{first, {}});
  EXPECT_EQ(bench.lease("q", 10).at(0).id, first);
}

TEST_F(LanesTest, ADeletedJobHoldsUpNothing) {
  const JobId first = submit("a", {}, true);
  const JobId second = submit("a", {}, true);
  const Ticket worker = connect(10);
  bench.fail(bench.granted(worker).at(0), true);
  EXPECT_TRUE(bench.granted(worker).empty());
  bench.call<JobDeleted>(Delete{first, {}});
  ASSERT_EQ(bench.granted(worker).size(), 1u);
  EXPECT_EQ(bench.status(second), Status::active);
}

TEST_F(LanesTest, AQueueCanSkipWhatFailed) {
  settings(std::nullopt, {}, true);
  submit("a", {}, true);
  const JobId second = submit("a", {}, true);
  bench.fail(bench.lease("q").at(0), true);
  EXPECT_EQ(bench.lease("q").at(0).id, second);
}

TEST_F(LanesTest, AFailedJobThatRetentionDropsHoldsUpNothingMore) {
  NewJob job = Bench::job("q");
  job.group = "a";
  job.ordered = true;
  job.retention = Retention{1'000, 60'000};
  bench.submit(job);
  const JobId second = bench.submit(job);
  const Ticket worker = connect(10);
  bench.fail(bench.granted(worker).at(0), true);
  bench.advance(50'000);
  EXPECT_TRUE(bench.granted(worker).empty());
  bench.advance(15'000);
  ASSERT_EQ(bench.granted(worker).size(), 1u);
  EXPECT_EQ(bench.status(second), Status::active);
  EXPECT_TRUE(bench.rows.orders.empty());
}

TEST_F(LanesTest, WhatIsCancelledLetsAWorkerForOtherNamesGoOn) {
  NewJob job = Bench::job("q");
  job.group = "a";
  job.ordered = true;
  job.name = "x";
  const JobId first = bench.submit(job);
  job.name = "y";
  const JobId second = bench.submit(job);
  const Ticket worker = connect(1, {"y"});
  EXPECT_TRUE(bench.granted(worker).empty());
  bench.call<JobChanged>(Cancel{first});
  ASSERT_EQ(bench.granted(worker).size(), 1u);
  EXPECT_EQ(bench.status(second), Status::active);
}

TEST_F(LanesTest, OthersOfTheGroupPassAStrictOrder) {
  submit("a", {}, true);
  submit("a", {}, true);
  submit("a");
  EXPECT_EQ(bench.lease("q", 10).size(), 2u);
}

TEST_F(LanesTest, AQueueIsDeletedWithItsGroups) {
  settings(2, RateLimit{5, 60'000, 0});
  limit("api", 1);
  submit_many("a", 5);
  submit("b", {"api"}, true);
  bench.call<QueueDeleted>(DeleteQueue{"q", true});
  EXPECT_TRUE(bench.rows.lanes.empty());
  EXPECT_EQ(bench.call<LimitDeleted>(DeleteLimit{"api"}).limit, "api");
  submit_many("a", 3);
  EXPECT_EQ(serve(10).size(), 3u);
}

TEST_F(LanesTest, AQueueIsDeletedWhileItsGroupsWaitForALimit) {
  limit("api", 1);
  submit("", {"api"}, false, "r");
  ASSERT_EQ(bench.lease("r").size(), 1u);  // it holds the limit
  for (int i = 0; i < 20; ++i) {
    const std::string group = "g" + std::to_string(i % 5);
    submit(group, {"api"});
    submit(group, {"api"}, true);
  }
  EXPECT_TRUE(bench.lease("q", 10).empty());
  for (int i = 0; i < 20; ++i) submit("g" + std::to_string(i % 4));
  bench.call<QueueDeleted>(DeleteQueue{"q", true});
  EXPECT_EQ(bench.rows.lanes.size(), 1u);  // of r
  submit("g1");
  EXPECT_EQ(serve(10).size(), 1u);
}

TEST_F(LanesTest, JobsWithoutAGroupHaveTheRowsThatTheyHadBefore) {
  submit("");
  EXPECT_TRUE(bench.rows.lanes.empty());
  EXPECT_EQ(bench.rows.ready.begin()->first.second, 0u);
  EXPECT_EQ(bench.rows.queues.begin()->second.next_lane, 1u);
}

}  // namespace
}  // namespace pawl::core::test
