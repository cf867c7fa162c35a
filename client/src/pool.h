// The threads that run handlers, and the jobs that wait for one of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "client/src/held_job.h"

namespace pawl::client {

/// Thread: any. The destructor waits for the handlers that run; jobs that wait are dropped.
class Pool {
 public:
  using Run = std::function<void(std::shared_ptr<HeldJob>)>;

  Pool(unsigned threads, Run run);
  ~Pool();

  void push(HeldJobs jobs);
  /// From now on no thread begins another job.
  void hold();
  /// The jobs that no thread has begun.
  HeldJobs take_back();
  /// How long a handler takes, on the cautious side: a long run counts at once, short ones only when there
  /// are many in a row, since a job that waits behind a long one waits for nothing. Begins at 10 ms.
  std::chrono::microseconds mean_run() const { return std::chrono::microseconds(mean_us_.load()); }

 private:
  void work();
  void note_run(std::chrono::steady_clock::duration took);

  const Run run_;
  std::mutex mutex_;  // hands jobs from the session's thread to those of the pool
  std::condition_variable came_;
  std::deque<std::shared_ptr<HeldJob>> waiting_;
  std::size_t idle_ = 0;
  bool holding_ = false;
  bool ending_ = false;
  std::atomic<std::int64_t> mean_us_{10'000};
  std::vector<std::jthread> threads_;
};

}  // namespace pawl::client
