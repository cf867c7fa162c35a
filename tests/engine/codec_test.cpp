#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "broker/engine/codec.h"

namespace pawl::engine {
namespace {

using core::Job;
using core::JobId;
using core::Place;
using core::QueueNumber;
using core::Status;

Job fresh_job() {
  Job job;
  job.id = JobId::from_words(0x0192'3456'789a'7123ull,
                             0x8000'0000'0000'0000ull | 7ull << 38 | 1005ull << 27 | 0x1234567);
  job.queue = QueueNumber{7};
  job.priority = 5;
  job.name = "encode";
  job.payload = std::make_shared<const std::string>(R"({"file":"a.mp4"})");
  job.created_at = job.id.created_at();
  job.run_at = job.created_at;
  job.history = {{Status::pending, job.created_at}};
  return job;
}

Job full_job() {
  Job job = fresh_job();
  job.status = Status::failed;
  job.cancel_requested = true;
  job.priority = -12;
  job.max_attempts = 9;
  job.max_stalls = 0;
  job.backoff = {core::Backoff::Type::linear, 123, 1.5, 4567, 0.25};
  job.lease_ms = 61'000;
  job.timeout_ms = 99;
  job.unique_key = std::string("k\0ey", 4);
  job.unique_for_ms = 1;
  job.group = "g";
  job.retention = {0, 5};
  job.tags = {"a", "", "c"};
  job.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  job.created_at += 3;
  job.run_at = job.created_at - 7;
  job.started_at = job.created_at + 1000;
  job.finished_at = job.created_at + 2000;
  job.expires_at = job.created_at + 3'000'000;
  job.attempts_made = 8;
  job.stalls = 2;
  job.replays = 1;
  job.log_lines = 300;
  job.progress = 62.5;
  job.message = "half";
  job.worker_id = "w1";
  job.result = std::make_shared<const std::string>("[1]");
  job.last_settle = {core::LeaseNumber{77}, Status::delayed, job.created_at + 9, true};
  job.last_lease = core::LeaseNumber{78};
  job.errors = {{8, job.created_at + 1, "io", "no disk", "at x", "w1"}, {9, core::never, "", "", "", ""}};
  job.history = {{Status::pending, 5}, {Status::active, core::never}, {Status::failed, 0}};
  return job;
}

std::string encoded(Place place, const Job& job) {
  std::string out;
  encode_job(place, job, out);
  return out;
}

std::string key_of(Place place, const Job& job) {
  return place == Place::ready ? ready_key(job.queue, job.priority, job.id).str()
                               : placed_key(job.queue, job.id).str();
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[static_cast<std::uint8_t>(byte) >> 4];
    text += digits[static_cast<std::uint8_t>(byte) & 15];
  }
  return text;
}

void expect_same(const Job& a, const Job& b) {
  // Encoding shows every field: the same bytes mean the same job.
  EXPECT_EQ(hex(encoded(place_of(a.status), a)), hex(encoded(place_of(b.status), b)));
  EXPECT_EQ(a.priority, b.priority);
  EXPECT_EQ(a.queue, b.queue);
  EXPECT_EQ(a.id, b.id);
}

TEST(CodecTest, FreshJobComesBackAndSkipsDefaults) {
  const Job job = fresh_job();
  const std::string value = encoded(Place::ready, job);
  EXPECT_EQ(value.size(), 3 + 1 + job.name.size() + 1 + job.payload->size());
  const Decoded<Job> back = decode_job(Place::ready, key_of(Place::ready, job), value);
  ASSERT_TRUE(back) << back.error().what;
  expect_same(job, *back);
  EXPECT_EQ(*back->payload, *job.payload);
  EXPECT_EQ(back->history.size(), 1u);
  EXPECT_EQ(back->run_at, job.run_at);
  EXPECT_EQ(back->max_attempts, 3u);
}

TEST(CodecTest, EveryFieldComesBack) {
  const Job job = full_job();
  const Decoded<Job> back = decode_job(Place::dead, key_of(Place::dead, job), encoded(Place::dead, job));
  ASSERT_TRUE(back) << back.error().what;
  expect_same(job, *back);
  EXPECT_TRUE(back->cancel_requested);
  EXPECT_EQ(back->unique_key, job.unique_key);
  EXPECT_EQ(back->errors.size(), 2u);
  EXPECT_EQ(back->errors[1].at, core::never);
  EXPECT_EQ(back->history[1].at, core::never);
  EXPECT_EQ(back->history[2].at, 0);
  EXPECT_EQ(back->expires_at, job.expires_at);
  EXPECT_EQ(back->last_settle.lease, job.last_settle.lease);
  EXPECT_TRUE(back->last_settle.by_worker);
  EXPECT_EQ(*back->result, "[1]");
  EXPECT_EQ(back->tags, job.tags);
  EXPECT_EQ(back->backoff, job.backoff);
  EXPECT_EQ(back->retention, job.retention);
}

TEST(CodecTest, GoldenBytesOfAFreshJob) {
  const Job job = fresh_job();
  EXPECT_EQ(hex(key_of(Place::ready, job)),
            "00000007"
            "7ffa"
            "01923456789a7123"
            "800001df69234567");
  EXPECT_EQ(hex(encoded(Place::ready, job)),
            "01"
            "00"
            "03"
            "06656e636f6465"
            "107b2266696c65223a22612e6d7034227d");
}

TEST(CodecTest, GoldenBytesOfAFullJob) {
  EXPECT_EQ(hex(encoded(Place::dead, full_job())),
            "0000019234843f5d0183ffffffff070606656e636f6465107b2266696c65223a22612e6d7034227d"
            "0300afe2b3c5c66401f4ffffffffffffffff0103fdffffffffffffffff01d00f0277314e4d84cce2"
            "b3c5c66408a01f035b315d0d404f4000000000000468616c6602080202696f076e6f206469736b04"
            "6174207802773109c49dccbab99bffffff01000000000217090001f6013ff8000000000000ae473f"
            "d000000000000090b907c601046b006579020167000a0301610001633730302d3061663736353139"
            "3136636434336464383434386562323131633830333139632d623761643662373136393230333333"
            "312d303101ac02");
}

TEST(CodecTest, ReadyKeysSortHigherPriorityFirstThenById) {
  const Job job = fresh_job();
  JobId later = job.id;
  later.bytes[15]++;
  EXPECT_LT(ready_key(job.queue, 1000, later).str(), ready_key(job.queue, 999, job.id).str());
  EXPECT_LT(ready_key(job.queue, 0, later).str(), ready_key(job.queue, -1, job.id).str());
  EXPECT_LT(ready_key(job.queue, 0, job.id).str(), ready_key(job.queue, 0, later).str());
  EXPECT_LT(ready_key(QueueNumber{7}, -1000, later).str(), ready_key(QueueNumber{8}, 1000, job.id).str());
  for (const int priority : {-1000, -1, 0, 1, 1000}) {
    EXPECT_EQ(parse_placed(Place::ready, ready_key(job.queue, priority, job.id))->priority, priority);
  }
}

TEST(CodecTest, OtherRowsComeBack) {
  core::QueueRow queue;
  queue.number = QueueNumber{3};
  queue.name = "video";
  queue.created_at = 12345;
  queue.counts = {1, 2, 3, 4, 5, 6, 7, 1ull << 60};
  queue.lifetime_completed = 9;
  queue.settings.paused = true;
  queue.settings.pause_reason = "deploy";
  queue.settings.priority = -5;
  queue.settings.backoff = core::Backoff{};
  queue.settings.retention = core::Retention{-1, 0};
  queue.settings.max_concurrency = 12;
  queue.settings.rate_limit = core::RateLimit{50, 1'000, 5};
  queue.held_until = 1'700'000'000'000;
  queue.pace.start(*queue.settings.rate_limit, 1'700'000'000'000);
  queue.pace.start(*queue.settings.rate_limit, 1'700'000'000'040);
  std::string value;
  encode_queue(queue, value);
  const auto queue_back = decode_queue(queue_key(queue.number), value);
  ASSERT_TRUE(queue_back);
  EXPECT_EQ(queue_back->name, "video");
  EXPECT_EQ(queue_back->counts, queue.counts);
  EXPECT_EQ(queue_back->settings.priority, -5);
  EXPECT_EQ(queue_back->settings.retention, queue.settings.retention);
  EXPECT_EQ(queue_back->settings.pause_reason, "deploy");
  EXPECT_FALSE(queue_back->settings.lease_ms);
  EXPECT_EQ(queue_back->settings.max_concurrency, 12u);
  EXPECT_EQ(queue_back->settings.rate_limit, queue.settings.rate_limit);
  EXPECT_EQ(queue_back->held_until, queue.held_until);
  EXPECT_EQ(queue_back->pace, queue.pace);

  for (const bool paused : {false, true}) {
    core::GroupRow group{queue.number, "acme corp", queue.pace, {}};
    if (paused) group.pause = core::GroupPause{"their bill", 1'700'000'000'000};
    std::string row;
    encode_group(group, row);
    const std::string key = queue_key(group.queue).str() + group.group;
    const auto group_back = decode_group(key, row);
    ASSERT_TRUE(group_back);
    EXPECT_EQ(group_back->group, group.group);
    EXPECT_EQ(group_back->pace, group.pace);
    ASSERT_EQ(group_back->pause.has_value(), paused);
    EXPECT_FALSE(decode_group(key, row + "x"));
    if (!paused) continue;
    EXPECT_EQ(group_back->pause->reason, "their bill");
    EXPECT_EQ(group_back->pause->since, 1'700'000'000'000);
  }

  core::Grant grant;
  grant.number = 500;
  grant.granted_wall = 777;
  grant.workers = {"w1", "w2"};
  grant.entries = {{core::LeaseNumber{500}, fresh_job().id, 5, 0, 30'000},
                   {core::LeaseNumber{501}, fresh_job().id, -5, 1, 1}};
  value.clear();
  encode_grant(grant, value);
  EXPECT_EQ(hex(value),
            "01"
            "920c"
            "02"
            "027731"
            "027732"
            "02"
            "00" +
                hex(fresh_job().id.view()) +
                "0a"
                "00"
                "e0d403"
                "00" +
                hex(fresh_job().id.view()) +
                "09"
                "01"
                "02");
  const auto grant_back = decode_grant(grant_key(500), value);
  ASSERT_TRUE(grant_back);
  EXPECT_EQ(grant_back->entries[1].lease, core::LeaseNumber{501});
  EXPECT_EQ(grant_back->workers[grant_back->entries[1].worker], "w2");
  EXPECT_EQ(grant_back->entries[1].priority, -5);

  value.clear();
  encode_priority({-5, 300}, value);
  EXPECT_EQ(hex(value),
            "01"
            "09"
            "ac02");
  const auto place_back = decode_priority(value);
  ASSERT_TRUE(place_back);
  EXPECT_EQ(place_back->priority, -5);
  EXPECT_EQ(place_back->lane, 300u);
  EXPECT_FALSE(decode_priority(value + "0"));

  const core::IdempotencyRow idempotency{
      {1, 2}, 999, {{fresh_job().id, Status::delayed, 4242, true, "queue"}}};
  value.clear();
  encode_idempotency(idempotency, value);
  EXPECT_EQ(stamp_of(value), 999);
  const auto idempotency_back = decode_idempotency(value);
  ASSERT_TRUE(idempotency_back);
  EXPECT_EQ(idempotency_back->jobs[0].created_at, 4242);
  EXPECT_TRUE(idempotency_back->jobs[0].deduplicated);

  core::RetainedRow retained{QueueNumber{3}, Status::failed, 5000, 12};
  value.clear();
  encode_retained(retained, value);
  const auto retained_back = decode_retained(retained_key(retained), value);
  ASSERT_TRUE(retained_back);
  EXPECT_EQ(retained_back->count, 12u);
  EXPECT_EQ(retained_back->expires_at, 5000);

  OperationRow operation;
  operation.view.id = uuid_text(fresh_job().id);
  operation.view.spec.action = OperationSpec::Action::drain;
  operation.view.spec.queue = "q";
  operation.view.spec.filter.name = "n";
  operation.view.spec.per_second = 2.5;
  operation.view.done = 4;
  operation.position = "rkey";
  value.clear();
  encode_operation(operation, value);
  const auto operation_back = decode_operation(fresh_job().id.view(), value);
  ASSERT_TRUE(operation_back);
  EXPECT_EQ(operation_back->view.id, operation.view.id);
  EXPECT_EQ(operation_back->view.spec.filter.name, "n");
  EXPECT_EQ(operation_back->view.spec.per_second, 2.5);
  EXPECT_EQ(operation_back->position, "rkey");
  EXPECT_EQ(parse_uuid(operation.view.id), fresh_job().id);

  operation.view.spec.action = OperationSpec::Action::replay;
  operation.view.spec.filter.fingerprint = Fingerprint{77};
  operation.view.spec.canary = 12;
  operation.view.spec.into = "other";
  operation.view.spec.stop_on_failure_rate = 0.5;
  operation.view.canary_passed = true;
  operation.view.ended = 20;
  operation.view.failed = 3;
  operation.view.under_way = {fresh_job().id};
  operation.view.state = OperationView::State::stopped;
  value.clear();
  encode_operation(operation, value);
  const auto careful = decode_operation(fresh_job().id.view(), value);
  ASSERT_TRUE(careful);
  EXPECT_EQ(careful->view.spec.filter.fingerprint, Fingerprint{77});
  EXPECT_EQ(careful->view.spec.canary, 12u);
  EXPECT_EQ(careful->view.spec.into, "other");
  EXPECT_EQ(careful->view.spec.stop_on_failure_rate, 0.5);
  EXPECT_TRUE(careful->view.canary_passed);
  EXPECT_EQ(careful->view.ended, 20u);
  EXPECT_EQ(careful->view.failed, 3u);
  EXPECT_EQ(careful->view.under_way, operation.view.under_way);
  EXPECT_EQ(careful->view.state, OperationView::State::stopped);

  operation.view.spec.action = OperationSpec::Action::remove;
  operation.view.spec.filter.tag = "t";
  operation.view.spec.filter.status = {core::Status::failed, core::Status::cancelled};
  operation.view.found = 9;
  operation.view.counted = true;
  operation.view.errors = {{fresh_job().id, "no"}};
  value.clear();
  encode_operation(operation, value);
  const auto bulk_back = decode_operation(fresh_job().id.view(), value);
  ASSERT_TRUE(bulk_back);
  EXPECT_EQ(bulk_back->view.spec.filter.group, std::nullopt);
  EXPECT_EQ(bulk_back->view.spec.filter.tag, "t");
  EXPECT_EQ(bulk_back->view.spec.filter.status, operation.view.spec.filter.status);
  EXPECT_EQ(bulk_back->view.spec.filter.attempts_max, UINT32_MAX);
  JobFilter& narrow = operation.view.spec.filter;
  narrow.worker = "w";
  narrow.created_from = 5;
  narrow.created_before = 9;
  narrow.attempts_min = 1;
  narrow.attempts_max = 3;
  narrow.text = "no answer";
  narrow.payload = {{"user.id", "42"}, {"city", ""}};
  value.clear();
  encode_operation(operation, value);
  const auto narrow_back = decode_operation(fresh_job().id.view(), value);
  ASSERT_TRUE(narrow_back);
  const JobFilter& back = narrow_back->view.spec.filter;
  EXPECT_EQ(back.worker, "w");
  EXPECT_EQ(back.created_from, 5);
  EXPECT_EQ(back.created_before, 9);
  EXPECT_EQ(back.attempts_min, 1u);
  EXPECT_EQ(back.attempts_max, 3u);
  EXPECT_EQ(back.text, "no answer");
  EXPECT_EQ(back.payload, narrow.payload);
  EXPECT_EQ(bulk_back->view.found, 9u);
  EXPECT_TRUE(bulk_back->view.counted);
  ASSERT_EQ(bulk_back->view.errors.size(), 1u);
  EXPECT_EQ(bulk_back->view.errors[0].detail, "no");
  EXPECT_FALSE(parse_uuid("not a uuid"));
  EXPECT_FALSE(bulk_back->view.spec.actor);

  const std::size_t without_actor = value.size();
  operation.view.spec.actor = Actor{"anna", "::1"};
  value.clear();
  encode_operation(operation, value);
  EXPECT_EQ(value.size(), without_actor + 9);
  const auto by_anna = decode_operation(fresh_job().id.view(), value);
  ASSERT_TRUE(by_anna);
  ASSERT_TRUE(by_anna->view.spec.actor);
  EXPECT_EQ(by_anna->view.spec.actor->name, "anna");
  EXPECT_EQ(by_anna->view.spec.actor->address, "::1");
  EXPECT_EQ(by_anna->view.spec.filter.tag, "t");
}

TEST(CodecTest, GoldenBytesOfAnAuditedAction) {
  AuditEntry entry;
  entry.actor = {"anna", "::1"};
  entry.action = "bulk-retry";
  entry.queue = "q";
  entry.target = "t";
  entry.count = 300;
  entry.outcome = AuditEntry::Outcome::started;
  entry.detail = "tag x";
  std::string value;
  encode_audit(entry, 5'000'000, value);
  EXPECT_EQ(hex(value),
            "00000000004c4b40"  // until when it is kept
            "01"
            "02"    // started
            "ac02"  // 300
            "04616e6e61"
            "033a3a31"
            "0a62756c6b2d7265747279"
            "0171"
            "0174"
            "0574616720"
            "78");
  const std::string key = audit_key(1'000'000, 7).str();
  EXPECT_EQ(hex(key), "00000000000f424000000007");
  const auto back = decode_audit(key, value);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->at, 1'000'000);
  EXPECT_EQ(back->actor.name, "anna");
  EXPECT_EQ(back->actor.address, "::1");
  EXPECT_EQ(back->action, "bulk-retry");
  EXPECT_EQ(back->queue, "q");
  EXPECT_EQ(back->target, "t");
  EXPECT_EQ(back->count, 300u);
  EXPECT_EQ(back->outcome, AuditEntry::Outcome::started);
  EXPECT_EQ(back->detail, "tag x");
  for (std::size_t i = 0; i < value.size(); ++i) EXPECT_FALSE(decode_audit(key, value.substr(0, i))) << i;
  EXPECT_FALSE(decode_audit(key, value + "x"));
}

TEST(CodecTest, GoldenBytesOfTheSearchablePathsOfAQueue) {
  core::QueueRow queue;
  queue.number = QueueNumber{3};
  queue.name = "q";
  std::string plain;
  encode_queue(queue, plain);
  queue.settings.searchable = {"user.id", "plan"};
  std::string value;
  encode_queue(queue, value);
  // Three bytes more for bit 24, and at the end how many there are and the paths.
  EXPECT_EQ(hex(value),
            hex(plain.substr(0, plain.size() - 1)) + "80808008" + "02" + "07757365722e6964" + "04706c616e");
  const auto back = decode_queue(queue_key(queue.number), value);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->settings.searchable, queue.settings.searchable);
}

// Whatever the bytes, the answer is a value or an error.
template <typename Decode>
void feed_garbage(const std::string& valid, Decode&& decode) {
  for (std::size_t size = 0; size < valid.size(); ++size) EXPECT_FALSE(decode(valid.substr(0, size))) << size;
  EXPECT_FALSE(decode(valid + "x"));
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = valid;
    if (round % 3 == 0) {
      bytes.resize(random() % 64);
      for (char& byte : bytes) byte = static_cast<char>(random());
    } else {
      for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
    }
    (void)decode(bytes);
  }
}

core::ScheduleRow full_schedule() {
  core::ScheduleRow row;
  row.schedule.id = "nightly";
  core::NewJob& job = row.schedule.job;
  const Job like = full_job();
  job.queue = "reports";
  job.name = "sales";
  job.payload = like.payload;
  job.priority = -12;
  job.delay_ms = 5;
  job.run_at = 6;
  job.max_attempts = 9;
  job.max_stalls = 0;
  job.backoff = like.backoff;
  job.lease_ms = 61'000;
  job.timeout_ms = 99;
  job.unique_key = "k";
  job.unique_for_ms = 1;
  job.group = "g";
  job.retention = core::Retention{0, 5};
  job.tags = {"a", "b"};
  job.traceparent = like.traceparent;
  job.gathering = core::Gathering{core::Gathering::Mode::debounce, "k", 7, 8};
  row.schedule.timetable = {"30 2 * * *", "Europe/Berlin", 0, 11, 12, 13};
  row.schedule.missed = core::Missed::all;
  row.schedule.overlap = core::Overlap::replace;
  row.schedule.paused = true;
  row.created_at = 21;
  row.updated_at = 22;
  row.anchor = 23;
  row.next_at = core::never;
  row.runs = 24;
  row.skipped = 25;
  row.last_at = 26;
  row.last_job = like.id;
  row.last_error = "no";
  return row;
}

std::string encoded(const core::ScheduleRow& row) {
  std::string out;
  encode_schedule(row, out);
  return out;
}

TEST(CodecTest, AScheduleComesBack) {
  core::ScheduleRow small;
  small.schedule.id = "s";
  small.schedule.job.queue = "q";
  small.schedule.timetable.every_ms = 1000;
  for (const core::ScheduleRow& row : {small, full_schedule()}) {
    const Decoded<core::ScheduleRow> back = decode_schedule(row.schedule.id, encoded(row));
    ASSERT_TRUE(back) << back.error().what;
    // Encoding shows every field.
    EXPECT_EQ(hex(encoded(*back)), hex(encoded(row)));
    EXPECT_EQ(back->schedule.timetable, row.schedule.timetable);
    EXPECT_EQ(back->last_job, row.last_job);
  }
}

TEST(CodecTest, GoldenBytesOfASchedule) {
  EXPECT_EQ(hex(encoded(full_schedule())),
            "01077265706f727473ffff070573616c6573107b2266696c65223a22612e6d7034227d170a0c0900"
            "01f6013ff8000000000000ae473fd000000000000090b907c601016b020167000a02016101623730"
            "302d30616637363531393136636434336464383434386562323131633830333139632d6237616436"
            "62373136393230333333312d303101016b0e100a33302032202a202a202a0d4575726f70652f4265726c696e00"
            "16180d0202012a2c2efeffffffffffffffff0118193401923456789a7123800001df69234567026e"
            "6f");
}

TEST(CodecTest, DecodingSurvivesAnyBytes) {
  for (const Job& job : {fresh_job(), full_job()}) {
    const Place place = place_of(job.status);
    const std::string key = key_of(place, job);
    feed_garbage(encoded(place, job),
                 [&](const std::string& bytes) { return decode_job(place, key, bytes).has_value(); });
  }
  std::string value;
  core::QueueRow queue;
  queue.name = "q";
  queue.settings.backoff = core::Backoff{};
  queue.settings.rate_limit = core::RateLimit{};
  queue.pace.start(*queue.settings.rate_limit, 1'000);
  encode_queue(queue, value);
  feed_garbage(value, [](const std::string& bytes) { return decode_queue("abcd", bytes).has_value(); });
  value.clear();
  encode_grant({1, 2, {"w"}, {{core::LeaseNumber{1}, JobId{}, 0, 0, 5}}}, value);
  feed_garbage(value, [](const std::string& bytes) { return decode_grant("12345678", bytes).has_value(); });
  feed_garbage(encoded(full_schedule()),
               [](const std::string& bytes) { return decode_schedule("s", bytes).has_value(); });
  value.clear();
  encode_idempotency({{1, 2}, 3, {{JobId{}, Status::pending, 0, false, ""}}}, value);
  feed_garbage(value, [](const std::string& bytes) { return decode_idempotency(bytes).has_value(); });
  value.clear();
  const std::vector<std::string> lines{"one", "two"};
  encode_logs(3, lines, value);
  feed_garbage(value,
               [](const std::string& bytes) { return decode_logs(log_key({}, 1, 2), bytes).has_value(); });
}

TEST(CodecTest, LogLinesTellTheirAttemptAndThoseOfAnEarlierReleaseAreRead) {
  const std::vector<std::string> lines{"one", "two"};
  std::string value;
  encode_logs(3, lines, value);
  const auto row = decode_logs(log_key({}, 1, 2), value);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->attempt, 3u);
  EXPECT_EQ(row->lines, lines);
  const auto before = decode_logs(log_key({}, 1, 2), "\x01" + value.substr(2));
  ASSERT_TRUE(before);
  EXPECT_EQ(before->attempt, 0u);
  EXPECT_EQ(before->lines, lines);
}

TEST(CodecTest, EncodingAFreshJobIsCheap) {
  Job job = fresh_job();
  job.payload = std::make_shared<const std::string>(200, 'x');
  std::string out;
  encode_job(Place::ready, job, out);
  EXPECT_LE(out.size(), 220u);
  constexpr int rounds = 200'000;
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < rounds; ++round) {
    out.clear();
    encode_job(Place::ready, job, out);
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  RecordProperty("nanoseconds_each", static_cast<int>(took.count() / rounds));
  std::printf("encode_job: %.0f ns each, %zu bytes\n", took.count() / rounds, out.size());
}

}  // namespace
}  // namespace pawl::engine
