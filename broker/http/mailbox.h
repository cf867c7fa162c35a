// How other threads reach an I/O thread: what they leave is taken in one go, after one wake-up for many.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace pawl::http {

/// Something to be done on the I/O thread. Thread of deliver(): the mailbox's.
class Deliverable {
 public:
  virtual ~Deliverable() = default;
  virtual void deliver() = 0;
};

/// Outlives its thread: what is left after close() is dropped. Thread: any.
class Mailbox {
 public:
  /// wake: makes the thread call take() soon; may be called from any thread.
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void push(std::shared_ptr<Deliverable> item);
  void call(std::function<void()> function);
  /// Moves all that waits into the empty `into`. Thread: its own.
  void take(std::vector<std::shared_ptr<Deliverable>>& into);
  /// When it returns, wake is not called any more.
  void close();

  /// The calling thread is the mailbox's own.
  void own_by_this_thread() { owner_.store(std::this_thread::get_id(), std::memory_order_relaxed); }
  bool is_here() const { return owner_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Deliverable>> items_;
  std::function<void()> wake_;
  bool awake_ = false;  // a wake-up is under way
  bool closed_ = false;
  std::atomic<unsigned> waking_ = 0;  // calls of wake_ that are not over
  std::atomic<std::thread::id> owner_{};
};

}  // namespace pawl::http
