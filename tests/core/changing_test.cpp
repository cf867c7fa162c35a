// Another time and another priority for jobs that wait.
#include <gtest/gtest.h>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

constexpr Millis hour = 3'600'000;

class ChangingTest : public ::testing::Test {
 protected:
  Bench bench;

  JobId submit(int priority = 0, std::optional<Millis> delay = {}) {
    NewJob spec = Bench::job("q");
    spec.priority = priority;
    spec.delay_ms = delay;
    return bench.submit(std::move(spec));
  }
  Status delay(const JobId& id, Millis ms) {
    return bench.call<JobChanged>(ChangeJob{id, {}, ms, {}}).status;
  }
  Status give(const JobId& id, int priority) {
    return bench.call<JobChanged>(ChangeJob{id, {}, {}, priority}).status;
  }
  std::string refusal(const ChangeJob& change) {
    const Refused refused = bench.call<Refused>(change);
    EXPECT_EQ(refused.why, Refusal::wrong_state);
    return refused.detail;
  }
  std::vector<JobId> drain() {
    std::vector<JobId> ids;
    for (auto jobs = bench.lease("q"); !jobs.empty(); jobs = bench.lease("q")) ids.push_back(jobs.front().id);
    return ids;
  }
  std::size_t rows(Place place) { return bench.rows.jobs[place].size(); }
};

