// Workers on WebSockets against the real engine on the store in memory.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "broker/engine/engine.h"
#include "storage/store.h"
#include "tests/http_server/held_store.h"
#include "tests/http_server/raw_client.h"
#include "tests/http_server/test_server.h"

namespace pawl::http::tests {
namespace {

using nlohmann::json;

class FirstReply final : public engine::ReplyTarget {
 public:
  void on_reply(std::uint64_t, core::Reply&& reply) override { promise_.set_value(std::move(reply)); }
  core::Reply wait() { return promise_.get_future().get(); }

 private:
  std::promise<core::Reply> promise_;
};

/// A broker without the HTTP routes: jobs are submitted straight to the engine.
class WorkerTest : public testing::Test {
 protected:
  void SetUp() override {
    storage::Options store_options;
    store_options.families = engine::families();
    store_ = std::make_unique<HeldStore>(std::move(*storage::Store::open("memory:", store_options)), gate_);
    engine::EngineOptions options;
    options.seed = 1;
    auto engine = engine::Engine::start(*store_, std::move(options));
    ASSERT_TRUE(engine);
    engine_ = std::move(*engine);
    start_server({});
  }
  void TearDown() override {
    server_.reset();
    engine_->stop();
  }
  void start_server(ServerOptions options) {
    server_.reset();
    options.engine = engine_.get();
    server_ = std::make_unique<TestServer>(std::move(options));
  }

  core::Reply ask(core::CommandBody body) {
    const auto target = std::make_shared<FirstReply>();
    if (!engine_->post(std::move(body), target, 1)) throw std::runtime_error("busy");
    return target->wait();
  }
  void submit(const std::string& queue, std::size_t count, std::size_t payload_bytes = 2) {
    core::Submit submit;
    for (std::size_t i = 0; i < count; ++i) {
      core::NewJob job;
      job.queue = queue;
      job.payload = std::make_shared<const std::string>("\"" + std::string(payload_bytes - 2, 'p') + "\"");
      submit.jobs.push_back(std::move(job));
    }
    ask(std::move(submit));
  }

  CommitGate gate_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<TestServer> server_;
};

class Worker {
 public:
  explicit Worker(std::uint16_t port) : client(port) {
    client.send(ws_handshake());
    const auto head = client.response_head();
    if (!head || head->status != 101) throw std::runtime_error("no upgrade");
    headers = head->headers;
  }
  void say(const json& frame) { client.send(ws_frame(ws_text, frame.dump())); }
  void hello(const std::string& id, const std::string& queue, int credit) {
    say({{"type", "hello"},
         {"workerId", id},
         {"queues", json::array({{{"queue", queue}, {"weight", 1}}})},
         {"credit", credit}});
  }
  /// The next text frame; a close frame ends the test.
  json hear() {
    const auto frame = next();
    if (!frame || frame->opcode != ws_text) throw std::runtime_error("no text frame");
    return json::parse(frame->payload);
  }
  /// The next frame but for pings, which are answered.
  std::optional<WsFrame> next() {
    while (true) {
      auto frame = read_ws_frame(client);
      if (!frame || frame->opcode != ws_ping) return frame;
      client.send(ws_frame(ws_pong, frame->payload));
    }
  }
  json hear(const std::string& type) {
    json frame = hear();
    while (frame["type"] != type) frame = hear();
    return frame;
  }
  std::uint16_t closed_with() {
    auto frame = read_ws_frame(client);
    while (frame && frame->opcode != ws_close) frame = read_ws_frame(client);
    if (!frame) return 0;
    client.send(ws_frame(ws_close, frame->payload));
    return frame->close_code();
  }

