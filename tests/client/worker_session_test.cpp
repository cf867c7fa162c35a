// The protocol, frame by frame, without a network: what the session says to what it hears.
#include "client/src/worker_session.h"

#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <semaphore>

#include "client/src/problem.h"
#include "client/wire/protocol.h"

namespace pawl::client {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* welcome =
    R"({"type":"welcome","workerId":"w","resumed":[],"lost":[],"disconnectGraceMs":5000})";

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    WorkerOptions options;
    options.worker_id = "w";
    options.queues = {{"q", 3}};
    options.concurrency = 1;
    options.prefetch = 1;
    session_.emplace(WorkerSession::Setup{options, {"n"}}, outbox_, pool_);
  }
  ~SessionTest() override {
    outbox_->close();
    let_go_.release(100);
  }

  void hear(const std::string& text) { session_->on_message(std::make_shared<const std::string>(text)); }
  json says() {
    const std::string text = session_->next_message();
    return text.empty() ? json() : json::parse(text);
  }
  /// The next message, when it needs a handler to get there.
  json says_soon() {
    for (;;) {
      json message = says();
      if (!message.is_null()) return message;
      if (!woken_.try_acquire_for(10s)) return "nothing came";
    }
  }
  static std::string job(const std::string& id, const std::string& lease) {
    return R"({"jobId":")" + id + R"(","leaseId":")" + lease +
           R"(","queue":"q","name":"n","payload":{"x" : 1},"attempt":1,"maxAttempts":3,"leaseMs":30000})";
  }
  void give(const std::string& jobs) { hear(R"({"type":"jobs","jobs":[)" + jobs + "]}"); }
  void greet() {
    session_->on_open();
    (void)says();
    hear(welcome);
  }

  /// A job that some handler has, beside those of the pool.
  static std::shared_ptr<HeldJob> hold(const std::string& id) {
    const auto held = std::make_shared<HeldJob>();
    held->frame = std::make_shared<const std::string>(id);
    held->id = *held->frame;
    held->lease_id = "a1";
    return held;
  }

  /// From the next job on.
  void handle(std::function<void(Job&)> handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  std::function<void(Job&)> handler() {
    const std::lock_guard lock(mutex_);
    return handler_;
  }

  std::mutex mutex_;  // a handler still returns when the test has its verdict already
  std::counting_semaphore<> woken_{0};
  std::counting_semaphore<> began_{0};
  std::counting_semaphore<> let_go_{0};
  std::function<void(Job&)> handler_ = [](Job& job) { job.complete(1); };
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>([this] { woken_.release(); });
  Pool pool_{1, [this](std::shared_ptr<HeldJob> held) {
               Job job(std::move(held));
               const auto run = handler();
               run(job);
             }};
  std::optional<WorkerSession> session_;
};

TEST_F(SessionTest, GreetsFirstAndSaysNothingBeforeTheWelcome) {
  session_->on_open();
  EXPECT_EQ(says(),
            json::parse(R"({"type":"hello","workerId":"w","queues":[{"queue":"q","weight":3}],"names":["n"],
                                    "credit":2})"));
  EXPECT_TRUE(says().is_null());
  hear(welcome);
  EXPECT_TRUE(says().is_null());
  EXPECT_EQ(session_->counts().connections, 1u);
}

TEST_F(SessionTest, SettlesAndForgetsWhenConfirmed) {
  greet();
  handle([](Job& job) { job.complete(JsonText::raw(std::string(job.payload_text()))); });
  give(job("j1", "a1"));
  const json settle = says_soon();
  EXPECT_EQ(settle["settlements"],
            json::parse(R"([{"jobId":"j1","leaseId":"a1","outcome":"complete","result":{"x":1}}])"));
  hear(R"({"type":"settled","id":)" + settle["id"].dump() + R"(,"results":[{"status":"completed"}]})");
  EXPECT_EQ(session_->counts().completed, 1u);
  session_->on_down(local_error(ErrorKind::connection, "cut"));
  session_->on_open();
  EXPECT_FALSE(says().contains("leases"));
}

