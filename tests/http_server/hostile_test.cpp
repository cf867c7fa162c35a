// Bytes that clients should not send, and what each must get. "200": let in. "+": the connection goes on
// afterwards.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/http_server/raw_client.h"
#include "tests/http_server/test_server.h"

namespace pawl::http::tests {
namespace {

struct Line {
  const char* what;
  unsigned status;
  bool goes_on;
  std::string bytes;
};

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

constexpr const char* json_post =
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

const std::vector<Line>& ledger() {
  static const std::string p = json_post;
  static const std::vector<Line> lines{
      {"a plain request", 200, true, get("/echo")},
      {"a body", 200, true, post("/echo", "{}")},
      {"empty lines before a request", 200, true, "\r\n\r\n" + get("/echo")},
      {"chunks", 200, true, p + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
      {"chunks with a small extension", 200, true,
       p + "Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n"},
      {"trailers change nothing", 200, true,
       p + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nHost: evil.example\r\nX-A: b\r\n\r\n"},
      {"a length in a trailer", 400, false,
       p + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"},

      {"identity beside a length", 400, false,
       p + "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}"},
      {"xchunked beside a length", 400, false,
       p + "Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\n{}"},
      {"chunked beside a length", 400, false,
       p + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
      {"gzip, chunked", 400, false, p + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
      {"chunked twice", 400, false,
       p + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
      {"chunked, identity", 400, false,
       p + "Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n"},
      {"chunked in HTTP/1.0", 400, false,
       "POST /echo HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: "
       "chunked\r\n\r\n"
       "2\r\n{}\r\n0\r\n\r\n"},
      {"the length twice", 400, false, p + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"},
      {"two lengths", 400, false, p + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"},
      {"a list of lengths", 400, false, p + "Content-Length: 2, 2\r\n\r\n{}"},
      {"a signed length", 400, false, p + "Content-Length: +2\r\n\r\n{}"},
      {"a negative length", 400, false, p + "Content-Length: -2\r\n\r\n{}"},
      {"a hexadecimal length", 400, false, p + "Content-Length: 0x2\r\n\r\n{}"},
      {"an endless length", 400, false, p + "Content-Length: 99999999999999999999999\r\n\r\n{}"},
      {"space before the colon", 400, false, "GET /echo HTTP/1.1\r\nHost : localhost\r\n\r\n"},
      {"a folded field", 400, false, "GET /echo HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n c\r\n\r\n"},
      {"a folded first field", 400, false, "GET /echo HTTP/1.1\r\n Host: localhost\r\n\r\n"},
      {"a field without a colon", 400, false, "GET /echo HTTP/1.1\r\nHost: localhost\r\nX-A\r\n\r\n"},
      {"NUL in a field", 400, false,
       std::string("GET /echo HTTP/1.1\r\nHost: localhost\r\nX-A: a") + '\0' + "b\r\n\r\n"},
      {"bare CR in a field", 400, false, "GET /echo HTTP/1.1\r\nHost: localhost\r\nX-A: a\rb\r\n\r\n"},
      {"bad size of a chunk", 400, false, p + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"},
      {"a chunk longer than said", 400, false, p + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"},
      {"an enormous chunk", 413, false, p + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n{}"},
      {"an endless chunk extension", 400, false,
       p + "Transfer-Encoding: chunked\r\n\r\n2;" + repeat("a", 20'000) + "\r\n{}\r\n0\r\n\r\n"},
      {"many chunk extensions", 400, false,
       p + "Transfer-Encoding: chunked\r\n\r\n" +
           repeat("1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=b\r\n \r\n", 500) + "0\r\n\r\n"},
      {"endless trailers", 400, false,
       p + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + repeat("X-A: b\r\n", 4'000)},

      {"no Host", 400, false, "GET /echo HTTP/1.1\r\n\r\n"},
      {"two Hosts", 400, false, "GET /echo HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"},
      {"an empty Host", 400, false, "GET /echo HTTP/1.1\r\nHost:\r\n\r\n"},
      {"a Host with a path", 400, false, "GET /echo HTTP/1.1\r\nHost: localhost/x\r\n\r\n"},
      {"a Host with a user", 400, false, "GET /echo HTTP/1.1\r\nHost: a@localhost\r\n\r\n"},
      {"a Host with a bad port", 400, false, "GET /echo HTTP/1.1\r\nHost: localhost:99x\r\n\r\n"},
      {"another Host", 421, true, "GET /echo HTTP/1.1\r\nHost: evil.example\r\n\r\n"},
      {"a Host that begins as ours", 421, true, "GET /echo HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n"},
      {"any address", 421, true, "GET /echo HTTP/1.1\r\nHost: 0.0.0.0\r\n\r\n"},
      {"loopback with a port", 200, true, "GET /echo HTTP/1.1\r\nHost: 127.0.0.1:7711\r\n\r\n"},
      {"IPv6 loopback", 200, true, "GET /echo HTTP/1.1\r\nHost: [::1]:7711\r\n\r\n"},
      {"letter case in Host", 200, true, "GET /echo HTTP/1.1\r\nHost: LOCALHOST\r\n\r\n"},
      {"absolute target of the same host", 200, true,
       "GET http://localhost/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"absolute target of another host", 400, false,
       "GET http://evil.example/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"absolute target of another scheme", 400, false,
       "GET ftp://localhost/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"a target without a slash", 400, false, "GET echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"a fragment in the target", 400, false, "GET /echo#a HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"a bad percent", 400, false, "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"a cut percent", 400, false, "GET /%4 HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"NUL in the path", 400, false, "GET /a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"a hidden slash", 400, false, "GET /queues%2Fa HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"overlong UTF-8", 400, false, "GET /%c0%af HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"a surrogate", 400, false, "GET /%ed%a0%80 HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"an encoded letter", 200, true, "GET /%65cho HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"OPTIONS for the server", 204, true, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"a star with GET", 400, false, "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n"},

      {"an unknown method", 501, false, "BREW /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"a method in small letters", 501, false, "get /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"TRACE", 501, false, "TRACE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"CONNECT", 501, false, "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"HTTP/2", 505, false, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"HTTP/0.9", 505, false, "GET /echo HTTP/0.9\r\nHost: localhost\r\n\r\n"},
      {"HTTP/1.2", 505, false, "GET /echo HTTP/1.2\r\nHost: localhost\r\n\r\n"},
      {"TLS", 400, false, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)},
      {"no version", 400, false, "GET /echo\r\n\r\n"},

      {"an unknown expectation", 417, false, p + "Expect: the-unexpected\r\nContent-Length: 2\r\n\r\n{}"},
      {"no media type", 415, true, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"},
      {"a form", 415, true,
       "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
       "Content-Length: 2\r\n\r\n{}"},
      {"a media type that begins as ours", 415, true,
       "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/jsonp\r\nContent-Length: "
       "2\r\n\r\n{}"},
      {"a media type with parameters", 200, true,
       "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
       "Content-Length: 2\r\n\r\n{}"},
      {"an encoded body", 415, true, p + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"},
      {"no body needs no media type", 200, true,
       "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"},

      {"a body over the limit", 413, false, p + "Content-Length: 1048577\r\n\r\n"},
      {"a long target", 414, false, "GET /" + repeat("a", 5'000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"},
      {"an endless target", 414, false, "GET /" + repeat("a", 20'000)},
      {"a long header", 431, false,
       "GET /echo HTTP/1.1\r\nHost: localhost\r\nX-A: " + repeat("a", 9'000) + "\r\n\r\n"},
      {"many fields", 431, false,
       "GET /echo HTTP/1.1\r\nHost: localhost\r\n" + repeat("A: b\r\n", 200) + "\r\n"},

      {"a page of another site", 403, true, post("/echo", "{}", "Origin: http://evil.example\r\n")},
      {"a page without a site", 403, true, post("/echo", "{}", "Origin: null\r\n")},
      {"our own page", 200, true, post("/echo", "{}", "Origin: http://localhost\r\n")},
      {"a page of another port", 403, true, post("/echo", "{}", "Origin: http://localhost:81\r\n")},
      {"the browser says cross-site", 403, true, post("/echo", "{}", "Sec-Fetch-Site: cross-site\r\n")},
      {"the browser says same-site", 403, true, post("/echo", "{}", "Sec-Fetch-Site: same-site\r\n")},
      {"reading from another site changes nothing", 200, true,
       get("/echo", "Origin: http://evil.example\r\n")},
  };
  return lines;
}

TEST(HostileTest, EveryLineOfTheLedgerGetsItsAnswer) {
  TestServer server;
  for (const Line& line : ledger()) {
    SCOPED_TRACE(line.what);
    RawClient client(server.port());
    client.send(line.bytes);
    const auto response = client.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, line.status);
    if (line.status >= 400) {
      EXPECT_EQ(response->headers.at("content-type"), "application/problem+json");
      EXPECT_NE(response->body.find("\"type\":\"urn:pawl:error:"), std::string::npos) << response->body;
    }
    if (line.goes_on) {
      EXPECT_FALSE(response->headers.contains("connection"));
      client.send(get("/echo"));
      const auto next = client.response();
      ASSERT_TRUE(next);
      EXPECT_EQ(next->status, 200u);
    } else {
      EXPECT_EQ(response->headers.at("connection"), "close");
      EXPECT_TRUE(client.is_closed());
    }
  }
}

TEST(HostileTest, BytesThatComeOneByOneMakeNoDifference) {
  TestServer server;
  for (const Line& line : ledger()) {
    if (line.bytes.size() > 400) continue;
    SCOPED_TRACE(line.what);
    RawClient client(server.port());
    for (const char c : line.bytes) client.send({&c, 1});
    const auto response = client.response();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, line.status);
  }
}

TEST(HostileTest, AnEndlessBodyIsCutOffAfterTheRefusal) {
  TestServer server;
  RawClient client(server.port());
  client.send(std::string(json_post) + "Content-Length: 999999999\r\n\r\n" + std::string(200'000, 'a'));
  const auto response = client.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413u);
}

TEST(HostileTest, ChunksThatGrowOverTheLimitAreRefused) {
  ServerOptions options;
  options.rules.limits.body_bytes = 10'000;
  TestServer server(std::move(options));
  RawClient client(server.port());
  client.send(std::string(json_post) + "Transfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) client.send("3e8\r\n" + std::string(1000, 'a') + "\r\n");
  const auto response = client.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413u);
  EXPECT_TRUE(client.is_closed());
}

TEST(HostileTest, NothingIsRunFromTheBytesAfterARefusal) {
  TestServer server;
  RawClient client(server.port());
  client.send(std::string(json_post) + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + get("/slow"));
  const auto response = client.response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 400u);
  EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace pawl::http::tests
