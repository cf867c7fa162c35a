#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/http_server/raw_client.h"
#include "tests/http_server/test_server.h"

namespace pawl::http::tests {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

Response text(std::string body) { return {.status = 200, .body = std::move(body), .headers = {}}; }

TEST(SessionTest, AnswersCarryTheFixedHeaders) {
  TestServer server;
  RawClient client(server.port());
  client.send(post("/echo", "{\"a\":1}"));
  const auto response = client.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200u);
  EXPECT_EQ(response->body, "{\"a\":1}");
  EXPECT_EQ(response->headers.at("content-type"), "application/json");
  EXPECT_EQ(response->headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(response->headers.at("cache-control"), "no-store");
  EXPECT_TRUE(response->headers.at("date").ends_with("GMT"));
}

TEST(SessionTest, AConnectionServesManyRequests) {
  TestServer server;
  RawClient client(server.port());
  for (int i = 0; i < 1000; ++i) {
    client.send(post("/echo", std::to_string(i)));
    const auto response = client.response();
    ASSERT_TRUE(response);
    ASSERT_EQ(response->body, std::to_string(i));
  }
}

TEST(SessionTest, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server;
  RawClient client(server.port());
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += i % 7 == 3 ? get("/wait") : post("/echo", std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 500; ++i) {
    const auto response = client.response();
    ASSERT_TRUE(response);
    ASSERT_EQ(response->body, i % 7 == 3 ? "\"waited\"" : std::to_string(i));
  }
}

TEST(SessionTest, AnAnswerThatIsReadyEarlyWaitsForTheOneBefore) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/slow") + get("/slow"));
  const auto first = server.take_exchange();
  const auto second = server.take_exchange();
  second->respond(text("2"));
  first->respond_with([] { return text("1"); });
  EXPECT_EQ(client.response()->body, "1");
  EXPECT_EQ(client.response()->body, "2");
}

TEST(SessionTest, LargeAnswersToAClientThatReadsLateArriveWhole) {
  TestServer server;
  RawClient client(server.port());
  for (int i = 0; i < 4; ++i) client.send(get("/big?4000"));
  for (int i = 0; i < 4; ++i) {
    const auto response = client.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body.size(), 4000u << 10);
  }
}

TEST(SessionTest, HeadHasTheLengthAndNoBody) {
  TestServer server;
  RawClient client(server.port());
  client.send("HEAD /big?3 HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/echo"));
  const auto head = client.response(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->headers.at("content-length"), "3072");
  EXPECT_EQ(client.response()->body, "\"ok\"");
}

TEST(SessionTest, ConnectionCloseIsHonoured) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/echo", "Connection: close\r\n") + get("/echo"));
  const auto response = client.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->headers.at("connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST(SessionTest, Http10ClosesUnlessAskedToStay) {
  TestServer server;
  RawClient closing(server.port());
  closing.send("GET /echo HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(closing.response()->body, "\"ok\"");
  EXPECT_TRUE(closing.is_closed());
  RawClient staying(server.port());
  for (int i = 0; i < 2; ++i) {
    staying.send("GET /echo HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(staying.response()->headers.at("connection"), "keep-alive");
  }
}

TEST(SessionTest, AClientThatWaitsForContinueGetsIt) {
  TestServer server;
  RawClient client(server.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.response()->status, 100u);
  client.send("{}");
  EXPECT_EQ(client.response()->body, "{}");
}

TEST(SessionTest, AHandlerThatThrowsOrForgetsAnswers500) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/throw") + get("/drop") + get("/echo"));
  EXPECT_EQ(client.response()->status, 500u);
  EXPECT_EQ(client.response()->status, 500u);
  EXPECT_EQ(client.response()->status, 200u);
}

TEST(SessionTest, AClientThatGoesAwayIsNoticedWhileItWaits) {
  TestServer server;
  RawClient polite(server.port());
  polite.send(get("/slow"));
  const auto first = server.take_exchange();
  polite.close();
  server.wait_abandoned(1);
  RawClient rude(server.port());
  rude.send(get("/slow"));
  const auto second = server.take_exchange();
  rude.reset();
  server.wait_abandoned(2);
  first->respond(text("late"));
  second->respond(text("late"));
}

