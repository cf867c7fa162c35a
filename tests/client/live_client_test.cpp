#include <gtest/gtest.h>

#include <latch>
#include <nlohmann/json.hpp>
#include <pawl/client.hpp>
#include <set>
#include <thread>

#include "tests/client/live_broker.h"

namespace pawl {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class LiveClientTest : public ::testing::Test {
 protected:
  testing::LiveBroker broker_;
  Client client_ = broker_.client();
};

TEST_F(LiveClientTest, SubmitsReadsAndOperatesAJob) {
  const auto job = client_.enqueue({.queue = "q", .payload = JsonText::raw("{ \"n\" : 1.0 }"), .delay = 1h});
  EXPECT_EQ(job.status, Status::delayed);
  const auto record = client_.get(job.job_id);
  EXPECT_EQ(record.queue, "q");
  EXPECT_EQ(record.name, "q");
  EXPECT_EQ(record.payload.text(), "{ \"n\" : 1.0 }") << "byte for byte";
  EXPECT_EQ(client_.promote(job.job_id), Status::pending);
  EXPECT_EQ(client_.queue("q").pending, 1u);
  EXPECT_EQ(client_.cancel(job.job_id), Status::cancelled);
  EXPECT_EQ(client_.wait(job.job_id, 1s).status, Status::cancelled);
  EXPECT_EQ(client_.retry(job.job_id), Status::pending);
  EXPECT_EQ(client_.wait(job.job_id, 1ms).status, Status::pending) << "as it is when the wait is over";
  client_.remove(job.job_id);
  EXPECT_EQ(client_.try_get(job.job_id).error().kind, ErrorKind::not_found);
}

TEST_F(LiveClientTest, AJobThatWaitsGetsAnotherTimeAndAnotherPriority) {
  const auto job = client_.enqueue({.queue = "q"});
  EXPECT_EQ(client_.reschedule(job.job_id, 1h), Status::delayed);
  const auto at = std::chrono::floor<milliseconds>(std::chrono::system_clock::now()) + 2h;
  EXPECT_EQ(client_.reschedule(job.job_id, at), Status::delayed);
  EXPECT_EQ(client_.get(job.job_id).run_at, at);
  EXPECT_EQ(client_.change_priority(job.job_id, 7), Status::delayed);
  EXPECT_EQ(client_.get(job.job_id).priority, 7);
  EXPECT_EQ(client_.reschedule(job.job_id, 0ms), Status::pending);
  EXPECT_EQ(client_.change_priority(job.job_id, -3), Status::pending);
  EXPECT_EQ(client_.get(job.job_id).priority, -3);
  EXPECT_EQ(client_.try_change_priority(job.job_id, 1001).error().status, 422);
  client_.cancel(job.job_id);
  EXPECT_EQ(client_.try_reschedule(job.job_id, 1h).error().kind, ErrorKind::conflict);
  EXPECT_EQ(client_.try_change_priority(job.job_id, 1).error().kind, ErrorKind::conflict);
}

TEST_F(LiveClientTest, SetsAndLiftsTheLimitsOfAQueue) {
  const QueueLimits limits{.max_concurrency = 20, .rate = RateLimit{.max = 50, .per = 1s, .burst = 5}};
  EXPECT_EQ(client_.set_limits("mail", limits).limits, limits);
  EXPECT_EQ(client_.queue("mail").limits, limits);
  EXPECT_FALSE(client_.queue("mail").held_until);
  EXPECT_EQ(client_.set_limits("mail", {}).limits, QueueLimits{});
  const auto wrong = client_.try_set_limits("mail", {.max_concurrency = 0});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().status, 422);
}

TEST_F(LiveClientTest, SetsTheOrderOfAQueueAndLeavesItsLimits) {
  EXPECT_EQ(client_.set_limits("mail", {.max_concurrency = 20}).order, QueueOrder{});
  const QueueOrder order{.priority_ageing = 1min, .on_ordered_failure = OnOrderedFailure::skip};
  EXPECT_EQ(client_.set_order("mail", order).order, order);
  EXPECT_EQ(client_.queue("mail").order, order);
  EXPECT_EQ(client_.queue("mail").limits.max_concurrency, 20u);
  EXPECT_EQ(client_.set_order("mail", {}).order, QueueOrder{});
  const auto wrong = client_.try_set_order("mail", {.priority_ageing = 0ms});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().errors.at(0).pointer, "/priorityAgeingMs");
}

