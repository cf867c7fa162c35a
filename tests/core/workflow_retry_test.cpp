// Graphs of which a part runs again.
#include "tests/core/workflows_bench.h"

namespace pawl::core::test {
namespace {

TEST_F(WorkflowsTest, RetryGoesOnFromWhatFailed) {
  submit(
      {member("a"), member("b", {0}), member("c", {1}), member("d", {1, 2}, Policy::skip), member("e", {0})});
  complete("a", "1");
  complete("e");
  fail("b");
  EXPECT_EQ(states(), (Strings{"completed", "failed", "failed", "cancelled", "completed"}));
  EXPECT_EQ(status(), "failed");
  bench.restart();
  EXPECT_EQ(bench.call<WorkflowChanged>(RetryWorkflow{workflow}).jobs, 3u);
  EXPECT_EQ(states(), (Strings{"completed", "pending", "blocked", "blocked", "completed"}));
  EXPECT_EQ(status(), "running");
  bench.restart();
  const GrantedJob b = lease("b");
  EXPECT_EQ(texts(b.parents), (Texts{{"a", "completed 1"}}));
  bench.complete(b);
  complete("c", "3");
  EXPECT_EQ(texts(lease("d").parents), (Texts{{"b", "completed null"}, {"c", "completed 3"}}));
  bench.advance(31'000);
  complete("d");
  EXPECT_EQ(status(), "completed");
  expect_nothing_left();
}

TEST_F(WorkflowsTest, ARetryInTheBatchOfACancelWaitsForTheNewEnds) {
  submit({member("a"), member("b", {0})});
  bench.call_together({CancelWorkflow{workflow}, RetryWorkflow{workflow}});
  EXPECT_EQ(bench.status(ids[0]), Status::pending);
  EXPECT_EQ(bench.status(ids[1]), Status::blocked);
  complete("a");
  complete("b");
  EXPECT_EQ(status(), "completed");
  expect_nothing_left();
}

// In one batch: an end that is not paid yet, of a job for which the one that runs again waited once.
TEST_F(WorkflowsTest, ARetryInTheBatchOfAnEndCountsThatEndOnce) {
  submit({member("a"), member("b"), member("c", {0, 1})});
  bench.call<JobChanged>(Cancel{ids[0]});
  EXPECT_EQ(bench.status(ids[2]), Status::failed);
  bench.call_together({Settle{{settlement_of(lease("b"))}}, RetryWorkflow{workflow}});
  EXPECT_EQ(states(), (std::vector<std::string>{"pending", "completed", "blocked"}));
  bench.restart();
  complete("a");
  EXPECT_EQ(texts(lease("c").parents).size(), 2u);
  bench.advance(31'000);
  complete("c");
  EXPECT_EQ(status(), "completed");
  expect_nothing_left();
}

// Its first wait ended early, with a parent that is still to end; that end is none of its second wait.
TEST_F(WorkflowsTest, ARetryUndoesTheEndsOfWhichOneThatWaitsWasTold) {
  submit({member("p"), member("r"), member("x", {0, 1}, Policy::run)});
  fail("p");
  bench.restart();
  bench.call<WorkflowChanged>(RetryWorkflow{workflow});
  complete("r");
  EXPECT_EQ(states(), (std::vector<std::string>{"pending", "completed", "blocked"}));
  bench.restart();
  complete("p", "2");
  EXPECT_EQ(texts(lease("x").parents), (Texts{{"p", "completed 2"}, {"r", "completed 1"}}));
  bench.advance(31'000);
  complete("x");
  expect_nothing_left();
}

// Of an end that is not worked off yet it was not told: nor must it be, when the job runs again.
TEST_F(WorkflowsTest, ARetryInTheBatchOfAnEndUndoesIt) {
  submit({member("p"), member("x", {0}), member("y", {1})});
  bench.call_together({Settle{{failure_of(lease("p"))}}, RetryWorkflow{workflow}});
  EXPECT_EQ(states(), (std::vector<std::string>{"pending", "blocked", "blocked"}));
  bench.restart();
  complete("p");
  complete("x");
  complete("y");
  EXPECT_EQ(status(), "completed");
  expect_nothing_left();
}

TEST_F(WorkflowsTest, AJobThatIsRetriedWaitsForItsOwnChildrenAgain) {
  submit({member("m")});
  const GrantedJob m = lease("m");
  const auto child = bench.call<WorkflowSubmitted>(AddChildren{m.id, m.lease, {member("c")}});
  fail("c");
  fail("m");
  EXPECT_EQ(status(), "failed");
  bench.restart();
  EXPECT_EQ(bench.call<WorkflowChanged>(RetryWorkflow{workflow}).jobs, 2u);
  EXPECT_EQ(bench.status(m.id), Status::blocked);
  EXPECT_EQ(bench.status(child.jobs[0].id), Status::pending);
  complete("c", "5");
  EXPECT_EQ(texts(lease("m").parents), (Texts{{"c", "completed 5"}}));
  bench.advance(31'000);
  complete("m");
  EXPECT_EQ(status(), "completed");
  expect_nothing_left();
}

TEST_F(WorkflowsTest, WhatEndedWhileItWaitedForItsParentsIsNotReplayedWithoutThem) {
  submit({member("p"), member("x", {0}), member("y", {1})});
  fail("p");
  EXPECT_EQ(states(), (std::vector<std::string>{"failed", "failed", "failed"}));
  const auto replay = [&](int i) { return Retry{ids[i], Status::failed, true}; };
  EXPECT_EQ(bench.call<Refused>(replay(1)).why, Refusal::wrong_state);
  bench.restart();
  EXPECT_EQ(bench.call<Refused>(replay(2)).why, Refusal::wrong_state);
  bench.call<WorkflowChanged>(RetryWorkflow{workflow});
  complete("p");
  fail("x");
  EXPECT_EQ(bench.call<JobChanged>(replay(1)).id, ids[1]) << "it had run";
}

class WorkflowsInSlicesTest : public WorkflowsTest {
 protected:
  WorkflowsInSlicesTest()
      : WorkflowsTest([] {
          MachineOptions options;
          options.release_slice = 1;
          return options;
        }()) {}
};

// Those that came later are no part of what an end owes, however many they are.
TEST_F(WorkflowsInSlicesTest, ManyThatWaitAnewDoNotStandInTheWay) {
  std::vector<NewMember> members{member("p")};
  for (int i = 0; i < 6; ++i) members.push_back(member("x" + std::to_string(i), {0}));
  submit(members);
  bench.pay_rounds = 4;
  bench.call_together({Settle{{failure_of(lease("p"))}}, Cancel{ids[1]}, RetryWorkflow{workflow}});
  bench.pay_rounds = 100;
  for (int i = 0; i < 20; ++i) bench.advance(1);
  complete("p");
  for (int i = 0; i < 20; ++i) bench.advance(1);
  for (int i = 0; i < 6; ++i) complete("x" + std::to_string(i));
  EXPECT_EQ(status(), "completed");
  expect_nothing_left();
}

}  // namespace
}  // namespace pawl::core::test
