// Events, lists and operations.
#include <algorithm>
#include <thread>

#include "bench.h"
#include "broker/engine/cursor.h"
#include "broker/engine/event_ring.h"
#include "broker/engine/keys.h"
#include "operation_test.h"

namespace pawl::engine {
namespace {

using core::Status;

std::vector<std::shared_ptr<JobEvent>> some_events(std::size_t count, const std::string& queue = "q") {
  std::vector<std::shared_ptr<JobEvent>> events;
  for (std::size_t i = 0; i < count; ++i) {
    auto event = std::make_shared<JobEvent>();
    event->queue = queue;
    event->job.bytes[15] = static_cast<std::uint8_t>(i);
    events.push_back(std::move(event));
  }
  return events;
}

TEST(EventRingTest, BacklogGapAndNewest) {
  EventRing ring(3, 4);
  const std::uint64_t first = (3ull << 40) + 1;
  const auto listener = std::make_shared<EventBasket>();
  ring.subscribe(listener, {}, std::nullopt);
  ring.publish(some_events(6));
  const auto fresh = ring.subscribe({}, {}, std::nullopt);
  EXPECT_EQ(fresh.newest, first + 5);
  EXPECT_TRUE(fresh.backlog.empty());
  const auto tail = ring.subscribe({}, {}, first + 3);
  EXPECT_FALSE(tail.gap);
  ASSERT_EQ(tail.backlog.size(), 2u);
  EXPECT_EQ(tail.backlog[0]->id, first + 4);
  const auto whole = ring.subscribe({}, {}, first + 1);
  EXPECT_FALSE(whole.gap) << "exactly what is kept";
  EXPECT_EQ(whole.backlog.size(), 4u);
  EXPECT_TRUE(ring.subscribe({}, {}, first).gap);
  EXPECT_TRUE(ring.subscribe({}, {}, first + 6).gap) << "of the future";
  EXPECT_TRUE(ring.subscribe({}, {}, 5).gap) << "of an earlier epoch";
}

TEST(EventRingTest, NothingIsKeptUntilSomebodyListensNorLongAfterTheLastOneLeft) {
  using std::chrono_literals::operator""ms;
  EventRing ring(3, 4, 0ms);
  EXPECT_FALSE(ring.wanted());
  const auto listener = std::make_shared<EventBasket>();
  const auto subscription = ring.subscribe(listener, {}, std::nullopt);
  EXPECT_TRUE(ring.wanted());
  ring.publish(some_events(2));
  EXPECT_TRUE(ring.wanted());
  ring.unsubscribe(subscription.token);
  EXPECT_TRUE(ring.wanted()) << "a broken stream may come back";
  ring.publish(some_events(1));
  EXPECT_FALSE(ring.wanted());
  const auto late = ring.subscribe(listener, {}, subscription.newest + 3);
  EXPECT_TRUE(late.gap) << "what came while nobody listened is not there";
  EXPECT_TRUE(late.backlog.empty());
}

TEST(EventRingTest, ABrokenStreamThatWasTheLastOneComesBack) {
  EventRing ring(3, 4);
  const auto listener = std::make_shared<EventBasket>();
  const auto subscription = ring.subscribe(listener, {}, std::nullopt);
  ring.unsubscribe(subscription.token);
  ring.publish(some_events(2));
  const auto back = ring.subscribe(listener, {}, subscription.newest);
  EXPECT_FALSE(back.gap);
  EXPECT_EQ(back.backlog.size(), 2u);
}

TEST(EventRingTest, FiltersTellOnlyWhatIsWanted) {
  EventRing ring(1, 100);
  const auto all = std::make_shared<EventBasket>();
  const auto of_queue = std::make_shared<EventBasket>();
  const auto of_job = std::make_shared<EventBasket>();
  core::JobId id;
  id.bytes[15] = 1;
  ring.subscribe(all, {}, std::nullopt);
  ring.subscribe(of_queue, {std::nullopt, "b"}, std::nullopt);
  const auto subscription = ring.subscribe(of_job, {id, std::nullopt}, std::nullopt);
  ring.publish(some_events(3, "a"));
  ring.publish(some_events(2, "b"));
  ring.unsubscribe(subscription.token);
  ring.publish(some_events(2, "b"));
  EXPECT_EQ(all->await(7).size(), 7u);
  EXPECT_EQ(of_queue->await(4).size(), 4u);
  EXPECT_EQ(of_job->await(2).size(), 2u);
}

TEST(EventRingTest, EventsOfTheEngineTellTheLifeOfAJob) {
  Bench bench;
  bench.start();
  const auto basket = std::make_shared<EventBasket>();
  bench.engine().events().subscribe(basket, {}, std::nullopt);
  bench.submit(Bench::job("q"));
  const auto granted = bench.lease("q").at(0);
  core::Heartbeat heartbeat{{{granted.id, granted.lease, 40, "going", {}}}};
  bench.ask<core::HeartbeatDone>(heartbeat);
  bench.settle(granted, core::Settlement::Outcome::fail, true, "bad");
  const auto events = basket->await(4);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0]->status, Status::pending);
  EXPECT_EQ(events[1]->status, Status::active);
  EXPECT_EQ(events[2]->kind, JobEvent::Kind::progress);
  EXPECT_EQ(events[2]->message, "going");
  EXPECT_EQ(events[3]->status, Status::failed);
  EXPECT_EQ(events[3]->error_type, "bad");
  for (std::size_t i = 1; i < events.size(); ++i) EXPECT_EQ(events[i]->id, events[i - 1]->id + 1);
}