TEST_F(LiveClientTest, WorkflowsAreListedCancelledAndRetried) {
  const std::vector<JobSpec> two(2, JobSpec{.queue = "q"});
  const auto first = client_.submit_workflow(WorkflowSpec::group("first", two));
  const auto second = client_.submit_workflow(WorkflowSpec::chord("second", two, {.queue = "q"}));
  const auto all = client_.workflows();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].workflow_id, second.workflow_id) << "the newest first";
  EXPECT_EQ(all[0].total, 3u);
  EXPECT_EQ(all[1].name, "first");
  EXPECT_EQ(client_.cancel_workflow(first.workflow_id), 2u);
  EXPECT_EQ(client_.cancel_workflow(first.workflow_id), 0u);
  EXPECT_EQ(client_.workflows().at(1).status, "cancelled");
  EXPECT_EQ(client_.retry_workflow(first.workflow_id), 2u);
  EXPECT_EQ(client_.try_cancel_workflow("none").error().kind, ErrorKind::not_found);
}

TEST(LiveCallbackTest, IsPutAsItIs) {
  const testing::LiveBroker broker({"--push-allow", "127.0.0.1"});
  Client client = broker.client();
  const Callback callback{.url = "http://127.0.0.1:9/", .on = {Status::completed, Status::failed}};
  EXPECT_EQ(client.set_callback("mail", callback).callback, callback);
  EXPECT_EQ(client.set_limits("mail", {.max_concurrency = 20}).callback, callback);
  EXPECT_EQ(client.set_callback("mail", std::nullopt).callback, std::nullopt);
  EXPECT_EQ(client.queue("mail").limits.max_concurrency, 20u);
  const JobSpec job{.queue = "mail", .callback = callback};
  EXPECT_EQ(json::parse(client.get(client.enqueue(job).job_id).text)["callback"],
            json::parse(to_json(callback)));
  ScheduleSpec schedule = client.put_schedule({.id = "s", .job = job, .every = 1h}).spec;
  schedule.every = 2h;
  EXPECT_EQ(client.put_schedule(schedule).spec.job.callback, callback);
  const auto wrong = client.try_set_callback("mail", Callback{"http://10.0.0.1/"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().errors.at(0).pointer, "/callback/url");
}

TEST_F(LiveClientTest, PausesAndResumesAGroup) {
  JobSpec spec{.queue = "render", .payload = 1};
  spec.group = "acme corp";
  client_.enqueue(spec);
  const GroupRecord paused = client_.pause_group("render", "acme corp", "their \"bill\"");
  EXPECT_TRUE(paused.paused);
  EXPECT_EQ(paused.pause_reason, "their \"bill\"");
  EXPECT_TRUE(paused.paused_at);
  const std::vector<GroupRecord> groups = client_.groups("render");
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].group, "acme corp");
  EXPECT_EQ(groups[0].waiting, 1u);
  EXPECT_TRUE(groups[0].paused);
  EXPECT_FALSE(client_.resume_group("render", "acme corp").paused);
  EXPECT_EQ(client_.try_pause_group("nowhere", "acme corp").error().status, 404);
}

TEST_F(LiveClientTest, ABulkOperationIsBegunPausedAndCancelled) {
  std::vector<JobSpec> specs;
  for (int i = 0; i < 20; ++i)
    specs.push_back({.queue = "bulk", .payload = i, .delay = 1h, .tags = {"some"}});
  client_.enqueue_many(specs);
  const auto slow = client_.start_bulk(
      {.action = BulkSpec::Action::cancel, .queue = "bulk", .status = {"delayed"}, .per_second = 0.01});
  EXPECT_EQ(client_.pause_operation(slow).status, "paused");
  EXPECT_EQ(client_.pause_operation(slow, false).status, "running");
  const auto cancelled = client_.cancel_operation(slow);
  EXPECT_EQ(cancelled.status, "cancelled");
  EXPECT_EQ(cancelled.action, "cancel");
  EXPECT_LE(cancelled.done, 1u);
  const auto all = client_.start_bulk({.action = BulkSpec::Action::cancel, .queue = "bulk", .tag = "some"});
  auto view = client_.get_operation(all);
  while (view.status == "running") view = client_.get_operation(all);
  EXPECT_EQ(view.status, "done");
  EXPECT_EQ(view.left, 0u);
  EXPECT_EQ(client_.operations().size(), 2u);
  EXPECT_EQ(client_.try_start_bulk({}).error().status, 422);
  EXPECT_EQ(client_.try_get_operation("none").error().kind, ErrorKind::not_found);
  EXPECT_TRUE(client_.failure_groups("bulk").empty());
}

