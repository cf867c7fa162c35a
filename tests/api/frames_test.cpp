#include <gtest/gtest.h>

#include <string>

#include "broker/http/api/worker_frames.h"

namespace pawl::http::api {
namespace {

const core::JobId id = core::JobId::from_words(0x0199b3c27a107000, 0x80000000a1f40001);
const std::string held = R"("jobId":"0199b3c2-7a10-7000-8000-0000a1f40001","leaseId":"00000000000004d2")";

template <typename Frame>
Frame read(const std::string& text) {
  auto frame = read_worker_frame(text);
  EXPECT_TRUE(frame) << text << ": " << (frame ? "" : frame.error().error_frame + frame.error().close_reason);
  if (!frame || !std::holds_alternative<Frame>(*frame)) {
    ADD_FAILURE() << text;
    return {};
  }
  return std::get<Frame>(std::move(*frame));
}

TEST(FramesTest, HelloIsRead) {
  const auto hello = read<HelloFrame>(
      R"({"type":"hello","workerId":"w1","queues":[{"queue":"video","weight":3},{"queue":"mail"}],"names":["encode"],"host":"rack-7","version":null,)"
      R"("credit":16,"leases":[{)" +
      held + "}]}");
  EXPECT_EQ(hello.open.worker_id, "w1");
  EXPECT_EQ(hello.host, "rack-7");
  EXPECT_EQ(hello.version, "");
  ASSERT_EQ(hello.open.queues.size(), 2u);
  EXPECT_EQ(hello.open.queues[0].name, "video");
  EXPECT_EQ(hello.open.queues[0].weight, 3u);
  EXPECT_EQ(hello.open.queues[1].weight, 1u);
  EXPECT_EQ(hello.open.names, std::vector<std::string>{"encode"});
  EXPECT_EQ(hello.open.credit, 16u);
  ASSERT_EQ(hello.open.resume.size(), 1u);
  EXPECT_EQ(hello.open.resume[0].id, id);
  EXPECT_EQ(hello.open.resume[0].lease, core::LeaseNumber{0x4d2});
}

TEST(FramesTest, TheOtherFramesAreRead) {
  EXPECT_EQ(read<CreditFrame>(R"({"credit":0,"type":"credit"})").credit, 0u);
  read<ByeFrame>(R"({"type":"bye"})");

  const auto settle = read<SettleFrame>(R"({"type":"settle","id":7,"settlements":[{)" + held +
                                        R"(,"outcome":"complete","result": [1] }]})");
  EXPECT_EQ(settle.id, 7u);
  ASSERT_EQ(settle.settle.settlements.size(), 1u);
  EXPECT_EQ(*settle.settle.settlements[0].result, "[1]");

  const auto beat =
      read<HeartbeatFrame>(R"({"beats":[{)" + held + R"(,"progress":5}],"id":8,"type":"heartbeat"})");
  EXPECT_EQ(beat.id, 8u);
  EXPECT_EQ(beat.heartbeat.beats.at(0).progress, 5);

  const auto logs =
      read<LogsFrame>(R"({"type":"logs","id":9007199254740991,)" + held + R"(,"lines":["a","b"]})");
  EXPECT_EQ(logs.id, 9007199254740991u);
  EXPECT_EQ(logs.logs.id, id);
  EXPECT_EQ(logs.logs.lines.size(), 2u);
}

struct RefusedRow {
  std::string_view frame;
  std::string_view id;       // as it stands in the error frame; empty: none
  std::string_view pointer;  // of the first error
};

TEST(FramesTest, AWrongFrameIsAnsweredAndTheConnectionStays) {
  constexpr RefusedRow rows[]{
      {R"({})", "", "/type"},
      {R"({"type":5,"id":3})", "3", "/type"},
      {R"({"type":"dance","id":3})", "3", "/type"},
      {R"({"type":"hello","workerId":"w","queues":[],"credit":1})", "", "/queues"},
      {R"({"type":"hello","workerId":"w","queues":[{"queue":"a"},{"queue":"a"}],"credit":1})", "", "/queues"},
      {R"({"type":"hello","workerId":"w","queues":[{"queue":"a","weight":0}],"credit":1})", "",
       "/queues/0/weight"},
      {R"({"type":"hello","workerId":"w","queues":[{"queue":"a"}],"credit":10001})", "", "/credit"},
      {R"({"type":"credit","credit":-1})", "", "/credit"},
      {R"({"type":"credit","credit":1,"id":1})", "", "/id"},
      {R"({"type":"settle","settlements":[]})", "", "/settlements"},
      {R"({"type":"settle","id":12,"settlements":[{"jobId":"x"}]})", "12", "/settlements/0/jobId"},
      {R"({"id":12,"type":"settle","settlements":5})", "12", "/settlements"},
      {R"({"type":"settle","id":-1,"settlements":[]})", "", "/id"},
      {R"({"type":"settle","id":9007199254740992,"settlements":[]})", "", "/id"},
      {R"({"type":"heartbeat","id":1,"beats":[{"leaseId":"x"}]})", "1", "/beats/0/jobId"},
      {R"({"type":"logs","id":1,"jobId":"x","leaseId":"x","lines":["a"]})", "1", "/jobId"},
      {R"({"type":"bye","why":1})", "", "/why"},
      {R"({"type":"bye","type":"bye"})", "", "/type"},
  };
  for (const RefusedRow& row : rows) {
    const auto frame = read_worker_frame(row.frame);
    ASSERT_FALSE(frame) << row.frame;
    const FrameProblem& problem = frame.error();
    EXPECT_EQ(problem.close_code, 0) << row.frame;
    const std::string beginning = row.id.empty()
                                      ? R"({"type":"error","problem":)"
                                      : R"({"type":"error","id":)" + std::string(row.id) + R"(,"problem":)";
    EXPECT_TRUE(problem.error_frame.starts_with(beginning)) << row.frame << " " << problem.error_frame;
    EXPECT_NE(problem.error_frame.find("{\"pointer\":\"" + std::string(row.pointer) + "\""),
              std::string::npos)
        << row.frame << " " << problem.error_frame;
  }
}

TEST(FramesTest, WhatIsNoJsonObjectClosesTheConnection) {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("hello"), std::string_view("[]"), std::string_view("5"),
        std::string_view(R"({"type":"bye")"),
        std::string_view(R"({"type":"settle","id":1,"settlements":[}})"),
        std::string_view("{\"type\":\"\xff\"}"), std::string_view("{\"type\":\"bye\"\0}", 15),
        std::string_view(R"({"type":"bye"} {})")}) {
    const auto frame = read_worker_frame(text);
    ASSERT_FALSE(frame) << text;
    EXPECT_EQ(frame.error().close_code, 1007) << text;
    EXPECT_FALSE(frame.error().close_reason.empty());
    EXPECT_LE(frame.error().close_reason.size(), 123u);
  }
}

