#include <gtest/gtest.h>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

TEST(MachineTest, SubmitLeaseCompleteWalksTheWholeLife) {
  Bench bench;
  const JobId id = bench.submit(Bench::job("q"));
  EXPECT_EQ(bench.status(id), Status::pending);
  const auto granted = bench.lease("q");
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(granted[0].attempt, 1u);
  EXPECT_EQ(bench.rows.grants.size(), 1u);
  EXPECT_EQ(bench.complete(granted[0]).status, Status::completed);
  EXPECT_EQ(bench.status(id), Status::completed);
  EXPECT_TRUE(bench.rows.grants.empty());
  EXPECT_EQ(bench.rows.jobs[Place::ready].size(), 0u);
  EXPECT_EQ(bench.get(id).history.size(), 3u);
  EXPECT_EQ(bench.count("q", Status::completed), 1u);
}

TEST(MachineTest, HigherPriorityFirstThenFirstInFirstOut) {
  Bench bench;
  std::vector<JobId> ids;
  for (const int priority : {0, 5, 0, -5, 5}) {
    NewJob spec = Bench::job("q");
    spec.priority = priority;
    ids.push_back(bench.submit(spec));
  }
  std::vector<JobId> order;
  for (const auto& granted : bench.lease("q", 10)) order.push_back(granted.id);
  EXPECT_EQ(order, (std::vector{ids[1], ids[4], ids[0], ids[2], ids[3]}));
}

