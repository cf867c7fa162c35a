// Dead letters that run again in another queue.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

class MovingTest : public testing::Test {
 protected:
  JobId bury(NewJob spec) {
    spec.max_attempts = 1;
    const JobId id = bench.submit(std::move(spec));
    const auto granted = bench.lease("q");
    EXPECT_EQ(granted.at(0).id, id);
    EXPECT_EQ(bench.fail(granted[0]).status, Status::failed);
    return id;
  }
  static Move into(const JobId& id, std::string queue) {
    return {id, Status::failed, std::move(queue), "moved-from:x"};
  }
  void make(const std::string& queue) {
    PutQueue put;
    put.name = queue;
    bench.call<QueueView>(put);
  }
  Refusal refusal(const Move& move) { return bench.call<Refused>(move).why; }

  Bench bench;
};

TEST_F(MovingTest, ItIsGoneHereAndStandsThereWithWhatHappenedToIt) {
  make("there");
  NewJob spec = Bench::job("q");
  spec.name = "encode";
  spec.payload = std::make_shared<const std::string>(R"({"a":1})");
  spec.priority = 7;
  spec.tags = {"eu", "moved-from:earlier"};
  const JobId old = bury(spec);
  const Job before = bench.get(old);
  bench.advance(5'000);

  const auto moved = bench.call<JobChanged>(into(old, "there"));
  EXPECT_EQ(moved.status, Status::pending);
  EXPECT_NE(moved.id, old);
  EXPECT_EQ(bench.call<Refused>(GetJob{old}).why, Refusal::unknown_job);
  const Job after = bench.get(moved.id);
  EXPECT_EQ(after.name, "encode");
  EXPECT_EQ(*after.payload, R"({"a":1})");
  EXPECT_EQ(after.priority, 7);
  EXPECT_EQ(after.tags, (std::vector<std::string>{"eu", "moved-from:x"}));
  EXPECT_EQ(after.errors.size(), before.errors.size());
  EXPECT_EQ(after.attempts_made, 0u);
  EXPECT_EQ(after.replays, before.replays + 1);
  EXPECT_EQ(after.max_attempts, 1u);
  EXPECT_EQ(after.created_at, bench.now.wall);
  ASSERT_EQ(after.history.size(), before.history.size() + 1);
  EXPECT_EQ(after.history.back().status, Status::pending);
  EXPECT_EQ(bench.count("q", Status::failed), 0u);
  EXPECT_EQ(bench.count("there", Status::pending), 1u);
  EXPECT_TRUE(bench.rows.jobs[Place::dead].empty());
  EXPECT_EQ(bench.rows.jobs[Place::ready].size(), 1u);
  EXPECT_EQ(bench.complete(bench.lease("there").at(0)).status, Status::completed);
  EXPECT_TRUE(bench.lease("q").empty());
  // Whoever asks again finds nothing to move.
  EXPECT_EQ(refusal(into(old, "there")), Refusal::unknown_job);
}

TEST_F(MovingTest, WhatIsRefusedStaysAsItIs) {
  const JobId dead = bury(Bench::job("q"));
  EXPECT_EQ(refusal(into(dead, "nowhere")), Refusal::unknown_queue);
  EXPECT_EQ(bench.status(dead), Status::failed);
  make("there");
  const JobId waits = bench.submit(Bench::job("q"));
  EXPECT_EQ(refusal(into(waits, "there")), Refusal::wrong_state);
  EXPECT_EQ(refusal({waits, std::nullopt, "there", ""}), Refusal::wrong_state);
  EXPECT_EQ(bench.status(waits), Status::pending);
  EXPECT_EQ(bench.count("there", Status::pending), 0u);
}

TEST_F(MovingTest, WhoIsKnownByItsIdInAGraphStays) {
  make("there");
  SubmitWorkflow graph;
  graph.members.resize(2);
  for (NewMember& member : graph.members) {
    member.job = Bench::job("q");
    member.job.max_attempts = 1;
  }
  graph.members[0].ref = "a";
  graph.members[1].ref = "b";
  graph.members[1].depends_on = {0};
  bench.call<WorkflowSubmitted>(graph);
  const auto granted = bench.lease("q");
  EXPECT_EQ(bench.fail(granted.at(0)).status, Status::failed);
  EXPECT_EQ(refusal(into(granted[0].id, "there")), Refusal::wrong_state);
  EXPECT_EQ(bench.status(granted[0].id), Status::failed);
}

TEST_F(MovingTest, ToItsOwnQueueItIsAReplay) {
  const JobId dead = bury(Bench::job("q"));
  EXPECT_EQ(bench.call<JobChanged>(into(dead, "q")).id, dead);
  EXPECT_EQ(bench.status(dead), Status::pending);
}

TEST_F(MovingTest, ItsUniqueKeyStaysBehind) {
  make("there");
  NewJob spec = Bench::job("q");
  spec.unique_key = "k";
  const JobId dead = bury(spec);
  NewJob holder = Bench::job("there");
  holder.unique_key = "k";
  const JobId held = bench.submit(holder);
  const JobId moved = bench.call<JobChanged>(into(dead, "there")).id;
  EXPECT_EQ(bench.get(moved).unique_key, "");
  EXPECT_EQ(bench.submit(holder), held);
}

TEST_F(MovingTest, ItsLogLinesGoWithItsRecord) {
  make("there");
  NewJob spec = Bench::job("q");
  spec.max_attempts = 1;
  const JobId id = bench.submit(spec);
  const auto granted = bench.lease("q");
  bench.call<LogsKept>(AppendLogs{id, granted.at(0).lease, {"one"}});
  bench.fail(granted[0]);
  const JobId moved = bench.call<JobChanged>(into(id, "there")).id;
  EXPECT_TRUE(bench.rows.logs.empty());
  EXPECT_EQ(bench.get(moved).log_lines, 0u);
}

TEST_F(MovingTest, ItComesUnderTheTermsOfTheOtherQueue) {
  PutQueue put;
  put.name = "there";
  put.group_concurrency = 1;
  bench.call<QueueView>(put);
  NewJob spec = Bench::job("q");
  spec.group = "g";
  std::vector<JobId> moved;
  for (int i = 0; i < 3; ++i) moved.push_back(bench.call<JobChanged>(into(bury(spec), "there")).id);
  const auto first = bench.lease("there", 10);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].id, moved[0]);
  bench.complete(first[0]);
  EXPECT_EQ(bench.lease("there", 10).size(), 1u);
}

