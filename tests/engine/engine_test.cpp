// The engine on a store: what is told, when, and what a restart keeps.
#include "bench.h"

namespace pawl::engine {
namespace {

using core::Status;
using storage::MemoryStore;

/// The same promises on every driver.
class EngineOnTest : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Bench> make() {
    if (std::string(GetParam()) == "memory") return std::make_unique<Bench>();
    if (std::string(GetParam()) == "slow") return Bench::slow();
    return std::make_unique<Bench>(
        std::string(testing::UnitTest::GetInstance()->current_test_info()->name()).substr(0, 24));
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, EngineOnTest, testing::Values("memory", "slow", "rocksdb"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(EngineOnTest, SubmitLeaseComplete) {
  const auto bench = make();
  bench->start();
  const core::JobId id = bench->submit(Bench::job("video", R"({"a":1})"));
  const auto granted = bench->lease("video");
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(granted[0].id, id);
  EXPECT_EQ(*granted[0].payload, R"({"a":1})");
  EXPECT_EQ(bench->complete(granted[0]).status, Status::completed);
  EXPECT_EQ(bench->ask<core::JobView>(core::GetJob{id}).job.status, Status::completed);
  EXPECT_EQ(bench->complete(granted[0]).status, Status::completed)
      << "a repeated settle gets the same answer";
  bench->expect_sound();
}

TEST_P(EngineOnTest, RestartKeepsEverything) {
  const auto bench = make();
  EngineOptions options;
  options.machine.window_jobs = 8;
  options.machine.window_jobs_idle = 2;
  bench->start(options);
  std::vector<core::JobId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(bench->submit(Bench::job("q", std::to_string(i))));
  core::NewJob late = Bench::job("q");
  late.delay_ms = 3'600'000;
  const core::JobId delayed = bench->submit(late);
  core::NewJob keyed = Bench::job("other");
  keyed.unique_key = "k";
  const core::JobId unique = bench->submit(keyed);
  auto granted = bench->lease_all("q", 5);
  ASSERT_EQ(granted.size(), 5u);
  bench->complete(granted[0]);
  bench->settle(granted[1], core::Settlement::Outcome::fail, true, "broken");

  bench->restart(options);
  EXPECT_EQ(bench->complete(granted[2]).status, Status::completed) << "a lease outlives the restart";
  EXPECT_EQ(bench->ask<core::JobView>(core::GetJob{granted[0].id}).job.status, Status::completed);
  EXPECT_EQ(*bench->ask<core::JobView>(core::GetJob{granted[0].id}).job.result, "1");
  const core::Job dead = bench->ask<core::JobView>(core::GetJob{granted[1].id}).job;
  EXPECT_EQ(dead.status, Status::failed);
  EXPECT_EQ(dead.errors.at(0).type, "broken");
  EXPECT_EQ(bench->ask<core::JobView>(core::GetJob{granted[3].id}).job.status, Status::active);
  EXPECT_EQ(bench->ask<core::JobView>(core::GetJob{delayed}).job.status, Status::delayed);
  EXPECT_EQ(bench->submit(keyed), unique) << "the unique key is still held";
  const auto view = bench->ask<core::QueueView>(core::GetQueue{"q"});
  EXPECT_EQ(view.counts[static_cast<std::size_t>(Status::pending)], 35u);
  EXPECT_EQ(view.counts[static_cast<std::size_t>(Status::active)], 2u);

  // The rest comes in order through a window far smaller than the backlog.
  for (std::size_t i = 5; i < ids.size(); ++i) {
    const auto next = bench->ask<core::Granted>(core::Lease{"q", "w2", 1, 10'000, {}});
    ASSERT_EQ(next.jobs.size(), 1u) << i;
    EXPECT_EQ(next.jobs[0].id, ids[i]);
    EXPECT_GT(next.jobs[0].lease, granted[4].lease) << "lease numbers grow over restarts";
    bench->complete(next.jobs[0]);
  }
  bench->expect_sound();
}

// Its id does not lead to its row any more: by id, in lists, by lease and after a restart it is found all the
// same.
TEST_P(EngineOnTest, AJobWithAnotherPriorityIsFoundEverywhere) {
  const auto bench = make();
  EngineOptions options;
  options.machine.window_jobs = options.machine.window_jobs_idle = 2;
  bench->start(options);
  std::vector<core::JobId> ids;
  for (int i = 0; i < 12; ++i) {
    core::NewJob one = Bench::job("q", std::to_string(i));
    if (i % 2 == 1) one.limits = {"some"};  // in a lane
    if (i == 0) bench->ask<core::LimitView>(core::PutLimit{"some", 100, {}});
    ids.push_back(bench->submit(one));
  }
  for (const std::size_t i : {10u, 11u})
    bench->ask<core::JobChanged>(core::ChangeJob{ids[i], {}, {}, static_cast<int>(i)});
  for (const std::size_t i : {0u, 1u}) bench->ask<core::JobChanged>(core::ChangeJob{ids[i], {}, {}, -1});
  bench->ask<core::JobChanged>(core::ChangeJob{ids[2], {}, 3'600'000, 7});
  bench->restart(options);
  EXPECT_EQ(bench->ask<core::JobView>(core::GetJob{ids[11]}).job.priority, 11);
  EXPECT_EQ(bench->ask<core::JobView>(core::GetJob{ids[0]}).job.priority, -1);
  EXPECT_EQ(bench->ask<core::JobView>(core::GetJob{ids[2]}).job.status, Status::delayed);
  JobFilter of_queue;
  of_queue.queue = "q";
  const auto page = bench->list(of_queue);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->jobs.size(), ids.size());
  const auto first = bench->lease_all("q", 2);
  EXPECT_EQ(first.at(0).id, ids[11]);
  EXPECT_EQ(first.at(1).id, ids[10]);
  bench->restart(options);
  EXPECT_EQ(bench->complete(first[0]).status, Status::completed) << "a grant leads to its row too";
  EXPECT_EQ(bench->ask<core::JobChanged>(core::Cancel{ids[0]}).status, Status::cancelled);
  bench->ask<core::JobDeleted>(core::Delete{ids[1], {}});
  EXPECT_EQ(bench->ask<core::JobChanged>(core::ChangeJob{ids[2], {}, 0, {}}).status, Status::pending);
  bench->ask<core::JobChanged>(core::ChangeJob{ids[2], {}, {}, 0});  // its first priority again
  bench->expect_sound();
}

TEST_P(EngineOnTest, LongPollWakesWhenAJobComes) {
  const auto bench = make();
  bench->start();
  const std::uint64_t poll = bench->post(core::Lease{"q", "w1", 1, 60'000, {}});
  const core::JobId id = bench->submit(Bench::job("q"));
  const auto reply = bench->basket->take(poll);
  ASSERT_TRUE(reply);
  EXPECT_EQ(std::get<core::Granted>(*reply).jobs.at(0).id, id);
}

TEST_P(EngineOnTest, DelayedJobComesDue) {
  const auto bench = make();
  bench->start();
  const std::uint64_t poll = bench->post(core::Lease{"q", "w1", 1, 60'000, {}});
  core::NewJob late = Bench::job("q");
  late.delay_ms = 30;
  const core::JobId id = bench->submit(late);
  const auto reply = bench->basket->take(poll);
  ASSERT_TRUE(reply);
  EXPECT_EQ(std::get<core::Granted>(*reply).jobs.at(0).id, id);
  bench->expect_sound();
}

TEST_P(EngineOnTest, ARunOfAScheduleLooksAtWhatMemoryLacks) {
  const auto bench = make();
  EngineOptions options;
  options.machine.window_jobs = options.machine.window_jobs_idle = 1;
  bench->start(options);
  core::Schedule alone;
  alone.id = "alone";
  alone.job = Bench::job("q");
  alone.timetable.every_ms = 20;
  core::Schedule keyed = alone;
  alone.overlap = core::Overlap::skip;
  keyed.id = "keyed";
  keyed.job.unique_key = "k";
  bench->submit(Bench::job("q"));
  for (const core::Schedule& schedule : {alone, keyed}) {
    bench->ask<core::ScheduleView>(core::PutSchedule{schedule});
    std::uint64_t due = 0;
    for (const auto end = std::chrono::steady_clock::now() + patience;
         due < 4 && std::chrono::steady_clock::now() < end;) {
      const core::ScheduleRow row = bench->ask<core::ScheduleView>(core::GetSchedule{schedule.id}).row;
      due = row.runs + row.skipped;
    }
    EXPECT_GE(due, 4u);
  }
  const auto pending = static_cast<std::size_t>(Status::pending);
  EXPECT_EQ(bench->ask<core::QueueView>(core::GetQueue{"q"}).counts[pending], 3u)
      << "the first, one of the schedule that waits for its last, one of the unique key";
  bench->expect_sound();
}

TEST_P(EngineOnTest, WorkerConnectionGetsJobsAndNotices) {
  const auto bench = make();
  bench->start();
  core::OpenWorker open;
  open.worker_id = "ws";
  open.queues = {{"q", 1}};
  open.credit = 2;
  const std::uint64_t tag = bench->post(open);
  const core::Ticket worker = bench->ticket;
  EXPECT_TRUE(std::holds_alternative<core::WorkerOpened>(*bench->basket->take(tag)));
  const core::JobId id = bench->submit(Bench::job("q"));
  const auto granted = std::get<core::Granted>(*bench->basket->take(tag));
  EXPECT_EQ(granted.jobs.at(0).id, id);
  EXPECT_TRUE(bench->ask<core::JobChanged>(core::Cancel{id}).cancel_requested);
  EXPECT_EQ(std::get<core::Notice>(*bench->basket->take(tag)).kind, core::Notice::Kind::cancel);
  bench->engine().stop_leasing();
  EXPECT_EQ(std::get<core::Notice>(*bench->basket->take(tag)).kind, core::Notice::Kind::drain);
  EXPECT_TRUE(bench->engine().post(core::CloseWorker{worker, 0}, nullptr, 0));
  bench->expect_sound();
}

TEST_P(EngineOnTest, LogLinesAreKeptPagedAndErasedWithTheirJob) {
  const auto bench = make();
  bench->start();
  const core::JobId id = bench->submit(Bench::job("q"));
  const auto granted = bench->lease("q");
  bench->ask<core::LogsKept>(core::AppendLogs{id, granted.at(0).lease, {"one", "two"}});
  bench->ask<core::LogsKept>(core::AppendLogs{id, granted.at(0).lease, {"three"}});
  const auto read = [&](std::string cursor, std::optional<std::uint32_t> attempt = {}) {
    std::expected<JobLister::Logs, ListError> logs;
    bench->await([&](auto done) {
      bench->engine().lists().logs(id, attempt, 2, cursor, [&logs, done](auto answer) {
        logs = std::move(answer);
        done();
      });
    });
    return logs;
  };
  const auto first = read("");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->lines.at(1).text, "two");
  ASSERT_TRUE(first->next_cursor);
  const auto second = read(*first->next_cursor);
  ASSERT_TRUE(second);
  ASSERT_EQ(second->lines.size(), 1u);
  EXPECT_EQ(second->lines[0].text, "three");
  EXPECT_FALSE(second->next_cursor);
  EXPECT_EQ(read("nonsense!").error(), ListError::bad_cursor);
  EXPECT_EQ(first->lines.at(1).attempt, 1u);
  EXPECT_EQ(read("", 1)->lines.size(), 2u);
  EXPECT_TRUE(read("", 2)->lines.empty());
  bench->complete(granted[0]);
  bench->ask<core::JobDeleted>(core::Delete{id, {}});
  EXPECT_EQ(read("").error(), ListError::unknown_job);
  bench->stop();
  const auto report = check_store(bench->store());
  EXPECT_EQ(report->log_rows, 0u);
}

TEST(EngineTest, NothingIsToldBeforeItIsDurable) {
  Bench bench(MemoryStore::Mode::manual);
  bench.start();
  const auto subscription = bench.engine().events().subscribe({}, {}, std::nullopt);
  const std::uint64_t submit = bench.post(core::Submit{{Bench::job("q")}, {}});
  const std::uint64_t read = bench.post(core::ListQueues{});
  EXPECT_FALSE(bench.basket->take(submit, std::chrono::milliseconds(50)));
  EXPECT_FALSE(bench.basket->has(read)) << "a read that saw the job waits for the job";
  EXPECT_EQ(bench.engine().events().subscribe({}, {}, subscription.newest).backlog.size(), 0u);
  while (!bench.basket->has(submit)) bench.memory().sync_all();
  EXPECT_TRUE(bench.basket->take(submit));
  EXPECT_TRUE(bench.basket->take(read));
  EXPECT_EQ(bench.engine().events().subscribe({}, {}, subscription.newest).backlog.size(), 1u);
}

TEST(EngineTest, FailedCommitIsFatalAndTellsNothing) {
  Bench bench(MemoryStore::Mode::manual);
  bench.start();
  bench.memory().fail_next_sync();
  const std::uint64_t submit = bench.post(core::Submit{{Bench::job("q")}, {}});
  while (bench.memory().unsynced() == 0) std::this_thread::yield();
  bench.memory().sync_all();
  EXPECT_EQ(bench.await_fatal().size(), 1u);
  EXPECT_FALSE(bench.basket->has(submit));
  EXPECT_FALSE(bench.engine().ready());
  const auto refused = bench.engine().post(core::ListQueues{}, bench.basket, 99);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Busy::failed);
  bench.stop();
  EXPECT_EQ(bench.await_fatal().size(), 1u) << "told once";
}

TEST(EngineTest, APartitionTakenOverStopsTheOldEngine) {
  Bench bench;
  bench.start();
  bench.submit(Bench::job("q"));
  const auto usurper = bench.store().acquire(0);
  ASSERT_TRUE(usurper);
  const std::uint64_t submit = bench.post(core::Submit{{Bench::job("q")}, {}});
  EXPECT_EQ(bench.await_fatal().size(), 1u);
  EXPECT_FALSE(bench.basket->has(submit));
}

TEST(EngineTest, AFullInboxRefusesAndTheEngineGoesOn) {
  Bench bench(MemoryStore::Mode::manual);
  EngineOptions options;
  options.inbox_commands = 4;
  options.batches_in_flight = 1;
  bench.start(options);
  const std::uint64_t first = bench.post(core::Submit{{Bench::job("q")}, {}});
  while (bench.memory().unsynced() == 0) std::this_thread::yield();
  std::vector<std::uint64_t> taken;
  std::expected<core::Ticket, Busy> posted;
  for (std::uint64_t tag = 1000;
       (posted = bench.engine().post(core::Submit{{Bench::job("q")}, {}}, bench.basket, tag)); ++tag) {
    taken.push_back(tag);
    ASSERT_LT(taken.size(), 10u);
  }
  EXPECT_EQ(posted.error(), Busy::inbox_full);
  while (!bench.basket->has(taken.back())) bench.memory().sync_all();
  EXPECT_TRUE(bench.basket->take(first));
  for (const std::uint64_t tag : taken) EXPECT_TRUE(bench.basket->take(tag));
}

TEST(EngineTest, PressureRefusesSubmitsOnly) {
  Bench bench;
  bench.start();
  bench.submit(Bench::job("q"));
  bench.memory().set_pressure(false, true);
  std::expected<core::Ticket, Busy> refused;
  do {
    bench.ask<core::QueueList>(core::ListQueues{});
    refused = bench.engine().post(core::Submit{{Bench::job("q")}, {}}, nullptr, 0);
  } while (refused);
  EXPECT_EQ(refused.error(), Busy::no_space);
  const auto expect_refused = [&](core::CommandBody body) {
    const auto posted = bench.engine().post(std::move(body), nullptr, 0);
    ASSERT_FALSE(posted);
    EXPECT_EQ(posted.error(), Busy::no_space);
  };
  expect_refused(core::SubmitWorkflow{});
  expect_refused(core::AddChildren{});
  expect_refused(core::RaiseEvent{});
  expect_refused(core::PutTrigger{});
  expect_refused(core::PutSchedule{});
  expect_refused(core::RunSchedule{});
  const auto granted = bench.lease("q");
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(bench.complete(granted[0]).status, Status::completed);
  bench.memory().set_pressure(false, false);
  // Nobody asks for anything: the engine looks by itself.
  while (!bench.engine().post(core::Submit{{Bench::job("q")}, {}}, nullptr, 0)) std::this_thread::yield();
}

TEST(EngineTest, StopAnswersWhatWaits) {
  Bench bench;
  bench.start();
  const std::uint64_t poll = bench.post(core::Lease{"q", "w1", 1, 60'000, {}});
  const std::uint64_t submit = bench.post(core::Submit{{Bench::job("other")}, {}});
  bench.engine().stop();
  EXPECT_TRUE(bench.basket->has(submit));
  ASSERT_TRUE(bench.basket->has(poll));
  EXPECT_TRUE(std::get<core::Granted>(*bench.basket->take(poll)).jobs.empty());
  EXPECT_EQ(bench.engine().post(core::ListQueues{}, nullptr, 0).error(), Busy::stopping);
}

TEST(EngineTest, IdempotencyHoldsOverARestart) {
  Bench bench;
  bench.start();
  core::Submit submit{{Bench::job("q")}, core::Idempotency{"key", {1, 2}}};
  const auto first = bench.ask<core::Submitted>(submit);
  bench.restart();
  const auto again = bench.ask<core::Submitted>(submit);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.jobs.at(0).id, first.jobs.at(0).id);
  submit.idempotency->body_hash[0] = 3;
  EXPECT_EQ(bench.ask<core::Refused>(submit).why, core::Refusal::idempotency_mismatch);
}

TEST(EngineTest, RetentionDropsJobsAndCounters) {
  Bench bench;
  bench.start();
  core::NewJob brief = Bench::job("q");
  brief.retention = core::Retention{5, 5};
  const core::JobId id = bench.submit(brief);
  bench.complete(bench.lease("q").at(0));
  core::QueueView view;
  do {
    view = bench.ask<core::QueueView>(core::GetQueue{"q"});
  } while (view.counts[static_cast<std::size_t>(Status::completed)] != 0);
  EXPECT_EQ(bench.ask<core::Refused>(core::GetJob{id}).why, core::Refusal::unknown_job);
  bench.expect_sound();
}

TEST(EngineTest, DeletedQueueLeavesNothing) {
  Bench bench;
  bench.start();
  for (int i = 0; i < 5; ++i) bench.submit(Bench::job("q"));
  core::NewJob keyed = Bench::job("q");
  keyed.unique_key = "k";
  keyed.delay_ms = 100'000;
  bench.submit(keyed);
  const auto granted = bench.lease("q", 2);
  bench.complete(granted.at(0));
  bench.settle(granted.at(1), core::Settlement::Outcome::fail, true);
  EXPECT_EQ(bench.ask<core::QueueDeleted>(core::DeleteQueue{"q", true}).jobs, 6u);
  bench.stop();
  const auto report = check_store(bench.store());
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->ok()) << report->problems.at(0);
  EXPECT_EQ(report->jobs_in_all(), 0u);
  EXPECT_EQ(report->unique_keys, 0u);
  EXPECT_EQ(report->leftover_timers, 1u);
}

TEST(EngineTest, MetersCountWhatHappened) {
  Bench bench;
  bench.start();
  bench.submit(Bench::job("q"));
  bench.submit(Bench::job("q"));
  auto granted = bench.lease("q", 2);
  bench.complete(granted.at(0));
  core::NewJob other = Bench::job("q");
  bench.settle(granted.at(1), core::Settlement::Outcome::fail);
  const auto meters = bench.engine().meters().jobs();
  const JobMeters& of_q = meters.at({"q", "q"});
  EXPECT_EQ(of_q.submitted, 2u);
  EXPECT_EQ(of_q.completed, 1u);
  EXPECT_EQ(of_q.retried, 1u);
  EXPECT_EQ(of_q.wait.count, 2u);
  EXPECT_EQ(of_q.run.count, 2u);
  EXPECT_GE(bench.engine().meters().engine().batches, 3u);
  EXPECT_EQ(bench.engine().meters().sum_since("", 0).submitted, 2u);
  EXPECT_EQ(bench.engine().meters().sum_since("q", bench.engine().wall()).submitted, 0u);
}

TEST(ClockTest, NeverRunsBackwardAndFollowsASetBackClockAtHalfSpeed) {
  core::Millis wall = 1000;
  core::Millis mono = 50;
  SteadyNow clock({[&] { return wall; }, [&] { return mono; }}, 900);
  EXPECT_EQ(clock.read().wall, 1000);
  wall = 5000;
  EXPECT_EQ(clock.read().wall, 5000) << "forward at once";
  wall = 2000;
  mono += 3;
  EXPECT_EQ(clock.read().wall, 5001);
  mono += 1;
  EXPECT_EQ(clock.read().wall, 5002) << "halves add up";
  wall = 5003;
  mono += 1;
  EXPECT_EQ(clock.read().wall, 5003) << "caught up";
  mono -= 10;
  const core::Millis before = clock.last().mono;
  EXPECT_EQ(clock.read().mono, before);
  SteadyNow floored({[&] { return wall; }, [&] { return mono; }}, 9000);
  EXPECT_EQ(floored.read().wall, 9000) << "not before what is on disk";
}

}  // namespace
}  // namespace pawl::engine
