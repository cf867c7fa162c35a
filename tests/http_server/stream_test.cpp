#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/http_server/raw_client.h"
#include "tests/http_server/test_server.h"

namespace pawl::http::tests {
namespace {

TEST(StreamTest, EventsArriveAsChunksUntilTheEnd) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/stream"));
  const auto stream = server.take_stream();
  const auto head = client.response_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(head->headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(head->headers.at("cache-control"), "no-store");
  for (int i = 0; i < 100; ++i) {
    const std::string event = "id: " + std::to_string(i) + "\ndata: {}\n\n";
    ASSERT_TRUE(stream->write(event));
    ASSERT_EQ(client.read_chunk(), event);
  }
  stream->close();
  EXPECT_EQ(client.read_chunk(), "");
  client.send(get("/echo"));
  EXPECT_EQ(client.response()->body, "\"ok\"");
}

TEST(StreamTest, AStreamWaitsForTheAnswersBeforeIt) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/slow") + get("/stream"));
  const auto first = server.take_exchange();
  const auto stream = server.take_stream();
  ASSERT_TRUE(stream->write("a"));
  ASSERT_TRUE(stream->write("b"));
  first->respond({.status = 200, .body = "1", .headers = {}});
  EXPECT_EQ(client.response()->body, "1");
  ASSERT_TRUE(client.response_head());
  EXPECT_EQ(client.read_chunk(), "ab");
}

TEST(StreamTest, AQuietStreamIsKeptAlive) {
  TestServer server(impatient());
  RawClient client(server.port());
  client.send(get("/stream"));
  const auto stream = server.take_stream();
  ASSERT_TRUE(client.response_head());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client.read_chunk(), ": keep-alive\n\n");
  EXPECT_TRUE(stream->write("still here"));
}

TEST(StreamTest, Http10GetsTheBareBytes) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /stream HTTP/1.0\r\nHost: localhost\r\n\r\n");
  const auto stream = server.take_stream();
  ASSERT_TRUE(stream->write("a"));
  stream->close();
  const auto head = client.response_head();
  ASSERT_TRUE(head);
  EXPECT_FALSE(head->headers.contains("transfer-encoding"));
  EXPECT_EQ(client.read_all(), "a");
}

TEST(StreamTest, AClientThatLeavesIsTold) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/stream"));
  const auto stream = server.take_stream();
  ASSERT_TRUE(client.response_head());
  client.close();
  server.wait_abandoned(1);
  EXPECT_FALSE(stream->write("to nobody"));
  while (server.server().meters().streams.load() > 0) std::this_thread::yield();
}

TEST(StreamTest, AClientThatDoesNotKeepUpIsDropped) {
  TestServer server;
  RawClient client(server.port());
  client.shrink_receive_buffer();
  client.send(get("/stream"));
  const auto stream = server.take_stream();
  const std::string block(64u << 10, 'x');
  int taken = 0;
  while (stream->write(block) && taken < 10'000) ++taken;
  EXPECT_LT(taken, 10'000);
  server.wait_abandoned(1);
  EXPECT_FALSE(stream->write("a"));
  EXPECT_EQ(server.server().meters().streams_dropped.load(), 1u);
}

TEST(StreamTest, StreamsEndWhenTheServerStops) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/stream"));
  const auto stream = server.take_stream();
  ASSERT_TRUE(client.response_head());
  std::thread stopper([&] { server.server().stop(10'000); });
  EXPECT_EQ(client.read_chunk(), "");
  EXPECT_TRUE(client.is_closed());
  client.close();
  stopper.join();
  EXPECT_FALSE(stream->write("late"));
}

}  // namespace
}  // namespace pawl::http::tests
