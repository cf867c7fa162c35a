#include <gtest/gtest.h>

#include <random>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

/// The most that any window of `length` holds. Every start opens a window.
std::size_t fullest_window(const std::vector<Millis>& starts, Millis length) {
  std::size_t most = 0;
  for (std::size_t first = 0; first < starts.size(); ++first) {
    std::size_t last = first;
    while (last < starts.size() && starts[last] < starts[first] + length) ++last;
    most = std::max(most, last - first);
  }
  return most;
}

/// Starts whenever that is allowed, looking at random moments, until `end`.
std::vector<Millis> run(Pace& pace, const RateLimit& limit, Millis begin, Millis end, Millis step_max) {
  std::mt19937 random(7);
  std::vector<Millis> starts;
  for (Millis now = begin; now < end;
       now += 1 + static_cast<Millis>(random() % static_cast<unsigned>(step_max))) {
    while (pace.opens_at(limit, now) == now) {
      pace.start(limit, now);
      starts.push_back(now);
    }
  }
  return starts;
}

TEST(PaceTest, NoWindowHoldsMoreThanTheLimitAndLittleIsLost) {
  for (const RateLimit& limit :
       {RateLimit{50, 1'000, 0}, RateLimit{50, 1'000, 1}, RateLimit{1, 1'000, 0}, RateLimit{1'000, 1'000, 10},
        RateLimit{3, 7, 0}, RateLimit{100, 60'000, 5}, RateLimit{999, 1'000, 2}, RateLimit{300, 1'000, 1}}) {
    SCOPED_TRACE(std::to_string(limit.max) + " per " + std::to_string(limit.per_ms));
    Pace pace;
    const Millis begin = 1'700'000'000'123;
    const Millis length = 40 * limit.per_ms;
    const std::vector<Millis> starts = run(pace, limit, begin, begin + length, limit.burst == 1 ? 1 : 2);
    EXPECT_LE(fullest_window(starts, limit.per_ms), limit.max);
    if (limit.per_ms >= 1'000) {
      EXPECT_GE(starts.size(), 38 * limit.max);
    }
    EXPECT_LE(pace.counted.size(), 102u);
  }
}

TEST(PaceTest, ABurstIsBoundedAndOneSpacesEvenly) {
  Pace pace;
  const RateLimit five{50, 1'000, 5};
  EXPECT_EQ(run(pace, five, 1'000, 1'001, 1).size(), 5u);
  EXPECT_EQ(pace.opens_at(five, 1'000), 1'020);

  Pace even;
  const RateLimit one{50, 1'000, 1};
  const std::vector<Millis> starts = run(even, one, 1'000, 2'000, 1);
  ASSERT_EQ(starts.size(), 50u);
  for (std::size_t i = 1; i < starts.size(); ++i) EXPECT_EQ(starts[i] - starts[i - 1], 20);
}

TEST(PaceTest, SaysWhenItOpens) {
  Pace pace;
  const RateLimit limit{2, 10'000, 0};
  pace.start(limit, 5'000);
  pace.start(limit, 5'050);
  EXPECT_EQ(pace.opens_at(limit, 5'050), 15'099);  // the slot of 100 ms ends, and a window more
  EXPECT_EQ(pace.opens_at(limit, 15'099), 15'099);
}

TEST(PaceTest, AnotherLimitRemembersTheStarts) {
  Pace pace;
  const RateLimit hourly{10, 3'600'000, 0};
  run(pace, hourly, 1'000, 1'001, 1);
  const RateLimit each_second{10, 1'000, 0};
  pace.change(hourly, each_second, 2'000);
  EXPECT_EQ(pace.opens_at(each_second, 2'000), 3'000);
}

TEST(PaceTest, AnotherLimitIsAsShortOfTokens) {
  const RateLimit quick{100, 10'000, 10};
  const RateLimit slow{100, 100'000, 10};
  Pace slower;
  EXPECT_EQ(run(slower, quick, 1'000, 1'001, 1).size(), 10u);
  slower.change(quick, slow, 1'001);
  EXPECT_EQ(slower.opens_at(slow, 1'001), 1'991);  // a hundredth of a token came back

  Pace faster;
  EXPECT_EQ(run(faster, slow, 1'000, 1'001, 1).size(), 10u);
  faster.change(slow, quick, 1'001);
  EXPECT_EQ(faster.opens_at(quick, 1'001), 1'100);
}

class LimitsTest : public ::testing::Test {
 protected:
  Bench bench;

  void put(std::optional<std::uint32_t> concurrency, std::optional<RateLimit> rate = {}) {
    PutQueue put;
    put.name = "q";
    put.max_concurrency = concurrency;
    put.rate_limit = rate;
    bench.call<QueueView>(std::move(put));
  }
  void submit(int count) {
    for (int i = 0; i < count; ++i) last = bench.submit(Bench::job("q"));
  }
  Ticket connect(std::uint32_t credit) { return bench.post(OpenWorker{"w", {{"q", 1}}, {}, credit, {}}); }
  Reason why() { return bench.call<Reason>(Why{last}); }

  JobId last;
};

TEST_F(LimitsTest, NoMoreRunAtOnceThanTheQueueAllows) {
  put(3);
  submit(10);
  const Ticket worker = connect(100);
  std::vector<GrantedJob> jobs = bench.granted(worker);
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(why().code, Reason::Code::concurrency_limit);
  EXPECT_EQ(why().limit, 3u);
  bench.complete(jobs[0]);
  EXPECT_EQ(bench.granted(worker).size(), 1u);
  bench.fail(jobs[1]);
  EXPECT_EQ(bench.granted(worker).size(), 1u);
  put(5);
  EXPECT_EQ(bench.granted(worker).size(), 2u);
  bench.restart();
  EXPECT_EQ(bench.granted(connect(100)).size(), 0u);
  bench.advance(60'000);  // the leases run out, and others take their places
  EXPECT_EQ(bench.count("q", Status::active), 5u);
  put(std::nullopt);
  EXPECT_EQ(bench.count("q", Status::pending) + bench.count("q", Status::stalled), 0u);
}

TEST_F(LimitsTest, StartsKeepToTheRateAndGoOnByThemselves) {
  put(std::nullopt, RateLimit{5, 1'000, 0});
  submit(20);
  const Ticket worker = connect(100);
  EXPECT_EQ(bench.granted(worker).size(), 5u);
  EXPECT_EQ(why().code, Reason::Code::rate_limit);
  EXPECT_GT(why().until, bench.now.wall);
  bench.advance(999);
  EXPECT_EQ(bench.granted(worker).size(), 0u);
  bench.advance(11);
  EXPECT_EQ(bench.granted(worker).size(), 5u);
}

TEST_F(LimitsTest, ARestartForgetsNoStart) {
  put(std::nullopt, RateLimit{5, 60'000, 0});
  submit(20);
  EXPECT_EQ(bench.granted(connect(100)).size(), 5u);
  bench.restart();
  const Ticket again = connect(100);
  EXPECT_EQ(bench.granted_in(again, {59'000, 2'000}), (std::vector<std::size_t>{0, 0, 5}));
}

TEST_F(LimitsTest, ARateLimitOutsideHoldsTheQueueAndCostsNoAttempt) {
  submit(3);
  const GrantedJob job = bench.lease("q").at(0);
  EXPECT_EQ(bench.rate_limited(job, 30'000).status, Status::pending);
  EXPECT_TRUE(bench.lease("q", 10).empty());
  EXPECT_EQ(why().code, Reason::Code::held);
  EXPECT_EQ(bench.call<QueueView>(GetQueue{"q"}).held_until, bench.now.wall + 30'000);
  bench.restart();
  EXPECT_TRUE(bench.lease("q", 10).empty());
  bench.advance(30'000);
  const std::vector<GrantedJob> jobs = bench.lease("q", 10);
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[0].id, job.id);  // it kept its place
  EXPECT_EQ(jobs[0].attempt, 1u);
  EXPECT_EQ(bench.rate_limited(job, 30'000).status, Status::pending);  // repeated: nothing is held again
  EXPECT_EQ(bench.call<QueueView>(GetQueue{"q"}).held_until, 0);
}

TEST_F(LimitsTest, ResumeEndsTheHold) {
  submit(2);
  const Ticket worker = connect(10);
  std::vector<GrantedJob> jobs = bench.granted(worker);
  bench.rate_limited(jobs.at(0), 3'600'000);
  EXPECT_TRUE(bench.granted(worker).empty());
  PutQueue resume;
  resume.name = "q";
  resume.paused = false;
  resume.clear_hold = true;
  bench.call<QueueView>(std::move(resume));
  EXPECT_EQ(bench.granted(worker).size(), 1u);
}

TEST_F(LimitsTest, ACancelledJobThatMeetsALimitIsCancelled) {
  submit(1);
  const GrantedJob job = bench.lease("q").at(0);
  bench.call<JobChanged>(Cancel{job.id});
  EXPECT_EQ(bench.rate_limited(job, 1'000).status, Status::cancelled);
}

TEST_F(LimitsTest, AnotherQueueOfTheSameWorkerGoesOn) {
  put(1);
  submit(5);
  for (int i = 0; i < 5; ++i) bench.submit(Bench::job("r"));
  const Ticket worker = bench.post(OpenWorker{"w", {{"q", 1}, {"r", 1}}, {}, 100, {}});
  EXPECT_EQ(bench.granted(worker).size(), 6u);
}

}  // namespace
}  // namespace pawl::core::test
