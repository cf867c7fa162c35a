// A real pawld for one test.
#pragma once

#include <filesystem>
#include <pawl/client.hpp>
#include <string>
#include <vector>

#include "client/process/child.h"

namespace pawl::testing {

/// Starts in the constructor, on a fresh data directory and a free port; everything goes with the object.
class LiveBroker {
 public:
  explicit LiveBroker(std::vector<std::string> options = {});
  ~LiveBroker();

  const std::string& url() const { return url_; }
  Client client() const { return Client({.url = url_}); }
  /// SIGKILL, and again on the same data and port.
  void crash_and_restart();
  /// SIGTERM; the exit status.
  int stop();

 private:
  void start(const std::string& listen);

  const std::vector<std::string> options_;
  std::filesystem::path folder_;
  process::Child process_;
  std::string url_;
};

}  // namespace pawl::testing