TEST_F(MovingTest, ItsOrderGoesOnWithoutIt) {
  make("there");
  NewJob spec = Bench::job("q");
  spec.group = "g";
  spec.ordered = true;
  const JobId dead = bury(spec);
  const JobId next = bench.submit(spec);
  EXPECT_TRUE(bench.lease("q").empty()) << "the dead one holds it up";
  const JobId moved = bench.call<JobChanged>(into(dead, "there")).id;
  EXPECT_EQ(bench.lease("q").at(0).id, next);
  EXPECT_TRUE(bench.get(moved).ordered);
  EXPECT_EQ(bench.lease("there").at(0).id, moved);
}

TEST_F(MovingTest, WhatRetentionCountsLeavesWithIt) {
  make("there");
  NewJob spec = Bench::job("q");
  spec.retention = Retention{60'000, 60'000};
  const JobId dead = bury(spec);
  EXPECT_GT(bench.get(dead).expires_at, 0);
  EXPECT_EQ(bench.rows.retained.size(), 1u);
  const JobId moved = bench.call<JobChanged>(into(dead, "there")).id;
  EXPECT_TRUE(bench.rows.retained.empty());
  bench.advance(120'000);
  EXPECT_EQ(bench.count("q", Status::failed), 0u);
  EXPECT_EQ(bench.get(moved).expires_at, 0);
}

TEST_F(MovingTest, CallbacksStayInTheirQueue) {
  make(callbacks_queue);
  const JobId dead = bury(Bench::job("q"));
  EXPECT_EQ(refusal(into(dead, callbacks_queue)), Refusal::wrong_state);
}

TEST_F(MovingTest, StepsAreKeptUnlessAllWasDone) {
  make("there");
  const auto run = [&](bool complete) {
    NewJob spec = Bench::job("q");
    spec.max_attempts = 1;
    const JobId id = bench.submit(spec);
    const auto granted = bench.lease("q");
    KeepStep keep;
    keep.id = id;
    keep.lease = granted.at(0).lease;
    keep.step.name = "resize";
    bench.call<StepKept>(keep);
    if (complete)
      bench.complete(granted[0]);
    else
      bench.fail(granted[0]);
    return bench.get(bench.call<JobChanged>(Move{id, std::nullopt, "there", ""}).id).steps.size();
  };
  EXPECT_EQ(run(false), 1u);
  EXPECT_EQ(run(true), 0u);
}

}  // namespace
}  // namespace pawl::core::test