TEST(EventRingTest, AChangeOfAJobThatWaitsIsToldOnce) {
  Bench bench;
  bench.start();
  const core::JobId id = bench.submit(Bench::job("q"));
  const auto basket = std::make_shared<EventBasket>();
  bench.engine().events().subscribe(basket, {}, std::nullopt);
  bench.ask<core::JobChanged>(core::ChangeJob{id, {}, {}, 5});
  bench.ask<core::JobChanged>(core::ChangeJob{id, {}, {}, 5});  // it has that already
  bench.ask<core::JobChanged>(core::ChangeJob{id, {}, 3'600'000, 6});
  bench.ask<core::JobChanged>(core::ChangeJob{id, {}, 1'800'000, {}});
  bench.ask<core::JobChanged>(core::Cancel{id});
  const auto events = basket->await(4);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0]->status, Status::pending);
  EXPECT_EQ(events[1]->status, Status::delayed);
  EXPECT_EQ(events[2]->status, Status::delayed);
  EXPECT_EQ(events[3]->status, Status::cancelled);
  for (const auto& event : events) EXPECT_EQ(event->kind, JobEvent::Kind::status);
}

TEST(CursorTest, Base64UrlComesBackAndRefusesOthers) {
  for (std::size_t size = 0; size < 40; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i * 37 + size));
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
  }
  EXPECT_FALSE(from_base64url("a"));
  EXPECT_FALSE(from_base64url("ab=="));
  EXPECT_FALSE(from_base64url("a/bc"));
  EXPECT_FALSE(from_base64url("ab")) << "bits that to_base64url leaves at zero";
}

