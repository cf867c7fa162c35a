#include "broker/http/mailbox.h"

namespace pawl::http {
namespace {

class Call final : public Deliverable {
 public:
  explicit Call(std::function<void()> function) : function_(std::move(function)) {}
  void deliver() override { function_(); }

 private:
  std::function<void()> function_;
};

}  // namespace

void Mailbox::push(std::shared_ptr<Deliverable> item) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;  // the caller's argument dies after the lock
    items_.push_back(std::move(item));
    if (awake_) return;
    awake_ = true;
    waking_.fetch_add(1, std::memory_order_relaxed);
  }
  // Without the lock, for which the woken thread would only wait.
  wake_();
  waking_.fetch_sub(1, std::memory_order_release);
  waking_.notify_all();
}

void Mailbox::call(std::function<void()> function) { push(std::make_shared<Call>(std::move(function))); }

void Mailbox::take(std::vector<std::shared_ptr<Deliverable>>& into) {
  const std::lock_guard lock(mutex_);
  awake_ = false;
  into.swap(items_);
}

void Mailbox::close() {
  std::vector<std::shared_ptr<Deliverable>> rest;  // destroyed after the lock: destructors may push
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    rest.swap(items_);
  }
  // Whoever has begun to wake the thread is done with it before this returns.
  for (unsigned now = 0; (now = waking_.load(std::memory_order_acquire)) != 0;) waking_.wait(now);
}

}  // namespace pawl::http
