// Lookups that hang, and what waits for them. Each test's lookups are held at a gate and let through by it.
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <set>

#include "broker/push/resolver.h"

namespace pawl::push::test {
namespace {

namespace net = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Result = std::optional<HostAddresses>;

const Address address = parse_address("192.0.2.7").value();

/// Lookups of closed hosts stay at the gate. Shared with them, since they may outlive the test.
class Gate {
 public:
  explicit Gate(std::set<std::string> closed) : closed_(std::move(closed)) {}
  HostAddresses pass(const std::string& host) {
    std::unique_lock lock(mutex_);
    began_.push_back(host);
    changed_.notify_all();
    changed_.wait(lock, [&] { return !closed_.contains(host); });
    ++passed_;
    changed_.notify_all();
    return {{address}, {}};
  }
  void open(const std::string& host) {
    const std::lock_guard lock(mutex_);
    closed_.erase(host);
    changed_.notify_all();
  }
  void wait_for_begun(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return began_.size() >= count; });
  }
  void wait_for_passed(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return passed_ >= count; });
  }
  std::vector<std::string> begun() {
    const std::lock_guard lock(mutex_);
    return began_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> closed_;
  std::vector<std::string> began_;
  std::size_t passed_ = 0;
};

struct Resolving : ::testing::Test {
  std::shared_ptr<Gate> gate;
  std::optional<Resolver> resolver;
  net::io_context context{1};

  void make(std::set<std::string> closed, std::size_t threads = 8) {
    gate = std::make_shared<Gate>(std::move(closed));
    resolver.emplace([gate = gate](const std::string& host) { return gate->pass(host); }, threads);
  }
  /// The result of it, once the context has run. The second is set when it has ended.
  struct Asked {
    Result result;
    bool ended = false;
    net::cancellation_signal cancel;
  };
  std::shared_ptr<Asked> ask(const std::string& host, Clock::duration time) {
    auto asked = std::make_shared<Asked>();
    net::co_spawn(context, resolver->resolve(host, Clock::now() + time),
                  net::bind_cancellation_slot(asked->cancel.slot(),
                                              [asked](const std::exception_ptr& error, Result result) {
                                                EXPECT_FALSE(error);
                                                asked->result = std::move(result);
                                                asked->ended = true;
                                              }));
    return asked;
  }
  static void expect_found(const Asked& asked) {
    ASSERT_TRUE(asked.result);
    EXPECT_EQ(asked.result->addresses, std::vector<Address>{address});
  }
  ~Resolving() override {
    if (gate) {
      for (const char* host : {"a", "b", "c"}) gate->open(host);
    }
    if (resolver) resolver->close();
  }
};

TEST_F(Resolving, ASilentHostIsLeftAtTheDeadlineAndHoldsUpNoOther) {
  make({"a"});
  const auto silent = ask("a", 30ms), other = ask("b", 1h);
  context.run();
  EXPECT_TRUE(silent->ended);
  EXPECT_FALSE(silent->result);
  expect_found(*other);
}

TEST_F(Resolving, AHostIsLookedUpOnceForAllWhoWait) {
  make({"a"});
  const auto first = ask("a", 1h), left = ask("a", 1ms), second = ask("a", 1h);
  while (!left->ended) context.run_one();
  gate->open("a");
  context.run();
  expect_found(*first);
  expect_found(*second);
  EXPECT_EQ(gate->begun(), std::vector<std::string>{"a"});
}

TEST_F(Resolving, NothingIsKeptForLater) {
  make({});
  const auto first = ask("a", 1h);
  context.run();
  context.restart();
  const auto second = ask("a", 1h);
  context.run();
  expect_found(*first);
  expect_found(*second);
  EXPECT_EQ(gate->begun(), (std::vector<std::string>{"a", "a"}));
}

TEST_F(Resolving, MoreHostsThanThreadsWaitTheirTurn) {
  make({"a", "b"}, 2);
  const auto a = ask("a", 1h), b = ask("b", 1h), c = ask("c", 1h);
  context.poll();
  gate->wait_for_begun(2);
  EXPECT_EQ(gate->begun().size(), 2u);
  gate->open("b");
  while (!c->ended) context.run_one();
  EXPECT_FALSE(a->ended);
  gate->open("a");
  context.run();
  for (const auto& asked : {a, b, c}) expect_found(*asked);
}

TEST_F(Resolving, WhatNobodyWaitsForAnyMoreIsNotBegun) {
  make({"a"}, 1);
  const auto a = ask("a", 1h), b = ask("b", 1ms), c = ask("c", 1h);
  while (!b->ended) context.run_one();
  gate->open("a");
  context.run();
  expect_found(*a);
  expect_found(*c);
  EXPECT_EQ(gate->begun(), (std::vector<std::string>{"a", "c"}));
}

TEST_F(Resolving, ACancelEndsTheWait) {
  make({"a"});
  const auto asked = ask("a", 1h);
  context.poll();
  asked->cancel.emit(net::cancellation_type::terminal);
  context.run();
  EXPECT_TRUE(asked->ended);
  EXPECT_FALSE(asked->result);
}

TEST_F(Resolving, AnAddressNeedsNoLookup) {
  make({});
  const auto v4 = ask("192.0.2.7", 1h), v6 = ask("2001:db8::1", 1h);
  context.run();
  expect_found(*v4);
  EXPECT_EQ(v6->result.value().addresses, std::vector<Address>{parse_address("2001:db8::1").value()});
  EXPECT_TRUE(gate->begun().empty());
}

TEST_F(Resolving, ALookupMayOutliveItAndIsNotHeard) {
  make({"a"});
  const auto asked = ask("a", 1h);
  context.poll();
  gate->wait_for_begun(1);
  resolver.reset();
  gate->open("a");
  gate->wait_for_passed(1);
  context.poll();
  EXPECT_FALSE(asked->ended);
}

TEST(LookUpHost, AsksTheSystem) {
  const HostAddresses local = look_up_host("localhost");
  ASSERT_FALSE(local.addresses.empty()) << local.error;
  for (const Address& found : local.addresses)
    EXPECT_TRUE(found == parse_address("127.0.0.1") || found == parse_address("::1"));
  const HostAddresses none = look_up_host("no such name.invalid");
  EXPECT_TRUE(none.addresses.empty());
  EXPECT_FALSE(none.error.empty());
}

}  // namespace
}  // namespace pawl::push::test