TEST_F(SessionTest, AfterABreakItNamesItsLeasesAndRepeatsWhatWasNotConfirmed) {
  greet();
  give(job("j1", "a1"));
  const json first = says_soon();
  ASSERT_EQ(first["type"], "settle");
  EXPECT_TRUE(session_->on_down(local_error(ErrorKind::connection, "cut")));
  session_->on_open();
  EXPECT_EQ(says()["leases"], json::parse(R"([{"jobId":"j1","leaseId":"a1"}])"));
  hear(welcome);
  const json again = says();
  EXPECT_EQ(again["settlements"], first["settlements"]);
  EXPECT_NE(again["id"], first["id"]);
}

TEST_F(SessionTest, LogsGoBeforeTheVerdictAndProgressIsAHeartbeat) {
  greet();
  handle([](Job& job) {
    job.log("line \"1\"");
    job.log("line 2");
    job.fail({.type = "t", .message = "m", .stack = "s", .retry_delay = 5s});
  });
  give(job("j1", "a1"));
  const json logs = says_soon();
  EXPECT_EQ(logs["type"], "logs");
  EXPECT_EQ(logs["lines"][0], "line \"1\"");
  json settle = says_soon();
  if (settle["type"] == "logs") settle = says_soon();
  EXPECT_EQ(settle["settlements"][0], json::parse(R"({"jobId":"j1","leaseId":"a1","outcome":"fail",
      "error":{"type":"t","message":"m","stack":"s"},"retryDelayMs":5000})"));

  handle([&](Job& job) {
    job.progress(200, "more than all");
    began_.release();
    let_go_.acquire();
  });
  give(job("j2", "a2"));
  began_.acquire();
  const json beat = says_soon();
  EXPECT_EQ(beat["type"], "heartbeat");
  EXPECT_EQ(beat["beats"][0],
            json::parse(R"({"jobId":"j2","leaseId":"a2","progress":100,"message":"more than all"})"));
  let_go_.release();
}

constexpr std::size_t frame_bytes_of_any_broker = 128u << 10;