TEST_F(LiveClientTest, PausesListsAndCounts) {
  std::vector<JobSpec> specs;
  for (int i = 0; i < 25; ++i) specs.push_back({.queue = "many", .payload = i});
  const auto jobs = client_.enqueue_many(specs);
  ASSERT_EQ(jobs.size(), 25u);
  std::set<std::string> seen;
  JobQuery query{.queue = "many", .limit = 10};
  do {
    const auto page = client_.list(query);
    for (const auto& job : page.jobs) seen.insert(job.job_id);
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  EXPECT_EQ(seen.size(), 25u);
  client_.pause("many");
  EXPECT_TRUE(client_.queue("many").paused);
  client_.resume("many");
  const auto queues = client_.queues();
  ASSERT_EQ(queues.size(), 1u);
  EXPECT_EQ(queues[0].pending, 25u);
  EXPECT_FALSE(queues[0].paused);
}

TEST_F(LiveClientTest, AnInvalidJobIsRefusedWithItsFields) {
  const auto result = client_.try_enqueue({.queue = "no spaces", .priority = 5000});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::invalid);
  EXPECT_EQ(result.error().status, 422);
  std::set<std::string> pointers;
  for (const auto& field : result.error().errors) pointers.insert(field.pointer);
  EXPECT_EQ(pointers, (std::set<std::string>{"/queue", "/priority"}));
}

TEST_F(LiveClientTest, ConcurrentEnqueuesEachKeepTheirAnswerAndWrongOnesFailAlone) {
  constexpr int threads = 16;
  constexpr int each = 50;
  std::atomic<int> wrong = 0;
  {
    std::latch start(threads);
    std::vector<std::jthread> pool;
    for (int t = 0; t < threads; ++t) {
      pool.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int i = 0; i < each; ++i) {
          const int number = t * each + i;
          JobSpec spec{.queue = "load", .name = "n" + std::to_string(number), .payload = number};
          if (number % 10 == 3) spec.priority = 9999;
          const auto result = client_.try_enqueue(spec);
          if (number % 10 == 3) {
            wrong += !result && result.error().kind == ErrorKind::invalid &&
                     result.error().errors.at(0).pointer == "/priority";
          } else {
            ASSERT_TRUE(result) << result.error().text();
            ASSERT_EQ(client_.get(result->job_id).name, spec.name);
          }
        }
      });
    }
  }
  EXPECT_EQ(wrong, threads * each / 10);
  EXPECT_EQ(client_.queue("load").pending, static_cast<std::uint64_t>(threads * each * 9 / 10));
}

TEST_F(LiveClientTest, AnIdempotencyKeyGivesTheFirstAnswerAgain) {
  JobSpec spec{.queue = "q", .payload = 1};
  spec.idempotency_key = "key-1";
  const auto first = client_.enqueue(spec);
  EXPECT_EQ(client_.enqueue(spec).job_id, first.job_id);
  spec.payload = 2;
  EXPECT_EQ(client_.try_enqueue(spec).error().kind, ErrorKind::invalid);
  EXPECT_EQ(client_.queue("q").pending, 1u);
}

TEST_F(LiveClientTest, ADuplicateUniqueKeySaysSo) {
  JobSpec spec{.queue = "q", .payload = 1};
  spec.unique_key = "u";
  const auto first = client_.enqueue(spec);
  EXPECT_FALSE(first.deduplicated);
  const auto second = client_.enqueue(spec);
  EXPECT_TRUE(second.deduplicated);
  EXPECT_EQ(second.job_id, first.job_id);
}

TEST_F(LiveClientTest, GoesOnAfterTheBrokerCrashedAndCameBack) {
  const auto before = client_.enqueue({.queue = "q", .payload = "before"});
  broker_.crash_and_restart();
  EXPECT_EQ(client_.get(before.job_id).payload.text(), "\"before\"");
  EXPECT_NO_THROW(client_.enqueue({.queue = "q", .payload = "after"}));
}