TEST(MachineTest, BacklogLargerThanTheWindowKeepsOrderAndBoundsMemory) {
  MachineOptions options;
  options.window_jobs = 8;
  options.window_jobs_idle = 4;
  Bench bench(options);
  std::vector<JobId> ids;
  for (int i = 0; i < 100; ++i) {
    NewJob spec = Bench::job("q");
    spec.priority = i % 3;
    ids.push_back(bench.submit(spec));
    EXPECT_LE(bench.machine().resident_count(), 8u);
  }
  std::vector<ReadyKey> order;
  while (true) {
    const auto granted = bench.lease("q", 7);
    if (granted.empty()) break;
    for (const auto& job : granted) {
      order.push_back({job.priority, job.id});
      bench.complete(job);
    }
  }
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(MachineTest, StaleLeaseChangesNothingAndRepeatedSettleGetsTheSameAnswer) {
  Bench bench;
  const JobId id = bench.submit(Bench::job("q"));
  const auto first = bench.lease("q");
  bench.advance(30'001);
  EXPECT_EQ(bench.status(id), Status::stalled);
  EXPECT_EQ(bench.complete(first[0]).refused->why, Refusal::lease_lost);
  const auto second = bench.lease("q");
  EXPECT_GT(second[0].lease, first[0].lease);
  EXPECT_EQ(second[0].attempt, 1u);
  EXPECT_EQ(bench.complete(first[0]).refused->why, Refusal::lease_lost);
  EXPECT_EQ(bench.complete(second[0]).status, Status::completed);
  EXPECT_FALSE(bench.complete(second[0]).refused);
  EXPECT_EQ(bench.complete(first[0]).refused->why, Refusal::lease_lost);
}

TEST(MachineTest, RetriesBackOffThenTheDeadLetterQueue) {
  Bench bench;
  NewJob spec = Bench::job("q");
  spec.backoff = Backoff{Backoff::Type::exponential, 1000, 2, 60'000, 0};
  const JobId id = bench.submit(spec);
  EXPECT_EQ(bench.fail(bench.lease("q")[0]).status, Status::delayed);
  bench.advance(999);
  EXPECT_TRUE(bench.lease("q").empty());
  bench.advance(1);
  EXPECT_EQ(bench.fail(bench.lease("q")[0]).status, Status::delayed);
  bench.advance(2000);
  EXPECT_EQ(bench.fail(bench.lease("q")[0]).status, Status::failed);
  const Job dead = bench.get(id);
  EXPECT_EQ(dead.errors.size(), 3u);
  EXPECT_EQ(dead.attempts_made, 3u);
  EXPECT_EQ(bench.rows.jobs[Place::dead].size(), 1u);
  EXPECT_EQ(bench.call<JobChanged>(Retry{id, Status::failed}).status, Status::pending);
  EXPECT_EQ(bench.get(id).attempts_made, 0u);
  EXPECT_EQ(bench.lease("q")[0].attempt, 1u);
}

TEST(MachineTest, StallBudgetEndsInTheDeadLetterQueue) {
  Bench bench;
  NewJob spec = Bench::job("q");
  spec.max_stalls = 1;
  const JobId id = bench.submit(spec);
  bench.lease("q");
  bench.advance(30'000);
  EXPECT_EQ(bench.status(id), Status::stalled);
  bench.lease("q");
  bench.advance(30'000);
  EXPECT_EQ(bench.status(id), Status::failed);
  EXPECT_EQ(bench.get(id).errors.back().type, "stalled");
}

TEST(MachineTest, ALeaseTellsWhenItsWorkerWasHeardAndItsEndForHowLongItWasNot) {
  Bench bench;
  const JobId id = bench.submit(Bench::job("q"));
  const auto granted = bench.lease("q", 1, "w1");
  const auto lease = [&] { return *bench.call<JobView>(GetJob{id}).lease; };
  EXPECT_EQ(lease().beats, 0u);
  EXPECT_EQ(lease().heard_wall, bench.now.wall);
  const auto beat = [&] { bench.call<HeartbeatDone>(Heartbeat{{{id, granted[0].lease, {}, {}, {}}}}); };
  bench.advance(4'000);
  beat();
  bench.advance(11'500);
  beat();
  bench.advance(2'000);
  EXPECT_EQ(lease().beats, 2u);
  EXPECT_EQ(lease().longest_gap_ms, 11'500);
  EXPECT_EQ(lease().heard_wall, bench.now.wall - 2'000);
  bench.advance(28'000);
  ASSERT_EQ(bench.status(id), Status::stalled);
  EXPECT_FALSE(bench.call<JobView>(GetJob{id}).lease);
  EXPECT_EQ(bench.get(id).errors.back().message,
            "the lease ran out before worker w1 settled the job; nothing came from it for 30.0 s "
            "(heartbeats before that: 2)");
}

TEST(MachineTest, CancelOfAnActiveJobWaitsForItsWorkerAndCompleteWins) {
  Bench bench;
  const JobId first = bench.submit(Bench::job("q"));
  const JobId second = bench.submit(Bench::job("q"));
  const auto granted = bench.lease("q", 2);
  EXPECT_TRUE(bench.call<JobChanged>(Cancel{first}).cancel_requested);
  EXPECT_TRUE(bench.call<JobChanged>(Cancel{second}).cancel_requested);
  const auto beats = bench.call<HeartbeatDone>(
      Heartbeat{{Beat{first, granted[0].lease, std::nullopt, std::nullopt, std::nullopt}}});
  EXPECT_TRUE(beats.results[0].cancel_requested);
  EXPECT_EQ(bench.fail(granted[0]).status, Status::cancelled);
  EXPECT_EQ(bench.complete(granted[1]).status, Status::completed);
}

TEST(MachineTest, LongPollIsGrantedByALaterSubmitOrEndsEmpty) {
  Bench bench;
  const Ticket first = bench.post(Lease{"q", "w", 1, 1000, {}});
  EXPECT_FALSE(bench.take(first));
  bench.submit(Bench::job("q"));
  EXPECT_EQ(std::get<Granted>(bench.take(first).value()).jobs.size(), 1u);
  const Ticket second = bench.post(Lease{"q", "w", 1, 1000, {}});
  bench.advance(1000);
  EXPECT_TRUE(std::get<Granted>(bench.take(second).value()).jobs.empty());
}

TEST(MachineTest, ConnectionGetsJobsUpToItsCreditAndMoreAsItSettles) {
  Bench bench;
  OpenWorker open;
  open.worker_id = "w";
  open.queues = {{"q", 1}};
  open.credit = 2;
  const Ticket worker = bench.post(open);
  EXPECT_TRUE(std::holds_alternative<WorkerOpened>(bench.take(worker).value()));
  for (int i = 0; i < 3; ++i) bench.submit(Bench::job("q"));
  const auto first = std::get<Granted>(bench.take(worker).value()).jobs;
  const auto second = std::get<Granted>(bench.take(worker).value()).jobs;
  EXPECT_EQ(first.size() + second.size(), 2u);
  EXPECT_FALSE(bench.take(worker));
  bench.complete(first[0]);
  EXPECT_EQ(std::get<Granted>(bench.take(worker).value()).jobs.size(), 1u);
  bench.post(CloseWorker{worker, 5000});
  bench.advance(5000);
  EXPECT_EQ(bench.count("q", Status::stalled), 2u);
}

TEST(MachineTest, LeasesOfAConnectionThatBreaksAgainAndAgainEndOnce) {
  constexpr std::uint32_t count = 2'000;
  constexpr int breaks = 10;
  Bench bench;
  Submit submit;
  submit.jobs.assign(count, Bench::job("q"));
  bench.post(submit);
  OpenWorker open;
  open.worker_id = "w";
  open.queues = {{"q", 1}};
  open.credit = count;
  Ticket worker = bench.post(open);
  bench.take(worker);
  while (const auto granted = bench.take(worker)) {
    for (const GrantedJob& job : std::get<Granted>(*granted).jobs) open.resume.push_back({job.id, job.lease});
  }
  ASSERT_EQ(open.resume.size(), count);
  for (int i = 0; i < breaks; ++i) {
    bench.post(CloseWorker{worker, 5000});
    bench.advance(1000);
    worker = bench.post(open);
    bench.advance(5000);
    EXPECT_EQ(bench.count("q", Status::active), count) << "they were taken up again";
  }
  bench.post(CloseWorker{worker, 5000});
  bench.advance(4999);
  EXPECT_EQ(bench.count("q", Status::active), count);
  bench.advance(1);
  EXPECT_EQ(bench.count("q", Status::stalled), count);
}

TEST(MachineTest, WhyTellsWorkersThatAreBusyFromThoseThatAreAboutToTakeIt) {
  Bench bench;
  const JobId id = bench.submit(Bench::job("q"));
  const auto why = [&] { return bench.call<Reason>(Why{id}).code; };
  EXPECT_EQ(why(), Reason::Code::no_worker);
  const Ticket worker = bench.post(OpenWorker{"w", {{"p", 1}, {"q", 1}}, {}, 0, {}});
  EXPECT_EQ(why(), Reason::Code::workers_busy);
  bench.post(OpenWorker{"v", {{"q", 1}}, {"another name"}, 1, {}});
  EXPECT_EQ(why(), Reason::Code::workers_busy);
  bench.post(CloseWorker{worker, 0});
  EXPECT_EQ(why(), Reason::Code::no_worker_for_name);
}

TEST(MachineTest, WeightsShareTheGrantsOfAConnection) {
  Bench bench;
  for (int i = 0; i < 40; ++i) {
    bench.submit(Bench::job("heavy"));
    bench.submit(Bench::job("light"));
  }
  OpenWorker open;
  open.worker_id = "w";
  open.queues = {{"heavy", 3}, {"light", 1}};
  open.credit = 1;
  const Ticket worker = bench.post(open);
  bench.take(worker);
  int heavy = 0;
  for (int i = 0; i < 40; ++i) {
    const auto granted = std::get<Granted>(bench.take(worker).value()).jobs.at(0);
    heavy += granted.queue == "heavy";
    bench.complete(granted);
  }
  EXPECT_EQ(heavy, 30);
}

TEST(MachineTest, UniqueKeyAllowsOneLiveJobAndTheWindowAfterIt) {
  Bench bench;
  NewJob spec = Bench::job("q");
  spec.unique_key = "k";
  spec.unique_for_ms = 1000;
  const JobId first = bench.submit(spec);
  const auto again = bench.call<Submitted>(Submit{{spec, spec}, {}});
  EXPECT_TRUE(again.jobs[0].deduplicated);
  EXPECT_EQ(again.jobs[1].id, first);
  bench.complete(bench.lease("q")[0]);
  EXPECT_EQ(bench.submit(spec), first);
  bench.advance(1001);
  EXPECT_NE(bench.submit(spec), first);
  const auto taken = bench.call<Refused>(Retry{first, {}});
  EXPECT_EQ(taken.why, Refusal::unique_key_taken);
}

TEST(MachineTest, AnIdempotencyKeyIsKeptForAsLongAsItsSubmitSays) {
  Bench bench;
  const Submit submit{{Bench::job("q")}, Idempotency{"key", {1, 2}, 60'000}};
  const JobId first = bench.call<Submitted>(submit).jobs.at(0).id;
  bench.advance(59'999);
  EXPECT_EQ(bench.call<Submitted>(submit).jobs.at(0).id, first);
  bench.advance(1);
  EXPECT_NE(bench.call<Submitted>(submit).jobs.at(0).id, first);
}

TEST(MachineTest, IdempotencyKeyRepeatsTheAnswerAndRefusesAnotherBody) {
  Bench bench;
  const Submit submit{{Bench::job("q"), Bench::job("q")}, Idempotency{"key", {1, 2}}};
  const auto first = bench.call<Submitted>(submit);
  bench.restart();
  const auto second = bench.call<Submitted>(submit);
  EXPECT_TRUE(second.repeated);
  EXPECT_EQ(second.jobs[1].id, first.jobs[1].id);
  EXPECT_EQ(bench.count("q", Status::pending), 2u);
  EXPECT_EQ(bench.call<Refused>(Submit{{Bench::job("q")}, Idempotency{"key", {1, 3}}}).why,
            Refusal::idempotency_mismatch);
  bench.advance(86'400'001);
  EXPECT_FALSE(bench.call<Submitted>(submit).repeated);
}

TEST(MachineTest, RestartKeepsLeasesWithTheirFullLength) {
  Bench bench;
  const JobId id = bench.submit(Bench::job("q"));
  const auto granted = bench.lease("q");
  bench.advance(20'000);
  bench.restart();
  EXPECT_EQ(bench.status(id), Status::active);
  bench.advance(29'999);
  EXPECT_EQ(bench.status(id), Status::active);
  EXPECT_EQ(bench.complete(granted[0]).status, Status::completed);
}

TEST(MachineTest, MarksOfABatchAreNotBehindTheTimeAtWhichItWasMatched) {
  Bench bench;
  bench.post(Lease{"q", "w1", 1, 60'000, {}});
  bench.machine().apply({Ticket{900}, Submit{{Bench::job("q")}, {}}}, bench.now, bench.rows);
  const Now later{bench.now.wall + 5000, bench.now.mono + 5000};
  bench.machine().match(later, bench.rows);
  bench.machine().flush(later, bench.rows);
  EXPECT_EQ(bench.rows.grants.begin()->second.granted_wall, later.wall);
  EXPECT_EQ(bench.rows.marks.wall, later.wall);
}

TEST(MachineTest, RetentionDropsJobsAndCountsWithoutAWriteForEach) {
  Bench bench;
  NewJob spec = Bench::job("q");
  spec.retention = Retention{1000, -1};
  const JobId kept = bench.submit(spec);
  spec.retention = Retention{0, -1};
  const JobId dropped = bench.submit(spec);
  for (const auto& granted : bench.lease("q", 2)) bench.complete(granted);
  EXPECT_EQ(bench.call<Refused>(GetJob{dropped}).why, Refusal::unknown_job);
  EXPECT_EQ(bench.status(kept), Status::completed);
  bench.advance(1100);
  EXPECT_EQ(bench.call<Refused>(GetJob{kept}).why, Refusal::unknown_job);
  EXPECT_EQ(bench.count("q", Status::completed), 0u);
  EXPECT_TRUE(bench.rows.retained.empty());
}

TEST(MachineTest, AttemptTimeoutUsesUpAnAttempt) {
  Bench bench;
  NewJob spec = Bench::job("q");
  spec.timeout_ms = 500;
  spec.max_attempts = 1;
  const JobId id = bench.submit(spec);
  const auto granted = bench.lease("q");
  bench.advance(500);
  EXPECT_EQ(bench.status(id), Status::failed);
  EXPECT_EQ(bench.get(id).errors.back().type, "timeout");
  EXPECT_EQ(bench.complete(granted[0]).refused->why, Refusal::lease_lost);
}

TEST(MachineTest, BrokerThatStoodStillGivesLeasesTheirTimeAgain) {
  Bench bench;
  const JobId id = bench.submit(Bench::job("q"));
  const auto granted = bench.lease("q");
  bench.now.mono += 60'000;
  bench.now.wall += 60'000;
  bench.tick();
  EXPECT_EQ(bench.status(id), Status::active);
  EXPECT_EQ(bench.complete(granted[0]).status, Status::completed);
}

TEST(MachineTest, PausedQueueGrantsNothingUntilResumed) {
  Bench bench;
  bench.submit(Bench::job("q"));
  PutQueue pause;
  pause.name = "q";
  pause.paused = true;
  bench.post(pause);
  EXPECT_TRUE(bench.lease("q").empty());
  const Ticket poll = bench.post(Lease{"q", "w", 1, 1000, {}});
  pause.paused = false;
  bench.post(pause);
  EXPECT_EQ(std::get<Granted>(bench.take(poll).value()).jobs.size(), 1u);
}

TEST(MachineTest, APollTakesMoreThanTheWindowOfAQueueThatNobodyAsked) {
  MachineOptions options;
  options.window_jobs = 256;
  options.window_jobs_idle = 4;
  Bench bench(options);
  for (int i = 0; i < 300; ++i) bench.submit(Bench::job("q"));
  EXPECT_LE(bench.machine().resident_count(), 4u);
  EXPECT_EQ(bench.lease("q", 100).size(), 100u);
  const std::size_t second = bench.lease("q", 1000).size();
  EXPECT_GE(second, 128u);  // half a window at least
  EXPECT_EQ(second + bench.lease("q", 1000).size(), 200u);
  EXPECT_TRUE(bench.lease("q", 1000).empty());
}

TEST(MachineTest, NamesFilterFindsJobsBeyondTheWindow) {
  MachineOptions options;
  options.window_jobs = 8;
  options.window_jobs_idle = 4;
  Bench bench(options);
  for (int i = 0; i < 50; ++i) {
    NewJob spec = Bench::job("q");
    spec.name = "common";
    bench.submit(spec);
  }
  NewJob rare = Bench::job("q");
  rare.name = "rare";
  const JobId id = bench.submit(rare);
  const auto granted = bench.call<Granted>(Lease{"q", "w", 1, 0, {"rare"}});
  ASSERT_EQ(granted.jobs.size(), 1u);
  EXPECT_EQ(granted.jobs[0].id, id);
}

TEST(MachineTest, JobThatComesBeyondAFullWindowReachesTheWorkerThatWaitsForItsName) {
  MachineOptions options;
  options.window_jobs = 8;
  Bench bench(options);
  const Ticket waiting = bench.post(Lease{"q", "w", 1, 60'000, {"rare"}});
  for (int i = 0; i < 8; ++i) {
    NewJob spec = Bench::job("q");
    spec.name = "common";
    bench.submit(spec);
  }
  NewJob rare = Bench::job("q");
  rare.name = "rare";
  const JobId id = bench.submit(rare);
  const std::optional<Reply> reply = bench.take(waiting);
  ASSERT_TRUE(reply);
  EXPECT_EQ(std::get<Granted>(*reply).jobs.at(0).id, id);
}

TEST(MachineTest, JobThatAWorkerTakesWhenItIsDueKeepsItsParkedRow) {
  Bench bench;
  NewJob later = Bench::job("q");
  later.delay_ms = 1000;
  const JobId taken = bench.submit(later);
  const JobId left = bench.submit(later);
  const Ticket waiting = bench.post(Lease{"q", "w", 1, 60'000, {}});
  bench.advance(1000);
  const std::optional<Reply> reply = bench.take(waiting);
  ASSERT_TRUE(reply);
  const GrantedJob granted = std::get<Granted>(*reply).jobs.at(0);
  EXPECT_EQ(granted.id, taken);
  EXPECT_TRUE(bench.rows.timers.empty());
  EXPECT_TRUE(bench.rows.jobs[Place::parked].contains(taken));
  EXPECT_FALSE(bench.rows.jobs[Place::ready].contains(taken));
  EXPECT_TRUE(bench.rows.jobs[Place::ready].contains(left));
  EXPECT_FALSE(bench.rows.jobs[Place::parked].contains(left));

  const Job before = bench.get(taken);
  bench.restart();
  const Job after = bench.get(taken);
  EXPECT_EQ(after.status, Status::active);
  ASSERT_EQ(after.history.size(), before.history.size());
  for (std::size_t i = 0; i < after.history.size(); ++i) {
    EXPECT_EQ(after.history[i].status, before.history[i].status);
    EXPECT_EQ(after.history[i].at, before.history[i].at);
  }
  EXPECT_EQ(after.started_at, before.started_at);

  EXPECT_EQ(bench.fail(granted).status, Status::delayed);
  EXPECT_EQ(bench.get(taken).status, Status::delayed);
  EXPECT_EQ(bench.rows.jobs[Place::parked].size(), 1u);
  bench.restart();
  EXPECT_EQ(bench.get(taken).status, Status::delayed);
  bench.advance(3'600'000);
  EXPECT_EQ(bench.lease("q", 10).size(), 2u);
}

TEST(MachineTest, DeletedQueueIsGoneWithAllThatHungOnIt) {
  Bench bench;
  NewJob delayed = Bench::job("q");
  delayed.delay_ms = 1000;
  bench.submit(delayed);
  bench.submit(Bench::job("q"));
  EXPECT_EQ(bench.call<Refused>(DeleteQueue{"q", false}).why, Refusal::queue_in_use);
  EXPECT_EQ(bench.call<QueueDeleted>(DeleteQueue{"q", true}).jobs, 2u);
  bench.advance(2000);
  EXPECT_TRUE(bench.rows.timers.empty());
  EXPECT_EQ(bench.call<Refused>(GetQueue{"q"}).why, Refusal::unknown_queue);
  bench.submit(Bench::job("q"));
  EXPECT_EQ(bench.lease("q").size(), 1u);
}

TEST(MachineTest, AQueueThatIsDeletedInTheBatchThatMadeItLeavesNoTimer) {
  Bench bench;
  NewJob delayed = Bench::job("q");
  delayed.delay_ms = 1000;
  bench.call_together({Submit{{delayed}, {}}, DeleteQueue{"q", true}});
  bench.advance(2000);
  EXPECT_TRUE(bench.rows.timers.empty());
}

TEST(BackoffTest, WaitsGrowAreCappedAndNeverOverflow) {
  const Backoff backoff{Backoff::Type::exponential, 10'000, 4, 3'600'000, 0.1};
  EXPECT_EQ(backoff_wait(backoff, 1, 0), 10'000);
  EXPECT_EQ(backoff_wait(backoff, 2, 0), 40'000);
  EXPECT_EQ(backoff_wait(backoff, 3, 0), 160'000);
  EXPECT_EQ(backoff_wait(backoff, 1000, 0), 3'600'000);
  EXPECT_EQ(backoff_wait(backoff, 1, 0.999), 10'999);
  EXPECT_EQ(backoff_wait({Backoff::Type::linear, 10, 1, 25, 0}, 2, 0), 20);
  EXPECT_EQ(backoff_wait({Backoff::Type::linear, 10, 1, 25, 0}, 3, 0), 25);
  EXPECT_EQ(backoff_wait({Backoff::Type::fixed, 10, 1, 25, 0}, 9, 0), 10);
  EXPECT_GT(backoff_wait({Backoff::Type::exponential, INT64_MAX, 100, INT64_MAX, 1}, 1000, 1), 0);
}

}  // namespace
}  // namespace pawl::core::test
