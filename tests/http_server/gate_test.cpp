#include "broker/http/gate.h"

#include <gtest/gtest.h>

#include "broker/http/response_writer.h"

namespace pawl::http::tests {
namespace {

Head head(std::vector<HeadField> fields) {
  return {"POST", "/jobs/a%20b?x=%20", 11, false, std::move(fields)};
}

TEST(GateTest, WhatRoutesNeedIsTakenOver) {
  const auto in = admit(head({{"host", "localhost"},
                              {"CONTENT-TYPE", "Application/JSON; charset=utf-8"},
                              {"Content-Length", "7"},
                              {"Idempotency-Key", "k"},
                              {"Prefer", "wait=5"},
                              {"If-None-Match", "\"e\""},
                              {"Last-Event-ID", "9"},
                              {"Accept", "text/html"},
                              {"traceparent", "00-a"}}),
                        {});
  ASSERT_TRUE(in);
  EXPECT_EQ(in->request.method, Method::post);
  EXPECT_EQ(in->request.path, "/jobs/a b");
  EXPECT_EQ(in->request.query, "x=%20");
  EXPECT_EQ(in->request.content_type, "application/json");
  EXPECT_EQ(in->request.idempotency_key, "k");
  EXPECT_EQ(in->request.prefer, "wait=5");
  EXPECT_EQ(in->request.if_none_match, "\"e\"");
  EXPECT_EQ(in->request.last_event_id, "9");
  EXPECT_EQ(in->request.accept, "text/html");
  EXPECT_EQ(in->request.traceparent, "00-a");
  EXPECT_EQ(in->content_length, 7u);
  EXPECT_TRUE(in->keep_alive);
}

TEST(GateTest, TheBodyLimitIsTheRoutes) {
  GateRules rules;
  rules.body_bytes_max = [](Method, std::string_view path) -> std::size_t {
    return path == "/jobs/a b" ? 6 : 100;
  };
  const auto in = admit(
      head({{"Host", "localhost"}, {"Content-Type", "application/json"}, {"Content-Length", "7"}}), rules);
  ASSERT_FALSE(in);
  EXPECT_EQ(in.error().type.status, 413u);
}

TEST(GateTest, HostNames) {
  EXPECT_EQ(host_name("Example.ORG:80"), "example.org");
  EXPECT_EQ(host_name("[::1]:7711"), "::1");
  EXPECT_EQ(host_name("[FE80::1]"), "fe80::1");
  EXPECT_EQ(host_name("a_b"), "a_b");
  for (const char* bad :
       {"", ":80", "a b", "a/b", "a@b", "a:b", "a:1:2", "[::1", "::1", "[::1]x", "a:123456", "a,b"}) {
    EXPECT_FALSE(host_name(bad)) << bad;
  }
}

TEST(GateTest, Paths) {
  EXPECT_EQ(decode_path("/a%2520"), "/a%20");  // once
  EXPECT_EQ(decode_path("/%C3%A4"), "/ä");
  EXPECT_EQ(decode_path("/a+b"), "/a+b");
  for (const char* bad : {"/%", "/%1", "/%g0", "/%00", "/%0a", "/%7f", "/%2f", "/%2F", "/%ff", "/%c3",
                          "/%f5%80%80%80", "/%e0%80%80", "/%f4%90%80%80"}) {
    EXPECT_FALSE(decode_path(bad)) << bad;
  }
}

TEST(GateTest, Secrets) {
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abd", "abc"));
  EXPECT_FALSE(same_secret("abcabc", "abc"));
  EXPECT_FALSE(same_secret("ab", "abc"));
  EXPECT_FALSE(same_secret("", "abc"));
  EXPECT_FALSE(same_secret("", ""));
}

TEST(ResponseWriterTest, AHeaderCannotSplitTheAnswer) {
  ResponseWriter writer;
  std::string out;
  writer.append(
      out, {.status = 200, .body = "{}", .headers = {{"Location", "/a\r\nX-Evil: 1"}, {"ETag", "\"e\""}}},
      {});
  EXPECT_EQ(out.find("Evil"), std::string::npos);
  EXPECT_NE(out.find("\r\nETag: \"e\"\r\n"), std::string::npos);
}

TEST(ResponseWriterTest, PagesCarryTheirPolicy) {
  ResponseWriter writer;
  std::string out;
  writer.append(out, {.status = 200, .content_type = "text/html", .body = "", .headers = {}}, {});
  EXPECT_NE(out.find("Content-Security-Policy: default-src 'none'"), std::string::npos);
  EXPECT_NE(out.find("Referrer-Policy: no-referrer"), std::string::npos);
  std::string not_modified;
  writer.append(not_modified, {.status = 304, .content_type = "", .body = "", .headers = {{"ETag", "\"e\""}}},
                {});
  EXPECT_EQ(not_modified.find("Content-Length"), std::string::npos);
}

}  // namespace
}  // namespace pawl::http::tests
