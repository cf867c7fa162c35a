#include "broker/http/api/requests.h"

#include <gtest/gtest.h>

#include <string>

namespace pawl::http::api {
namespace {

/// "422 /a: detail; /b: detail", "400 @offset", or "ok".
template <typename T>
std::string verdict(const Parsed<T>& parsed) {
  if (parsed) return "ok";
  const Problem& problem = parsed.error();
  std::string text = std::to_string(problem.type.status);
  if (problem.place) return text + " @" + std::to_string(problem.place->offset);
  const char* separator = " ";
  for (const FieldError& error : problem.errors) {
    text += separator + error.pointer + ": " + error.detail;
    separator = "; ";
  }
  return text;
}

constexpr Limits limits{};
const core::JobId id = core::JobId::from_words(0x0199b3c27a107000, 0x80000000a1f40001);

struct Row {
  std::string_view body;
  std::string_view verdict;
};

TEST(RequestsTest, EachWrongFieldOfASubmitIsNamed) {
  constexpr Row rows[]{
      {R"({"queue":"q"})", "ok"},
      {R"({"queue":"q","payload":null})", "ok"},
      {R"({"queue":"q","delayMs":0})", "ok"},
      {R"({"queue":"q","delayMs":null,"runAt":null,"timeoutMs":null,"group":null,"uniqueKey":null})", "ok"},
      {"", "400 @0"},
      {"{", "400 @1"},
      {R"({"queue":"q"}x)", "400 @13"},
      {R"({"queue":"q","priority":1e999})", "400 @24"},
      {"[]", "422 : must be an object, not an array"},
      {"\"q\"", "422 : must be an object, not a string"},
      {"{}", "422 /queue: is required"},
      {R"({"queue":1})", "422 /queue: must be a string, not a number"},
      {R"({"queue":null})", "422 /queue: must be a string, not null"},
      {R"({"queue":""})", "422 /queue: must match [A-Za-z0-9._:-]{1,128}"},
      {R"({"queue":"a b"})", "422 /queue: must match [A-Za-z0-9._:-]{1,128}"},
      {R"({"queue":"q","queue":"q"})", "422 /queue: is given twice"},
      {R"({"queue":"q","\u0071ueue":"q"})", "422 /queue: is given twice"},
      {R"({"queue":"q","Priority":1})", "422 /Priority: is not a known field"},
      {R"({"queue":"q","a/b~c":1})", "422 /a~1b~0c: is not a known field"},
      {R"({"queue":"q","name":"n!"})", "422 /name: must match [A-Za-z0-9._:-]{1,128}"},
      {R"({"queue":"q","priority":1001})", "422 /priority: must be between -1000 and 1000"},
      {R"({"queue":"q","priority":-1001})", "422 /priority: must be between -1000 and 1000"},
      {R"({"queue":"q","priority":1.0})",
       "422 /priority: must be an integer, without a fraction or an exponent"},
      {R"({"queue":"q","priority":1e2})",
       "422 /priority: must be an integer, without a fraction or an exponent"},
      {R"({"queue":"q","priority":"1"})", "422 /priority: must be a number, not a string"},
      {R"({"queue":"q","priority":true})", "422 /priority: must be a number, not true or false"},
      {R"({"queue":"q","priority":123456789012345678901234567890})",
       "422 /priority: must be between -1000 and 1000"},
      {R"({"queue":"q","delayMs":-1})", "422 /delayMs: must be between 0 and 3155760000000"},
      {R"({"queue":"q","delayMs":1,"runAt":"2030-01-01T00:00:00Z"})",
       "422 /runAt: excludes delayMs: give one of them"},
      {R"({"queue":"q","runAt":"tomorrow"})",
       "422 /runAt: must be a time as in RFC 3339, such as 2030-01-31T08:00:00.000Z"},
      {R"({"queue":"q","runAt":5})", "422 /runAt: must be a string, not a number"},
      {R"({"queue":"q","maxAttempts":0})", "422 /maxAttempts: must be between 1 and 1000"},
      {R"({"queue":"q","maxStalls":-1})", "422 /maxStalls: must be between 0 and 1000"},
      {R"({"queue":"q","leaseMs":999})", "422 /leaseMs: must be between 1000 and 86400000"},
      {R"({"queue":"q","leaseMs":86400001})", "422 /leaseMs: must be between 1000 and 86400000"},
      {R"({"queue":"q","timeoutMs":0})", "422 /timeoutMs: must be between 1 and 31536000000"},
      {R"({"queue":"q","backoff":{"type":"cubic","delayMs":-1,"factor":0.5,"jitter":1.5,"x":1}})",
       "422 /backoff/type: must be exponential, linear or fixed; /backoff/delayMs: must be between 0 and "
       "3155760000000; /backoff/factor: must be between 1 and 100; /backoff/jitter: must be between 0 and 1; "
       "/backoff/x: is not a known field"},
      {R"({"queue":"q","backoff":"fixed"})", "422 /backoff: must be an object, not a string"},
      {R"({"queue":"q","retention":{"completedMs":null,"failedMs":-1}})",
       "422 /retention/failedMs: must be between 0 and 3155760000000"},
      {R"({"queue":"q","uniqueKey":""})", "422 /uniqueKey: must not be empty"},
      {R"({"queue":"q","uniqueKey":"a\nb"})", "422 /uniqueKey: must not contain control characters"},
      {R"({"queue":"q","uniqueForMs":5})", "422 /uniqueForMs: needs uniqueKey"},
      {R"({"queue":"q","throttle":{"key":"","perMs":0}})",
       "422 /throttle/key: must not be empty; /throttle/perMs: must be between 1 and 3155760000000"},
      {R"({"queue":"q","throttle":{"delayMs":5}})",
       "422 /throttle/delayMs: is not a known field; /throttle/key: is required; /throttle/perMs: is "
       "required"},
      {R"({"queue":"q","throttle":{"key":"k","perMs":5},"debounce":{"key":"k","delayMs":5}})",
       "422 /debounce: throttle, debounce and latest exclude each other: give one of them"},
      {R"({"queue":"q","debounce":{"key":"k","delayMs":5,"maxWaitMs":4}})",
       "422 /debounce/maxWaitMs: must be at least delayMs"},
      {R"({"queue":"q","debounce":{"key":"k","delayMs":5},"uniqueKey":"u","delayMs":0})",
       "422 /uniqueKey: excludes debounce: give one of them; /delayMs: excludes debounce, which has a "
       "delayMs "
       "of its own"},
      {R"({"queue":"q","throttle":null,"debounce":{"key":"k","delayMs":5,"maxWaitMs":null}})", "ok"},
      {R"({"queue":"q","tags":["a",1,"\u0000"]})",
       "422 /tags/1: must be a string, not a number; /tags/2: must not contain control characters"},
      {R"({"queue":"q","tags":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17"]})",
       "422 /tags: has 17 items; at most 16 are allowed"},
      {R"({"queue":"q","traceparent":"00-XYZ"})",
       "422 /traceparent: must be a W3C traceparent: 00-TRACE_ID-PARENT_ID-FLAGS in lower case"},
      {R"({"queue":"","priority":5000,"maxAttempts":"x","colour":[1,{"deep":2}]})",
       "422 /queue: must match [A-Za-z0-9._:-]{1,128}; /priority: must be between -1000 and 1000; "
       "/maxAttempts: must "
       "be a number, not a string; /colour: is not a known field"},
  };
  for (const Row& row : rows) EXPECT_EQ(verdict(read_submit(row.body, limits)), row.verdict) << row.body;
}

