// Pauses of groups, and what is told of groups.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

class GroupsTest : public ::testing::Test {
 protected:
  Bench bench;

  JobId submit(std::string group) {
    NewJob job = Bench::job("q");
    job.group = std::move(group);
    return bench.submit(std::move(job));
  }
  GroupView pause(const std::string& group, std::string reason = {}) {
    return bench.call<GroupView>(PauseGroup{"q", group, true, std::move(reason)});
  }
  GroupView resume(const std::string& group) { return bench.call<GroupView>(PauseGroup{"q", group, false}); }
  GroupList list(bool only_paused = false) {
    return bench.call<GroupList>(ListGroups{"q", 100, only_paused});
  }
  Reason why(const JobId& id) { return bench.call<Reason>(Why{id}); }
  std::vector<std::string> groups_of(const std::vector<GrantedJob>& jobs) {
    std::vector<std::string> groups;
    for (const GrantedJob& job : jobs) groups.push_back(job.group);
    return groups;
  }
};

using Names = std::vector<std::string>;

TEST_F(GroupsTest, APausedGroupStartsNothingAndOthersGoOn) {
  const JobId first = submit("a");
  const GrantedJob running = bench.lease("q").at(0);
  const JobId waiting = submit("a");
  const JobId other = submit("b");
  const GroupView view = pause("a", "their storage is down");
  EXPECT_EQ(view.active, 1u);
  EXPECT_EQ(view.waiting, 1u);
  ASSERT_TRUE(view.pause);
  EXPECT_EQ(view.pause->reason, "their storage is down");
  EXPECT_EQ(bench.lease("q").at(0).id, other);
  EXPECT_TRUE(bench.lease("q").empty());
  const Reason reason = why(waiting);
  EXPECT_EQ(reason.code, Reason::Code::group_paused);
  EXPECT_EQ(reason.text, "a");
  EXPECT_EQ(reason.words, "their storage is down");
  bench.complete(running);  // what runs ends as ever
  EXPECT_EQ(bench.status(first), Status::completed);
  EXPECT_TRUE(bench.lease("q").empty());
  EXPECT_FALSE(resume("a").pause);
  EXPECT_EQ(bench.lease("q").at(0).id, waiting);
}

TEST_F(GroupsTest, AWaitingWorkerIsServedAtTheResume) {
  submit("a");
  pause("a");
  const Ticket worker = bench.post(OpenWorker{"w", {{"q", 1}}, {}, 1, {}});
  bench.take(worker);  // that it is open
  EXPECT_FALSE(bench.take(worker));
  resume("a");
  const std::optional<Reply> reply = bench.take(worker);
  ASSERT_TRUE(reply);
  EXPECT_EQ(groups_of(std::get<Granted>(*reply).jobs), Names{"a"});
}