TEST(SessionTest, AClientThatOnlyStopsSendingStillGetsItsAnswers) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/wait") + post("/echo", "2"));
  client.half_close();
  EXPECT_EQ(client.response()->body, "\"waited\"");
  EXPECT_EQ(client.response()->body, "2");
  EXPECT_TRUE(client.is_closed());
}

TEST(SessionTest, ASlowHeaderIsAnswered408) {
  TestServer server(impatient());
  RawClient client(server.port());
  client.send("GET /echo HTTP/1.1\r\nHo");
  EXPECT_EQ(client.response()->status, 408u);
  EXPECT_TRUE(client.is_closed());
}

TEST(SessionTest, AHeaderThatDripsDoesNotGetMoreTime) {
  TestServer server(impatient());
  RawClient client(server.port());
  const auto start = Clock::now();
  while (client.send_within("A", 0) && Clock::now() - start < 5s) std::this_thread::sleep_for(20ms);
  EXPECT_LT(Clock::now() - start, 4s);
}

TEST(SessionTest, ASlowBodyIsAnswered408) {
  TestServer server(impatient());
  RawClient client(server.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "9\r\n\r\n{");
  EXPECT_EQ(client.response()->status, 408u);
  EXPECT_TRUE(client.is_closed());
}

TEST(SessionTest, SilentConnectionsAreClosed) {
  TestServer server(impatient());
  RawClient never(server.port());
  EXPECT_TRUE(never.is_closed());
  RawClient once(server.port());
  once.send(get("/echo"));
  EXPECT_EQ(once.response()->status, 200u);
  EXPECT_TRUE(once.is_closed());
}

TEST(SessionTest, ARequestInTheWorksIsNotIdle) {
  TestServer server(impatient());
  RawClient client(server.port());
  client.send(get("/slow"));
  const auto exchange = server.take_exchange();
  exchange->after(600, [exchange] { exchange->respond(text("patience")); });
  EXPECT_EQ(client.response()->body, "patience");
}

TEST(SessionTest, AClientThatReadsNothingIsDropped) {
  TestServer server(impatient());
  RawClient client(server.port());
  client.shrink_receive_buffer();
  for (int i = 0; i < 8; ++i) client.send(get("/big?8000"));
  const HttpMeters& meters = server.server().meters();
  const auto start = Clock::now();
  while ((meters.timed_out.load() == 0 || meters.open.load() > 0) && Clock::now() - start < 10s) {
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(meters.open.load(), 0);
  EXPECT_EQ(meters.timed_out.load(), 1u);
}

TEST(SessionTest, AnAddressHasOnlySoManyConnections) {
  ServerOptions options;
  options.rules.limits.connections_per_address = 3;
  TestServer server(std::move(options));
  RawClient a(server.port());
  RawClient b(server.port());
  RawClient c(server.port());
  for (RawClient* client : {&a, &b, &c}) {
    client->send(get("/echo"));
    EXPECT_EQ(client->response()->status, 200u);
  }
  RawClient d(server.port());
  EXPECT_TRUE(d.is_closed());
  EXPECT_EQ(server.server().meters().refused.load(), 1u);
}

TEST(SessionTest, OverTheConnectionLimitNewOnesWaitForAPlace) {
  ServerOptions options;
  options.rules.limits.connections = 1;
  TestServer server(std::move(options));
  auto first = std::make_unique<RawClient>(server.port());
  first->send(get("/echo"));
  EXPECT_EQ(first->response()->status, 200u);
  RawClient second(server.port());
  second.send(get("/echo"));
  first.reset();
  EXPECT_EQ(second.response()->status, 200u);
}

TEST(SessionTest, RequestsAreCountedByRouteAndStatus) {
  ServerOptions options;
  options.route_of = [](Method, std::string_view path) -> std::string_view {
    return path == "/echo" ? "/echo" : "other";
  };
  TestServer server(std::move(options));
  RawClient client(server.port());
  client.send(get("/echo") + get("/echo") + get("/none"));
  for (int i = 0; i < 3; ++i) client.response();
  const auto counted = server.server().meters().requests();
  EXPECT_EQ(counted.at({"/echo", "GET", 200}).requests, 2u);
  EXPECT_EQ(counted.at({"/echo", "GET", 200}).duration.count, 2u);
  EXPECT_EQ(counted.at({"other", "GET", 404}).requests, 1u);
}

// Access

ServerOptions guarded() {
  ServerOptions options;
  options.rules.token = "pawl_secret";
  options.rules.hosts = {"Jobs.Example.Org"};
  options.rules.origins = {"https://ops.example.org"};
  return options;
}

TEST(AccessTest, ATokenIsAskedForOnAllRoutesButTheProbes) {
  TestServer server(guarded());
  struct Line {
    std::string request;
    unsigned status;
  };
  const std::vector<Line> ledger{
      {get("/echo"), 401},
      {get("/echo", "Authorization: Bearer pawl_secret\r\n"), 200},
      {get("/echo", "authorization: bearer pawl_secret\r\n"), 200},
      {get("/echo", "Authorization: Bearer pawl_secreT\r\n"), 401},
      {get("/echo", "Authorization: Bearer pawl_secret2\r\n"), 401},
      {get("/echo", "Authorization: Bearer pawl_secre\r\n"), 401},
      {get("/echo", "Authorization: Bearer \r\n"), 401},
      {get("/echo", "Authorization: Basic pawl_secret\r\n"), 401},
      {get("/echo", "Authorization: pawl_secret\r\n"), 401},
      {get("/echo?token=pawl_secret"), 401},
      {get("/livez"), 404},  // let in; this server has no such route
      {get("/readyz"), 404},
      {get("/livez/x"), 401},
      {post("/echo", "{}"), 401},
  };
  for (const Line& line : ledger) {
    SCOPED_TRACE(line.request);
    RawClient client(server.port());
    client.send(line.request);
    const auto response = client.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, line.status);
    if (line.status == 401) {
      EXPECT_EQ(response->headers.at("www-authenticate"), "Bearer realm=\"pawl\"");
    }
  }
}

