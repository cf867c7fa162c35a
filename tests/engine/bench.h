// An engine on a store, with replies that can be awaited.
#pragma once

#include <unistd.h>

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/engine/check.h"
#include "broker/engine/engine.h"
#include "broker/engine/keys.h"
#include "slow_store.h"
#include "storage/memory/memory_store.h"

namespace pawl::engine {

inline constexpr std::chrono::seconds patience{20};

/// Keeps every reply by tag and lets tests wait for them.
class Inbasket final : public ReplyTarget {
 public:
  void on_reply(std::uint64_t tag, core::Reply&& reply) override {
    const std::lock_guard lock(mutex_);
    replies_[tag].push_back(std::move(reply));
    arrived_.notify_all();
  }
  /// The oldest reply with this tag that was not taken yet; nothing after `patience`.
  std::optional<core::Reply> take(std::uint64_t tag, std::chrono::milliseconds wait = patience) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, wait, [&] { return !replies_[tag].empty(); });
    if (replies_[tag].empty()) return std::nullopt;
    core::Reply reply = std::move(replies_[tag].front());
    replies_[tag].erase(replies_[tag].begin());
    return reply;
  }
  bool has(std::uint64_t tag) {
    const std::lock_guard lock(mutex_);
    return !replies_[tag].empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<std::uint64_t, std::vector<core::Reply>> replies_;
};

/// Keeps events.
class EventBasket final : public EventTarget {
 public:
  void on_events(const std::vector<std::shared_ptr<const JobEvent>>& events) override {
    const std::lock_guard lock(mutex_);
    events_.insert(events_.end(), events.begin(), events.end());
    arrived_.notify_all();
  }
  std::vector<std::shared_ptr<const JobEvent>> await(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, patience, [&] { return events_.size() >= count; });
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::shared_ptr<const JobEvent>> events_;
};

