#include "client/cli/bench/target.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <pawl/client.hpp>
#include <stdexcept>
#include <string_view>

#include "client/cli/text/json.h"

namespace pawl::cli::bench {
namespace {

constexpr std::chrono::seconds start_time{60};
constexpr const char* connections_max = "20000";  // all of them come from this machine
constexpr std::string_view ready_words = "pawld ready ";
constexpr std::string_view scheme = "http://";

// "NAME 12.5" on a line of its own; families with labels are not looked for.
double value_of(std::string_view metrics, std::string_view name) {
  for (std::size_t at = 0; (at = metrics.find(name, at)) != std::string_view::npos; at += name.size()) {
    const std::size_t end = at + name.size();
    if ((at != 0 && metrics[at - 1] != '\n') || end >= metrics.size() || metrics[end] != ' ') continue;
    double value = 0;
    std::from_chars(metrics.data() + end + 1, metrics.data() + metrics.size(), value);
    return value;
  }
  return 0;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Counters operator-(const Counters& after, const Counters& before) {
  return {.cpu_seconds = after.cpu_seconds - before.cpu_seconds,
          .syncs = after.syncs - before.syncs,
          .keys = after.keys - before.keys,
          .bytes = after.bytes - before.bytes,
          .disk_bytes = after.disk_bytes - before.disk_bytes,
          .resident_bytes = after.resident_bytes - before.resident_bytes};
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Target::Target() {
  std::string pattern = (std::filesystem::temp_directory_path() / "pawl-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + pattern);
  folder_ = pattern;
  start();
}

Target::Target(std::string url, std::string token)
    : url_given_(std::move(url)),
      token_(std::move(token)),
      client_(std::make_unique<Client>(ClientOptions{.url = url_given_, .token = token_})) {}

Target::~Target() {
  client_.reset();
  if (!own()) return;
  broker_.signal(SIGTERM);
  (void)broker_.wait(start_time);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Target::start() {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "pawld";
  const auto log = folder_ / "pawld.log";
  broker_ = process::Child({.command = {program.string(), "--data", (folder_ / "data").string(), "--listen",
                                        url_.empty() ? "127.0.0.1:0" : url_.substr(scheme.size()),
                                        "--http-connections-per-address", connections_max},
                            .log = log.string(),
                            .pipe_output = true,
                            .without = "PAWL_"});  // they are for another broker
  const auto line = broker_.read_line(start_time);
  if (!line || !line->starts_with(ready_words)) {
    throw std::runtime_error(program.string() + " did not get ready: " + text_of(log));
  }
  url_ = line->substr(ready_words.size());
  client_ = std::make_unique<Client>(ClientOptions{.url = url_});
}

double Target::kill_and_restart() {
  client_.reset();
  broker_.signal(SIGKILL);
  (void)broker_.wait(start_time);
  const auto begin = std::chrono::steady_clock::now();
  start();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

Counters Target::counters() {
  const Response answer = client_->request("GET", "/metrics");
  if (!answer.ok()) throw std::runtime_error("the broker's /metrics cannot be read");
  return {.cpu_seconds = value_of(answer.text, "pawl_process_cpu_seconds_total"),
          .syncs = value_of(answer.text, "pawl_store_syncs_total"),
          .keys = value_of(answer.text, "pawl_store_keys_total"),
          .bytes = value_of(answer.text, "pawl_store_written_bytes_total"),
          .disk_bytes = value_of(answer.text, "pawl_store_disk_bytes"),
          .resident_bytes = value_of(answer.text, "pawl_process_resident_memory_bytes")};
}

std::uint64_t Target::jobs(const std::string& queue) {
  const Response answer = client_->request("GET", "/queues/" + url_escape(queue));
  if (answer.status == 404) return 0;
  const auto json = Json::parse(answer.text);
  if (!answer.ok() || !json) throw std::runtime_error("the broker does not say how the queue stands");
  const Json counts = (*json)["counts"];
  std::int64_t sum = (*json)["lifetimeCompleted"].integer();
  for (const char* state : {"pending", "active", "delayed"}) sum += counts[state].integer();
  return static_cast<std::uint64_t>(sum);
}

void Target::limit(const std::string& queue) {
  const Response answer = client_->request(
      "PUT", "/queues/" + url_escape(queue),
      R"({"maxConcurrency":1000000,"rateLimit":{"max":1000000,"perMs":1000,"burst":100000}})");
  if (!answer.ok()) throw std::runtime_error("the broker does not take limits: " + answer.text);
}

}  // namespace pawl::cli::bench
