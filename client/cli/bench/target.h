// The broker that is measured: one of our own on a fresh directory, or one that runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "client/process/child.h"

namespace pawl {
class Client;
}

namespace pawl::cli::bench {

/// What the broker says of itself in /metrics, since its start.
struct Counters {
  double cpu_seconds = 0;
  double syncs = 0;
  double keys = 0;
  double bytes = 0;  // keys and values handed to the store
  double disk_bytes = 0;
  double resident_bytes = 0;
};
Counters operator-(const Counters& after, const Counters& before);

/// Thread: one. Throws std::runtime_error with a sentence when the broker cannot be started or asked.
class Target {
 public:
  /// A `pawld` of its own: the one beside this program, on a directory that the destructor removes.
  Target();
  /// One that runs. It is neither restarted nor stopped.
  Target(std::string url, std::string token);
  ~Target();
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  bool own() const { return url_given_.empty(); }
  const std::string& url() const { return own() ? url_ : url_given_; }
  const std::string& token() const { return token_; }

  Counters counters();
  /// Jobs of a queue that wait, run or were completed, those whose record has expired included.
  std::uint64_t jobs(const std::string& queue);
  /// Gives a queue limits that nothing here comes up to.
  void limit(const std::string& queue);

  /// SIGKILL, then a new one on the same directory; milliseconds from its start until it is ready.
  /// REQUIRES: own().
  double kill_and_restart();

 private:
  void start();

  std::string url_given_;
  std::string token_;
  std::filesystem::path folder_;
  process::Child broker_;
  std::string url_;
  std::unique_ptr<Client> client_;
};

/// User and system time of this process, in seconds.
double own_cpu_seconds();

}  // namespace pawl::cli::bench
