#include "broker/http/api/redaction.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

using namespace std::string_literals;

Redaction of(const std::vector<std::string>& keys) { return Redaction::of(keys).value(); }

struct Line {
  std::vector<std::string> keys;
  std::string json;
  std::string shown;
};

void check(const std::vector<Line>& ledger) {
  for (const Line& line : ledger) {
    std::string out = "before";
    const bool masked = of(line.keys).append(out, line.json);
    EXPECT_EQ(out, "before" + line.shown);
    EXPECT_EQ(masked, line.json != line.shown) << line.json;
  }
}

TEST(RedactionTest, ANameCountsAtAnyDepthAndHidesWhateverStandsThere) {
  check({
      {{"password"}, R"({"password":"x"})", R"({"password":"[redacted]"})"},
      {{"password"},
       R"({"a":{"b":[{"password":{"c":[1,2]}}]}})",
       R"({"a":{"b":[{"password":"[redacted]"}]}})"},
      {{"password"},
       R"([{"password":1},[[{"password":null}]]])",
       R"([{"password":"[redacted]"},[[{"password":"[redacted]"}]]])"},
      {{"password"},
       R"({"password":true,"password":"again"})",
       R"({"password":"[redacted]","password":"[redacted]"})"},
      {{"password"},
       R"({"a":"password","passwords":1,"pass":2})",
       R"({"a":"password","passwords":1,"pass":2})"},
      {{"a", "b"}, R"({"a":{"b":1},"b":2,"c":3})", R"({"a":"[redacted]","b":"[redacted]","c":3})"},
      {{"password"}, R"("password")", R"("password")"},
      {{"password"}, "null", "null"},
      {{"key with spaces"}, R"({"key with spaces":1})", R"({"key with spaces":"[redacted]"})"},
  });
}

TEST(RedactionTest, AllOtherBytesStayAsTheyAre) {
  check({
      {{"k"},
       "{ \"a\" : 1.50 ,\n\t\"k\" :\r\n [ 1 ] , \"b\":\"\\u0041\\/\" }",
       "{ \"a\" : 1.50 ,\n\t\"k\" :\r\n \"[redacted]\" , \"b\":\"\\u0041\\/\" }"},
      {{"k"},
       R"({"n":123456789012345678901234567890,"e":1E+2,"k":-0.0})",
       R"({"n":123456789012345678901234567890,"e":1E+2,"k":"[redacted]"})"},
      {{"k"}, R"({"k":"a\"},{\\","b":"}"})", R"({"k":"[redacted]","b":"}"})"},
  });
}

TEST(RedactionTest, NamesAreComparedAfterTheirEscapesAndWithoutRegardToCase) {
  check({
      {{"password"},
       R"({"PassWord":1,"p\u0061ssword":2,"\u0050ASSWORD":3})",
       R"({"PassWord":"[redacted]","p\u0061ssword":"[redacted]","\u0050ASSWORD":"[redacted]"})"},
      {{"PassWord"}, R"({"password":1})", R"({"password":"[redacted]"})"},
      {{"schlüssel"},
       R"({"SCHLÜSSEL":1,"schl\u00fcssel":2,"Schl\u00dcssel":3})",
       R"({"SCHLÜSSEL":"[redacted]","schl\u00fcssel":"[redacted]","Schl\u00dcssel":"[redacted]"})"},
      {{"пароль"}, R"({"Пароль":1,"ПАРОЛЬ":2})", R"({"Пароль":"[redacted]","ПАРОЛЬ":"[redacted]"})"},
      {{"κωδικός"}, R"({"ΚΩΔΙΚΌΣ":1})", R"({"ΚΩΔΙΚΌΣ":"[redacted]"})"},
      {{"密码"},
       R"({"密码":1,"\u5bc6\u7801":2,"密":3})",
       R"({"密码":"[redacted]","\u5bc6\u7801":"[redacted]","密":3})"},
      {{"🔑"}, R"({"\ud83d\udd11":1})", R"({"\ud83d\udd11":"[redacted]"})"},
      {{"a×"}, R"({"A×":1,"a÷":2})", R"({"A×":"[redacted]","a÷":2})"},
  });
}

