#include "client/src/pool.h"

#include <algorithm>

namespace pawl::client {

Pool::Pool(unsigned threads, Run run) : run_(std::move(run)) {
  threads_.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  came_.notify_all();
}

void Pool::push(HeldJobs jobs) {
  std::size_t wake = 0;
  {
    const std::lock_guard lock(mutex_);
    for (auto& job : jobs) waiting_.push_back(std::move(job));
    wake = std::min(jobs.size(), idle_);
  }
  while (wake-- > 0) came_.notify_one();
}

void Pool::hold() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

HeldJobs Pool::take_back() {
  const std::lock_guard lock(mutex_);
  HeldJobs out(waiting_.begin(), waiting_.end());
  waiting_.clear();
  return out;
}

void Pool::work() {
  for (;;) {
    std::shared_ptr<HeldJob> job;
    {
      std::unique_lock lock(mutex_);
      ++idle_;
      came_.wait(lock, [&] { return ending_ || (!holding_ && !waiting_.empty()); });
      --idle_;
      if (ending_) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    // Its lease went, or it was given back, while it waited here.
    if (job->settled) continue;
    const auto began = std::chrono::steady_clock::now();
    run_(std::move(job));
    note_run(std::chrono::steady_clock::now() - began);
  }
}

void Pool::note_run(std::chrono::steady_clock::duration took) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  const auto before = mean_us_.load(std::memory_order_relaxed);
  const auto after = us > before ? before + (us - before) / 4 : before - (before - us + 3) / 4;
  // Two threads that race here lose one sample, which an average can bear.
  mean_us_.store(after, std::memory_order_relaxed);
}

}  // namespace pawl::client