  RawClient client;
  std::map<std::string, std::string> headers;
};

json settle(int id, const json& jobs) {
  json settlements = json::array();
  for (const json& job : jobs) {
    settlements.push_back({{"jobId", job["jobId"]}, {"leaseId", job["leaseId"]}, {"outcome", "complete"}});
  }
  return {{"type", "settle"}, {"id", id}, {"settlements", settlements}};
}

TEST_F(WorkerTest, TheHandshakeNamesTheSubprotocol) {
  Worker worker(server_->port());
  EXPECT_EQ(worker.headers.at("sec-websocket-protocol"), "pawl.worker.v1");
  EXPECT_EQ(worker.headers.at("sec-websocket-accept").size(), 28u);
  EXPECT_FALSE(worker.headers.contains("sec-websocket-extensions"));
}

TEST_F(WorkerTest, HandshakesThatAreRefused) {
  struct Line {
    const char* what;
    std::string bytes;
    unsigned status;
  };
  const std::string start =
      "GET /worker HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  const std::string key = "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::string protocol = "Sec-WebSocket-Protocol: pawl.worker.v1\r\n";
  const std::vector<Line> ledger{
      {"all is well", start + key + version + protocol + "\r\n", 101},
      {"one of several protocols",
       start + key + version + "Sec-WebSocket-Protocol: a, pawl.worker.v1\r\n\r\n", 101},
      {"another version", start + key + "Sec-WebSocket-Version: 8\r\n" + protocol + "\r\n", 426},
      {"no key", start + version + protocol + "\r\n", 400},
      {"a short key", start + "Sec-WebSocket-Key: AAEC\r\n" + version + protocol + "\r\n", 400},
      {"no protocol", start + key + version + "\r\n", 400},
      {"another protocol", start + key + version + "Sec-WebSocket-Protocol: chat\r\n\r\n", 400},
      {"frames before the answer", start + key + version + protocol + "\r\n" + ws_frame(ws_text, "{}"), 400},
      {"a page of another site", start + key + version + protocol + "Origin: http://evil.example\r\n\r\n",
       403},
      {"another host",
       "GET /worker HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key +
           version + protocol + "\r\n",
       421},
      {"another path",
       "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + key +
           version + protocol + "\r\n",
       200},
  };
  for (const Line& line : ledger) {
    SCOPED_TRACE(line.what);
    RawClient client(server_->port());
    client.send(line.bytes);
    const auto head = client.response_head();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->status, line.status);
  }
}

TEST_F(WorkerTest, AJobGoesOutAndItsSettlementIsConfirmed) {
  Worker worker(server_->port());
  worker.hello("w1", "video", 4);
  const json welcome = worker.hear();
  EXPECT_EQ(welcome["type"], "welcome");
  EXPECT_EQ(welcome["workerId"], "w1");
  submit("video", 1);
  const json jobs = worker.hear("jobs");
  ASSERT_EQ(jobs["jobs"].size(), 1u);
  worker.say({{"type", "heartbeat"},
              {"id", 1},
              {"beats", json::array({{{"jobId", jobs["jobs"][0]["jobId"]},
                                      {"leaseId", jobs["jobs"][0]["leaseId"]},
                                      {"progress", 50}}})}});
  const json beats = worker.hear("heartbeats");
  EXPECT_EQ(beats["id"], 1);
  EXPECT_EQ(beats["results"][0]["cancelRequested"], false);
  worker.say({{"type", "logs"},
              {"id", 2},
              {"jobId", jobs["jobs"][0]["jobId"]},
              {"leaseId", jobs["jobs"][0]["leaseId"]},
              {"lines", json::array({"one", "two"})}});
  EXPECT_EQ(worker.hear("logged")["id"], 2);
  worker.say(settle(3, jobs["jobs"]));
  const json settled = worker.hear("settled");
  EXPECT_EQ(settled["id"], 3);
  EXPECT_EQ(settled["results"][0]["status"], "completed");
}

TEST_F(WorkerTest, CreditBoundsWhatIsHeld) {
  submit("video", 10);
  Worker worker(server_->port());
  worker.hello("w1", "video", 3);
  std::size_t held = 0;
  json all = json::array();
  while (held < 3) {
    const json frame = worker.hear("jobs");
    for (const json& job : frame["jobs"]) all.push_back(job);
    held = all.size();
  }
  EXPECT_EQ(held, 3u);
  worker.say({{"type", "credit"}, {"credit", 5}});
  EXPECT_EQ(worker.hear("jobs")["jobs"].size(), 2u);
  worker.say(settle(1, all));
  EXPECT_EQ(worker.hear("settled")["results"].size(), 3u);
  EXPECT_EQ(worker.hear("jobs")["jobs"].size(), 3u);
}

TEST_F(WorkerTest, ThousandsOfJobsGoThroughOneConnection) {
  constexpr std::size_t count = 5000;
  submit("video", count, 300);
  Worker worker(server_->port());
  worker.hello("w1", "video", 200);
  std::size_t settled = 0;
  int id = 0;
  while (settled < count) {
    const json frame = worker.hear();
    if (frame["type"] == "jobs") worker.say(settle(++id, frame["jobs"]));
    if (frame["type"] != "settled") continue;
    for (const json& result : frame["results"]) {
      ASSERT_EQ(result["status"], "completed");
      ++settled;
    }
  }
  EXPECT_EQ(settled, count);
}

TEST_F(WorkerTest, LargePayloadsAreSpreadOverFrames) {
  submit("video", 12, 100'000);
  Worker worker(server_->port());
  worker.hello("w1", "video", 12);
  std::size_t got = 0;
  while (got < 12) {
    const json frame = worker.hear("jobs");
    EXPECT_LE(frame["jobs"].size(), 3u);
    got += frame["jobs"].size();
  }
}

TEST_F(WorkerTest, ByeEndsTheConnectionWhenNothingIsHeld) {
  submit("video", 1);
  Worker worker(server_->port());
  worker.hello("w1", "video", 1);
  const json jobs = worker.hear("jobs");
  worker.say({{"type", "bye"}});
  submit("video", 1);  // not for this worker
  worker.say(settle(1, jobs["jobs"]));
  EXPECT_EQ(worker.hear()["type"], "settled");
  EXPECT_EQ(worker.closed_with(), 1000);
}

TEST_F(WorkerTest, AGrantThatIsNotOnDiskYetIsHeardBeforeTheGoodbye) {
  Worker worker(server_->port());
  worker.hello("w1", "video", 1);
  worker.hear("welcome");
  std::future<void> submitted;
  const CommitGate::Hold until_the_end(gate_);
  submitted = std::async(std::launch::async, [this] { submit("video", 1); });
  gate_.wait_for_one();
  worker.say({{"type", "bye"}});
  worker.say({{"type", "nonsense"}});
  EXPECT_EQ(worker.hear()["type"], "error") << "it was let go with a job on its way";
  gate_.let_go();
  submitted.get();
  worker.say(settle(1, worker.hear("jobs")["jobs"]));
  EXPECT_EQ(worker.hear()["results"][0]["status"], "completed");
  EXPECT_EQ(worker.closed_with(), 1000);
}

TEST_F(WorkerTest, AWorkerThatVanishesLosesItsLeasesAfterTheGrace) {
  ServerOptions options;
  options.disconnect_grace_ms = 50;
  start_server(std::move(options));
  submit("video", 1);
  json first;
  {
    Worker worker(server_->port());
    worker.hello("w1", "video", 1);
    first = worker.hear("jobs")["jobs"][0];
  }
  Worker other(server_->port());
  other.hello("w2", "video", 1);
  const json second = other.hear("jobs")["jobs"][0];
  EXPECT_EQ(second["jobId"], first["jobId"]);
  EXPECT_NE(second["leaseId"], first["leaseId"]);
}

TEST_F(WorkerTest, AWorkerThatComesBackGoesOnWithItsLease) {
  submit("video", 1);
  json job;
  {
    Worker worker(server_->port());
    worker.hello("w1", "video", 1);
    job = worker.hear("jobs")["jobs"][0];
  }
  Worker again(server_->port());
  again.say({{"type", "hello"},
             {"workerId", "w1"},
             {"queues", json::array({{{"queue", "video"}}})},
             {"credit", 1},
             {"leases", json::array({{{"jobId", job["jobId"]}, {"leaseId", job["leaseId"]}}})}});
  const json welcome = again.hear("welcome");
  EXPECT_EQ(welcome["resumed"], json::array({job["jobId"]}));
  again.say(settle(1, json::array({job})));
  EXPECT_EQ(again.hear("settled")["results"][0]["status"], "completed");
}

TEST_F(WorkerTest, WorkersAreToldToDrainAndLetGo) {
  submit("video", 1);
  Worker busy(server_->port());
  busy.hello("w1", "video", 1);
  const json jobs = busy.hear("jobs");
  Worker idle(server_->port());
  idle.hello("w2", "video", 1);
  idle.hear("welcome");
  engine_->stop_leasing();
  EXPECT_EQ(busy.hear()["type"], "drain");
  EXPECT_EQ(idle.hear()["type"], "drain");
  std::thread stopper([&] { server_->server().stop(10'000); });
  EXPECT_EQ(idle.closed_with(), 1001);
  busy.say(settle(1, jobs["jobs"]));
  EXPECT_EQ(busy.hear("settled")["results"][0]["status"], "completed");
  EXPECT_EQ(busy.closed_with(), 1001);
  idle.client.close();
  busy.client.close();
  stopper.join();
}

TEST_F(WorkerTest, ASilentWorkerIsPingedAndThenDropped) {
  ServerOptions options;
  options.rules.limits.worker_silence_ms = 300;
  start_server(std::move(options));
  Worker worker(server_->port());
  const auto ping = read_ws_frame(worker.client);
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->opcode, ws_ping);
  while (read_ws_frame(worker.client)) {
  }
  EXPECT_TRUE(worker.client.is_closed());
}

TEST_F(WorkerTest, WhatAWorkerSaysOfItselfIsKnownWhileItIsConnected) {
  const auto directory = std::make_shared<api::WorkerDirectory>();
  ServerOptions options;
  options.workers = directory;
  start_server(std::move(options));
  {
    Worker worker(server_->port());
    EXPECT_TRUE(directory->facts().empty()) << "it has not said who it is";
    worker.say({{"type", "hello"},
                {"workerId", "w1"},
                {"host", "rack-7"},
                {"version", "2.1"},
                {"queues", json::array({{{"queue", "video"}}})},
                {"credit", 1}});
    worker.hear("welcome");
    const api::WorkerFacts facts = directory->facts().at("w1");
    EXPECT_EQ(facts.host, "rack-7");
    EXPECT_EQ(facts.version, "2.1");
    EXPECT_EQ(facts.address, "127.0.0.1");
    // The ping came before the welcome; its answer was sent before the next frame, and is read before that.
    worker.say({{"type", "heartbeat"}, {"id", 1}, {"beats", json::array()}});
    worker.hear();
    ASSERT_TRUE(directory->facts().at("w1").round_trip);
    EXPECT_GT(directory->facts().at("w1").round_trip->count(), 0);
    // A second hello may say otherwise.
    worker.hello("w1", "video", 1);
    worker.hear("welcome");
    EXPECT_EQ(directory->facts().at("w1").host, "");
  }
  // It is gone before the engine hears of the connection's end.
  const auto connected = [&] {
    const auto list = std::get<core::WorkerList>(ask(core::ListWorkers{}));
    return !list.workers.empty() && list.workers[0].connected;
  };
  while (connected()) {
  }
  EXPECT_TRUE(directory->facts().empty());
}

TEST_F(WorkerTest, AWorkerThatAnswersPingsStays) {
  ServerOptions options;
  options.rules.limits.worker_silence_ms = 1000;
  start_server(std::move(options));
  Worker worker(server_->port());
  for (int i = 0; i < 6; ++i) {
    const auto ping = read_ws_frame(worker.client);
    ASSERT_TRUE(ping);
    ASSERT_EQ(ping->opcode, ws_ping);
    worker.client.send(ws_frame(ws_pong, ping->payload));
  }
  worker.hello("w1", "video", 1);
  EXPECT_EQ(worker.hear()["type"], "welcome");
}

TEST_F(WorkerTest, HostileFramesCloseWithTheCodeOfTheirFault) {
  struct Line {
    const char* what;
    std::string bytes;
    std::uint16_t code;
  };
  const std::string hello =
      ws_frame(ws_text, R"({"type":"hello","workerId":"w","queues":[{"queue":"q"}],"credit":1})");
  const std::string big(2u << 20, ' ');
  const std::vector<Line> ledger{
      {"an unmasked frame", ws_frame(ws_text, "{}", true, false), 1002},
      {"a reserved opcode", ws_frame(3, "{}"), 1002},
      {"a reserved control opcode", ws_frame(11, ""), 1002},
      {"a reserved bit", "\xc1" + ws_frame(ws_text, "{}").substr(1), 1002},
      {"a fragmented ping", ws_frame(ws_ping, "", false), 1002},
      {"a large ping", ws_frame(ws_ping, std::string(126, 'a')), 1002},
      {"a continuation of nothing", ws_frame(0, "{}"), 1002},
      {"a message inside a message", ws_frame(ws_text, "{", false) + ws_frame(ws_text, "}"), 1002},
      {"invalid UTF-8", ws_frame(ws_text, "\"\xc3\x28\""), 1007},
      {"not JSON", hello + ws_frame(ws_text, "{{"), 1007},
      {"a binary frame", hello + ws_frame(ws_binary, "{}"), 1003},
      {"a message over the limit", ws_frame(ws_text, big), 1009},
      {"logs before hello",
       ws_frame(
           ws_text,
           R"({"type":"logs","id":1,"jobId":"01a20f84-ab4f-7000-8000-005f41025cc1","leaseId":"0000000000000001","lines":["a"]})"),
       1008},
      {"credit before hello", ws_frame(ws_text, R"({"type":"credit","credit":1})"), 1008},
      {"bye before hello", ws_frame(ws_text, R"({"type":"bye"})"), 1008},
      {"a polite close", ws_frame(ws_close, std::string("\x03\xe8", 2)), 1000},
      {"a close with a bad code", ws_frame(ws_close, std::string("\x03\xec", 2)), 1002},
      {"a close of one byte", ws_frame(ws_close, "a"), 1002},
  };
  for (const Line& line : ledger) {
    SCOPED_TRACE(line.what);
    Worker worker(server_->port());
    worker.client.send(line.bytes);
    EXPECT_EQ(worker.closed_with(), line.code);
    EXPECT_TRUE(worker.client.is_closed());
  }
}

TEST_F(WorkerTest, AFrameThatIsWrongInContentLeavesTheConnection) {
  Worker worker(server_->port());
  worker.hello("w1", "video", 1);
  worker.hear("welcome");
  worker.say({{"type", "nonsense"}});
  EXPECT_EQ(worker.hear()["type"], "error");
  worker.say({{"type", "credit"}, {"credit", -1}});
  EXPECT_EQ(worker.hear()["type"], "error");
  worker.say(
      {{"type", "heartbeat"}, {"id", 5}, {"beats", json::array({{{"jobId", "x"}, {"leaseId", "y"}}})}});
  const json error = worker.hear();
  EXPECT_EQ(error["type"], "error");
  EXPECT_EQ(error["id"], 5);
  submit("video", 1);
  EXPECT_EQ(worker.hear()["type"], "jobs");
}

TEST_F(WorkerTest, FramesInFragmentsAndBetweenPingsAreOneFrame) {
  Worker worker(server_->port());
  worker.client.send(ws_frame(ws_text, R"({"type":"hello","workerId":"w1",)", false));
  worker.client.send(ws_frame(ws_ping, "here"));
  worker.client.send(ws_frame(0, R"("queues":[{"queue":"q"}],"credit":1})"));
  const auto pong = worker.next();
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->opcode, ws_pong);
  EXPECT_EQ(pong->payload, "here");
  EXPECT_EQ(worker.hear()["type"], "welcome");
}

TEST_F(WorkerTest, AConnectionsEndIsSeenByTheEngine) {
  {
    Worker worker(server_->port());
    worker.hello("w1", "video", 1);
    worker.hear("welcome");
    const auto list = std::get<core::WorkerList>(ask(core::ListWorkers{}));
    ASSERT_EQ(list.workers.size(), 1u);
    EXPECT_TRUE(list.workers[0].connected);
  }
  bool connected = true;
  while (connected) {
    const auto list = std::get<core::WorkerList>(ask(core::ListWorkers{}));
    connected = !list.workers.empty() && list.workers[0].connected;
  }
  while (server_->server().meters().workers.load() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace pawl::http::tests