TEST_F(GroupsTest, APauseOutlivesARestart) {
  const JobId first = submit("a");
  const Millis since = pause("a", "bill").pause->since;
  bench.advance(1'000);
  bench.restart();
  EXPECT_TRUE(bench.lease("q").empty());
  const JobId second = submit("a");
  const GroupList paused = list(true);
  ASSERT_EQ(paused.groups.size(), 1u);
  EXPECT_EQ(paused.groups[0].pause->reason, "bill");
  EXPECT_EQ(paused.groups[0].pause->since, since);
  EXPECT_EQ(paused.groups[0].waiting, 2u);
  resume("a");
  bench.restart();
  EXPECT_EQ(bench.lease("q").at(0).id, first);
  EXPECT_EQ(bench.lease("q").at(0).id, second);
  EXPECT_TRUE(list(true).groups.empty());
}

TEST_F(GroupsTest, ASecondPauseChangesTheReasonAndKeepsTheBeginning) {
  submit("a");
  const Millis since = pause("a", "one").pause->since;
  bench.advance(5'000);
  const GroupView view = pause("a", "two");
  EXPECT_EQ(view.pause->reason, "two");
  EXPECT_EQ(view.pause->since, since);
}

TEST_F(GroupsTest, OneWithoutJobsIsPausedAheadOfThem) {
  submit("b");
  pause("a");
  EXPECT_EQ(bench.rows.groups.size(), 1u);
  const JobId job = submit("a");
  EXPECT_EQ(groups_of(bench.lease("q", 10)), Names{"b"});
  resume("a");
  EXPECT_EQ(bench.lease("q").at(0).id, job);
}

TEST_F(GroupsTest, NothingIsLeftOfOneThatWasPausedForNothing) {
  submit("b");
  pause("a");
  resume("a");
  EXPECT_TRUE(bench.rows.groups.empty());
  resume("never seen");
  EXPECT_TRUE(bench.rows.groups.empty());
}

TEST_F(GroupsTest, APauseAndARateLimitHoldTogether) {
  PutQueue put;
  put.name = "q";
  put.group_rate_limit = RateLimit{1, 10'000, 1};
  bench.call<QueueView>(std::move(put));
  for (int i = 0; i < 3; ++i) submit("a");
  ASSERT_EQ(bench.lease("q", 10).size(), 1u);
  pause("a");
  bench.advance(20'000);
  EXPECT_TRUE(bench.lease("q", 10).empty());
  resume("a");
  EXPECT_EQ(bench.lease("q", 10).size(), 1u);
  pause("a");
  bench.restart();  // the row keeps both
  EXPECT_TRUE(bench.lease("q", 10).empty());
  resume("a");
  EXPECT_TRUE(bench.lease("q", 10).empty());
  bench.advance(10'200);
  EXPECT_EQ(bench.lease("q", 10).size(), 1u);
}

TEST_F(GroupsTest, AQueueHoldsAThousandPausedGroups) {
  submit("b");
  for (std::ptrdiff_t i = 0; i < groups_paused_max; ++i) pause("g" + std::to_string(i));
  EXPECT_EQ(bench.call<Refused>(PauseGroup{"q", "one more", true}).why, Refusal::too_many_paused_groups);
  pause("g7", "one that is paused may be paused again");
  resume("g7");
  pause("one more");
  EXPECT_EQ(bench.call<Refused>(PauseGroup{"nowhere", "a", true}).why, Refusal::unknown_queue);
  EXPECT_EQ(bench.call<Refused>(ListGroups{"nowhere"}).why, Refusal::unknown_queue);
}

TEST_F(GroupsTest, TheListTellsWhatEachGets) {
  for (int i = 0; i < 4; ++i) submit("slow");
  for (int i = 0; i < 4; ++i) submit("fast");
  for (int i = 0; i < 4; ++i) {
    const GrantedJob job = bench.lease("q").at(0);
    bench.advance(job.group == "slow" ? 30'000 : 1'000);
    bench.complete(job);
  }
  pause("asleep");
  const GroupList groups = list();
  ASSERT_EQ(groups.total, 3u);
  EXPECT_EQ(groups.groups[0].group, "asleep");  // what is paused first
  EXPECT_EQ(groups.groups[1].group, "slow");    // then who used the most
  EXPECT_EQ(groups.groups[2].group, "fast");
  const GroupView& slow = groups.groups[1];
  const GroupView& fast = groups.groups[2];
  EXPECT_NEAR(slow.worker_share + fast.worker_share, 1, 1e-9);
  EXPECT_GT(slow.worker_share, 0.5);
  EXPECT_LE(slow.waiting + fast.waiting, 4u);
  EXPECT_GT(fast.jobs_per_minute, 0);
  const double before = fast.jobs_per_minute;
  bench.advance(group_memory_ms);
  EXPECT_NEAR(list().groups[2].jobs_per_minute, before / 2.718281828, before * 0.01);
  const GroupList one = bench.call<GroupList>(ListGroups{"q", 100, false, "fast"});
  ASSERT_EQ(one.groups.size(), 1u);
  EXPECT_EQ(one.groups[0].group, "fast");
  EXPECT_EQ(bench.call<GroupList>(ListGroups{"q", 1}).groups.size(), 1u);
  EXPECT_EQ(bench.call<GroupList>(ListGroups{"q", 1}).total, 3u);
}

TEST_F(GroupsTest, AQueueThatGoesTakesItsPausesWithIt) {
  submit("a");
  pause("a");
  bench.call<QueueDeleted>(DeleteQueue{"q", true});
  EXPECT_TRUE(bench.rows.groups.empty());
  submit("a");
  EXPECT_EQ(bench.lease("q").size(), 1u);
}

}  // namespace
}  // namespace pawl::core::test
