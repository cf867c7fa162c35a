// The process and its surroundings: what is set before anything else, signals, the service manager.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace pawl::app {

/// umask 077, no SIGPIPE, as many open files as the system allows.
void prepare_process();

bool runs_as_root();

/// Tells systemd, when it asked to be told: "READY=1", "STOPPING=1".
void notify_service_manager(const std::string& state);

/// Waits for SIGTERM and SIGINT. The first one asks for an orderly stop; the second ends the process at once.
/// REQUIRES: made before any other thread, so that all of them leave the signals to it.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Returns when a stop was asked for. Thread: any.
  void wait();
  /// The same as a first signal. Thread: any.
  void request();

 private:
  void run(const std::stop_token& stop);

  // A mutex, for a thread is woken from another: there is no data to hand over.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool requested_ = false;
  std::jthread thread_;
};

}  // namespace pawl::app
