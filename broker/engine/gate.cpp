#include "broker/engine/gate.h"

#include <utility>

#include "broker/engine/engine.h"

namespace pawl::engine {

storage::Partition::Done Gate::hold(Owed owed) {
  const std::lock_guard lock(mutex_);
  if (!failed_) {  // else what waits for it is let go of here
    held_.push_back({std::move(owed), std::chrono::steady_clock::now(), true});
    ++written_;
  }
  return [this](storage::Outcome outcome) { done(outcome); };
}

void Gate::follow(Owed owed) {
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
    if (!held_.empty()) {
      held_.push_back({std::move(owed), {}, false});
      return;
    }
  }
  tell(std::move(owed));
}

void Gate::done(storage::Outcome outcome) {
  if (outcome != storage::Outcome::durable) {
    fail(outcome == storage::Outcome::gone
             ? "another process has taken over this partition; this one stops, its clients retry there"
             : "a commit failed: what it wrote may or may not be on disk. The broker stops and recovers from "
               "the "
               "store when it is started again");
    return;
  }
  std::unique_lock lock(mutex_);
  // The batch itself, then those that only waited for it.
  while (!failed_ && !held_.empty()) {
    Held& front = held_.front();
    const bool written = front.written;
    const std::uint64_t commands = front.owed.commands;
    const auto since = front.since;
    Owed owed = std::move(front.owed);
    lock.unlock();
    if (written) {
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - since;
      meters_.add_batch(commands, took.count());
    }
    tell(std::move(owed));
    lock.lock();
    if (failed_) break;
    held_.pop_front();
    if (written) --written_;
    if (held_.empty() || held_.front().written) break;
  }
  lock.unlock();
  changed_.notify_all();
}

void Gate::tell(Owed owed) {
  meters_.add(owed.samples);
  failures_.add(owed.failures);
  for (Owed::Reply& reply : owed.replies) reply.target->on_reply(reply.tag, std::move(reply.reply));
  events_.publish(std::move(owed.events));
  for (const std::function<void()>& call : owed.calls) call();
}

void Gate::wait_below(std::size_t most) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failed_ || written_ < most; });
}

void Gate::fail(const std::string& why) {
  std::deque<Held> dropped;
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
    failed_ = true;
    dropped.swap(held_);
    written_ = 0;
  }
  changed_.notify_all();
  on_failed_(why);
}

bool Gate::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

}  // namespace pawl::engine