TEST(RedactionTest, APathCountsFromTheRootAndArraysAreNoSteps) {
  check({
      {{"user.card.number"},
       R"({"user":{"card":{"number":1,"kind":2}},"card":{"number":3},"number":4})",
       R"({"user":{"card":{"number":"[redacted]","kind":2}},"card":{"number":3},"number":4})"},
      {{"user.card"},
       R"({"user":{"card":{"number":1}},"x":{"user":{"card":2}}})",
       R"({"user":{"card":"[redacted]"},"x":{"user":{"card":2}}})"},
      {{"users.card"},
       R"({"users":[{"card":1},[{"card":2}],{"other":{"card":3}}]})",
       R"({"users":[{"card":"[redacted]"},[{"card":"[redacted]"}],{"other":{"card":3}}]})"},
      {{"a.b"},
       R"([{"a":{"b":1}},{"A":[{"B":2}]}])",
       R"([{"a":{"b":"[redacted]"}},{"A":[{"B":"[redacted]"}]}])"},
      {{"a.b"}, R"({"a":{"b":1},"a":{"b":2}})", R"({"a":{"b":"[redacted]"},"a":{"b":"[redacted]"}})"},
      {{"a.b"}, R"({"a.b":1,"a":2,"ab":3})", R"({"a.b":"[redacted]","a":2,"ab":3})"},
      {{"a.b.c"},
       R"({"a.b":{"c":1},"a":{"b.c":2}})",
       R"({"a.b":{"c":"[redacted]"},"a":{"b.c":"[redacted]"}})"},
      {{"a.b", "a.c.d", "e"},
       R"({"a":{"b":1,"c":{"d":2,"e":3}},"d":4})",
       R"({"a":{"b":"[redacted]","c":{"d":"[redacted]","e":"[redacted]"}},"d":4})"},
  });
}

TEST(RedactionTest, APathHoldsInWhatTriggersAndCallbacksWrap) {
  check({
      {{"card.number"},
       R"({"event":"paid","data":{"card":{"number":1}}})",
       R"({"event":"paid","data":{"card":{"number":"[redacted]"}}})"},
      {{"card.number"},
       R"({"event":"paid","events":[{"card":{"number":1}},null,{"card":{"number":2}}]})",
       R"({"event":"paid","events":[{"card":{"number":"[redacted]"}},null,{"card":{"number":"[redacted]"}}]})"},
      {{"card.number"},
       R"({"data":{"jobId":"j","result":{"card":{"number":1}}}})",
       R"({"data":{"jobId":"j","result":{"card":{"number":"[redacted]"}}}})"},
      {{"card.number"},
       R"({"deeper":{"data":{"card":{"number":1}}}})",
       R"({"deeper":{"data":{"card":{"number":1}}}})"},
  });
}

TEST(RedactionTest, WhatCannotBeReadIsMaskedWhole) {
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  for (const std::string& broken :
       {""s, "{"s, "{\"a\":1"s, "{\"k\":1,}"s, "{\"k\":\"secret\"}x"s, "{\"k\":secret}"s, "\xff"s,
        "{\"a\":\"\xc3\x28\"}"s, "{\"k\":\"secret\",\"a\":tru}"s, "\xef\xbb\xbf{}"s, deep}) {
    std::string out;
    EXPECT_TRUE(of({"k"}).append(out, broken)) << broken;
    EXPECT_EQ(out, redaction_mask) << broken;
  }
}

TEST(RedactionTest, DepthsThatRequestsMayHaveAndWrappersAddAreRead) {
  std::string json = R"({"k":"secret"})";
  for (int i = 0; i < 70; ++i) json = i % 2 == 0 ? "[" + json + "]" : R"({"a":)" + json + "}";
  const std::string shown = of({"k"}).applied(json);
  EXPECT_EQ(shown.find("secret"), std::string::npos);
  EXPECT_NE(shown.find(R"({"k":"[redacted]"})"), std::string::npos);
  EXPECT_EQ(shown.size(), json.size() - 8 + redaction_mask.size());
}

TEST(RedactionTest, AHugePayloadLosesItsSecretsAndNothingElse) {
  std::string json = "[";
  std::string expected = "[";
  for (int i = 0; i < 100'000; ++i) {
    const std::string number = std::to_string(i);
    const std::string comma = i == 0 ? "" : ",";
    json += comma + R"({"id":)" + number + R"(,"password":"secret-)" + number + R"("})";
    expected += comma + R"({"id":)" + number + R"(,"password":"[redacted]"})";
  }
  EXPECT_EQ(of({"password"}).applied(json + "]"), expected + "]");
  const std::string long_secret = R"({"password":")" + std::string(8u << 20, 's') + R"(","a":1})";
  EXPECT_EQ(of({"password"}).applied(long_secret), R"({"password":"[redacted]","a":1})");
}

TEST(RedactionTest, WithoutKeysNothingIsRead) {
  const Redaction none;
  EXPECT_TRUE(none.empty());
  std::string out;
  EXPECT_FALSE(none.append(out, "this is no JSON"));
  EXPECT_EQ(out, "this is no JSON");
  EXPECT_FALSE(none.covers("password"));
  EXPECT_TRUE(of({}).empty());
}

TEST(RedactionTest, KeysThatCanNameNothingAreRefused) {
  for (const std::string& bad :
       {""s, "."s, ".a"s, "a."s, "a..b"s, "a\nb"s, "a\0b"s, "\xff"s, std::string(257, 'a')}) {
    const auto refused = Redaction::of({"good", bad});
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().find("must be the name of a member"), std::string::npos);
  }
  EXPECT_TRUE(Redaction::of({std::string(256, 'a'), "a.b.c", "with space"}));
}

