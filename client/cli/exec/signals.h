// SIGTERM and SIGINT as calls on a thread, so that whatever they start may take locks.
#pragma once

#include <csignal>
#include <functional>
#include <thread>

namespace pawl::cli {

/// While it lives, SIGTERM and SIGINT do not end the process; from start() on, those that came and those to
/// come call `on_signal` with how often one has come (1, 2…), on a thread of its own. SIGPIPE is ignored from
/// then on. REQUIRES: made before the process starts other threads, since they inherit the mask. Thread: the
/// one that made it.
class SignalWatch {
 public:
  SignalWatch();
  /// Joins its thread, so `on_signal` is not called any more.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  void start(std::function<void(int)> on_signal);

 private:
  void watch();

  std::function<void(int)> on_signal_;
  sigset_t previous_{};
  int signal_fd_ = -1;
  int stop_fd_ = -1;
  std::thread thread_;
};

}  // namespace pawl::cli