TEST_F(SessionTest, LongLogLinesAreFramesThatAnyBrokerTakes) {
  greet();
  session_->on_down(local_error(ErrorKind::connection, "cut"));
  const auto line = [](int i) { return std::to_string(i) + std::string(wire::log_line_bytes_max, '\x01'); };
  const auto held = hold("j1");
  for (int i = 0; i < 50; ++i) outbox_->log(held, line(i));
  for (int i = 50; i < 2'050; ++i) outbox_->log(held, std::to_string(i));
  session_->on_open();
  (void)says();
  hear(welcome);
  int next = 0;
  for (std::string text; !(text = session_->next_message()).empty();) {
    EXPECT_LT(text.size(), frame_bytes_of_any_broker);
    const json frame = json::parse(text);
    ASSERT_EQ(frame["type"], "logs");
    EXPECT_LE(frame["lines"].size(), wire::log_lines_max);
    for (const json& told : frame["lines"]) {
      EXPECT_EQ(told, next < 50 ? line(next).substr(0, wire::log_line_bytes_max) : std::to_string(next));
      ++next;
    }
  }
  EXPECT_EQ(next, 2'050);
}

TEST_F(SessionTest, MuchProgressIsSeveralHeartbeats) {
  greet();
  for (int i = 0; i < 200; ++i)
    outbox_->progress(hold("j" + std::to_string(i)), 1,
                      std::string(wire::progress_message_bytes_max, '\x01'));
  int next = 0;
  for (std::string text; !(text = session_->next_message()).empty();) {
    EXPECT_LT(text.size(), 4 * frame_bytes_of_any_broker);
    const json frame = json::parse(text);
    for (const json& beat : frame["beats"]) EXPECT_EQ(beat["jobId"], "j" + std::to_string(next++));
  }
  EXPECT_EQ(next, 200);
}

TEST_F(SessionTest, AVerdictThatNoFrameCanCarryBecomesAFailure) {
  greet();
  handle([](Job& job) {
    job.suspend({.wait_for = EventWait{.event = "e", .match = JsonText(std::string(100'000, 'x'))}});
  });
  give(job("j1", "a1"));
  EXPECT_EQ(says_soon()["settlements"][0]["outcome"], "suspend");
  Error too_big = local_error(ErrorKind::connection, "the broker closed the connection");
  too_big.status = 1009;
  session_->on_down(too_big);
  session_->on_open();
  (void)says();
  hear(welcome);
  EXPECT_EQ(says()["settlements"][0]["error"]["type"], "verdict-too-large");
}

TEST_F(SessionTest, FewEndsWaitForTheFrameThatIsUnderWayAndDoNotWake) {
  greet();
  handle([&](Job& job) {
    job.complete(1);
    began_.release();
  });
  const auto run = [&](int from, int to) {
    for (int i = from; i < to; ++i) give(job("j" + std::to_string(i), "a"));
    for (int i = from; i < to; ++i) began_.acquire();
  };
  run(0, 1);
  const json first = says_soon();
  ASSERT_EQ(first["settlements"].size(), 1u);
  EXPECT_TRUE(says().is_null());
  while (woken_.try_acquire()) {
  }
  run(1, 100);
  EXPECT_FALSE(woken_.try_acquire());
  EXPECT_TRUE(says().is_null());
  run(100, 101);
  EXPECT_TRUE(woken_.try_acquire()) << "a hundred are worth a frame";
  EXPECT_EQ(says()["settlements"].size(), 100u);
  EXPECT_TRUE(says().is_null());

  run(101, 103);
  EXPECT_TRUE(says().is_null());
  hear(R"({"type":"settled","id":2,"results":[]})");
  EXPECT_TRUE(says().is_null());
  hear(R"({"type":"settled","id":)" + first["id"].dump() + R"(,"results":[{"status":"completed"}]})");
  EXPECT_EQ(says()["settlements"].size(), 2u) << "no frame is under way";
}

TEST_F(SessionTest, AJobThatComesAgainTakesThePlaceOfItsOldHandle) {
  greet();
  StopReason reason = StopReason::none;
  handle([&](Job& job) {
    if (job.lease_id() == "a1") {
      began_.release();
      let_go_.acquire();
      reason = job.stop_reason();
    }
    job.complete(1);
  });
  give(job("j1", "a1"));
  began_.acquire();
  give(job("j1", "a2"));
  EXPECT_EQ(session_->counts().leases_lost, 1u);
  let_go_.release();
  const json settle = says_soon();
  EXPECT_EQ(reason, StopReason::lease_lost);
  ASSERT_EQ(settle["settlements"].size(), 1u);
  EXPECT_EQ(settle["settlements"][0]["leaseId"], "a2");
  session_->on_down(local_error(ErrorKind::connection, "cut"));
  session_->on_open();
  EXPECT_EQ(says()["leases"], json::parse(R"([{"jobId":"j1","leaseId":"a2"}])"));
}

TEST_F(SessionTest, AJobThatComesAgainBeforeItsEndIsConfirmedIsHeldByItsNewLease) {
  greet();
  handle([&](Job& job) {
    if (job.lease_id() == "a2") let_go_.acquire();
    job.complete(1);
  });
  give(job("j1", "a1"));
  const json first = says_soon();
  ASSERT_EQ(first["settlements"][0]["leaseId"], "a1");
  give(job("j1", "a2"));
  hear(R"({"type":"settled","id":)" + first["id"].dump() + R"(,"results":[{"status":"completed"}]})");
  hear(R"({"type":"cancel","jobId":"j1","leaseId":"a2"})");
  let_go_.release();
  const json second = says_soon();
  ASSERT_EQ(second["settlements"][0]["leaseId"], "a2") << "it is still held";
  hear(R"({"type":"settled","id":)" + second["id"].dump() + R"(,"results":[{"status":"completed"}]})");
  session_->on_down(local_error(ErrorKind::connection, "cut"));
  session_->on_open();
  EXPECT_FALSE(says().contains("leases"));
}

TEST_F(SessionTest, WhatTheBrokerHadNoRoomForIsSaidAgain) {
  const std::string busy =
      R"({"type":"error","problem":{"type":"urn:pawl:error:overloaded","status":503,"detail":"busy"}})";
  session_->on_open();
  const json hello = says();
  hear(busy);
  EXPECT_FALSE(session_->finished());
  EXPECT_TRUE(says().is_null()) << "not at once";
  const auto says_in_time = [&] {
    json message;
    for (const auto end = std::chrono::steady_clock::now() + 10s;
         message.is_null() && std::chrono::steady_clock::now() < end;) {
      message = says();
    }
    return message;
  };
  EXPECT_EQ(says_in_time(), hello);
  hear(welcome);
  EXPECT_TRUE(says().is_null());
  hear(busy);
  EXPECT_EQ(says_in_time(), json::parse(R"({"type":"credit","credit":2})"));
  session_->drain();
  EXPECT_EQ(says()["type"], "bye");
  hear(busy);
  EXPECT_EQ(says_in_time()["type"], "bye");
}

TEST(OutboxTest, RestsUnlessWhatIsWorthALookCameMeanwhile) {
  int wakes = 0;
  const auto outbox = std::make_shared<Outbox>([&] { ++wakes; });
  const auto job = std::make_shared<HeldJob>();
  outbox->complete(job, "1");
  EXPECT_EQ(wakes, 0) << "the session begins awake";
  EXPECT_FALSE(outbox->rest(1));
  EXPECT_TRUE(outbox->rest(2));
  outbox->complete(job, "2");
  EXPECT_EQ(wakes, 1);
  outbox->complete(job, "3");
  EXPECT_EQ(wakes, 1) << "it is awake";
  (void)outbox->take();
  outbox->log(job, "line");
  EXPECT_FALSE(outbox->rest(1'000));
  (void)outbox->take();
  // The session has looked for progress, and is about to rest.
  outbox->progress(job, 1, "");
  EXPECT_EQ(wakes, 2);
  EXPECT_TRUE(outbox->rest(1'000));
  outbox->progress(job, 2, "");
  EXPECT_EQ(wakes, 2) << "the report that waits says it";
  outbox->log(job, "line");
  EXPECT_EQ(wakes, 3);
}

TEST(ToldCreditTest, MoreIsToldAtOnceAndLessWhenItStands) {
  ToldCredit credit;
  ToldCredit::Instant now{};
  credit.tell(100);
  EXPECT_FALSE(credit.is_due(150, now));
  EXPECT_TRUE(credit.is_due(151, now));
  EXPECT_FALSE(credit.is_due(67, now)) << "about the same";
  now += 1s;
  EXPECT_FALSE(credit.is_due(4, now)) << "however long nobody asked";
  EXPECT_FALSE(credit.is_due(4, now + 19ms));
  EXPECT_FALSE(credit.is_due(100, now + 19ms)) << "it was one slow handler";
  EXPECT_FALSE(credit.is_due(4, now + 20ms));
  EXPECT_FALSE(credit.is_due(4, now + 39ms));
  EXPECT_TRUE(credit.is_due(4, now + 40ms));
  credit.tell(4);
  EXPECT_FALSE(credit.is_due(4, now + 10s));
}

TEST_F(SessionTest, ADroppedHandleFailsTheAttemptAsAbandoned) {
  greet();
  handle([](Job& job) { const Job taken = std::move(job); });
  give(job("j1", "a1"));
  EXPECT_EQ(says_soon()["settlements"][0]["error"]["type"], "abandoned");
}

TEST_F(SessionTest, CancelAndLostLeaseReachTheStopToken) {
  greet();
  StopReason reason = StopReason::none;
  handle([&](Job& job) {
    const std::stop_callback stopped(job.stop_token(), [&] { let_go_.release(); });
    began_.release();
    let_go_.acquire();
    reason = job.stop_reason();
    began_.release();
  });
  give(job("j1", "a1"));
  began_.acquire();
  hear(R"({"type":"cancel","jobId":"j1","leaseId":"other"})");
  hear(R"({"type":"cancel","jobId":"j1","leaseId":"a1"})");
  began_.acquire();
  EXPECT_EQ(reason, StopReason::cancelled);
  EXPECT_EQ(says_soon()["type"], "settle");

  give(job("j2", "a2"));
  began_.acquire();
  hear(R"({"type":"lease-lost","jobId":"j2","leaseId":"a2"})");
  began_.acquire();
  EXPECT_EQ(reason, StopReason::lease_lost);
  EXPECT_EQ(session_->counts().leases_lost, 1u);
  EXPECT_TRUE(says().is_null()) << "a lost lease gets no verdict";
}

TEST_F(SessionTest, ARefusedFrameIsTakenApartAndTheWrongResultBecomesAFailure) {
  greet();
  handle([&](Job& job) {
    if (job.id() == "j1") {
      began_.release();
      let_go_.acquire();
    }
    job.complete(job.id() == "j2" ? JsonText("bad") : JsonText("good"));
    began_.release();
  });
  give(job("j1", "a1") + "," + job("j2", "a2"));
  began_.acquire();
  let_go_.release();
  began_.acquire();
  began_.acquire();
  const json both = says_soon();
  ASSERT_EQ(both["settlements"].size(), 2u);
  const std::string problem =
      R"(,"problem":{"type":"urn:pawl:error:invalid-input","status":422,"detail":"too deep"}})";
  hear(R"({"type":"error","id":)" + both["id"].dump() + problem);
  const json one = says();
  const json two = says();
  ASSERT_EQ(one["settlements"].size(), 1u);
  ASSERT_EQ(two["settlements"].size(), 1u);
  hear(R"({"type":"settled","id":)" + one["id"].dump() + R"(,"results":[{"status":"completed"}]})");
  hear(R"({"type":"error","id":)" + two["id"].dump() + problem);
  const json instead = says();
  EXPECT_EQ(instead["settlements"][0]["jobId"], "j2");
  EXPECT_EQ(instead["settlements"][0]["error"]["type"], "result-refused");
}

TEST_F(SessionTest, ALateVerdictIsCountedAsRefused) {
  greet();
  give(job("j1", "a1"));
  const json settle = says_soon();
  hear(R"({"type":"settled","id":)" + settle["id"].dump() +
       R"(,"results":[{"type":"urn:pawl:error:lease-lost","status":409,"detail":"gone"}]})");
  EXPECT_EQ(session_->counts().refused, 1u);
  EXPECT_EQ(session_->counts().completed, 0u);
}

TEST_F(SessionTest, DrainGivesBackWhatHasNotBegunAndEndsWhenTheRestIsConfirmed) {
  greet();
  handle([&](Job& job) {
    began_.release();
    let_go_.acquire();
    job.complete(1);
  });
  give(job("j1", "a1") + "," + job("j2", "a2"));
  began_.acquire();
  session_->drain();
  // First of all: a job that is given back before it comes again at once.
  json message = says_soon();
  EXPECT_EQ(message["type"], "bye");
  message = says_soon();
  EXPECT_EQ(message["settlements"][0],
            json::parse(R"({"jobId":"j2","leaseId":"a2","outcome":"release","delayMs":0})"));
  hear(R"({"type":"settled","id":)" + message["id"].dump() + R"(,"results":[{"status":"pending"}]})");
  EXPECT_FALSE(session_->finished());
  let_go_.release();
  message = says_soon();
  EXPECT_EQ(message["settlements"][0]["jobId"], "j1");
  hear(R"({"type":"settled","id":)" + message["id"].dump() + R"(,"results":[{"status":"completed"}]})");
  EXPECT_FALSE(session_->on_down(local_error(ErrorKind::connection, "the broker closed")));
  EXPECT_TRUE(session_->finished());
  EXPECT_FALSE(session_->fatal());
}

TEST_F(SessionTest, AWrongTokenIsFinalAndABrokerThatIsAwayIsNot) {
  EXPECT_TRUE(session_->on_down(local_error(ErrorKind::connection, "refused")));
  EXPECT_FALSE(session_->on_down(read_problem({}, 401)));
  EXPECT_TRUE(session_->finished());
  EXPECT_EQ(session_->fatal()->kind, ErrorKind::unauthorized);
}

TEST_F(SessionTest, BrokenFramesChangeNothing) {
  greet();
  for (const char* text : {"", "[]", "{", "{\"type\":\"jobs\"}", R"({"type":"jobs","jobs":[{}]})",
                           R"({"type":"settled","id":99,"results":[]})", R"({"type":"heartbeats"})",
                           R"({"type":"cancel"})", R"({"type":"news"})"}) {
    hear(text);
  }
  EXPECT_TRUE(says().is_null());
  EXPECT_FALSE(session_->finished());
  EXPECT_EQ(session_->counts().received, 0u);
}

}  // namespace
}  // namespace pawl::client
