// What a Client sends again, by the answers that a broker gives or does not give.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pawl/client.hpp>
#include <thread>

namespace pawl {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view slow_down = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view done = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"result\":1}";
constexpr std::string_view lost = "";  // the connection ends instead of an answer

/// Answers each request with the next of the answers, each on a connection of its own; then refuses.
class Script {
 public:
  explicit Script(std::vector<std::string_view> answers) : answers_(std::move(answers)) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~Script() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  Client client() const { return Client({.url = "http://127.0.0.1:" + std::to_string(port_)}); }
  std::size_t requests() const { return requests_; }

 private:
  void serve() {
    for (const std::string_view answer : answers_) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
      }
      ++requests_;
      (void)::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(connection);
    }
  }

  const std::vector<std::string_view> answers_;
  const int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> requests_ = 0;
  std::jthread thread_;
};

TEST(RepetitionTest, ABusyBrokerIsAskedAgainForWhateverItIs) {
  const std::vector<std::function<bool(Client&)>> calls{
      [](Client& client) {
        return client.try_add_children("j", "l", {{.ref = "a", .job = {.queue = "q"}}}).has_value();
      },
      [](Client& client) { return client.try_invoke("j", "l", "a", {.queue = "q"}).has_value(); },
      [](Client& client) { return client.try_keep_step("j", "l", "a", 1).has_value(); },
      [](Client& client) { return client.try_submit_workflow({.name = "w"}).has_value(); },
      [](Client& client) { return client.try_raise_event("e").has_value(); },
      [](Client& client) { return client.try_cancel("j").has_value(); },
  };
  for (const auto& call : calls) {
    const Script broker({busy, slow_down, done});
    Client client = broker.client();
    EXPECT_TRUE(call(client));
    EXPECT_EQ(broker.requests(), 3u);
  }
}

TEST(RepetitionTest, WhatABusyBrokerMayHaveBegunIsSentOnce) {
  const Script broker({busy, busy, busy, done});
  Client client = broker.client();
  EXPECT_EQ(client.try_dlq_replay("q", {.job_ids = {"a", "b"}}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(client.try_start_bulk({.queue = "q"}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(client.request("POST", "/events", "{}").status, 503);
  EXPECT_EQ(broker.requests(), 3u);
}

TEST(RepetitionTest, AfterALostAnswerOnlyWhatMayBeDoneTwiceIsSentAgain) {
  {
    const Script broker({lost, done});
    EXPECT_TRUE(broker.client().try_keep_step("j", "l", "a", 1));
    EXPECT_EQ(broker.requests(), 2u);
  }
  const Script broker({lost, lost, done});
  Client client = broker.client();
  EXPECT_EQ(client.try_add_children("j", "l", {{.ref = "a", .job = {.queue = "q"}}}).error().kind,
            ErrorKind::connection);
  EXPECT_EQ(client.try_raise_event("e").error().kind, ErrorKind::connection);
  EXPECT_EQ(broker.requests(), 2u);
}

}  // namespace
}  // namespace pawl
