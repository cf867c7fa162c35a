#include "tests/client/live_broker.h"

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace pawl::testing {

using namespace std::chrono_literals;

LiveBroker::LiveBroker(std::vector<std::string> options) : options_(std::move(options)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "pawl-client-test-XXXXXX").string();
  folder_ = ::mkdtemp(pattern.data());
  start("127.0.0.1:0");
}

LiveBroker::~LiveBroker() {
  process_ = {};
  std::filesystem::remove_all(folder_);
}

void LiveBroker::start(const std::string& listen) {
  const std::string log = (folder_ / "log").string();
  std::vector<std::string> command{PAWLD, "--data", (folder_ / "data").string(), "--listen", listen};
  command.insert(command.end(), options_.begin(), options_.end());
  process_ = process::Child({.command = command, .log = log, .pipe_output = true});
  constexpr std::string_view ready = "pawld ready ";
  const auto line = process_.read_line(60s);
  if (!line || !line->starts_with(ready)) {
    std::stringstream text;
    text << std::ifstream(log).rdbuf();
    throw std::runtime_error("pawld did not start: " + text.str());
  }
  url_ = line->substr(ready.size());
}

void LiveBroker::crash_and_restart() {
  process_.signal(SIGKILL);
  (void)process_.wait(10s);
  start(url_.substr(std::string_view("http://").size()));
}

int LiveBroker::stop() {
  process_.signal(SIGTERM);
  return process_.wait(30s).value_or(-1);
}

}  // namespace pawl::testing
