#include <gtest/gtest.h>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

constexpr Millis far_off = 3'600'000;

JobId submit_delayed(Bench& bench, Millis delay, std::size_t payload_bytes = 2) {
  NewJob job = Bench::job("q");
  job.delay_ms = delay;
  job.payload = std::make_shared<const std::string>(payload_bytes, '1');
  return bench.submit(job);
}

// Time goes on, and nobody looks.
void pass(Bench& bench, Millis ms) { bench.now = {bench.now.wall + ms, bench.now.mono + ms}; }

std::vector<JobId> wanted_at_tick(Bench& bench) {
  Needs needs;
  bench.machine().tick_needs(bench.now, needs);
  return needs.jobs;
}

TEST(DueSoonTest, WhatIsDueSoonIsNotReadWhenItIsDue) {
  Bench bench;
  const JobId soon = submit_delayed(bench, 4'000);
  submit_delayed(bench, far_off);
  EXPECT_EQ(bench.machine().resident_count(), 1u);
  pass(bench, 4'000);
  EXPECT_TRUE(wanted_at_tick(bench).empty());
  bench.tick();
  EXPECT_EQ(bench.status(soon), Status::pending);
}

TEST(DueSoonTest, WhatComesNearIsReadOnceAndStays) {
  Bench bench;
  const JobId id = submit_delayed(bench, far_off);
  EXPECT_EQ(bench.machine().resident_count(), 0u);
  EXPECT_TRUE(bench.machine().due_soon(bench.now).empty());
  pass(bench, far_off - 3'000);
  bench.tick();
  EXPECT_EQ(bench.machine().resident_count(), 1u);
  EXPECT_TRUE(bench.machine().due_soon(bench.now).empty()) << "each is named once";
  pass(bench, 3'000);
  EXPECT_TRUE(wanted_at_tick(bench).empty());
  bench.tick();
  EXPECT_EQ(bench.status(id), Status::pending);
}

TEST(DueSoonTest, ARestartReadsThemAgain) {
  Bench bench;
  submit_delayed(bench, 3'000);
  bench.restart();
  EXPECT_EQ(bench.machine().resident_count(), 1u);
}

TEST(DueSoonTest, TheirMemoryIsBoundedAndWhatHasNoRoomIsReadWhenItIsDue) {
  MachineOptions options;
  options.soon_bytes = 4'096;
  Bench bench(options);
  for (int i = 0; i < 20; ++i) submit_delayed(bench, 2'000, 500);
  const std::size_t kept = bench.machine().resident_count();
  EXPECT_GT(kept, 0u);
  EXPECT_LE(kept, 4u) << "each is more than a kilobyte";
  pass(bench, 2'000);
  EXPECT_EQ(wanted_at_tick(bench).size(), 20 - kept);
  bench.advance(0);
  EXPECT_EQ(bench.lease("q", 20).size(), 20u);
}

TEST(DueSoonTest, ARetryStaysAndItsErrorsCount) {
  for (const std::size_t stack_bytes : {std::size_t{10}, std::size_t{8'000}}) {
    MachineOptions options;
    options.soon_bytes = 5'000;
    Bench bench(options);
    NewJob job = Bench::job("q");
    job.backoff = Backoff{Backoff::Type::fixed, 2'000, 1, 2'000, 0};
    bench.submit(job);
    const GrantedJob granted = bench.lease("q").at(0);
    Settlement failed;
    failed.id = granted.id;
    failed.lease = granted.lease;
    failed.outcome = Settlement::Outcome::fail;
    failed.error_stack = std::string(stack_bytes, 's');
    bench.call<Settled>(Settle{{failed}});
    EXPECT_EQ(bench.status(granted.id), Status::delayed);
    bench.tick();
    EXPECT_EQ(bench.machine().resident_count(), stack_bytes < 100 ? 1u : 0u);
    bench.advance(2'000);
    EXPECT_EQ(bench.lease("q").size(), 1u);
  }
}

TEST(DueSoonTest, WhatIsPutOffOrDeletedIsKeptNoLonger) {
  MachineOptions options;
  options.soon_bytes = 3'500;  // room for one
  Bench bench(options);
  const JobId put_off = submit_delayed(bench, 2'000, 500);
  EXPECT_EQ(bench.machine().resident_count(), 1u);
  bench.call<JobChanged>(ChangeJob{put_off, bench.now.wall + far_off, {}, {}});
  EXPECT_EQ(bench.machine().resident_count(), 0u);
  submit_delayed(bench, 2'000, 500);
  EXPECT_EQ(bench.machine().resident_count(), 1u) << "its room is free again";
  bench.call<QueueDeleted>(DeleteQueue{"q", true});
  EXPECT_EQ(bench.machine().resident_count(), 0u);
  submit_delayed(bench, 2'000, 500);
  EXPECT_EQ(bench.machine().resident_count(), 1u);
  bench.advance(far_off);
  EXPECT_TRUE(bench.rows.timers.empty()) << "the deleted queue's are erased when they find no job";
}

}  // namespace
}  // namespace pawl::core::test
