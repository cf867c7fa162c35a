// A store that answers every read later, on another thread: as a driver over the network would.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "storage/store.h"

namespace pawl::engine {

/// Runs calls in order on its own thread.
class Courier {
 public:
  Courier() : thread_([this] { run(); }) {}
  ~Courier() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  void post(std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    wake_.notify_all();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || !calls_.empty(); });
      if (calls_.empty()) return;
      const std::function<void()> call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      call();
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> calls_;
  bool stopping_ = false;
  std::thread thread_;
};

class SlowPartition final : public storage::Partition {
 public:
  explicit SlowPartition(std::unique_ptr<storage::Partition> inner) : inner_(std::move(inner)) {}

  std::uint64_t epoch() const override { return inner_->epoch(); }
  void commit(const storage::Batch& batch, Done done) override { inner_->commit(batch, std::move(done)); }
  void get(
      storage::Family family, std::string_view key,
      const std::function<void(storage::Result<std::optional<std::string_view>>)>& answer) const override {
    courier_.post([this, family, key = std::string(key), answer] { inner_->get(family, key, answer); });
  }
  void scan(const storage::Range& range, const storage::Visit& visit,
            const std::function<void(storage::Result<void>)>& finished) const override {
    courier_.post([this, range, visit, finished] { inner_->scan(range, visit, finished); });
  }
  std::unique_ptr<storage::Snapshot> snapshot() const override { return inner_->snapshot(); }
  storage::Counters counters() const override { return inner_->counters(); }

 private:
  std::unique_ptr<storage::Partition> inner_;
  mutable Courier courier_;
};

class SlowStore final : public storage::Store {
 public:
  explicit SlowStore(std::unique_ptr<storage::Store> inner) : inner_(std::move(inner)) {}
  storage::Result<std::unique_ptr<storage::Partition>> acquire(std::uint32_t partition) override {
    auto inner = inner_->acquire(partition);
    if (!inner) return std::unexpected(inner.error());
    return std::make_unique<SlowPartition>(std::move(*inner));
  }

 private:
  std::unique_ptr<storage::Store> inner_;
};

}  // namespace pawl::engine