TEST(AccessTest, ConfiguredHostsAndOriginsAreLetIn) {
  TestServer server(guarded());
  RawClient client(server.port());
  const std::string bearer = "Authorization: Bearer pawl_secret\r\n";
  client.send("GET /echo HTTP/1.1\r\nHost: jobs.example.org:443\r\n" + bearer + "\r\n");
  EXPECT_EQ(client.response()->status, 200u);
  client.send(post("/echo", "{}", bearer + "Origin: https://ops.example.org\r\n"));
  EXPECT_EQ(client.response()->status, 200u);
  client.send(post("/echo", "{}", bearer + "Origin: http://ops.example.org\r\n"));
  EXPECT_EQ(client.response()->status, 403u);
}

// The end

TEST(StopTest, IdleConnectionsCloseAndAnswersInFlightLeave) {
  ServerOptions options;
  options.io_threads = 1;  // when the idle connection is closed, the busy one has been told
  TestServer server(std::move(options));
  RawClient idle(server.port());
  idle.send(get("/echo"));
  EXPECT_EQ(idle.response()->status, 200u);
  RawClient busy(server.port());
  busy.send(get("/slow"));
  const auto exchange = server.take_exchange();
  std::thread stopper([&] { server.server().stop(10'000); });
  EXPECT_TRUE(idle.is_closed());
  exchange->respond(text("last"));
  const auto response = busy.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "last");
  EXPECT_EQ(response->headers.at("connection"), "close");
  busy.close();
  stopper.join();
}

TEST(StopTest, WhatIsLeftAtTheDeadlineIsCut) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/slow"));
  const auto exchange = server.take_exchange();
  server.server().stop(50);
  EXPECT_TRUE(client.is_closed());
  exchange->respond(text("too late"));
}

TEST(StopTest, AnAddressInUseIsNamed) {
  TestServer server;
  ServerOptions options;
  options.listen = {"127.0.0.1:" + std::to_string(server.port())};
  const auto second = Server::start(std::move(options));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find(std::to_string(server.port())), std::string::npos);
  ServerOptions nonsense;
  nonsense.listen = {"nonsense"};
  EXPECT_FALSE(Server::start(std::move(nonsense)));
}

}  // namespace
}  // namespace pawl::http::tests