/// A store that can be left and entered again, and the engine on it.
class Bench {
 public:
  explicit Bench(storage::MemoryStore::Mode mode = storage::MemoryStore::Mode::automatic) {
    storage::Options options;
    options.families = families();
    holds_back_ = mode != storage::MemoryStore::Mode::automatic;
    auto memory = std::make_unique<storage::MemoryStore>(std::move(options), mode);
    memory_ = memory.get();
    store_ = std::move(memory);
  }
  /// On memory whose reads are answered later, by another thread.
  static std::unique_ptr<Bench> slow() {
    auto bench = std::make_unique<Bench>();
    bench->store_ = std::make_unique<SlowStore>(std::move(bench->store_));
    return bench;
  }
  /// On RocksDB in a directory of its own.
  explicit Bench(const std::string& name) {
    directory_ = std::filesystem::path(testing::TempDir()) /
                 ("pawl-engine-" + name + "-" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    open();
  }
  ~Bench() {
    engine_.reset();
    store_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  Bench& start(EngineOptions options = {}) {
    if (options.seed == 0) options.seed = 7;
    if (holds_back_) options.history = false;
    options.on_fatal = [this](const std::string& why) {
      const std::lock_guard lock(mutex_);
      fatal_.push_back(why);
      failed_.notify_all();
    };
    auto engine = Engine::start(*store_, std::move(options));
    EXPECT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
    return *this;
  }
  void stop() { engine_.reset(); }
  /// The process ends and comes back.
  Bench& restart(EngineOptions options = {}) {
    stop();
    if (!directory_.empty()) {
      store_.reset();
      open();
    }
    return start(std::move(options));
  }
  std::vector<std::string> await_fatal() {
    std::unique_lock lock(mutex_);
    failed_.wait_for(lock, patience, [&] { return !fatal_.empty(); });
    return fatal_;
  }

  Engine& engine() { return *engine_; }
  storage::MemoryStore& memory() { return *memory_; }
  storage::Store& store() { return *store_; }
  std::shared_ptr<Inbasket> basket = std::make_shared<Inbasket>();

  /// Posts and gives the tag under which the reply comes.
  std::uint64_t post(core::CommandBody body) {
    const auto posted = engine_->post(std::move(body), basket, ++tag_);
    EXPECT_TRUE(posted);
    ticket = posted.value_or(core::Ticket::none);
    return tag_;
  }
  core::Ticket ticket = core::Ticket::none;  // of the last post

  template <typename Answer>
  Answer ask(core::CommandBody body) {
    std::optional<core::Reply> reply = basket->take(post(std::move(body)));
    if (!reply || !std::holds_alternative<Answer>(*reply)) {
      ADD_FAILURE() << "another reply than expected"
                    << (reply && std::holds_alternative<core::Refused>(*reply)
                            ? ": " + std::get<core::Refused>(*reply).detail
                            : "");
      return {};
    }
    return std::get<Answer>(std::move(*reply));
  }

  static core::NewJob job(std::string queue, std::string payload = "{}") {
    core::NewJob made;
    made.queue = std::move(queue);
    made.payload = std::make_shared<const std::string>(std::move(payload));
    return made;
  }
  core::JobId submit(core::NewJob one) {
    const auto answer = ask<core::Submitted>(core::Submit{{std::move(one)}, {}});
    return answer.jobs.empty() ? core::JobId{} : answer.jobs[0].id;
  }
  std::vector<core::GrantedJob> lease(const std::string& queue, std::uint32_t most = 1) {
    return ask<core::Granted>(core::Lease{queue, "w1", most, 0, {}}).jobs;
  }
  /// As many as asked for, over as many polls as it takes: a queue's window grows when somebody asks.
  std::vector<core::GrantedJob> lease_all(const std::string& queue, std::size_t count) {
    std::vector<core::GrantedJob> all;
    while (all.size() < count) {
      const auto most = static_cast<std::uint32_t>(count - all.size());
      auto some = ask<core::Granted>(core::Lease{queue, "w1", most, 10'000, {}}).jobs;
      if (some.empty()) break;
      std::ranges::move(some, std::back_inserter(all));
    }
    EXPECT_EQ(all.size(), count);
    return all;
  }
  core::SettleResult settle(const core::GrantedJob& granted, core::Settlement::Outcome outcome,
                            bool permanent = false, std::string error_type = "",
                            std::string error_message = "") {
    core::Settlement settlement;
    settlement.id = granted.id;
    settlement.lease = granted.lease;
    settlement.outcome = outcome;
    settlement.permanent = permanent;
    settlement.error_type = std::move(error_type);
    settlement.error_message = std::move(error_message);
    if (outcome == core::Settlement::Outcome::complete)
      settlement.result = std::make_shared<const std::string>("1");
    const auto answer = ask<core::Settled>(core::Settle{{settlement}});
    return answer.results.empty() ? core::SettleResult{} : answer.results[0];
  }
  core::SettleResult complete(const core::GrantedJob& granted) {
    return settle(granted, core::Settlement::Outcome::complete);
  }

  std::expected<JobPage, ListError> list(JobFilter filter, std::size_t limit = 50, std::string cursor = "") {
    std::expected<JobPage, ListError> page;
    await([&](auto done) {
      engine_->lists().list(std::move(filter), limit, std::move(cursor), [&page, done](auto answer) {
        page = std::move(answer);
        done();
      });
    });
    return page;
  }
  /// Runs begin(done) and waits until done was called.
  template <typename Begin>
  void await(Begin&& begin) {
    struct Gate {
      std::mutex mutex;
      std::condition_variable changed;
      bool open = false;
    };
    const auto gate = std::make_shared<Gate>();
    begin([gate] {
      const std::lock_guard lock(gate->mutex);
      gate->open = true;
      gate->changed.notify_all();
    });
    std::unique_lock lock(gate->mutex);
    EXPECT_TRUE(gate->changed.wait_for(lock, patience, [&] { return gate->open; }));
  }

  void expect_sound() {
    stop();
    if (!directory_.empty() && !store_) open();
    const auto report = check_store(*store_);
    ASSERT_TRUE(report) << report.error().message;
    for (const std::string& problem : report->problems) ADD_FAILURE() << problem;
  }

 private:
  void open() {
    storage::Options options;
    options.families = families();
    auto store = storage::Store::open("rocksdb:" + directory_.string(), std::move(options));
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }

  bool holds_back_ = false;  // the test says when a commit is durable
  std::filesystem::path directory_;
  storage::MemoryStore* memory_ = nullptr;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Engine> engine_;
  std::uint64_t tag_ = 0;
  std::mutex mutex_;
  std::condition_variable failed_;
  std::vector<std::string> fatal_;
};

}  // namespace pawl::engine