TEST(RequestsTest, ASubmitIsReadInFull) {
  const auto job = read_submit(
      R"({"queue":"q","name":"n","payload": {"b": 1.50,"a" :[1]} ,"priority":-7,"runAt":"2026-10-04T11:08:07.006+02:00",
          "maxAttempts":9,"maxStalls":0,"backoff":{"type":"fixed","delayMs":5},"leaseMs":1000,"timeoutMs":7,
          "uniqueKey":"k","uniqueForMs":8,"group":"g \u00e4","retention":{"failedMs":4},"tags":["x","y"],
          "traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})",
      limits);
  ASSERT_EQ(verdict(job), "ok");
  EXPECT_EQ(job->queue, "q");
  EXPECT_EQ(job->name, "n");
  EXPECT_EQ(*job->payload, R"({"b": 1.50,"a" :[1]})");
  EXPECT_EQ(job->priority, -7);
  EXPECT_EQ(job->run_at, 1'791'104'887'006);
  EXPECT_FALSE(job->delay_ms);
  EXPECT_EQ(job->max_attempts, 9u);
  EXPECT_EQ(job->max_stalls, 0u);
  EXPECT_EQ(job->backoff, (core::Backoff{core::Backoff::Type::fixed, 5, 4, 3'600'000, 0.1}));
  EXPECT_EQ(job->lease_ms, 1000);
  EXPECT_EQ(job->timeout_ms, 7);
  EXPECT_EQ(job->unique_key, "k");
  EXPECT_EQ(job->unique_for_ms, 8);
  EXPECT_EQ(job->group, "g \xc3\xa4");
  EXPECT_EQ(job->retention, (core::Retention{86'400'000, 4}));
  EXPECT_EQ(job->tags, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(job->traceparent.size(), 55u);
}

TEST(RequestsTest, PayloadsKeepTheirBytesAndTheirLimit) {
  Limits small;
  small.payload_bytes_max = 8;
  EXPECT_EQ(verdict(read_submit(R"({"queue":"q","payload":"123456"})", small)), "ok");
  EXPECT_EQ(verdict(read_submit(R"({"queue":"q","payload":"1234567"})", small)),
            "413 /payload: has 9 bytes; at most 8 are allowed");
  for (const std::string_view payload : {"1e5", "-0.0", "123456789012345678901234567890", R"({"a":1,"a":2})",
                                         R"("\u00e4\/")", "[ ]", "\"\xc3\xa4\""}) {
    const auto job = read_submit(R"({"queue":"q","payload":)" + std::string(payload) + "}", limits);
    ASSERT_TRUE(job) << payload;
    EXPECT_EQ(*job->payload, payload);
  }
}

TEST(RequestsTest, DepthCountsFromTheBody) {
  const auto body = [](std::size_t depth) {
    return R"({"queue":"q","payload":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(verdict(read_submit(body(63), limits)), "ok");
  EXPECT_EQ(verdict(read_submit(body(64), limits)), "400 @86");
}

TEST(RequestsTest, ABatchNamesTheJobsThatAreWrong) {
  constexpr Row rows[]{
      {R"({"jobs":[{"queue":"q"},{"queue":"r"}]})", "ok"},
      {R"({"jobs":[]})", "422 /jobs: must not be empty"},
      {R"({})", "422 /jobs: is required"},
      {R"({"jobs":{}})", "422 /jobs: must be an array, not an object"},
      {R"({"jobs":[{"queue":"q"},{},5,{"queue":"q","x":1}],"y":1})",
       "422 /jobs/1/queue: is required; /jobs/2: must be an object, not a number; /jobs/3/x: is not a known "
       "field; /y: "
       "is not a known field"},
      {R"({"jobs":[{"queue":"q"},{"queue":"q"})", "400 @36"},
  };
  for (const Row& row : rows) EXPECT_EQ(verdict(read_batch(row.body, limits)), row.verdict) << row.body;
}

TEST(RequestsTest, ABatchHasABoundAndErrorsToo) {
  std::string body = R"({"jobs":[{"queue":"q"})";
  for (int i = 1; i < 10'000; ++i) body += R"(,{"queue":"q"})";
  EXPECT_EQ(verdict(read_batch(body + "]}", limits)), "ok");
  EXPECT_EQ(verdict(read_batch(body + R"(,{"queue":"q"}]})", limits)),
            "422 /jobs: has 10001 items; at most 10000 are allowed");

  std::string wrong = R"({"jobs":[{})";
  for (int i = 1; i < 500; ++i) wrong += ",{}";
  const auto parsed = read_batch(wrong + "]}", limits);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().errors.size(), 100u);
  EXPECT_EQ(parsed.error().errors.back().pointer, "/jobs/99/queue");
  EXPECT_EQ(parsed.error().detail, "Only the first 100 errors are listed.");
}

TEST(RequestsTest, BrokenJsonIsToldWithLineAndColumn) {
  const auto parsed = read_submit("{\n  \"queue\": \"q\",\n  oops\n}", limits);
  ASSERT_FALSE(parsed);
  ASSERT_TRUE(parsed.error().place);
  EXPECT_EQ(parsed.error().place->line, 3u);
  EXPECT_EQ(parsed.error().place->column, 3u);
  EXPECT_EQ(parsed.error().detail, "At byte 20 (line 3, column 3): a key in quotes should be here.");
}

TEST(RequestsTest, ALeaseIsReadOrRefused) {
  constexpr Row rows[]{
      {R"({"workerId":"w","max":10,"waitMs":30000,"names":["a","b"]})", "ok"},
      {R"({"workerId":"w"})", "ok"},
      {R"({"max":0,"waitMs":30001})",
       "422 /max: must be between 1 and 1000; /waitMs: must be between 0 and 30000; /workerId: is required"},
      {R"({"workerId":"w","max":1001})", "422 /max: must be between 1 and 1000"},
      {R"({"workerId":"w","names":["a","!"]})", "422 /names/1: must match [A-Za-z0-9._:-]{1,128}"},
  };
  for (const Row& row : rows) EXPECT_EQ(verdict(read_lease(row.body, "q", limits)), row.verdict) << row.body;
  const auto lease = read_lease(rows[0].body, "q", limits);
  EXPECT_EQ(lease->queue, "q");
  EXPECT_EQ(lease->worker_id, "w");
  EXPECT_EQ(lease->max, 10u);
  EXPECT_EQ(lease->wait_ms, 30'000);
  EXPECT_EQ(lease->names, (std::vector<std::string>{"a", "b"}));
}

TEST(RequestsTest, AHeartbeatIsReadOrRefused) {
  constexpr Row rows[]{
      {R"({"leaseId":"00000000000004d2","progress":42.5,"message":"m","leaseMs":1000})", "ok"},
      {R"({"leaseId":"00000000000004d2"})", "ok"},
      {R"({"progress":100.1})", "422 /progress: must be between 0 and 100; /leaseId: is required"},
      {R"({"leaseId":7})", "422 /leaseId: must be a string, not a number"},
      {R"({"leaseId":"x","progress":"half"})", "422 /progress: must be a number, not a string"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(verdict(read_heartbeat(row.body, id, limits)), row.verdict) << row.body;
  const auto beat = read_heartbeat(rows[0].body, id, limits);
  EXPECT_EQ(beat->id, id);
  EXPECT_EQ(beat->lease, core::LeaseNumber{0x4d2});
  EXPECT_EQ(beat->progress, 42.5);
  EXPECT_EQ(beat->message, "m");
  EXPECT_EQ(beat->lease_ms, 1000);
}

TEST(RequestsTest, TextThatIsNoLeaseIdBecomesALeaseThatNoJobHolds) {
  for (const std::string_view lease :
       {"", "nope", "0000000000000000", "0199b3c2-7a10-7000-8000-0000a1f4ffe1"}) {
    const auto beat = read_heartbeat(R"({"leaseId":")" + std::string(lease) + "\"}", id, limits);
    ASSERT_TRUE(beat);
    EXPECT_EQ(beat->lease, core::LeaseNumber{UINT64_MAX}) << lease;
  }
}

using Outcome = core::Settlement::Outcome;

struct SettleRow {
  Outcome outcome;
  std::string_view body;
  std::string_view verdict;
};

TEST(RequestsTest, EachOutcomeHasItsOwnFields) {
  constexpr SettleRow rows[]{
      {Outcome::complete, R"({"leaseId":"00000000000004d2"})", "ok"},
      {Outcome::complete, R"({"leaseId":"00000000000004d2","result":[1, 2]})", "ok"},
      {Outcome::complete, R"({"result":1})", "422 /leaseId: is required"},
      {Outcome::complete, R"({"leaseId":"x","error":{}})", "422 /error: is not a known field"},
      {Outcome::fail, R"({"leaseId":"x","error":{}})", "ok"},
      {Outcome::fail,
       R"({"leaseId":"x","error":{"type":"T","message":"m","stack":"s"},"permanent":true,"retryDelayMs":0})",
       "ok"},
      {Outcome::fail, R"({"leaseId":"x"})", "422 /error: is required"},
      {Outcome::fail, R"({"leaseId":"x","error":"boom"})", "422 /error: must be an object, not a string"},
      {Outcome::fail, R"({"leaseId":"x","error":{"type":"","code":5},"permanent":"yes"})",
       "422 /error/type: must not be empty; /error/code: is not a known field; /permanent: must be true or "
       "false, not "
       "a string"},
      {Outcome::release, R"({"leaseId":"x","delayMs":500})", "ok"},
      {Outcome::release, R"({"leaseId":"x","delayMs":-1})",
       "422 /delayMs: must be between 0 and 3155760000000"},
      {Outcome::release, R"({"leaseId":"x","result":1})", "422 /result: is not a known field"},
      {Outcome::rate_limited, R"({"leaseId":"x","retryAfterMs":500})", "ok"},
      {Outcome::rate_limited, R"({"leaseId":"x"})", "422 /retryAfterMs: is required"},
      {Outcome::rate_limited, R"({"leaseId":"x","retryAfterMs":0})",
       "422 /retryAfterMs: must be between 1 and 3155760000000"},
  };
  for (const SettleRow& row : rows) {
    EXPECT_EQ(verdict(read_settlement(row.body, id, row.outcome, limits)), row.verdict) << row.body;
  }
}

TEST(RequestsTest, ManySettlementsAreReadWithTheirPlaces) {
  const std::string job = R"("jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","leaseId":"00000000000004d2")";
  const auto body = [](const std::string& items) { return R"({"settlements":[)" + items + "]}"; };
  const std::string complete = "{" + job + R"(,"outcome":"complete","result":{"x":1}})";
  const std::string fail = "{" + job + R"(,"outcome":"fail","error":{"message":"m"},"retryDelayMs":5})";
  const auto settle = read_settle(body(complete + "," + fail), limits);
  ASSERT_EQ(verdict(settle), "ok");
  ASSERT_EQ(settle->settlements.size(), 2u);
  EXPECT_EQ(*settle->settlements[0].result, R"({"x":1})");
  EXPECT_EQ(settle->settlements[0].id, id);
  EXPECT_EQ(settle->settlements[1].outcome, Outcome::fail);
  EXPECT_EQ(settle->settlements[1].error_type, "error");
  EXPECT_EQ(settle->settlements[1].error_message, "m");
  EXPECT_EQ(settle->settlements[1].retry_delay_ms, 5);

  EXPECT_EQ(verdict(read_settle(body(""), limits)), "422 /settlements: must not be empty");
  EXPECT_EQ(verdict(read_settle(body(complete + ",{" + job + R"(,"outcome":"fail"})"), limits)),
            "422 /settlements/1/error: is required");
  EXPECT_EQ(
      verdict(read_settle(body("{" + job + R"(,"outcome":"release","result":1,"permanent":true})"), limits)),
      "422 /settlements/0/result: belongs to the outcome complete; /settlements/0/permanent: belongs to the "
      "outcome fail");
  EXPECT_EQ(verdict(read_settle(body(R"({"jobId":"7","leaseId":"x","outcome":"done"})"), limits)),
            "422 /settlements/0/jobId: must be a UUID; /settlements/0/outcome: must be complete, fail, "
            "release, rate-limited or suspend");
  EXPECT_EQ(verdict(read_settle(body("{" + job + R"(,"outcome":"rate-limited"})"), limits)),
            "422 /settlements/0/retryAfterMs: is required");
  EXPECT_EQ(verdict(read_settle(body("{" + job + R"(,"outcome":"release","retryAfterMs":1})"), limits)),
            "422 /settlements/0/retryAfterMs: belongs to the outcome rate-limited");
}

TEST(RequestsTest, LongErrorTextIsCutNotRefused) {
  const std::string stack(100'000, 's');
  const auto settlement =
      read_settlement(R"({"leaseId":"x","error":{"stack":")" + stack + "\"}}", id, Outcome::fail, limits);
  ASSERT_TRUE(settlement);
  EXPECT_EQ(settlement->error_stack, std::string(32u << 10, 's') + " [cut]");
}

TEST(RequestsTest, LogsAreReadOrRefused) {
  constexpr Row rows[]{
      {R"({"leaseId":"x","lines":["a","","b\nc"]})", "ok"},
      {R"({"leaseId":"x","lines":[]})", "422 /lines: must not be empty"},
      {R"({"leaseId":"x","lines":"a"})", "422 /lines: must be an array, not a string"},
      {R"({"lines":[1]})", "422 /lines/0: must be a string, not a number; /leaseId: is required"},
  };
  for (const Row& row : rows) EXPECT_EQ(verdict(read_logs(row.body, id, limits)), row.verdict) << row.body;
}

TEST(RequestsTest, AQueueChangeTellsSetFromClearedFromUntouched) {
  const auto put = read_put_queue(
      R"({"paused":true,"defaults":{"maxAttempts":5,"leaseMs":null,"backoff":{"type":"linear"}}})", "q",
      limits);
  ASSERT_EQ(verdict(put), "ok");
  EXPECT_EQ(put->name, "q");
  EXPECT_EQ(put->paused, true);
  ASSERT_TRUE(put->max_attempts);
  EXPECT_EQ(*put->max_attempts, 5u);
  ASSERT_TRUE(put->lease_ms);
  EXPECT_FALSE(*put->lease_ms);
  EXPECT_FALSE(put->timeout_ms);
  ASSERT_TRUE(put->backoff && *put->backoff);
  EXPECT_EQ((*put->backoff)->type, core::Backoff::Type::linear);

  EXPECT_EQ(
      verdict(read_put_queue(R"({"paused":1,"defaults":{"priority":2000},"limits":{}})", "q", limits)),
      "422 /paused: must be true or false, not a number; /defaults/priority: must be between -1000 and 1000; "
      "/limits: is not a known field");
  EXPECT_EQ(verdict(read_put_queue("", "q", limits)), "400 @0");
}

TEST(RequestsTest, LimitsOfAQueueAreReadOrRefused) {
  const auto put =
      read_put_queue(R"({"maxConcurrency":5,"rateLimit":{"max":50,"perMs":1000,"burst":5}})", "q", limits);
  ASSERT_EQ(verdict(put), "ok");
  ASSERT_TRUE(put->max_concurrency && put->rate_limit);
  EXPECT_EQ(*put->max_concurrency, 5u);
  EXPECT_EQ(*put->rate_limit, (core::RateLimit{50, 1'000, 5}));
  const auto cleared = read_put_queue(R"({"maxConcurrency":null,"rateLimit":null})", "q", limits);
  ASSERT_TRUE(cleared->max_concurrency && cleared->rate_limit);
  EXPECT_FALSE(*cleared->max_concurrency);
  EXPECT_FALSE(*cleared->rate_limit);
  struct Row {
    std::string_view body;
    std::string_view verdict;
  };
  constexpr Row rows[] = {
      {R"({"maxConcurrency":0})", "422 /maxConcurrency: must be between 1 and 1000000"},
      {R"({"rateLimit":{"max":0,"perMs":-1}})",
       "422 /rateLimit/max: must be between 1 and 1000000; /rateLimit/perMs: must be between 1 and "
       "31622400000"},
      {R"({"rateLimit":{"max":5}})", "422 /rateLimit/perMs: is required"},
      {R"({"rateLimit":{"max":5,"perMs":1000,"burst":6}})",
       "422 /rateLimit/burst: must not be more than max"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(verdict(read_put_queue(row.body, "q", limits)), row.verdict) << row.body;
}

TEST(RequestsTest, AScheduleIsASubmitWithATimetable) {
  const CheckTimetable check = [](const core::Timetable& timetable) -> std::optional<TimetableFault> {
    if (timetable.cron == "bad") return TimetableFault{"cron", "has one field"};
    if (timetable.timezone == "Mars") return TimetableFault{"timezone", "is no zone"};
    return std::nullopt;
  };
  const auto put = read_put_schedule(
      R"({"queue":"q","name":"n","payload":{"a": 1},"tags":["x"],"cron":"0 2 * * *","timezone":"Asia/Gaza",)"
      R"("startAt":"2026-10-04T09:08:07Z","endAt":null,"maxRuns":7,"missed":"all","overlap":"skip","paused":true})",
      "s", limits, check);
  ASSERT_EQ(verdict(put), "ok");
  EXPECT_EQ(put->schedule.id, "s");
  EXPECT_EQ(put->schedule.job.queue, "q");
  EXPECT_EQ(*put->schedule.job.payload, R"({"a": 1})");
  EXPECT_EQ(put->schedule.timetable,
            (core::Timetable{"0 2 * * *", "Asia/Gaza", 0, 1'791'104'887'000, core::never, 7}));
  EXPECT_EQ(put->schedule.missed, core::Missed::all);
  EXPECT_EQ(put->schedule.overlap, core::Overlap::skip);
  EXPECT_TRUE(put->schedule.paused);
  EXPECT_FALSE(put->keep_pause);
  EXPECT_TRUE(read_put_schedule(R"({"queue":"q","everyMs":1000})", "s", limits, check)->keep_pause);

  struct Row {
    std::string_view body;
    std::string_view verdict;
  };
  constexpr Row rows[] = {
      {R"({"queue":"q","everyMs":1000})", "ok"},
      {R"({"everyMs":1000})", "422 /queue: is required"},
      {R"({"queue":"q"})", "422 /cron: is required, unless everyMs is given"},
      {R"({"queue":"q","everyMs":1000,"cron":"* * * * *"})", "422 /cron: excludes everyMs: give one of them"},
      {R"({"queue":"q","everyMs":999})", "422 /everyMs: must be between 1000 and 31622400000"},
      {R"({"queue":"q","cron":"bad"})", "422 /cron: has one field"},
      {R"({"queue":"q","everyMs":1000,"timezone":"Asia/Gaza"})", "422 /timezone: is for cron only"},
      {R"({"queue":"q","everyMs":1000,"runAt":"2026-10-04T09:08:07Z"})",
       "422 /runAt: has no meaning here: the timetable says when; see startAt"},
      {R"({"queue":"q","everyMs":1000,"uniqueForMs":5})", "422 /uniqueForMs: needs uniqueKey"},
      {R"({"queue":"q","everyMs":1000,"missed":"some","overlap":"x","maxRuns":0})",
       "422 /missed: must be skip, one or all; /overlap: must be allow, skip or replace; "
       "/maxRuns: must be between 1 and 1000000000000"},
      {R"({"queue":"q","everyMs":1000,"startAt":"2026-10-04T09:08:07Z","endAt":"2026-10-04T09:08:07Z"})",
       "422 /endAt: must be after startAt"},
      {R"({"queue":"q","everyMs":1000,"tags":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16"]})",
       "422 /tags: leaves no room: each job also gets the tag schedule:ID"},
      {R"({"queue":"q","everyMs":1000,"every":1})", "422 /every: is not a known field"},
      {R"({"queue":"q","cron":"bad","timezone":"Mars"})", "422 /cron: has one field; /timezone: is no zone"},
      {R"({"queue":"q","timezone":"Mars"})",
       "422 /cron: is required, unless everyMs is given; /timezone: is no zone"},
      {R"({"queue":"q","cron":5})", "422 /cron: must be a string, not a number"},
      {R"({"queue":"q","startAt":"2026-10-04T09:08:07Z","endAt":"2026-10-03T09:08:07Z"})",
       "422 /cron: is required, unless everyMs is given; /endAt: must be after startAt"},
      {R"({"cron":"bad","timezone":"Mars","startAt":"2026-10-04T09:08:07Z","endAt":"2026-10-03T09:08:07Z","overlap":"x"})",
       "422 /overlap: must be allow, skip or replace; /queue: is required; /endAt: must be after startAt; "
       "/cron: has one field; /timezone: is no zone"},
      {R"({"queue":"q","everyMs":1000,"overlap":"replace","uniqueKey":"k","uniqueForMs":5})",
       "422 /overlap: replace excludes uniqueKey: the job that is cancelled may still keep the next from "
       "being made"},
      {R"({"queue":"q","everyMs":1000,"overlap":"replace","throttle":{"key":"k","perMs":5}})",
       "422 /overlap: replace excludes throttle: the job that is cancelled may still keep the next from "
       "being made"},
      {R"({"queue":"q","everyMs":1000,"overlap":"skip","uniqueKey":"k"})", "ok"},
      {R"({"queue":"q","everyMs":1000,"overlap":"replace","debounce":{"key":"k","delayMs":5}})", "ok"},
      {R"({"queue":"q","everyMs":1000,"overlap":"replace","latest":{"key":"k"}})", "ok"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(verdict(read_put_schedule(row.body, "s", limits, check)), row.verdict) << row.body;
  EXPECT_EQ(verdict(read_put_schedule(R"({"queue":"q","cron":"* * * * *"})", "s", limits, {})),
            "422 /cron: needs a calendar, which this broker lacks: use everyMs");
}

TEST(RequestsTest, BodiesThatMayBeAbsent) {
  EXPECT_EQ(verdict(read_nothing("", limits)), "ok");
  EXPECT_EQ(verdict(read_nothing(" {} ", limits)), "ok");
  EXPECT_EQ(verdict(read_nothing(R"({"a":1})", limits)), "422 /a: is not a known field");
  EXPECT_EQ(verdict(read_nothing("null", limits)), "422 : must be an object, not null");
  EXPECT_EQ(*read_pause("", limits), std::nullopt);
  EXPECT_EQ(*read_pause(R"({"reason":"upgrade"})", limits), "upgrade");
  EXPECT_EQ(verdict(read_pause(R"({"reason":5})", limits)), "422 /reason: must be a string, not a number");
}

TEST(RequestsTest, DeadLettersAreNamedOrAllOfThem) {
  constexpr Row rows[]{
      {R"({"jobIds":["0199b3c2-7a10-7000-8000-0000a1f40001"]})", "ok"},
      {R"({"all":true,"name":"n","errorType":"T","perSecond":0.5})", "ok"},
      {"", "400 @0"},
      {"{}", "422 /jobIds: is required, unless \"all\" is true"},
      {R"({"jobIds":[]})", "422 /jobIds: must not be empty"},
      {R"({"all":false})", "422 /all: must be true, or be left out beside jobIds"},
      {R"({"jobIds":["0199b3c2-7a10-7000-8000-0000a1f40001"],"perSecond":5})",
       "422 /perSecond: excludes jobIds"},
      {R"({"all":true,"perSecond":0})", "422 /perSecond: must be between 0.001 and 1000000"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(verdict(read_dead_letter_choice(row.body, false, limits)), row.verdict) << row.body;
  }
  EXPECT_EQ(verdict(read_dead_letter_choice("", true, limits)), "ok");
}

}  // namespace
}  // namespace pawl::http::api
