// Graphs: jobs that wait for others, children of a running job, and what ends bring about.
#include "tests/core/workflows_bench.h"

namespace pawl::core::test {
namespace {

TEST_F(WorkflowsTest, TheirIdsSortAsTheyWereSubmitted) {
  WorkflowId last;
  for (int i = 0; i < 5'000; ++i) {
    SubmitWorkflow submit;
    submit.members.push_back({"a", Bench::job("q"), {}, {}});
    const WorkflowId id = bench.call<WorkflowSubmitted>(std::move(submit)).workflow;
    ASSERT_LT(last, id) << i;
    last = id;
  }
}

TEST_F(WorkflowsTest, AChildRunsWhenAllItsParentsHaveEndedAndGetsTheirResults) {
  submit({member("a"), member("b"), member("c", {0, 1}), member("d", {2})});
  EXPECT_EQ(states(), (Strings{"pending", "pending", "blocked", "blocked"}));
  complete("a", "10");
  EXPECT_EQ(states(), (Strings{"completed", "pending", "blocked", "blocked"}));
  bench.restart();
  complete("b", "20");
  EXPECT_EQ(states(), (Strings{"completed", "completed", "pending", "blocked"}));
  bench.restart();
  const GrantedJob c = lease("c");
  EXPECT_EQ(texts(c.parents), (Texts{{"a", "completed 10"}, {"b", "completed 20"}}));
  EXPECT_EQ(status(), "running");
  bench.complete(c);
  complete("d");
  EXPECT_EQ(status(), "completed");
  EXPECT_EQ(bench.rows.workflows.at(workflow).finished_at, bench.now.wall);
  expect_nothing_left();
}

TEST_F(WorkflowsTest, TheEndAndTheReleaseAreOneBatch) {
  submit({member("a"), member("b", {0})});
  const GrantedJob a = lease("a");
  bench.complete(a);
  EXPECT_TRUE(bench.rows.jobs[Place::ready].contains(ids[1]));
  EXPECT_TRUE(bench.rows.owed.empty()) << "nothing was left to another batch";
}

TEST_F(WorkflowsTest, AFailedParentFailsSkipsOrLetsRun) {
  submit({member("a"), member("b"), member("fails", {0, 1}), member("skipped", {0, 1}, Policy::skip),
          member("runs", {0, 1}, Policy::run), member("after", {2}), member("after-run", {4})});
  fail("a");
  EXPECT_EQ(states(), (Strings{"failed", "pending", "failed", "cancelled", "blocked", "failed", "blocked"}));
  const Job failed = bench.get(ids[2]);
  EXPECT_EQ(failed.errors.at(0).type, "parent-failed");
  EXPECT_NE(failed.errors.at(0).message.find("a, which it waited for, failed"), std::string::npos);
  complete("b", "2");
  const GrantedJob runs = lease("runs");
  EXPECT_EQ(texts(runs.parents), (Texts{{"a", "failed null"}, {"b", "completed 2"}}));
  bench.complete(runs);
  complete("after-run");
  EXPECT_EQ(status(), "failed");
  const WorkflowRow row = bench.rows.workflows.at(workflow);
  EXPECT_EQ(row.failed, 3u);
  EXPECT_EQ(row.cancelled, 1u);
  expect_nothing_left();
}

TEST_F(WorkflowsTest, WhatOneJobOwesTwiceIsKeptTwice) {
  submit({member("a"), member("b")});
  bench.pay_rounds = 0;
  bench.call<JobChanged>(Cancel{ids[0]});
  bench.call<JobChanged>(Retry{ids[0], std::nullopt});
  EXPECT_EQ(bench.rows.owed.size(), 2u);
  bench.restart();
  bench.pay_rounds = 5;
  bench.tick();
  EXPECT_EQ(bench.rows.workflows.at(workflow).left, 2u);
  EXPECT_EQ(bench.rows.workflows.at(workflow).cancelled, 0u);
  EXPECT_TRUE(bench.rows.owed.empty());
}

TEST_F(WorkflowsTest, ALongCascadeGoesOnInLaterBatchesAndOverARestart) {
  std::vector<NewMember> chain{member("first")};
  for (std::uint32_t i = 1; i < 50; ++i) chain.push_back(member("m" + std::to_string(i), {i - 1}));
  submit(std::move(chain));
  bench.pay_rounds = 5;
  fail("first");
  EXPECT_FALSE(bench.rows.owed.empty());
  EXPECT_GT(bench.count("q", Status::blocked), 0u);
  bench.restart();
  for (int i = 0; i < 50; ++i) bench.tick();
  EXPECT_EQ(bench.count("q", Status::failed), 50u);
  EXPECT_EQ(bench.rows.workflows.at(workflow).failed, 50u);
  expect_nothing_left();
}

TEST_F(WorkflowsTest, AWideFanGoesOnInLaterBatches) {
  std::vector<NewMember> fan{member("first")};
  for (std::uint32_t i = 1; i <= 2'500; ++i) fan.push_back(member("m", {0}));
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 1; i <= 2'500; ++i) all.push_back(i);
  fan.push_back(member("last", all));
  submit(std::move(fan));
  bench.pay_rounds = 3;
  complete("first");
  bench.restart();
  for (int i = 0; i < 10; ++i) bench.tick();
  EXPECT_EQ(bench.count("q", Status::pending), 2'500u);
  for (int round = 0; round < 3; ++round) {
    Settle settle;
    for (const GrantedJob& job : bench.lease("q", 1'000)) {
      Settlement settlement;
      settlement.id = job.id;
      settlement.lease = job.lease;
      settle.settlements.push_back(settlement);
    }
    bench.call<Settled>(std::move(settle));
  }
  for (int i = 0; i < 10; ++i) bench.tick();
  EXPECT_EQ(lease("last").parents.size(), 2'500u);
}

TEST_F(WorkflowsTest, AChildWithATimeOfItsOwnWaitsForThatToo) {
  std::vector<NewMember> members{member("a"), member("b", {0})};
  members[1].job.delay_ms = 10'000;
  submit(std::move(members));
  complete("a");
  EXPECT_EQ(bench.status(ids[1]), Status::delayed);
  bench.advance(10'000);
  EXPECT_EQ(bench.status(ids[1]), Status::pending);
}

TEST_F(WorkflowsTest, AParentThatIsCancelledDeletedOrStallsToDeathCountsAsEnded) {
  submit({member("a"), member("b"), member("c"), member("x", {0}, Policy::run), member("y", {1}, Policy::run),
          member("z", {2}, Policy::run)});
  bench.call<JobChanged>(Cancel{ids[0]});
  EXPECT_EQ(bench.status(ids[3]), Status::pending);
  bench.call<JobDeleted>(Delete{ids[1], {}});
  EXPECT_EQ(bench.status(ids[4]), Status::pending);
  EXPECT_EQ(texts(lease("y").parents), (Texts{{"b", "cancelled null"}}));
  for (int stalls = 0; stalls < 4; ++stalls) {
    lease("c");
    bench.advance(31'000);
  }
  EXPECT_EQ(bench.status(ids[2]), Status::failed);
  EXPECT_EQ(bench.status(ids[5]), Status::pending);
}

TEST_F(WorkflowsTest, ACancelledChildIsNotWokenAndItsOwnChildrenEnd) {
  submit({member("a"), member("b", {0}), member("c", {1}), member("d", {0})});
  bench.call<JobChanged>(Cancel{ids[1]});
  EXPECT_EQ(states(), (Strings{"pending", "cancelled", "failed", "blocked"}));
  bench.restart();
  complete("a");
  EXPECT_EQ(states(), (Strings{"completed", "cancelled", "failed", "pending"}));
  complete("d");
  expect_nothing_left();
}

TEST_F(WorkflowsTest, CancelEndsAllThatHasNotEnded) {
  submit({member("a"), member("b"), member("c", {0}), member("d", {2}, Policy::run)});
  const GrantedJob a = lease("a");
  EXPECT_EQ(bench.call<WorkflowChanged>(CancelWorkflow{workflow}).jobs, 4u);
  EXPECT_EQ(states(), (Strings{"active", "cancelled", "cancelled", "cancelled"}));
  bench.fail(a);
  EXPECT_EQ(status(), "cancelled");
  expect_nothing_left();
  EXPECT_EQ(bench.call<WorkflowChanged>(CancelWorkflow{workflow}).jobs, 0u);
  EXPECT_EQ(bench.call<Refused>(CancelWorkflow{WorkflowId{}}).why, Refusal::unknown_workflow);
}

TEST_F(WorkflowsTest, AJobMayAddChildrenAndWaitForThem) {
  const JobId parent = bench.submit(Bench::job("q"));
  const GrantedJob held = bench.lease("q").at(0);
  const auto made =
      bench.call<WorkflowSubmitted>(AddChildren{parent, held.lease, {member("x"), member("y", {0})}});
  EXPECT_TRUE(made.workflow.is_none());
  EXPECT_EQ(bench.status(parent), Status::blocked);
  bench.restart();
  complete("x", "1");
  fail("y");
  const GrantedJob again = bench.lease("q").at(0);
  EXPECT_EQ(again.id, parent);
  EXPECT_EQ(again.attempt, 1u);
  EXPECT_EQ(texts(again.parents), (Texts{{"x", "completed 1"}, {"y", "failed null"}}));
  EXPECT_EQ(bench.call<Refused>(AddChildren{parent, again.lease, {member("x")}}).why, Refusal::step_exists);
  bench.call<WorkflowSubmitted>(AddChildren{parent, again.lease, {member("z")}});
  complete("z", "3");
  const GrantedJob third = bench.lease("q").at(0);
  EXPECT_EQ(third.parents.size(), 3u);
  bench.complete(third);
  expect_nothing_left();
}

TEST_F(WorkflowsTest, TheResultOfAnInvokedJobIsAStep) {
  submit({member("a")});
  const GrantedJob a = lease("a");
  bench.call<WorkflowSubmitted>(AddChildren{a.id, a.lease, {member("x")}, true});
  EXPECT_EQ(bench.rows.workflows.at(workflow).total, 1u);  // it is in no workflow
  bench.restart();
  complete("x", "7");
  const GrantedJob again = lease("a");
  EXPECT_EQ(again.attempt, 1u);
  ASSERT_EQ(bench.get(a.id).steps.size(), 1u);
  EXPECT_EQ(bench.get(a.id).steps[0].name, "x");
  EXPECT_EQ(*bench.get(a.id).steps[0].result, "7");
  EXPECT_EQ(bench.call<Refused>(AddChildren{a.id, again.lease, {member("x")}, true}).why,
            Refusal::step_exists);
  bench.call<WorkflowSubmitted>(AddChildren{a.id, again.lease, {member("y")}, true});
  fail("y");
  const GrantedJob third = lease("a");
  EXPECT_EQ(bench.get(a.id).steps[1].result, nullptr);
  EXPECT_EQ(texts(third.parents), (Texts{{"x", "completed 7"}, {"y", "failed null"}}));
  bench.complete(third);
  expect_nothing_left();
}

// In one batch: what the cancel owes is paid after the retry.
TEST_F(WorkflowsTest, AnEndCountsForTheWaitThatItBelongsTo) {
  submit({member("a"), member("b"), member("c", {0, 1})});
  bench.call<JobChanged>(Cancel{ids[0]});
  bench.call<JobChanged>(Retry{ids[2], Status::failed});
  const GrantedJob c = lease("c");
  bench.call<WorkflowSubmitted>(AddChildren{c.id, c.lease, {member("x")}});
  bench.restart();
  complete("b");
  EXPECT_EQ(bench.status(ids[2]), Status::blocked);
  complete("x");
  EXPECT_EQ(bench.status(ids[2]), Status::pending);
  complete("c");
  expect_nothing_left();
}

TEST_F(WorkflowsTest, ACancelInTheBatchOfNewChildrenCancelsThem) {
  submit({member("m")});
  const GrantedJob m = lease("m");
  bench.call_together({AddChildren{m.id, m.lease, {member("c")}}, CancelWorkflow{workflow}});
  EXPECT_EQ(bench.status(m.id), Status::cancelled);
  EXPECT_EQ(status(), "cancelled");
  EXPECT_EQ(bench.rows.workflows.at(workflow).cancelled, 2u);
  expect_nothing_left();
}

TEST_F(WorkflowsTest, ACompletedJobThatRunsAgainAddsItsChildrenAnew) {
  const JobId parent = bench.submit(Bench::job("q"));
  const GrantedJob held = bench.lease("q").at(0);
  bench.call<WorkflowSubmitted>(AddChildren{parent, held.lease, {member("x")}, true});
  complete("x", "7");
  bench.complete(bench.lease("q").at(0));
  bench.call<JobChanged>(Retry{parent, Status::completed});
  const GrantedJob again = bench.lease("q").at(0);
  EXPECT_TRUE(again.parents.empty());
  bench.call<WorkflowSubmitted>(AddChildren{parent, again.lease, {member("x")}, true});
}

TEST_F(WorkflowsTest, WhatAJobWasToldStaysWhenTheParentIsGone) {
  NewMember p = member("p");
  p.job.retention = Retention{1'000, 1'000};
  submit({p, member("x", {0})});
  complete("p", "1");
  fail("x");
  bench.advance(5'000);
  bench.call<WorkflowChanged>(RetryWorkflow{workflow});
  EXPECT_EQ(texts(lease("x").parents), (Texts{{"p", "completed 1"}}));
}

TEST_F(WorkflowsTest, WhatOneThatIsCancelledWasToldStays) {
  submit({member("p"), member("q"), member("x", {0, 1})});
  complete("p", "1");
  bench.restart();
  bench.call<JobChanged>(Cancel{ids[2]});
  bench.restart();
  bench.call<JobChanged>(Retry{ids[2], {}});
  const GrantedJob x = lease("x");
  EXPECT_EQ(texts(x.parents), (Texts{{"p", "completed 1"}}));
  bench.complete(x);
  complete("q");
  expect_nothing_left();
}

TEST_F(WorkflowsTest, OfAChildThatWasAddedTwiceTheNewerCounts) {
  submit({member("a")});
  const GrantedJob first = lease("a");
  bench.call<WorkflowSubmitted>(AddChildren{first.id, first.lease, {member("k")}});
  bench.call<JobChanged>(Cancel{first.id});
  bench.call<JobChanged>(Retry{first.id, {}});
  const GrantedJob second = lease("a");
  bench.call<WorkflowSubmitted>(AddChildren{second.id, second.lease, {member("k")}});
  complete("k", "1");
  complete("k", "2");
  fail("a");
  bench.call<WorkflowChanged>(RetryWorkflow{workflow});
  const std::vector<ParentResult> told = lease("a").parents;
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(texts(told), (Texts{{"k", "completed 2"}}));
}

TEST_F(WorkflowsTest, AnOrderedJobDoesNotWaitForOneBehindItself) {
  NewMember adder = member("a");
  adder.job.group = "g";
  adder.job.ordered = true;
  submit({adder});
  const GrantedJob a = lease("a");
  NewMember child = member("k");
  child.job.group = "g";
  child.job.ordered = true;
  EXPECT_EQ(bench.call<Refused>(AddChildren{a.id, a.lease, {child}}).why, Refusal::wrong_state);
  child.job.ordered = false;
  bench.call<WorkflowSubmitted>(AddChildren{a.id, a.lease, {child}});
  complete("k");
  EXPECT_EQ(bench.status(a.id), Status::pending);
}

TEST_F(WorkflowsTest, ChildrenOfAMemberJoinItsWorkflow) {
  submit({member("a"), member("b", {0})});
  const GrantedJob a = lease("a");
  bench.call<WorkflowSubmitted>(AddChildren{a.id, a.lease, {member("x")}});
  EXPECT_EQ(bench.rows.workflows.at(workflow).total, 3u);
  EXPECT_EQ(bench.rows.members.at(workflow).size(), 3u);
  complete("x");
  EXPECT_EQ(bench.status(ids[0]), Status::pending);
  complete("a");
  complete("b");
  EXPECT_EQ(status(), "completed");
  expect_nothing_left();
}

TEST_F(WorkflowsTest, AQueueWithLiveMembersIsNotDeleted) {
  submit({member("a"), member("b", {0})});
  EXPECT_EQ(bench.call<Refused>(DeleteQueue{"q", true}).why, Refusal::queue_in_use);
  bench.call<WorkflowChanged>(CancelWorkflow{workflow});
  bench.call<QueueDeleted>(DeleteQueue{"q", true});
}

TEST(GraphTest, FindsCyclesAndSaysWhichJobsMakeThem) {
  EXPECT_FALSE(find_cycle({member("a"), member("b", {0}), member("c", {0, 1})}));
  const auto fault =
      find_cycle({member("a"), member("b", {0, 3}), member("c", {1}), member("d", {2}), member("e", {3})});
  ASSERT_TRUE(fault);
  EXPECT_GE(fault->member, 1u);
  EXPECT_LE(fault->member, 3u);
  for (const char* ref : {"b", "c", "d"}) EXPECT_NE(fault->what.find(ref), std::string::npos) << fault->what;
}

}  // namespace
}  // namespace pawl::core::test
