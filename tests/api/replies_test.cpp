#include "broker/http/api/replies.h"

#include <gtest/gtest.h>

#include "broker/http/api/hashing.h"
#include "broker/http/api/problem.h"

namespace pawl::http::api {
namespace {

const core::JobId id = core::JobId::from_words(0x0199b3c27a107000, 0x80000000a1f40001);

core::JobView sample() {
  core::JobView view;
  view.queue = "q";
  view.job.id = id;
  view.job.name = "n";
  view.job.payload = std::make_shared<const std::string>(R"({"z": 1.0})");
  view.job.created_at = 1'791'104'887'006;
  view.job.run_at = view.job.created_at;
  view.job.errors.push_back({1, 1'791'104'887'006, "T", "line\n\"two\"", "s", "w"});
  view.job.history.push_back({core::Status::pending, 1'791'104'887'006});
  view.job.tags = {"a", "b"};
  return view;
}

TEST(RepliesTest, ALeasedRecordTellsItsHeartbeats) {
  core::JobView view = sample();
  core::LeaseState lease;
  lease.worker_id = "w";
  lease.heard_wall = view.job.created_at;
  lease.beats = 3;
  lease.longest_gap_ms = 1'200;
  view.lease = lease;
  std::string out;
  append_job(out, view);
  EXPECT_NE(out.find(R"("heartbeats":{"count":3,"heardAt":"2026-10-04T09:08:07.006Z","longestGapMs":1200})"),
            std::string::npos)
      << out;
}

TEST(RepliesTest, ARecordShowsEverything) {
  std::string out;
  append_job(out, sample());
  EXPECT_EQ(
      out,
      R"({"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","queue":"q","name":"n","status":"pending","priority":0,)"
      R"("payload":{"z": 1.0},"result":null,"progress":null,"message":null,"attemptsMade":0,"maxAttempts":3,)"
      R"("stalls":0,"maxStalls":3,"replays":0,"createdAt":"2026-10-04T09:08:07.006Z",)"
      R"("runAt":"2026-10-04T09:08:07.006Z","startedAt":null,"finishedAt":null,"expiresAt":null,)"
      R"("workerId":null,"leaseExpiresAt":null,"cancelRequested":false,"group":null,"limits":[],"ordered":false,"latestKey":null,"tags":["a","b"],"heartbeats":null,)"
      R"("errors":[{"attempt":1,"at":"2026-10-04T09:08:07.006Z","type":"T","message":"line\n\"two\"",)"
      R"("stack":"s","workerId":"w"}],"history":[{"status":"pending","at":"2026-10-04T09:08:07.006Z"}],)"
      R"("backoff":{"type":"exponential","delayMs":10000,"factor":4,"maxDelayMs":3600000,"jitter":0.1},)"
      R"("leaseMs":30000,"timeoutMs":null,"retention":{"completedMs":86400000,"failedMs":null},)"
      R"("uniqueKey":null,"uniqueForMs":0,"callback":null,"target":null,"traceparent":null,"logLines":0,"steps":{},"parents":{},)"
      R"("workflowId":null,"ref":null,"waitsFor":null})");
}

TEST(RepliesTest, AScheduleShowsItsTemplateItsTimetableAndItsRuns) {
  core::ScheduleView view;
  core::ScheduleRow& row = view.row;
  row.schedule.id = "s";
  row.schedule.job.queue = "q";
  row.schedule.job.payload = std::make_shared<const std::string>(R"({"z": 1.0})");
  row.schedule.job.max_attempts = 5;
  row.schedule.timetable.every_ms = 60'000;
  row.created_at = row.updated_at = 1'791'104'887'006;
  std::string out;
  append_schedule(out, view);
  EXPECT_EQ(
      out,
      R"({"scheduleId":"s","payload":{"z": 1.0},"queue":"q","maxAttempts":5,"everyMs":60000,"startAt":null,)"
      R"("endAt":null,"maxRuns":null,"missed":"one","overlap":"allow","paused":false,"nextRuns":[],)"
      R"("lastRun":null,"runs":0,"skipped":0,"createdAt":"2026-10-04T09:08:07.006Z",)"
      R"("updatedAt":"2026-10-04T09:08:07.006Z"})");

  row.schedule.timetable = {"0 2 * * *", "Europe/Berlin", 0, 1'791'104'887'006, core::never, 3};
  view.next_runs = {1'791'104'887'006};
  row.last_at = 1'791'104'887'006;
  row.last_job = id;
  view.last_status = core::Status::active;
  out.clear();
  append_schedule(out, view);
  EXPECT_NE(
      out.find(R"("cron":"0 2 * * *","timezone":"Europe/Berlin","startAt":"2026-10-04T09:08:07.006Z",)"),
      std::string::npos);
  EXPECT_NE(out.find(R"("nextRuns":["2026-10-04T09:08:07.006Z"],"lastRun":{"at":"2026-10-04T09:08:07.006Z",)"
                     R"("jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","status":"active"})"),
            std::string::npos);
  row.last_error = "full";
  out.clear();
  append_schedule(out, view);
  EXPECT_NE(out.find(R"("jobId":null,"error":"full"})"), std::string::npos);
}

TEST(RepliesTest, ABlockedJobWaitsForThoseItDependsOnAndForThoseItAdded) {
  engine::WorkflowView view;
  const auto add = [&view](std::string ref, std::optional<core::Status> status,
                           std::vector<std::uint32_t> depends_on = {}, const core::JobId& adds_to = {}) {
    engine::WorkflowMember member;
    member.row.job = core::JobId::from_words(0x0199b3c27a107000, view.members.size());
    member.row.ref = std::move(ref);
    member.row.depends_on = std::move(depends_on);
    member.row.adds_to = adds_to;
    member.status = status;
    view.members.push_back(std::move(member));
    return view.members.back().row.job;
  };
  using enum core::Status;
  add("done", completed);
  const core::JobId shelf = add("shelf", blocked, {0});
  add("last", blocked, {0, 1});
  add("left", active, {}, shelf);
  add("right", failed, {}, shelf);
  add("gone", std::nullopt, {}, shelf);
  add("both", blocked, {3}, shelf);
  std::string out;
  append_workflow(out, view);
  const auto waits_of = [&out](std::string_view ref) {
    const std::size_t from = out.find(R"("waitsFor":)", out.find(R"("ref":")" + std::string(ref) + '"'));
    return out.substr(from + 11, out.find(']', from) - from - 10);
  };
  EXPECT_EQ(waits_of("shelf"), R"(["left","both"])") << out;
  EXPECT_EQ(waits_of("last"), R"(["shelf"])");
  EXPECT_EQ(waits_of("both"), R"(["left"])");
  EXPECT_EQ(waits_of("left"), "[]");
}

TEST(RepliesTest, AListCarriesNoPayloadUnlessItIsWantedAndItsRoomIsBounded) {
  engine::JobPage page;
  page.jobs = {sample(), sample()};
  page.next_cursor = "c";
  page.scanned = 7;
  page.of = 9;
  std::string lean;
  append_job_page(lean, page, {false, false, false}, 100);
  EXPECT_EQ(lean.find("payload"), std::string::npos);
  EXPECT_EQ(lean.find("history"), std::string::npos);
  EXPECT_NE(lean.find(R"("lastError":{"attempt":1)"), std::string::npos);
  EXPECT_TRUE(lean.ends_with(R"("nextCursor":"c","scanned":7,"of":9})"));

  std::string bounded;
  append_job_page(bounded, page, {true, false, false}, 15);
  EXPECT_NE(bounded.find(R"("payload":{"z": 1.0})"), std::string::npos);
  EXPECT_EQ(bounded.find("\"payload\""), bounded.rfind("\"payload\""));
  EXPECT_NE(bounded.find(R"("omitted":true)"), std::string::npos);
}

TEST(RepliesTest, ASubmittedJobIsTold) {
  core::Submitted submitted;
  submitted.jobs.push_back({id, core::Status::pending, 1'791'104'887'006, false, "q"});
  submitted.jobs.push_back({id, core::Status::active, 1'791'104'887'006, true, "q"});
  std::string one;
  append_submitted(one, submitted.jobs[1], "");
  EXPECT_EQ(one, R"({"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","status":"active","queue":"q",)"
                 R"("createdAt":"2026-10-04T09:08:07.006Z","deduplicated":true})");
  std::string batch;
  append_batch(batch, submitted);
  EXPECT_EQ(batch,
            R"({"jobs":[{"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","status":"pending"},)"
            R"({"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","status":"active","deduplicated":true}]})");
}

struct ReasonRow {
  core::Reason reason;
  std::string_view sentence;
};

TEST(RepliesTest, EachReasonIsASentence) {
  using enum core::Reason::Code;
  const auto reason = [](core::Reason::Code code, std::uint64_t ahead = 0, bool exact = true) {
    core::Reason out;
    out.code = code;
    out.ahead = ahead;
    out.exact = exact;
    out.until = 1'791'104'887'006;
    out.limit = 5;
    out.queue = "q";
    out.worker_id = "w";
    return out;
  };
  const ReasonRow rows[]{
      {reason(running), "It is running now, on worker w."},
      {reason(ended), "It has ended: pending."},
      {reason(queue_paused), "Its queue q is paused."},
      {reason(delayed), "It is not due before 2026-10-04T09:08:07.006Z."},
      {reason(behind, 1), "It is behind 1 job of its queue q."},
      {reason(behind, 12, false), "It is behind at least 12 jobs of its queue q."},
      {reason(group_turn, 1), "It is the first of the jobs without a group, and 1 other group comes first."},
      {reason(group_turn, 1'000, false),
       "It is the first of the jobs without a group, and at least 1000 other groups come first."},
      {reason(no_worker), "No worker asks for jobs of its queue q."},
      {reason(no_worker_for_name), "Workers ask for jobs of its queue q, but none for jobs of its name."},
      {reason(concurrency_limit), "Its queue q may run 5 at once, and so many are running."},
      {reason(rate_limit),
       "Its queue q has started as many jobs as its rate limit allows; it goes on at "
       "2026-10-04T09:08:07.006Z."},
      {reason(held), "A worker was told to slow down; its queue q goes on at 2026-10-04T09:08:07.006Z."},
      {reason(workers_busy), "It is next: its queue q posts 5 at once, and so many are under way."},
      {reason(starting), "It is next: a worker is about to get it."},
      {reason(draining), "The broker is stopping and hands out no more jobs."},
      {reason(blocked), "It waits for other jobs to end."},
  };
  for (const ReasonRow& row : rows) EXPECT_EQ(sentence_of(row.reason), row.sentence);
  std::string out;
  append_reason(out, id, reason(behind, 12));
  EXPECT_EQ(out, R"({"jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","status":"pending","reason":"behind",)"
                 R"("sentence":"It is behind 12 jobs of its queue q.","queue":"q","ahead":12,"exact":true})");
}

TEST(RepliesTest, EventsAreLinesOfAStream) {
  engine::JobEvent event;
  event.id = 5;
  event.kind = engine::JobEvent::Kind::log;
  event.job = id;
  event.queue = "q";
  event.name = "n";
  event.status = core::Status::active;
  event.lines = {"a\nb"};
  std::string out;
  append_event(out, event);
  EXPECT_EQ(out,
            "id: 5\nevent: log\ndata: {\"jobId\":\"0199b3c2-7a10-7000-8000-0000a1f40001\",\"queue\":\"q\","
            "\"name\":\"n\",\"status\":\"active\",\"at\":\"1970-01-01T00:00:00.000Z\",\"attempt\":0,"
            "\"lines\":[\"a\\nb\"]}\n\n");
}

TEST(RepliesTest, ProblemsCarryTheirHeadersAndMembers) {
  core::Refused refused{core::Refusal::wrong_state, "It is active.", {}, core::Status::active};
  const Response conflict = problem_response(problem_of(refused));
  EXPECT_EQ(conflict.status, 409u);
  EXPECT_EQ(conflict.content_type, "application/problem+json");
  EXPECT_EQ(conflict.body,
            R"({"type":"urn:pawl:error:wrong-state","title":"The job's state does not allow this",)"
            R"("status":409,"detail":"It is active.","jobStatus":"active"})");
  const Response busy = problem_response(problem_of(engine::Busy::no_space));
  EXPECT_EQ(busy.status, 507u);
  ASSERT_EQ(busy.headers.size(), 1u);
  EXPECT_EQ(busy.headers[0].first, "Retry-After");
}

TEST(RepliesTest, EveryRefusalAndBusyHasItsStatus) {
  using enum core::Refusal;
  const std::pair<core::Refusal, unsigned> refusals[]{
      {unknown_job, 404},      {unknown_queue, 404},        {lease_lost, 409},
      {wrong_state, 409},      {idempotency_mismatch, 422}, {unique_key_taken, 409},
      {queue_in_use, 409},     {too_many_queues, 409},      {too_many_log_lines, 409},
      {unknown_schedule, 404}, {too_many_schedules, 409},   {schedule_in_use, 409}};
  for (const auto& [why, status] : refusals)
    EXPECT_EQ(problem_of(core::Refused{why, "", {}, {}}).type.status, status);
  const std::pair<engine::Busy, unsigned> busies[]{{engine::Busy::inbox_full, 503},
                                                   {engine::Busy::store_slow, 503},
                                                   {engine::Busy::no_space, 507},
                                                   {engine::Busy::stopping, 503},
                                                   {engine::Busy::failed, 503}};
  for (const auto& [busy, status] : busies) {
    EXPECT_EQ(problem_of(busy).type.status, status);
    EXPECT_GT(problem_of(busy).type.retry_after_s, 0u);
  }
}

TEST(RepliesTest, EntityTagsAreCompared) {
  const std::string tag = etag_of("body");
  EXPECT_EQ(tag.size(), 18u);
  EXPECT_NE(tag, etag_of("bodz"));
  EXPECT_TRUE(etag_matches(tag, tag));
  EXPECT_TRUE(etag_matches("\"x\", W/" + tag, tag));
  EXPECT_TRUE(etag_matches("*", tag));
  EXPECT_FALSE(etag_matches("", tag));
  EXPECT_FALSE(etag_matches("\"x\"", tag));
}

}  // namespace
}  // namespace pawl::http::api