TEST(FramesTest, WhatTheBrokerSays) {
  const core::LeaseNumber lease{0x4d2};
  core::WorkerOpened opened;
  opened.resumed = {id};
  EXPECT_EQ(
      write_welcome("w\"1", opened, 5000, "0.1.0"),
      R"({"type":"welcome","workerId":"w\"1","resumed":["0199b3c2-7a10-7000-8000-0000a1f40001"],"lost":[],)"
      R"("disconnectGraceMs":5000,"version":"0.1.0"})");
  core::Settled settled;
  settled.results = {{{}, core::Status::completed, 0},
                     {{}, core::Status::delayed, 1'791'104'887'006},
                     {core::Refused{core::Refusal::lease_lost, "", {}, {}}, core::Status::pending, 0}};
  EXPECT_EQ(
      write_settled(7, settled),
      R"({"type":"settled","id":7,"results":[{"status":"completed"},{"status":"delayed","runAt":)"
      R"("2026-10-04T09:08:07.006Z"},{"type":"urn:pawl:error:lease-lost","title":"The lease is not the job's )"
      R"(current one","status":409}]})");
  core::HeartbeatDone done;
  done.results = {{{}, 1'791'104'887'006, true}};
  EXPECT_EQ(write_heartbeats(8, done),
            R"({"type":"heartbeats","id":8,"results":[{"leaseExpiresAt":"2026-10-04T09:08:07.006Z",)"
            R"("cancelRequested":true}]})");
  EXPECT_EQ(write_logged(9, {12}), R"({"type":"logged","id":9,"lines":12})");
  EXPECT_EQ(write_notice({core::Notice::Kind::cancel, id, lease}), R"({"type":"cancel",)" + held + "}");
  EXPECT_EQ(write_notice({core::Notice::Kind::lease_lost, id, lease}),
            R"({"type":"lease-lost",)" + held + "}");
  EXPECT_EQ(write_notice({core::Notice::Kind::drain, {}, core::LeaseNumber::none}), R"({"type":"drain"})");
  EXPECT_EQ(
      write_error(3, problem_of(engine::Busy::stopping)),
      R"({"type":"error","id":3,"problem":{"type":"urn:pawl:error:stopping","title":"The broker is stopping",)"
      R"("status":503}})");
  EXPECT_TRUE(
      write_logs_refused(4, {core::Refusal::too_many_log_lines, "d", {}, {}})
          .starts_with(R"({"type":"logged","id":4,"problem":{"type":"urn:pawl:error:too-many-log-lines")"));
}

TEST(FramesTest, JobsCarryTheirPayloadByteForByte) {
  core::Granted granted;
  core::GrantedJob& job = granted.jobs.emplace_back();
  job.id = id;
  job.lease = core::LeaseNumber{0x4d2};
  job.queue = "q";
  job.name = "n";
  job.payload = std::make_shared<const std::string>(R"({"b": 1.50,"a" :[1]})");
  job.lease_ms = 30'000;
  EXPECT_EQ(write_jobs(granted),
            R"({"type":"jobs","jobs":[{)" + held +
                R"(,"leaseExpiresAt":"1970-01-01T00:00:00.000Z","leaseMs":30000,"queue":"q","name":"n",)"
                R"("payload":{"b": 1.50,"a" :[1]},"attempt":1,"maxAttempts":1,"stalls":0,"priority":0,)"
                R"("createdAt":"1970-01-01T00:00:00.000Z","progress":null,"traceparent":null}]})");
}

}  // namespace
}  // namespace pawl::http::api
