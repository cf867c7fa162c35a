// Throttle, debounce and keep-latest.
#include <gtest/gtest.h>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

using Mode = Gathering::Mode;

class GatheringTest : public ::testing::Test {
 protected:
  Bench bench;

  static NewJob spec(Mode mode, Millis window_ms, const std::string& payload, Millis max_wait_ms = 0) {
    NewJob job = Bench::job("q");
    job.payload = std::make_shared<const std::string>(payload);
    job.gathering = Gathering{mode, "k", window_ms, max_wait_ms};
    return job;
  }
  Submitted::Item submit(const NewJob& job) { return bench.call<Submitted>(Submit{{job}, {}}).jobs.at(0); }
  Submitted::Item throttled(Millis per_ms = 1'000) { return submit(spec(Mode::throttle, per_ms, "1")); }
  Submitted::Item debounced(const std::string& payload, Millis max_wait_ms = 0) {
    return submit(spec(Mode::debounce, 1'000, payload, max_wait_ms));
  }
  std::string payload_of(const JobId& id) { return *bench.get(id).payload; }
};

TEST_F(GatheringTest, AThrottleMakesOneJobAWindowWhateverBecomesOfIt) {
  const Submitted::Item first = throttled();
  EXPECT_FALSE(first.deduplicated);
  bench.complete(bench.lease("q").at(0));
  bench.restart();
  bench.advance(999);
  const Submitted::Item second = throttled();
  EXPECT_TRUE(second.deduplicated);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.status, Status::completed);
  bench.advance(1);
  const Submitted::Item third = throttled();
  EXPECT_FALSE(third.deduplicated);
  EXPECT_NE(third.id, first.id);
}

TEST_F(GatheringTest, AThrottleOutlivesTheJobsRecord) {
  const JobId first = throttled().id;
  bench.complete(bench.lease("q").at(0));
  bench.call<JobDeleted>(Delete{first, {}});
  const Submitted::Item second = throttled();
  EXPECT_TRUE(second.deduplicated);
  EXPECT_EQ(second.id, first);
}

TEST_F(GatheringTest, EachQueueAndEachModeHasKeysOfItsOwn) {
  NewJob unique = Bench::job("q");
  unique.unique_key = "k";
  EXPECT_FALSE(submit(unique).deduplicated);
  EXPECT_FALSE(throttled().deduplicated);
  EXPECT_FALSE(debounced("1").deduplicated);
  NewJob elsewhere = spec(Mode::throttle, 1'000, "1");
  elsewhere.queue = "r";
  EXPECT_FALSE(submit(elsewhere).deduplicated);
}

TEST_F(GatheringTest, ADebouncedJobWaitsAnewAndRunsWithTheLastPayload) {
  const JobId id = debounced("1").id;
  bench.advance(900);
  const Submitted::Item second = debounced("2");
  EXPECT_TRUE(second.deduplicated);
  EXPECT_EQ(second.id, id);
  EXPECT_EQ(second.status, Status::delayed);
  bench.restart();
  bench.advance(900);
  EXPECT_EQ(debounced("3").id, id);
  EXPECT_EQ(bench.rows.timers.size(), 1u);
  bench.advance(999);
  EXPECT_EQ(bench.status(id), Status::delayed);
  bench.advance(1);
  const auto leased = bench.lease("q", 10);
  ASSERT_EQ(leased.size(), 1u);
  EXPECT_EQ(leased[0].id, id);
  EXPECT_EQ(*leased[0].payload, "3");
  EXPECT_NE(debounced("4").id, id) << "it has started: the next is another job";
}

TEST_F(GatheringTest, ADebouncedJobWaitsNoLongerThanItsMost) {
  const JobId id = debounced("1", 2'500).id;
  for (int i = 0; i < 2; ++i) {
    bench.advance(900);
    EXPECT_EQ(debounced("2", 2'500).id, id);
  }
  EXPECT_EQ(bench.get(id).run_at, bench.get(id).created_at + 2'500);
  bench.advance(699);
  EXPECT_EQ(debounced("last", 2'500).id, id);
  bench.advance(1);
  EXPECT_EQ(bench.status(id), Status::pending);
  EXPECT_EQ(payload_of(id), "last");
}

TEST_F(GatheringTest, AShorterMostMakesItDueAtOnce) {
  const JobId id = debounced("1").id;
  bench.advance(800);
  EXPECT_EQ(submit(spec(Mode::debounce, 500, "2", 600)).id, id);
  bench.advance(0);
  EXPECT_EQ(bench.status(id), Status::pending);
  EXPECT_EQ(payload_of(id), "2");
}

TEST_F(GatheringTest, NoSubmitJoinsAJobThatWaitsForSomethingElse) {
  const JobId promoted = debounced("1").id;
  bench.call<JobChanged>(Promote{promoted});
  const JobId cancelled = debounced("2").id;
  EXPECT_NE(cancelled, promoted);
  bench.call<JobChanged>(Cancel{cancelled});
  const JobId deleted = debounced("3").id;
  EXPECT_NE(deleted, cancelled);
  bench.call<JobChanged>(Cancel{deleted});
  bench.call<JobDeleted>(Delete{deleted, {}});
  const JobId retried = debounced("4").id;
  EXPECT_NE(retried, deleted);
  bench.call<JobChanged>(Promote{retried});
  bench.complete(bench.lease("q").at(0));
  // Comes back at the very moment at which it would have been due.
  bench.fail(bench.lease("q").at(0), false, 1'000);
  EXPECT_EQ(bench.get(retried).run_at, bench.now.wall + 1'000);
  EXPECT_NE(debounced("5").id, retried);
  EXPECT_EQ(payload_of(retried), "4");
}

TEST_F(GatheringTest, WithinOneBatchTheyGatherToo) {
  const auto answer =
      bench.call<Submitted>(Submit{{spec(Mode::debounce, 1'000, "1"), spec(Mode::throttle, 1'000, "2"),
                                    spec(Mode::debounce, 1'000, "3"), spec(Mode::throttle, 1'000, "4")},
                                   {}});
  EXPECT_EQ(answer.jobs[2].id, answer.jobs[0].id);
  EXPECT_EQ(answer.jobs[3].id, answer.jobs[1].id);
  EXPECT_EQ(payload_of(answer.jobs[0].id), "3");
  EXPECT_EQ(payload_of(answer.jobs[1].id), "2");
  EXPECT_EQ(bench.rows.jobs[Place::parked].size(), 1u);
  EXPECT_EQ(bench.rows.timers.size(), 1u);
}

// ── Latest ──

class LatestTest : public GatheringTest {
 protected:
  Submitted::Item latest(const std::string& payload) { return submit(spec(Mode::latest, 0, payload)); }
};

TEST_F(LatestTest, OneRunsAndTheNewestWaits) {
  const JobId first = latest("1").id;
  EXPECT_EQ(latest("2").id, first);
  EXPECT_EQ(payload_of(first), "2");
  const GrantedJob running = bench.lease("q").at(0);
  EXPECT_EQ(*running.payload, "2");
  const Submitted::Item second = latest("3");
  EXPECT_FALSE(second.deduplicated);
  const Submitted::Item third = latest("4");
  EXPECT_TRUE(third.deduplicated);
  EXPECT_EQ(third.id, second.id);
  EXPECT_TRUE(bench.lease("q").empty());
  EXPECT_EQ(bench.call<Reason>(Why{second.id}).code, Reason::Code::ordered_behind);
  bench.restart();
  EXPECT_TRUE(bench.lease("q").empty());
  EXPECT_EQ(latest("5").id, second.id);
  bench.complete(running);
  const GrantedJob next = bench.lease("q").at(0);
  EXPECT_EQ(next.id, second.id);
  EXPECT_EQ(*next.payload, "5");
  bench.complete(next);
  EXPECT_TRUE(bench.rows.unique.empty());
}

TEST_F(LatestTest, WhatIsToBeTriedAgainStillRuns) {
  const JobId first = latest("1").id;
  bench.fail(bench.lease("q").at(0), false, 5'000);
  const JobId second = latest("2").id;
  EXPECT_NE(second, first);
  EXPECT_TRUE(bench.lease("q").empty());
  bench.advance(5'000);
  const GrantedJob again = bench.lease("q").at(0);
  EXPECT_EQ(again.id, first);
  bench.fail(again, true);  // for good: it holds nothing up
  EXPECT_EQ(bench.lease("q").at(0).id, second);
}

TEST_F(LatestTest, ACancelledOneMakesRoom) {
  const JobId first = latest("1").id;
  bench.call<JobChanged>(Cancel{first});
  EXPECT_TRUE(bench.rows.unique.empty());
  const JobId second = latest("2").id;
  EXPECT_NE(second, first);
  EXPECT_EQ(bench.call<Refused>(Retry{first, {}}).why, Refusal::unique_key_taken);
  bench.complete(bench.lease("q").at(0));
  bench.call<JobChanged>(Retry{first, {}});
  EXPECT_EQ(latest("3").id, first);
  bench.complete(bench.lease("q").at(0));
  bench.call<JobChanged>(Retry{second, {}});  // one that has run holds no key
  EXPECT_TRUE(bench.rows.unique.empty());
}

}  // namespace
}  // namespace pawl::core::test