TEST(RedactionTest, APathIsCoveredByItselfAndByWhatItIsAPartOf) {
  struct Covered {
    const char* key;
    const char* path;
    bool covers;
  };
  const Covered ledger[] = {
      {"password", "password", true},      {"password", "user.PASSWORD", true},
      {"password", "password.hash", true}, {"password", "passwords", false},
      {"user.card", "user.card", true},    {"user.card", "User.Card.number", true},
      {"user.card", "user", false},        {"user.card", "card", false},
      {"user.card", "x.user.card", false}, {"user.card", "data.user.card", true},
  };
  for (const Covered& line : ledger) EXPECT_EQ(of({line.key}).covers(line.path), line.covers) << line.path;
}

core::Bytes bytes(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

core::JobView view_with_secrets() {
  core::JobView view;
  view.queue = "q";
  view.job.payload = bytes(R"({"to":1,"password":"secret-1"})");
  view.job.result = bytes(R"({"password":"secret-2"})");
  view.job.steps = {{"login", bytes(R"({"password":"secret-3"})")}, {"password", bytes("\"secret-4\"")}};
  view.job.parents = {{"up", {}, core::Status::completed, bytes(R"([{"password":"secret-5"}])")}};
  auto wait = std::make_shared<core::Wait>();
  wait->event = "e";
  wait->match = {{"user.password", "\"secret-6"}, {"user.id", "7"}};
  view.job.wait = wait;
  return view;
}

TEST(RedactionTest, ARecordHidesEverySecretAndSaysSo) {
  const Redaction redaction = of({"password"});
  std::string shown;
  append_job(shown, view_with_secrets(), {}, redaction);
  EXPECT_EQ(shown.find("secret-"), std::string::npos) << shown;
  EXPECT_TRUE(shown.ends_with(R"(,"redacted":true})")) << shown;
  EXPECT_NE(shown.find(R"("payload":{"to":1,"password":"[redacted]"})"), std::string::npos) << shown;
  EXPECT_NE(shown.find(R"("match":{"user.password":"[redacted]","user.id":7})"), std::string::npos) << shown;
  std::string whole;
  append_job(whole, view_with_secrets());
  for (const char* secret : {"secret-1", "secret-2", "secret-3", "secret-4", "secret-5", "secret-6"})
    EXPECT_NE(whole.find(secret), std::string::npos) << secret;
  EXPECT_EQ(whole.find("redacted"), std::string::npos);
}

TEST(RedactionTest, ARecordWithoutSecretsSaysNothing) {
  core::JobView view;
  view.job.payload = bytes(R"({"to":1})");
  std::string shown;
  append_job(shown, view, {}, of({"password"}));
  EXPECT_EQ(shown.find("redacted"), std::string::npos);
}

TEST(RedactionTest, AListHidesWhatItIncludes) {
  engine::JobPage page;
  page.jobs = {view_with_secrets()};
  for (const RecordParts parts : {RecordParts{true, true, true}, RecordParts{true, false, false}}) {
    std::string shown;
    append_job_page(shown, page, parts, 1u << 20, of({"password"}));
    EXPECT_EQ(shown.find("secret-"), std::string::npos) << shown;
    EXPECT_NE(shown.find(R"("redacted":true)"), std::string::npos) << shown;
  }
}

TEST(RedactionTest, SchedulesAndTriggersHideTheirs) {
  core::ScheduleView schedule;
  schedule.row.schedule.job.payload = bytes(R"({"password":"secret-1"})");
  core::TriggerView trigger;
  trigger.row.trigger.match = {{"password", "\"secret-2"}};
  std::string shown;
  append_schedule(shown, schedule, of({"password"}));
  append_trigger(shown, trigger, of({"password"}));
  EXPECT_EQ(shown.find("secret-"), std::string::npos) << shown;
  EXPECT_NE(shown.find(R"("redacted":true}{)"), std::string::npos) << shown;
  EXPECT_TRUE(shown.ends_with(R"("redacted":true})")) << shown;
}

TEST(RedactionTest, AWorkerGetsEverythingAsItIsKept) {
  const core::JobView view = view_with_secrets();
  core::GrantedJob job;
  job.payload = view.job.payload;
  job.steps = view.job.steps;
  job.parents = view.job.parents;
  std::string lease;
  append_granted_job(lease, job);
  for (const char* secret : {"secret-1", "secret-3", "secret-4", "secret-5"})
    EXPECT_NE(lease.find(secret), std::string::npos) << secret;
  EXPECT_EQ(lease.find("redacted"), std::string::npos);
}

}  // namespace
}  // namespace pawl::http::api
