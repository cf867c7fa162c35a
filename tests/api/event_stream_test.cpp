#include <gtest/gtest.h>

#include <string>

#include "tests/api/fake_exchange.h"

namespace pawl::http::api {
namespace {

using enum Method;

std::string last_id(const std::string& stream) {
  const std::size_t at = stream.rfind("id: ");
  return stream.substr(at + 4, stream.find('\n', at) - at - 4);
}

void complete(Broker& broker, const std::string& queue) {
  const auto leased = broker.lease(queue);
  broker.ask(post, "/jobs/" + leased.job_id + "/complete", R"({"leaseId":")" + leased.lease_id + "\"}");
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(EventStreamTest, AJobsStreamBeginsWithHowItStandsAndGoesOn) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  const auto stream = broker.send(get, "/jobs/" + id + "/events");
  const std::string begun = stream->read_until("\"status\":\"pending\"");
  EXPECT_EQ(count(begun, "event: status"), 1) << begun;
  complete(broker, "q");
  const std::string text = stream->read_until("\"status\":\"completed\"");
  EXPECT_EQ(count(text, "\"status\":\"pending\""), 1) << text;
  EXPECT_EQ(count(text, "\"status\":\"active\""), 1) << text;
  EXPECT_EQ(count(text, "\"status\":\"completed\""), 1) << text;
  stream->abandon();
}

TEST(EventStreamTest, ProgressAndLogsAreTold) {
  Broker broker;
  const std::string id = broker.submit(R"({"queue":"q"})");
  const auto leased = broker.lease("q");
  const auto stream = broker.send(get, "/jobs/" + id + "/events");
  stream->read_until("\"status\":\"active\"");
  const std::string lease = R"({"leaseId":")" + leased.lease_id + '"';
  broker.ask(post, "/jobs/" + id + "/heartbeat", lease + R"(,"progress":42,"message":"half"})");
  broker.ask(post, "/jobs/" + id + "/logs", lease + R"(,"lines":["one"]})");
  const std::string text = stream->read_until("event: log");
  EXPECT_NE(text.find(R"("progress":42,"message":"half"})"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("lines":["one"]})"), std::string::npos) << text;
  stream->abandon();
}

TEST(EventStreamTest, AQueuesStreamIsResumedWithoutGapOrRepeat) {
  Broker broker;
  const auto first = broker.send(get, "/events?queue=q");
  broker.submit(R"({"queue":"q"})");
  broker.submit(R"({"queue":"other"})");
  const std::string seen = first->read_until("\"status\":\"pending\"");
  EXPECT_EQ(seen.find("\"queue\":\"other\""), std::string::npos);
  first->abandon();

  complete(broker, "q");
  const auto second = broker.send(get, "/events?queue=q", "",
                                  [&seen](Request& request) { request.last_event_id = last_id(seen); });
  const std::string rest = second->read_until("\"status\":\"completed\"");
  EXPECT_EQ(count(rest, "\"status\":\"pending\""), 0) << rest;
  EXPECT_EQ(count(rest, "\"status\":\"active\""), 1) << rest;
  EXPECT_EQ(count(rest, "event: gap"), 0) << rest;
  second->abandon();
}

TEST(EventStreamTest, AnIdThatIsNotKeptIsAGap) {
  Broker broker;
  const auto listener = broker.send(get, "/events");  // else nothing is kept
  listener->read_until("id: ");
  broker.submit(R"({"queue":"q"})");
  const auto stream = broker.send(get, "/events", "", [](Request& request) { request.last_event_id = "1"; });
  const std::string text = stream->read_until("\"status\":\"pending\"");
  EXPECT_NE(text.find("event: gap\ndata: {\"lastEventId\":\"1\"}\n\n"), std::string::npos) << text;
  stream->abandon();
  listener->abandon();
}

TEST(EventStreamTest, AnUnknownJobHasNoStream) {
  Broker broker;
  EXPECT_EQ(broker.ask(get, "/jobs/0199b3c2-7a10-7000-8000-0000a1f40001/events").status, 404u);
}

TEST(EventStreamTest, AStreamThatWasLeftIsForgotten) {
  Broker broker;
  const auto stream = broker.send(get, "/events");
  stream->read_until("id: ");
  stream->abandon();
  const std::weak_ptr<FakeExchange> weak = stream;
  broker.submit(R"({"queue":"q"})");
  EXPECT_EQ(stream->calls_waiting(), 0u);
  EXPECT_EQ(weak.use_count(), 1);
}

}  // namespace
}  // namespace pawl::http::api