TEST_F(LiveClientTest, ASchedulesLifeFromPutToDelete) {
  ScheduleSpec spec{
      .id = "beat", .job = {.queue = "q", .payload = JsonText::raw("{ \"n\" : 1.0 }")}, .every = 1s};
  spec.job.backoff = Backoff{.type = Backoff::Type::fixed, .delay = 3s};
  spec.job.tags = {"mine"};
  const auto made = client_.put_schedule(spec);
  EXPECT_EQ(made.next_runs.size(), 5u);
  EXPECT_FALSE(made.last_run);
  EXPECT_EQ(to_json(made.spec), to_json(spec)) << "as it was put";
  // Answered when the first run has made its job.
  const auto leased = client_.request("POST", "/queues/q/lease", R"({"workerId":"w","waitMs":20000})");
  ASSERT_TRUE(leased.ok()) << leased.text;
  auto now = client_.get_schedule("beat");
  ASSERT_TRUE(now.last_run && now.last_run->status);
  EXPECT_EQ((*now.last_run->at - *made.created_at) % 1s, 0ms);
  const auto job = client_.get(now.last_run->job_id);
  EXPECT_EQ(job.payload.text(), "{ \"n\" : 1.0 }");
  EXPECT_EQ(job.tags, (std::vector<std::string>{"mine", "schedule:beat"}));

  const auto paused = client_.pause_schedule("beat");
  EXPECT_TRUE(paused.spec.paused);
  EXPECT_TRUE(paused.next_runs.empty());
  const auto by_hand = client_.run_schedule("beat");
  EXPECT_EQ(by_hand.status, Status::pending);
  EXPECT_EQ(client_.get_schedule("beat").last_run->job_id, by_hand.job_id);
  EXPECT_EQ(client_.get_schedule("beat").runs, paused.runs);
  EXPECT_EQ(client_.list({.tag = "schedule:beat"}).jobs.size(), paused.runs + 1);
  EXPECT_FALSE(client_.resume_schedule("beat").next_runs.empty());

  const auto in_use = client_.try_delete_schedule("beat").error();
  EXPECT_EQ(in_use.type, "urn:pawl:error:schedule-in-use");
  EXPECT_FALSE(in_use.job_id.empty());
  client_.delete_schedule("beat", true);
  EXPECT_TRUE(client_.schedules().empty());
  EXPECT_EQ(client_.get(by_hand.job_id).status, Status::pending) << "its jobs stay";
}

TEST_F(LiveClientTest, SchedulesAreListedAllAndRefusedWithTheirFields) {
  for (int i = 0; i < 1'001; ++i)
    client_.put_schedule({.id = "s" + std::to_string(10'000 + i), .job = {.queue = "q"}, .every = 24h});
  const auto all = client_.schedules();
  ASSERT_EQ(all.size(), 1'001u) << "more than a page";
  EXPECT_EQ(all.front().spec.id, "s10000");
  EXPECT_EQ(all.back().spec.id, "s11000");
  const auto wrong =
      client_.try_put_schedule({.id = "s", .job = {.queue = "q", .priority = 5000}, .every = 1ms});
  ASSERT_FALSE(wrong);
  std::set<std::string> pointers;
  for (const auto& field : wrong.error().errors) pointers.insert(field.pointer);
  EXPECT_EQ(pointers, (std::set<std::string>{"/priority", "/everyMs"}));
  EXPECT_EQ(client_.try_put_schedule({.id = "s", .job = {.queue = "q"}}).error().errors.at(0).pointer,
            "/cron");
  EXPECT_EQ(client_.try_get_schedule("no spaces").error().status, 422);
  for (const auto& error : {client_.try_get_schedule("s").error(), client_.try_delete_schedule("s").error(),
                            client_.try_run_schedule("s").error(), client_.try_pause_schedule("s").error(),
                            client_.try_resume_schedule("s").error()}) {
    EXPECT_EQ(error.kind, ErrorKind::not_found);
    EXPECT_EQ(error.type, "urn:pawl:error:unknown-schedule");
  }
}

TEST_F(LiveClientTest, AnyRequestGivesStatusAndText) {
  const auto version = client_.request("GET", "/version");
  EXPECT_EQ(version.status, 200);
  EXPECT_TRUE(json::parse(version.text).is_object());
  const auto missing = client_.request("GET", "/nowhere");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(to_error(missing).kind, ErrorKind::not_found);
  EXPECT_EQ(to_error(missing).request_id, json::parse(missing.text).at("requestId"));
}

TEST(DeadBrokerTest, IsAConnectionErrorThatNamesIt) {
  Client client({.url = "http://127.0.0.1:1", .retry_for = 0ms});
  const auto result = client.try_enqueue({.queue = "q"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::connection);
  EXPECT_NE(result.error().text().find("127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace pawl