/// Jobs in every state over three queues and two priorities.
class ListTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    bench = std::string(GetParam()) == "memory" ? std::make_unique<Bench>()
                                                : std::make_unique<Bench>(std::string("lists"));
    bench->start();
    for (int i = 0; i < 30; ++i) {
      core::NewJob job = Bench::job(i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c", std::to_string(i));
      job.priority = i % 2 == 0 ? 0 : 7;
      if (i % 5 == 0) job.delay_ms = 1'000'000;
      if (i % 4 == 0) job.tags = {"four"};
      job.name = i % 2 == 0 ? "even" : "odd";
      ids.push_back(bench->submit(job));
    }
    auto granted = bench->lease("a", 4);
    bench->complete(granted.at(0));
    bench->settle(granted.at(1), core::Settlement::Outcome::fail, true, "bad");
    active = {granted.at(2).id, granted.at(3).id};
    std::ranges::sort(active);
    completed = granted.at(0).id;
    failed = granted.at(1).id;
  }
  void TearDown() override { bench->expect_sound(); }

  std::vector<core::JobId> walk(const JobFilter& filter, std::size_t limit) {
    std::vector<core::JobId> seen;
    std::string cursor;
    for (int page_number = 0; page_number < 100; ++page_number) {
      const auto page = bench->list(filter, limit, cursor);
      EXPECT_TRUE(page);
      if (!page) return seen;
      EXPECT_LE(page->jobs.size(), limit);
      for (const core::JobView& view : page->jobs) seen.push_back(view.job.id);
      if (!page->next_cursor) return seen;
      cursor = *page->next_cursor;
    }
    ADD_FAILURE() << "the pages do not end";
    return seen;
  }

  std::unique_ptr<Bench> bench;
  std::vector<core::JobId> ids;
  std::vector<core::JobId> active;
  core::JobId completed;
  core::JobId failed;
};
INSTANTIATE_TEST_SUITE_P(Stores, ListTest, testing::Values("memory", "rocksdb"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(ListTest, MergesQueuesPlacesAndPrioritiesInIdOrder) {
  JobFilter filter;
  filter.newest_first = false;
  for (const std::size_t limit : {1u, 3u, 7u, 30u, 1000u}) EXPECT_EQ(walk(filter, limit), ids) << limit;
  filter.newest_first = true;
  std::vector<core::JobId> reversed(ids.rbegin(), ids.rend());
  for (const std::size_t limit : {1u, 4u, 30u}) EXPECT_EQ(walk(filter, limit), reversed) << limit;
}

TEST_P(ListTest, FiltersSeeTheStateThatMemoryKnows) {
  JobFilter filter;
  filter.newest_first = false;
  filter.status = {Status::active};
  EXPECT_EQ(walk(filter, 1), active);
  filter.status = {Status::active, Status::completed, Status::failed};
  EXPECT_EQ(walk(filter, 2).size(), 4u);
  filter.status = {Status::pending};
  for (const core::JobId& id : walk(filter, 5)) {
    EXPECT_EQ(std::ranges::count(active, id), 0) << "an active job is not pending, whatever its row says";
  }
  EXPECT_EQ(walk(filter, 5).size(), 24u - 4u);
  filter.status = {Status::pending, Status::active};
  EXPECT_EQ(walk(filter, 5).size(), 24u - 2u);
  filter.status = {Status::delayed};
  EXPECT_EQ(walk(filter, 5).size(), 6u);
  filter = {};
  filter.queue = "a";
  filter.status = {Status::active};
  const auto page = bench->list(filter);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->jobs.size(), 2u);
  EXPECT_TRUE(page->jobs[0].lease);
  EXPECT_EQ(page->jobs[0].queue, "a");
}

TEST_P(ListTest, DelayedJobsByWhenTheyAreDueAndActiveOnesByWhenTheyBegan) {
  JobFilter filter;
  filter.status = {Status::delayed};
  filter.by_time = true;
  std::vector<core::JobId> due;
  for (const core::Millis delay : {500'000, 300'000, 2'000'000, 400'000}) {
    core::NewJob job = Bench::job("b");
    job.name = "late";
    job.delay_ms = delay;
    due.push_back(bench->submit(job));
  }
  // Those that were made at first are due in 1 000 s.
  std::vector<core::JobId> expected{due[1], due[3], due[0]};
  for (std::size_t i = 0; i < ids.size(); i += 5) expected.push_back(ids[i]);
  expected.push_back(due[2]);
  for (const std::size_t limit : {1u, 3u, 100u}) EXPECT_EQ(walk(filter, limit), expected) << limit;
  filter.queue = "b";
  filter.name = "late";
  EXPECT_EQ(walk(filter, 2), (std::vector{due[1], due[3], due[0], due[2]}));
  // One that has another time now, and one that runs.
  core::ChangeJob change;
  change.id = due[2];
  change.delay_ms = 1'000;
  bench->ask<core::JobChanged>(change);
  bench->ask<core::JobChanged>(core::Promote{due[1]});
  EXPECT_EQ(walk(filter, 2), (std::vector{due[2], due[3], due[0]}));

  JobFilter runs;
  runs.status = {Status::active};
  runs.by_time = true;
  const core::Millis before = bench->engine().wall();
  while (bench->engine().wall() == before) std::this_thread::yield();  // else their ids decide
  const core::JobId later = bench->lease("c").at(0).id;
  std::vector<core::JobId> began = walk(runs, 2);
  ASSERT_EQ(began.size(), 3u);
  EXPECT_EQ(began.back(), later);
  EXPECT_EQ(walk(runs, 1), began);
  runs.queue = "c";
  EXPECT_EQ(walk(runs, 2), std::vector{later});
}

TEST_P(ListTest, FiltersByFieldsAndRefusesForeignCursors) {
  JobFilter filter;
  filter.tag = "four";
  EXPECT_EQ(walk(filter, 3).size(), 8u);
  filter.name = "odd";
  EXPECT_EQ(walk(filter, 3).size(), 0u);
  filter = {};
  filter.error_type = "bad";
  EXPECT_EQ(walk(filter, 3), std::vector{failed});
  filter = {};
  filter.queue = "b";
  EXPECT_EQ(walk(filter, 4).size(), 10u);
  const auto page = bench->list(filter, 2);
  filter.queue = "c";
  EXPECT_EQ(bench->list(filter, 2, *page->next_cursor).error(), ListError::bad_cursor);
  EXPECT_EQ(bench->list(filter, 2, "$$$").error(), ListError::bad_cursor);
  filter.queue = "nowhere";
  EXPECT_EQ(bench->list(filter).error(), ListError::unknown_queue);
}

TEST_F(OperationTest, ReplaysThoseThatAreAskedForAndOnlyOnce) {
  bench.start();
  make_dead(5, "bad");
  make_dead(3, "worse");
  OperationSpec spec;
  spec.queue = "q";
  spec.filter.error_type = "worse";
  const OperationView view = start(spec, true);
  EXPECT_EQ(view.state, OperationView::State::done);
  EXPECT_EQ(view.done, 3u);
  EXPECT_EQ(count(Status::pending), 3u);
  EXPECT_EQ(count(Status::failed), 5u);
  EXPECT_EQ(get(view.id).done, 3u);
  bench.expect_sound();
}

TEST_F(OperationTest, PurgeEmptiesTheDeadLetterQueue) {
  bench.start();
  make_dead(20);
  OperationSpec spec;
  spec.action = OperationSpec::Action::purge;
  spec.queue = "q";
  EXPECT_EQ(start(spec, true).done, 20u);
  EXPECT_EQ(count(Status::failed), 0u);
  bench.expect_sound();
}

TEST_F(OperationTest, DrainCancelsWhatWaitsAndSparesWhatRuns) {
  bench.start();
  for (int i = 0; i < 12; ++i) {
    core::NewJob job = Bench::job("q");
    if (i % 3 == 0) job.delay_ms = 1'000'000;
    bench.submit(job);
  }
  const auto granted = bench.lease("q", 2);
  OperationSpec spec;
  spec.action = OperationSpec::Action::drain;
  spec.queue = "q";
  const OperationView view = start(spec, true);
  EXPECT_EQ(view.done, 10u);
  EXPECT_EQ(view.skipped, 2u);
  EXPECT_EQ(count(Status::cancelled), 10u);
  EXPECT_EQ(count(Status::active), 2u);
  EXPECT_FALSE(bench.ask<core::JobView>(core::GetJob{granted.at(0).id}).job.cancel_requested);
  bench.expect_sound();
}

TEST_F(OperationTest, GoesOnAfterARestartAtItsPace) {
  bench.start();
  make_dead(30);
  OperationSpec spec;
  spec.queue = "q";
  spec.per_second = 40;
  const OperationView view = start(spec, false);
  EXPECT_EQ(view.state, OperationView::State::running);
  while (get(view.id).done == 0) std::this_thread::yield();
  EXPECT_LT(get(view.id).done, 30u);
  bench.restart();
  const OperationView ended = await_end(view.id);
  EXPECT_EQ(ended.state, OperationView::State::done);
  EXPECT_EQ(ended.done, 30u);
  EXPECT_EQ(count(Status::pending), 30u);
  bench.expect_sound();
}

TEST_F(OperationTest, CancelStopsIt) {
  bench.start();
  make_dead(10);
  OperationSpec spec;
  spec.queue = "q";
  spec.per_second = 0.5;
  const OperationView view = start(spec, false);
  const OperationView cancelled = ask(
      [&](Operations::Answer answer) { bench.engine().operations().cancel(view.id, std::nullopt, answer); });
  EXPECT_EQ(cancelled.state, OperationView::State::cancelled);
  bench.restart();
  EXPECT_EQ(get(view.id).state, OperationView::State::cancelled);
  EXPECT_GE(count(Status::failed), 9u);
}

TEST_F(OperationTest, BulkTakesWhatMatchesOfAllQueuesAndNothingElse) {
  bench.start();
  make_dead(300, "bad");
  make_dead(3, "worse");
  core::NewJob other = Bench::job("other");
  other.tags = {"x"};
  bench.submit(other);
  OperationSpec spec;
  spec.action = OperationSpec::Action::retry;
  spec.filter.error_type = "bad";
  spec.filter.status = {Status::failed};
  const OperationView view = await_end(start(spec, false).id);
  EXPECT_EQ(view.state, OperationView::State::done);
  EXPECT_EQ(view.found, 300u);
  EXPECT_EQ(view.done, 300u);
  EXPECT_EQ(view.skipped + view.refused, 0u);
  EXPECT_EQ(count(Status::pending), 300u);
  EXPECT_EQ(count(Status::failed), 3u);

  OperationSpec by_tag;
  by_tag.action = OperationSpec::Action::remove;
  by_tag.filter.tag = "x";
  EXPECT_EQ(await_end(start(by_tag, false).id).done, 1u);
  bench.expect_sound();
}

TEST_F(OperationTest, BulkFindsByWorkerTimeAttemptsAndText) {
  bench.start();
  make_dead(3);
  const auto first = bench.submit(Bench::job("q", R"({"city":"Lima"})"));
  const auto second = bench.submit(Bench::job("q", R"({"city":"Oslo"})"));
  bench.lease_all("q", 1);  // the first of the two runs, on w1
  const auto found = [&](JobFilter filter) {
    OperationSpec spec;
    spec.action = OperationSpec::Action::cancel;
    spec.filter = std::move(filter);
    return await_end(start(std::move(spec), false).id).found;
  };
  JobFilter filter;
  filter.text = "Oslo";
  EXPECT_EQ(found(filter), 1u);
  EXPECT_EQ(bench.ask<core::JobView>(core::GetJob{second}).job.status, Status::cancelled);
  filter = {};
  filter.worker = "w1";  // the dead ones, and one that runs: its row does not say so
  EXPECT_EQ(found(filter), 4u);
  EXPECT_TRUE(bench.ask<core::JobView>(core::GetJob{first}).job.cancel_requested);
  filter = {};
  filter.attempts_min = 1;
  EXPECT_EQ(found(filter), 3u);
  filter = {};
  filter.attempts_max = 0;
  EXPECT_EQ(found(filter), 2u);
  filter = {};
  filter.created_before = first.created_at();
  const std::uint64_t before = found(filter);
  filter = {};
  filter.created_from = first.created_at();
  EXPECT_EQ(before + found(filter), 5u);
  bench.expect_sound();
}

TEST_F(OperationTest, BulkSaysWhyAJobWasRefused) {
  bench.start();
  for (int i = 0; i < 150; ++i) bench.submit(Bench::job("q"));
  OperationSpec spec;
  spec.action = OperationSpec::Action::promote;
  spec.queue = "q";
  const OperationView view = await_end(start(spec, false).id);
  EXPECT_EQ(view.done, 0u);
  EXPECT_EQ(view.refused, 150u);
  ASSERT_EQ(view.errors.size(), 100u);
  EXPECT_NE(view.errors[0].detail.find("delayed"), std::string::npos);
}

TEST_F(OperationTest, BulkSeesAnActiveJobAsActive) {
  bench.start();
  for (int i = 0; i < 5; ++i) bench.submit(Bench::job("q"));
  const auto granted = bench.lease("q", 2);
  OperationSpec spec;
  spec.action = OperationSpec::Action::cancel;
  spec.queue = "q";
  spec.filter.status = {Status::active};
  EXPECT_EQ(await_end(start(spec, false).id).done, 2u);
  EXPECT_TRUE(bench.ask<core::JobView>(core::GetJob{granted.at(0).id}).job.cancel_requested);
  spec.filter.status = {Status::pending};
  EXPECT_EQ(await_end(start(spec, false).id).done, 3u);
  EXPECT_EQ(count(Status::cancelled), 3u);
  EXPECT_EQ(count(Status::active), 2u);
  bench.expect_sound();
}

TEST_F(OperationTest, BulkGoesOnAfterARestart) {
  bench.start();
  make_dead(30);
  OperationSpec spec;
  spec.action = OperationSpec::Action::retry;
  spec.queue = "q";
  spec.filter.status = {Status::failed};
  spec.per_second = 20;
  const OperationView view = start(spec, false);
  while (get(view.id).done == 0) std::this_thread::yield();
  EXPECT_LT(get(view.id).done, 30u);
  bench.restart();
  const OperationView ended = await_end(view.id);
  EXPECT_EQ(ended.done, 30u);
  EXPECT_EQ(ended.found, 30u);
  EXPECT_EQ(ended.skipped, 0u);
  EXPECT_EQ(count(Status::pending), 30u);
  bench.expect_sound();
}

TEST_F(OperationTest, UnknownQueueIsRefused) {
  bench.start();
  std::expected<OperationView, ListError> view;
  bench.await([&](auto done) {
    bench.engine().operations().start({.action = {}, .queue = "nowhere"}, true, [&view, done](auto answer) {
      view = std::move(answer);
      done();
    });
  });
  EXPECT_EQ(view.error(), ListError::unknown_queue);
}

TEST(CheckTest, FindsWhatIsWrong) {
  Bench bench;
  bench.start();
  const core::JobId id = bench.submit(Bench::job("q"));
  core::NewJob late = Bench::job("q");
  late.delay_ms = 1'000'000;
  late.unique_key = "k";
  bench.submit(late);
  const core::JobId urgent = bench.submit(Bench::job("q"));
  bench.ask<core::JobChanged>(core::ChangeJob{urgent, {}, {}, 9});
  bench.expect_sound();
  const auto partition = bench.store().acquire(0);
  storage::Batch batch;
  batch.erase(family::ready, ready_key(id.queue(), id.priority(), id));
  batch.erase(family::unique, unique_key(id.queue(), "k"));
  batch.erase_range(family::timers, "", std::string(25, '\xff'));
  batch.erase(family::priorities, placed_key(urgent.queue(), urgent));
  std::string row;
  encode_priority({3, 0}, row);
  batch.put(family::priorities, placed_key(id.queue(), id), row);
  (*partition)->commit(batch, [](storage::Outcome) {});
  const CheckReport report = check_store(*(*partition)->snapshot(), 0);
  EXPECT_EQ(report.problem_count, 5u);
}

}  // namespace
}  // namespace pawl::engine
