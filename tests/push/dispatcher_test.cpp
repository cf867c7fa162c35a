#include "broker/push/dispatcher.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace pawl::push {
namespace {

core::QueueList list_of(std::uint32_t most) {
  core::QueueList list;
  core::QueueView& queue = list.queues.emplace_back();
  queue.name = "q";
  auto push = std::make_shared<core::Push>();
  push->max_concurrency = most;
  if (most > 0) queue.settings.push = std::move(push);
  return list;
}

core::Reply grant(std::uint64_t lease) {
  core::Granted granted;
  core::GrantedJob& job = granted.jobs.emplace_back();
  job.lease = core::LeaseNumber{lease};
  job.queue = "q";
  return granted;
}

class DispatcherTest : public testing::Test, protected Dispatcher::Ways {
 protected:
  core::Ticket open(std::uint64_t lane, core::OpenWorker open) override {
    if (full) return core::Ticket::none;
    opened.emplace_back(lane, open.queues.front().name);
    return core::Ticket{lane};
  }
  void closed(std::uint64_t lane) override { gone.push_back(lane); }
  void post(core::CommandBody body) override { posted.push_back(std::move(body)); }
  void send(const Dispatcher::Trip& trip) override { sent.push_back(trip.job.lease); }
  void abort(core::LeaseNumber lease) override { aborted.push_back(lease); }

  std::uint64_t lane_of(const std::string& queue) const {
    for (const auto& [lane, name] : opened) {
      if (name == queue) return lane;
    }
    return 0;
  }
  template <typename Command>
  const Command* last() const {
    return posted.empty() ? nullptr : std::get_if<Command>(&posted.back());
  }

  bool full = false;
  std::vector<std::pair<std::uint64_t, std::string>> opened;
  std::vector<std::uint64_t> gone;
  std::vector<core::CommandBody> posted;
  std::vector<core::LeaseNumber> sent;
  std::vector<core::LeaseNumber> aborted;
  Dispatcher dispatcher{*this, std::make_shared<core::Push>()};
};

TEST_F(DispatcherTest, AQueueThatFindsNoRoomIsOpenedByALaterLook) {
  full = true;
  EXPECT_FALSE(dispatcher.compare(list_of(2)));
  full = false;
  EXPECT_TRUE(dispatcher.compare(list_of(2)));
  EXPECT_NE(lane_of("q"), 0U);
  EXPECT_NE(lane_of(core::callbacks_queue), 0U);
}

TEST_F(DispatcherTest, AnotherNumberAtOnceIsAnotherCredit) {
  dispatcher.compare(list_of(2));
  dispatcher.compare(list_of(5));
  ASSERT_NE(last<core::SetCredit>(), nullptr);
  EXPECT_EQ(last<core::SetCredit>()->credit, 5U);
}

TEST_F(DispatcherTest, NothingIsSettledWhoseLeaseIsLost) {
  dispatcher.compare(list_of(2));
  dispatcher.heard(lane_of("q"), grant(7));
  ASSERT_EQ(sent, std::vector{core::LeaseNumber{7}});
  dispatcher.heard(lane_of("q"), core::Notice{core::Notice::Kind::lease_lost, {}, core::LeaseNumber{7}});
  EXPECT_EQ(aborted, sent);
  const std::size_t before = posted.size();
  EXPECT_EQ(dispatcher.arrived(core::LeaseNumber{7}, Answer{200, {}, {}, {}}, 0),
            Dispatcher::Outcome::abandoned);
  EXPECT_EQ(posted.size(), before);
}

TEST_F(DispatcherTest, WhatIsUnderWayMayEndWhenItsQueueIsNotPushedAnyMore) {
  dispatcher.compare(list_of(2));
  const std::uint64_t lane = lane_of("q");
  dispatcher.heard(lane, grant(7));
  dispatcher.compare(list_of(0));
  EXPECT_EQ(gone, std::vector{lane});
  ASSERT_NE(last<core::CloseWorker>(), nullptr);
  EXPECT_GT(last<core::CloseWorker>()->grace_ms, 0);
  EXPECT_EQ(dispatcher.arrived(core::LeaseNumber{7}, Answer{200, {}, {}, {}}, 0),
            Dispatcher::Outcome::completed);
  EXPECT_NE(last<core::Settle>(), nullptr);
}

TEST_F(DispatcherTest, WhatIsGrantedWhileItsQueueIsClosedIsGivenBack) {
  dispatcher.compare(list_of(2));
  const std::uint64_t lane = lane_of("q");
  dispatcher.compare(list_of(0));
  ASSERT_NE(last<core::CloseWorker>(), nullptr);
  EXPECT_GT(last<core::CloseWorker>()->grace_ms, 0);  // the lease lives until it is given back
  dispatcher.heard(lane, grant(7));
  EXPECT_TRUE(sent.empty());
  ASSERT_NE(last<core::Settle>(), nullptr);
  EXPECT_EQ(last<core::Settle>()->settlements.at(0).outcome, core::Settlement::Outcome::release);
}

}  // namespace
}  // namespace pawl::push
