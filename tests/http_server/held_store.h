// A store whose commits are told when the test lets them: a disk whose syncs take their time.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "storage/store.h"

namespace pawl::http::tests {

/// Thread: any.
class CommitGate {
 public:
  /// No longer than it lives.
  struct Hold {
    explicit Hold(CommitGate& gate) : gate(gate) { gate.hold(); }
    ~Hold() { gate.let_go(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    CommitGate& gate;
  };

  void hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  /// What was held is told, in its order, and all after it at once.
  void let_go() {
    std::unique_lock lock(mutex_);
    while (!held_.empty()) {
      const std::function<void()> tell = std::move(held_.front());
      held_.pop_front();
      lock.unlock();
      tell();
      lock.lock();
    }
    holding_ = false;
  }
  void pass(std::function<void()> tell) {
    {
      const std::lock_guard lock(mutex_);
      if (holding_) {
        held_.push_back(std::move(tell));
        came_.notify_all();
        return;
      }
    }
    tell();
  }
  void wait_for_one() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return !held_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> held_;
  bool holding_ = false;
};

class HeldPartition final : public storage::Partition {
 public:
  HeldPartition(std::unique_ptr<storage::Partition> inner, CommitGate& gate)
      : inner_(std::move(inner)), gate_(gate) {}

  std::uint64_t epoch() const override { return inner_->epoch(); }
  void commit(const storage::Batch& batch, Done done) override {
    inner_->commit(
        batch, [this, done = std::move(done)](auto result) { gate_.pass([done, result] { done(result); }); });
  }
  void get(
      storage::Family family, std::string_view key,
      const std::function<void(storage::Result<std::optional<std::string_view>>)>& answer) const override {
    inner_->get(family, key, answer);
  }
  void scan(const storage::Range& range, const storage::Visit& visit,
            const std::function<void(storage::Result<void>)>& finished) const override {
    inner_->scan(range, visit, finished);
  }
  std::unique_ptr<storage::Snapshot> snapshot() const override { return inner_->snapshot(); }
  storage::Counters counters() const override { return inner_->counters(); }

 private:
  std::unique_ptr<storage::Partition> inner_;
  CommitGate& gate_;
};

class HeldStore final : public storage::Store {
 public:
  HeldStore(std::unique_ptr<storage::Store> inner, CommitGate& gate)
      : inner_(std::move(inner)), gate_(gate) {}
  storage::Result<std::unique_ptr<storage::Partition>> acquire(std::uint32_t partition) override {
    auto inner = inner_->acquire(partition);
    if (!inner) return std::unexpected(inner.error());
    return std::make_unique<HeldPartition>(std::move(*inner), gate_);
  }

 private:
  std::unique_ptr<storage::Store> inner_;
  CommitGate& gate_;
};

}  // namespace pawl::http::tests