TEST_F(ChangingTest, APendingJobIsPostponedAndComesWhenItsTimeHasCome) {
  const JobId id = submit();
  EXPECT_EQ(delay(id, 5'000), Status::delayed);
  EXPECT_EQ(bench.count("q", Status::pending), 0u);
  EXPECT_EQ(bench.count("q", Status::delayed), 1u);
  EXPECT_EQ(rows(Place::ready), 0u);
  EXPECT_EQ(bench.rows.timers.size(), 1u);
  bench.restart();
  bench.advance(4'999);
  EXPECT_TRUE(bench.lease("q").empty());
  bench.advance(1);
  EXPECT_EQ(bench.lease("q").at(0).id, id);
}

TEST_F(ChangingTest, AStalledJobIsPostponedToo) {
  const JobId id = submit();
  bench.lease("q");
  bench.advance(30'001);
  ASSERT_EQ(bench.status(id), Status::stalled);
  EXPECT_EQ(delay(id, 5'000), Status::delayed);
  EXPECT_EQ(bench.get(id).stalls, 1u);
  bench.advance(5'000);
  EXPECT_EQ(bench.status(id), Status::pending);
}

TEST_F(ChangingTest, ADelayedJobIsDueSoonerOrLaterByOneTimer) {
  const JobId id = submit(0, hour);
  const std::size_t moves = bench.get(id).history.size();
  EXPECT_EQ(delay(id, 2 * hour), Status::delayed);
  EXPECT_EQ(bench.rows.timers.size(), 1u);
  bench.advance(hour);
  EXPECT_EQ(bench.status(id), Status::delayed);
  EXPECT_EQ(delay(id, 1'000), Status::delayed);
  EXPECT_EQ(bench.rows.timers.size(), 1u);
  EXPECT_EQ(bench.get(id).history.size(), moves) << "a change is no move";
  bench.restart();
  bench.advance(1'000);
  EXPECT_EQ(bench.status(id), Status::pending);
  EXPECT_TRUE(bench.rows.timers.empty());
}

TEST_F(ChangingTest, ATimeThatIsNotToComeIsNow) {
  const JobId waits = submit(0, hour);
  EXPECT_EQ(bench.call<JobChanged>(ChangeJob{waits, bench.now.wall, {}, {}}).status, Status::pending);
  EXPECT_TRUE(bench.rows.timers.empty());
  const Job before = bench.get(waits);
  EXPECT_EQ(bench.call<JobChanged>(ChangeJob{waits, 5, {}, {}}).status, Status::pending);
  EXPECT_EQ(bench.get(waits).run_at, before.run_at);
  EXPECT_EQ(bench.get(waits).history.size(), before.history.size());
}

TEST_F(ChangingTest, AnotherPriorityIsAnotherPlaceInTheOrder) {
  const JobId first = submit();
  const JobId second = submit();
  const JobId third = submit(5);
  const JobId later = submit(0, hour);
  EXPECT_EQ(give(second, 9), Status::pending);
  EXPECT_EQ(give(third, -9), Status::pending);
  EXPECT_EQ(give(later, 7), Status::delayed);
  EXPECT_EQ(delay(later, 0), Status::pending);
  EXPECT_EQ(bench.rows.overwritten_ready, 0u);
  EXPECT_EQ(rows(Place::ready), 4u);
  bench.restart();
  EXPECT_EQ(drain(), (std::vector<JobId>{second, later, first, third}));
}

TEST_F(ChangingTest, BothAreGivenAtOnceOrNothingIs) {
  const JobId id = submit();
  EXPECT_EQ(bench.call<JobChanged>(ChangeJob{id, {}, hour, 3}).status, Status::delayed);
  EXPECT_EQ(bench.get(id).priority, 3);
  EXPECT_EQ(bench.get(id).run_at, bench.now.wall + hour);
  bench.call<JobChanged>(ChangeJob{id, {}, 0, 4});
  bench.suspend(bench.lease("q").at(0), [] {
    Suspension suspension;
    suspension.as = suspension.event = "paid";
    return suspension;
  }());
  EXPECT_NE(refusal({id, {}, hour, 9}).find("waits for the event paid"), std::string::npos);
  EXPECT_EQ(bench.get(id).priority, 4);
  EXPECT_EQ(give(id, 9), Status::blocked);
  bench.call<EventRaised>(RaiseEvent{"paid", {}, {}});
  EXPECT_EQ(bench.lease("q").at(0).priority, 9);
}

// The window holds the first of a long line: what passes its end is read from the rows, and what comes before
// it is not.
TEST_F(ChangingTest, BeyondTheWindowTheOrderIsThatOfTheRows) {
  MachineOptions options;
  options.window_jobs = 4;
  bench = Bench(options);
  std::vector<JobId> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(submit());
  give(ids[0], -1);  // from the window to the end
  give(ids[11], 1);  // from the end to the window
  delay(ids[10], 5'000);
  delay(ids[1], 5'000);
  std::vector<JobId> wanted{ids[11]};
  wanted.insert(wanted.end(), ids.begin() + 2, ids.begin() + 10);
  wanted.push_back(ids[0]);
  EXPECT_EQ(drain(), wanted);
  bench.advance(5'000);
  EXPECT_EQ(drain(), (std::vector<JobId>{ids[1], ids[10]}));
}

TEST_F(ChangingTest, AJobThatWaitsForOthersKeepsItsTimeUntilItIsReleased) {
  NewMember parent;
  parent.job = Bench::job("q");
  parent.ref = "a";
  NewMember child = parent;
  child.ref = "b";
  child.depends_on = {0};
  const auto made = bench.call<WorkflowSubmitted>(SubmitWorkflow{"w", {parent, child}});
  const JobId id = made.jobs.at(1).id;
  EXPECT_EQ(bench.call<JobChanged>(ChangeJob{id, {}, hour, 6}).status, Status::blocked);
  EXPECT_TRUE(bench.rows.timers.empty());
  bench.restart();
  bench.complete(bench.lease("q").at(0));
  EXPECT_EQ(bench.status(id), Status::delayed);
  bench.advance(hour);
  EXPECT_EQ(bench.lease("q").at(0).priority, 6);
}

TEST_F(ChangingTest, ADebouncedJobWithAnotherTimeIsJoinedNoMore) {
  NewJob spec = Bench::job("q");
  spec.gathering = Gathering{Gathering::Mode::debounce, "k", 1'000, 0};
  const JobId first = bench.submit(spec);
  ASSERT_EQ(bench.submit(spec), first);
  delay(first, hour);
  const JobId second = bench.submit(spec);
  EXPECT_NE(second, first);
  EXPECT_EQ(bench.submit(spec), second);
  EXPECT_EQ(bench.get(first).run_at, bench.now.wall + hour);
}

TEST_F(ChangingTest, WhatIsHeldOrOverIsNotChanged) {
  const JobId id = submit();
  const GrantedJob held = bench.lease("q").at(0);
  for (const ChangeJob& change : {ChangeJob{id, {}, hour, {}}, ChangeJob{id, {}, {}, 5}}) {
    EXPECT_NE(refusal(change).find("active"), std::string::npos);
  }
  bench.complete(held);
  for (const ChangeJob& change : {ChangeJob{id, {}, hour, {}}, ChangeJob{id, {}, {}, 5}}) {
    EXPECT_NE(refusal(change).find("retry it first"), std::string::npos);
  }
  EXPECT_EQ(bench.call<Refused>(ChangeJob{JobId{}, {}, 1, {}}).why, Refusal::unknown_job);
}

TEST_F(ChangingTest, AStrictOrderKeepsItsOrder) {
  NewJob spec = Bench::job("q");
  spec.group = "g";
  spec.ordered = true;
  const JobId first = bench.submit(spec);
  const JobId second = bench.submit(spec);
  refusal({first, {}, hour, {}});
  refusal({second, {}, {}, 5});
  bench.fail(bench.lease("q").at(0), false, hour);
  // It has begun: how long it waits for another attempt may change, and the other waits with it.
  EXPECT_EQ(delay(first, 2 * hour), Status::delayed);
  bench.restart();
  bench.advance(2 * hour - 1);
  EXPECT_TRUE(bench.lease("q").empty());
  EXPECT_EQ(delay(first, 0), Status::pending);
  bench.complete(bench.lease("q").at(0));
  EXPECT_EQ(bench.lease("q").at(0).id, second);
}

TEST_F(ChangingTest, OfALatestKeyNeitherTimeNorPriorityChanges) {
  NewJob spec = Bench::job("q");
  spec.gathering = Gathering{Gathering::Mode::latest, "k", 0, 0};
  const JobId id = bench.submit(spec);
  refusal({id, {}, hour, {}});
  refusal({id, {}, {}, 5});
  EXPECT_EQ(bench.submit(spec), id) << "it is still the one that waits";
}

TEST_F(ChangingTest, WherePrioritiesAgeAJobKeepsItsOwn) {
  PutQueue ages;
  ages.name = "q";
  ages.priority_ageing_ms = std::optional<Millis>(1'000);
  bench.call<QueueView>(ages);
  const JobId id = submit(3);
  EXPECT_NE(refusal({id, {}, {}, 5}).find("age"), std::string::npos);
  EXPECT_EQ(delay(id, hour), Status::delayed);
  ages.priority_ageing_ms = std::optional<Millis>();
  bench.call<QueueView>(ages);
  refusal({id, {}, {}, 5});  // its line is still the one of its priority
  EXPECT_EQ(give(submit(3), 5), Status::pending);
}

}  // namespace
}  // namespace pawl::core::test
