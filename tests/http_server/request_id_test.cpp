#include "broker/http/request_id.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/http_server/raw_client.h"
#include "tests/http_server/test_server.h"

namespace pawl::http::tests {
namespace {

/// Lines that a server logs, from whichever thread.
class Lines {
 public:
  ServerOptions options() {
    ServerOptions options;
    options.log_warn = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(line);
    };
    return options;
  }
  bool any_with(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(lines_, [&](const std::string& line) { return line.contains(text); });
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

std::string own(std::string_view id) { return "X-Request-Id: " + std::string(id) + "\r\n"; }

std::string id_in(const RawResponse& response) {
  const auto found = response.headers.find("x-request-id");
  return found == response.headers.end() ? std::string() : found->second;
}

TEST(RequestIdTest, AProblemHasTheIdOfItsHeaderAndOfTheLog) {
  Lines lines;
  TestServer server(lines.options());
  RawClient client(server.port());
  client.send(get("/drop"));
  const auto response = client.response();
  ASSERT_TRUE(response);
  ASSERT_EQ(response->status, 500u);
  const std::string id = id_in(*response);
  EXPECT_TRUE(is_request_id(id)) << id;
  EXPECT_TRUE(response->body.ends_with(",\"requestId\":\"" + id + "\"}")) << response->body;
  EXPECT_TRUE(lines.any_with("request " + id + ": GET all was answered 500 urn:pawl:error:internal"));
}

TEST(RequestIdTest, WhatAHandlerThrowsIsLoggedWithTheIdThatItsClientGets) {
  Lines lines;
  TestServer server(lines.options());
  RawClient client(server.port());
  client.send(get("/throw"));
  const auto response = client.response();
  ASSERT_TRUE(response);
  EXPECT_TRUE(lines.any_with("request " + id_in(*response) + ": its handler failed: on purpose"));
}

TEST(RequestIdTest, AnAnswerThatSaysYesHasOneOnlyWhenTheClientAskedWithOne) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/echo") + get("/echo", own("mine.1_~-")) + get("/echo"));
  EXPECT_EQ(id_in(*client.response()), "");
  EXPECT_EQ(id_in(*client.response()), "mine.1_~-");
  EXPECT_EQ(id_in(*client.response()), "") << "an id is of its own request alone";
}

TEST(RequestIdTest, TheClientsOwnIdGoesIntoProblemsOfHandlerAndGate) {
  ServerOptions options;
  options.rules.token = "a-token";
  options.rules.open_paths.emplace_back("/drop");
  TestServer server(std::move(options));
  RawClient client(server.port());
  client.send(get("/drop", own("handler-1")) + get("/echo", own("gate-1")));
  for (const std::string id : {"handler-1", "gate-1"}) {
    const auto response = client.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(id_in(*response), id);
    EXPECT_TRUE(response->body.ends_with("\"requestId\":\"" + id + "\"}")) << response->body;
  }
}

TEST(RequestIdTest, WhatCannotBeAnIdIsReplaced) {
  TestServer server;
  RawClient client(server.port());
  const std::string longest(request_id_bytes_max, 'a');
  client.send(get("/none", own(longest)));
  EXPECT_EQ(id_in(*client.response()), longest);
  for (const std::string& bad : {std::string(), longest + "a", std::string("two words"), std::string("a\"b"),
                                 std::string("a\\b"), std::string("a,b"), std::string("\xc3\xa4")}) {
    client.send(get("/none", own(bad)));
    const auto response = client.response();
    ASSERT_TRUE(response) << bad;
    EXPECT_NE(id_in(*response), bad);
    EXPECT_TRUE(is_request_id(id_in(*response))) << id_in(*response);
  }
  client.send(get("/none", own("one") + own("two")));
  EXPECT_TRUE(id_in(*client.response()).find_first_of("-") == 8);
}

TEST(RequestIdTest, ARequestThatCannotBeReadHasOneToo) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/echo", own("before")));
  EXPECT_EQ(id_in(*client.response()), "before");
  client.send("{ this is no HTTP");
  const auto response = client.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 400u);
  EXPECT_TRUE(is_request_id(id_in(*response)));
  EXPECT_NE(id_in(*response), "before");
}

TEST(RequestIdTest, NoTwoAreTheSame) {
  TestServer server;
  std::set<std::string> seen;
  for (int connection = 0; connection < 8; ++connection) {
    RawClient client(server.port());
    for (int i = 0; i < 100; ++i) {
      client.send(get("/none"));
      seen.insert(id_in(*client.response()));
    }
  }
  EXPECT_EQ(seen.size(), 800u);
  EXPECT_NE(RequestIds().next(), RequestIds().next());
}

TEST(RequestIdTest, TheHeadOfAStreamSaysTheClientsOwn) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/stream", own("stream-1")));
  const auto stream = server.take_stream();
  const auto head = client.response_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(id_in(*head), "stream-1");
}

TEST(RequestIdTest, HeadCountsTheMemberThatTheBodyOfGetHas) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/drop", own("same")) + "HEAD /drop HTTP/1.1\r\nHost: localhost\r\n" + own("same") +
              "\r\n");
  const auto body = client.response();
  const auto head = client.response(true);
  ASSERT_TRUE(body && head);
  EXPECT_EQ(head->headers.at("content-length"), std::to_string(body->body.size()));
}

TEST(RequestIdTest, AnIdGoesIntoProblemsAlone) {
  Response page{404, "application/json", "{}", {}};
  put_request_id(page, "x");
  EXPECT_EQ(page.body, "{}");
}

TEST(RequestIdTest, AFloodOfFailuresIsTenLinesASecondAndTheirNumber) {
  FailureLog log;
  unsigned told = 0;
  for (int i = 0; i < 1000; ++i) told += log.line(7, "a", "w").has_value() ? 1 : 0;
  EXPECT_EQ(told, FailureLog::lines_max);
  EXPECT_EQ(log.line(8, "b", "w"), "request b: w (and 990 failed requests before it)");
  EXPECT_EQ(log.line(8, "c", "w"), "request c: w");
}

}  // namespace
}  // namespace pawl::http::tests
