// URLs, the allow list, signatures and verdicts of pushes.
#include <gtest/gtest.h>

#include "broker/push/allow_list.h"
#include "broker/push/signature.h"
#include "broker/push/url.h"
#include "broker/push/verdict.h"

namespace pawl::push::test {
namespace {

TEST(UrlTest, IsCutForARequest) {
  const Url plain = parse_url("http://Hooks.Example.com").value();
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.host, "hooks.example.com");
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.target, "/");
  EXPECT_EQ(plain.authority(), "hooks.example.com");
  const Url whole = parse_url("https://h:8443/a/b?c=%20#part").value();
  EXPECT_TRUE(whole.tls);
  EXPECT_EQ(whole.port, 8443);
  EXPECT_EQ(whole.target, "/a/b?c=%20");
  EXPECT_EQ(whole.authority(), "h:8443");
  EXPECT_EQ(parse_url("https://[2001:DB8::1]/x").value().host, "2001:db8::1");
  EXPECT_EQ(parse_url("http://[::1]:81").value().authority(), "[::1]:81");
  EXPECT_EQ(parse_url("http://h?q").value().target, "/?q");
}

TEST(UrlTest, WhatIsNoneIsRefused) {
  for (const char* text : {"", "h", "ftp://h", "http://", "http:///x", "http://user@h", "http://user:pw@h",
                           "http://h:0", "http://h:65536", "http://h:x", "http://h /", "http://h/\n",
                           "http://[::1", "http://[x]/", "http://h\xc3\xa9", "http://a,b"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
  EXPECT_FALSE(parse_url("http://h/" + std::string(2100, 'a')));
}

TEST(UrlTest, ARedirectIsSeenFromWhereItCame) {
  const Url from = parse_url("https://h:8443/a/b?c").value();
  EXPECT_EQ(parse_location("/x", from).value().target, "/x");
  EXPECT_EQ(parse_location("/x", from).value().port, 8443);
  EXPECT_EQ(parse_location("x", from).value().target, "/a/x");
  EXPECT_EQ(parse_location("//other/x", from).value().host, "other");
  EXPECT_TRUE(parse_location("//other/x", from).value().tls);
  EXPECT_FALSE(parse_location("http://other", from).value().tls);
  EXPECT_FALSE(parse_location("gopher://x", from));
  EXPECT_FALSE(parse_location("mailto:x", from));
  EXPECT_EQ(parse_location("/x?next=https://y/z", from).value().target, "/x?next=https://y/z");
  EXPECT_EQ(parse_location("x?next=https://y/z", from).value().host, "h");
  EXPECT_EQ(parse_location("?page=2", from).value().target, "/a/b?page=2");
}

TEST(AllowListTest, OnlyPublicAddressesArePublic) {
  for (const char* text :
       {"8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "100.63.0.1", "100.128.0.1",
        "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_TRUE(is_public(parse_address(text).value())) << text;
  }
  for (const char* text :
       {"0.0.0.0",         "10.0.0.1",        "127.0.0.1",    "127.255.0.1", "169.254.169.254",
        "172.16.0.1",      "172.31.255.255",  "192.168.0.1",  "100.64.0.1",  "192.0.0.1",
        "192.0.2.1",       "198.18.0.1",      "198.51.100.1", "203.0.113.9", "224.0.0.1",
        "240.0.0.1",       "255.255.255.255", "::",           "::1",         "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::127.0.0.1",     "fe80::1",      "fc00::1",     "fd12::1",
        "ff02::1",         "2001:db8::1",     "2001::1",      "3fff::1",     "64:ff9b::7f00:1",
        "64:ff9b::a00:1",  "2002:7f00:1::",   "2002:a00:1::", "100::1"}) {
    EXPECT_FALSE(is_public(parse_address(text).value())) << text;
  }
}

TEST(AllowListTest, NamesAndNetworks) {
  const auto refuses = [](const std::vector<std::string>& entries, const char* host, const char* address) {
    const AllowList list = AllowList::parse(entries).value();
    return list.refuses_host(host).has_value() ||
           list.refuses_address(host, *parse_address(address)).has_value();
  };
  EXPECT_TRUE(refuses({}, "a.example.com", "8.8.8.8"));
  EXPECT_FALSE(refuses({"a.example.com"}, "a.example.com", "8.8.8.8"));
  EXPECT_TRUE(refuses({"a.example.com"}, "b.example.com", "8.8.8.8"));
  EXPECT_TRUE(refuses({"a.example.com"}, "a.example.com", "10.0.0.1")) << "a name does not open the network";
  EXPECT_FALSE(refuses({"*.Example.com"}, "a.b.example.com", "8.8.8.8"));
  EXPECT_TRUE(refuses({"*.example.com"}, "example.com", "8.8.8.8"));
  EXPECT_TRUE(refuses({"*.example.com"}, "badexample.com", "8.8.8.8"));
  EXPECT_FALSE(refuses({"*"}, "any.where", "8.8.8.8"));
  EXPECT_TRUE(refuses({"*"}, "any.where", "127.0.0.1"));
  EXPECT_FALSE(refuses({"*"}, "8.8.8.8", "8.8.8.8"));
  EXPECT_TRUE(refuses({"a.example.com"}, "8.8.8.8", "8.8.8.8"));
  EXPECT_FALSE(refuses({"127.0.0.1"}, "127.0.0.1", "127.0.0.1"));
  EXPECT_TRUE(refuses({"127.0.0.1"}, "127.0.0.2", "127.0.0.2"));
  EXPECT_FALSE(refuses({"10.0.0.0/8"}, "hooks.internal", "10.1.2.3"));
  EXPECT_TRUE(refuses({"10.0.0.0/8"}, "hooks.internal", "8.8.8.8"));
  EXPECT_FALSE(refuses({"fd00::/8"}, "h", "fd12::1"));
  EXPECT_TRUE(refuses({"10.0.0.0/8"}, "h", "::ffff:11.0.0.1"));
  EXPECT_FALSE(refuses({"10.0.0.0/8"}, "h", "::ffff:10.0.0.1"));
  for (const char* entry : {"10.0.0.0/33", "10.0.0.0/x", "a b", "http://a", "*x", ""})
    EXPECT_FALSE(AllowList::parse({entry})) << entry;
}

// The example of the Standard Webhooks specification's libraries.
TEST(SignatureTest, IsThatOfTheStandard) {
  const auto key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->size(), 24u);
  EXPECT_EQ(signature(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_FALSE(key_of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
  EXPECT_FALSE(key_of("whsec_"));
  EXPECT_FALSE(key_of("whsec_c2hvcnQ="));
  EXPECT_FALSE(key_of("whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"));
}

using Outcome = core::Settlement::Outcome;
constexpr core::Millis now = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT

core::Settlement of(unsigned status, std::string body = {}, std::string type = {},
                    std::string retry_after = {}, Receivers receivers = Receivers::one) {
  core::Push push;
  push.permanent_on = {400, 410};
  return verdict(Answer{status, std::move(type), std::move(retry_after), std::move(body)}, push, receivers,
                 now);
}

TEST(VerdictTest, A2xxCompletesWithWhatIsJson) {
  EXPECT_EQ(of(204).outcome, Outcome::complete);
  EXPECT_EQ(of(204).result, nullptr);
  EXPECT_EQ(*of(200, " {\"a\": 1} ", "application/json; charset=utf-8").result, "{\"a\": 1}");
  EXPECT_EQ(*of(201, "[1]", "application/problem+json").result, "[1]");
  EXPECT_EQ(of(200, "hello", "text/plain").result, nullptr);
  EXPECT_EQ(of(200, "{broken", "application/json").result, nullptr);
  EXPECT_EQ(of(200, "{} {}", "application/json").result, nullptr);
}

TEST(VerdictTest, AnAnswerThatAsksToWaitUsesNoAttempt) {
  EXPECT_EQ(of(429, "", "", "7").outcome, Outcome::rate_limited);
  EXPECT_EQ(of(429, "", "", "7").retry_after_ms, 7'000);
  EXPECT_EQ(of(503, "", "", "Sun, 06 Nov 1994 08:50:07 GMT").retry_after_ms, 30'000);
  EXPECT_EQ(of(503, "", "", "Sun, 06 Nov 1994 08:49:00 GMT").retry_after_ms, 1);
  EXPECT_EQ(of(429, "", "", "0").retry_after_ms, 1);
  EXPECT_EQ(of(429, "", "", "99999999999999").outcome, Outcome::rate_limited);
  for (const char* value : {"", "soon", "-1", "7.5", "Sun, 31 Feb 1994 08:49:37 GMT"})
    EXPECT_EQ(of(429, "", "", value).outcome, Outcome::fail) << value;
  EXPECT_EQ(of(500, "", "", "7").outcome, Outcome::fail);
}

TEST(VerdictTest, OneOfManyReceiversMayNotHoldTheQueue) {
  const auto asked = [](const char* wait) { return of(503, "", "", wait, Receivers::many); };
  EXPECT_EQ(asked("600").outcome, Outcome::fail);
  EXPECT_EQ(asked("600").error_type, "http-503");
  EXPECT_EQ(asked("600").retry_delay_ms, 600'000);
  EXPECT_EQ(asked("1").retry_delay_ms, 60'000);
  EXPECT_EQ(asked("86400").retry_delay_ms, 3'600'000);
  EXPECT_EQ(asked("soon").retry_delay_ms, std::nullopt);
  EXPECT_TRUE(of(410, "", "", "600", Receivers::many).permanent);
}

TEST(VerdictTest, OthersFailAndSomeForGood) {
  const core::Settlement failed = of(500, "<b>\x01oops</b>", "text/html");
  EXPECT_EQ(failed.error_type, "http-500");
  EXPECT_EQ(failed.error_message, "answered with status 500: <b> oops</b>");
  EXPECT_FALSE(failed.permanent);
  EXPECT_TRUE(of(410).permanent);
  EXPECT_FALSE(of(404).permanent);
  EXPECT_EQ(of(302).error_type, "http-302");
  const core::Settlement none = verdict(Failure{"timeout", "too late"}, {}, Receivers::one, now);
  EXPECT_EQ(none.error_type, "timeout");
  EXPECT_FALSE(none.permanent);
}

}  // namespace
}  // namespace pawl::push::test
