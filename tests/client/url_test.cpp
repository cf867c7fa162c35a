#include "client/src/url.h"

#include <gtest/gtest.h>

#include <pawl/client.hpp>

namespace pawl::client {
namespace {

TEST(UrlTest, TakesHostPortAndBase) {
  const struct {
    const char *text, *host, *port, *header, *base;
  } table[] = {
      {"http://127.0.0.1:7711", "127.0.0.1", "7711", "127.0.0.1:7711", ""},
      {"http://broker", "broker", "80", "broker", ""},
      {"http://broker:81/", "broker", "81", "broker:81", ""},
      {"http://[::1]:7711/jobs/", "::1", "7711", "[::1]:7711", "/jobs"},
      {"http://[::1]", "::1", "80", "[::1]", ""},
  };
  for (const auto& row : table) {
    const auto url = parse_url(row.text);
    ASSERT_TRUE(url) << row.text;
    EXPECT_EQ(url->host, row.host);
    EXPECT_EQ(url->port, row.port);
    EXPECT_EQ(url->host_header, row.header);
    EXPECT_EQ(url->base, row.base);
  }
}

TEST(UrlTest, RefusesWhatItCannotReachAndSaysWhy) {
  for (const char* text :
       {"", "localhost:7711", "ftp://x", "http://", "http://:80", "http://x:0", "http://x:65536",
        "http://x:port", "http://x y", "http://user@x", "http://x/?a=1", "http://x\r\nHost: y"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().kind, ErrorKind::usage);
  }
  EXPECT_NE(parse_url("https://x").error().text().find("TLS"), std::string::npos);
  EXPECT_THROW(Client({.url = "https://x"}), Exception);
}

TEST(UrlEscapeTest, LeavesNamesAndEscapesTheRest) {
  EXPECT_EQ(url_escape("Queue-1.a_b:c"), "Queue-1.a_b:c");
  EXPECT_EQ(url_escape("a/b?c d\xc3\xa9"), "a%2Fb%3Fc%20d%C3%A9");
}

}  // namespace
}  // namespace pawl::client
