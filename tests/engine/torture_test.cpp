// Many threads at once, and a disk that loses power: what was answered is there, and every invariant holds.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "bench.h"

namespace pawl::engine {
namespace {

using storage::MemoryStore;

/// A client of its own thread: submits, leases, settles, cancels, replays, beats.
class Client {
 public:
  Client(Bench& bench, std::uint64_t seed) : bench_(bench), random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps && good_; ++i) step();
  }

 private:
  template <typename Answer>
  std::optional<Answer> ask(core::CommandBody body) {
    if (!bench_.engine().post(std::move(body), basket_, ++tag_)) return std::nullopt;
    std::optional<core::Reply> reply = basket_->take(tag_);
    good_ = good_ && reply.has_value();
    if (!reply || !std::holds_alternative<Answer>(*reply)) return std::nullopt;
    return std::get<Answer>(std::move(*reply));
  }
  core::JobId any() { return seen_.empty() ? core::JobId{} : seen_[random_() % seen_.size()]; }
  std::string queue() { return "q" + std::to_string(random_() % 3); }

  void step() {
    switch (random_() % 9) {
      case 0:
      case 1:
      case 2:
        return submit();
      case 3:
      case 4:
        return lease();
      case 5:
      case 6:
        return settle();
      case 7:
        ask<core::JobChanged>(core::Cancel{any()});
        return;
      default:
        if (random_() % 2 == 0)
          ask<core::JobChanged>(core::Retry{any(), {}});
        else
          ask<core::JobDeleted>(core::Delete{any(), {}});
    }
  }
  void submit() {
    core::Submit submit;
    for (std::uint64_t n = 1 + random_() % 5; n > 0; --n) {
      core::NewJob job = Bench::job(queue(), std::string(random_() % 300, 'x'));
      job.priority = static_cast<int>(random_() % 3);
      if (random_() % 4 == 0) job.delay_ms = static_cast<core::Millis>(random_() % 20);
      if (random_() % 4 == 0) job.unique_key = "k" + std::to_string(random_() % 20);
      if (random_() % 3 == 0) job.retention = core::Retention{static_cast<core::Millis>(random_() % 30), -1};
      job.backoff = core::Backoff{core::Backoff::Type::fixed, 5, 1, 5, 0};
      submit.jobs.push_back(std::move(job));
    }
    if (const auto answer = ask<core::Submitted>(std::move(submit))) {
      for (const core::Submitted::Item& item : answer->jobs) seen_.push_back(item.id);
    }
  }
  void lease() {
    const auto granted = ask<core::Granted>(core::Lease{queue(),
                                                        "w",
                                                        static_cast<std::uint32_t>(1 + random_() % 8),
                                                        static_cast<core::Millis>(random_() % 5),
                                                        {}});
    if (granted) held_.insert(held_.end(), granted->jobs.begin(), granted->jobs.end());
  }
  void settle() {
    core::Settle settle;
    while (!held_.empty() && settle.settlements.size() < 4) {
      core::Settlement settlement;
      settlement.id = held_.back().id;
      settlement.lease = held_.back().lease;
      settlement.outcome = static_cast<core::Settlement::Outcome>(random_() % 3);
      settlement.permanent = random_() % 2 == 0;
      settlement.error_type = "e";
      settle.settlements.push_back(std::move(settlement));
      held_.pop_back();
    }
    if (!settle.settlements.empty()) ask<core::Settled>(std::move(settle));
  }

  Bench& bench_;
  std::mt19937_64 random_;
  std::shared_ptr<Inbasket> basket_ = std::make_shared<Inbasket>();
  std::uint64_t tag_ = 0;
  bool good_ = true;
  std::vector<core::JobId> seen_;
  std::vector<core::GrantedJob> held_;
};

EngineOptions small_windows() {
  EngineOptions options;
  options.machine.window_jobs = 16;
  options.machine.window_jobs_idle = 2;
  options.machine.timer_window = 8;
  options.batch_commands = 7;
  options.batches_in_flight = 3;
  return options;
}

void torture(Bench& bench, int threads, int steps) {
  std::vector<std::thread> clients;
  for (int i = 0; i < threads; ++i) {
    clients.emplace_back([&bench, i, steps] { Client(bench, static_cast<std::uint64_t>(i) + 1).run(steps); });
  }
  for (std::thread& client : clients) client.join();
}

TEST(TortureTest, ManyClientsLeaveASoundStore) {
  Bench bench;
  bench.start(small_windows());
  torture(bench, 4, 2000);
  bench.restart(small_windows());
  torture(bench, 4, 500);
  bench.expect_sound();
}

TEST(TortureTest, ManyClientsLeaveASoundStoreOnRocksDb) {
  Bench bench(std::string("torture"));
  bench.start(small_windows());
  torture(bench, 4, 500);
  bench.restart(small_windows());
  torture(bench, 4, 100);
  bench.expect_sound();
}

TEST(TortureTest, ManyClientsOnASlowStore) {
  const auto bench = Bench::slow();
  bench->start(small_windows());
  torture(*bench, 4, 500);
  bench->expect_sound();
}

TEST(TortureTest, WhatWasAnsweredSurvivesAPowerCut) {
  for (std::uint64_t round = 0; round < 25; ++round) {
    Bench bench(MemoryStore::Mode::manual);
    EngineOptions options = small_windows();
    options.batches_in_flight = 1000;  // the disk forgets commits: none of them may hold up the end
    bench.start(options);
    std::mt19937_64 random(round);
    std::atomic<bool> over{false};
    std::thread disk([&] {
      std::mt19937_64 own(round + 1000);
      while (!over) {
        bench.memory().sync(own() % 3);
        std::this_thread::yield();
      }
    });
    std::vector<std::uint64_t> tags;
    for (int i = 0; i < 200; ++i) {
      tags.push_back(bench.post(core::Submit{{Bench::job("q")}, {}}));
      if (random() % 50 == 0) bench.basket->take(tags.back());
    }
    over = true;
    disk.join();
    bench.memory().crash(random() % 3);
    // What the dead process had told by then. It learns of its death with the next commit.
    (void)bench.engine().post(core::Submit{{Bench::job("q")}, {}}, nullptr, 0);
    EXPECT_EQ(bench.await_fatal().size(), 1u);
    std::set<core::JobId> told;
    for (const std::uint64_t tag : tags) {
      if (!bench.basket->has(tag)) continue;
      told.insert(std::get<core::Submitted>(*bench.basket->take(tag)).jobs.at(0).id);
    }
    bench.stop();
    const auto partition = bench.store().acquire(0);
    const auto report = check_store(*(*partition)->snapshot(), 0);
    for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
    for (const core::JobId& id : told) {
      const auto row = (*partition)->snapshot()->get(family::ready, ready_key(id.queue(), id.priority(), id));
      EXPECT_TRUE(row && *row) << "an answered job is gone";
    }
  }
}

}  // namespace
}  // namespace pawl::engine
