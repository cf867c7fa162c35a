#include "client/cli/bench/fleet.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

#include "client/cli/bench/job_source.h"
#include "client/wire/protocol.h"

namespace pawl::cli::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t handler_threads = 4;
constexpr std::chrono::seconds connect_time{30};
constexpr std::chrono::seconds patience{120};  // without any progress
constexpr std::size_t workers_a_look = 50;     // that one millisecond between two looks is for

/// A worker keeps three files open.
void allow_many_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

/// The queues in parts that one worker may ask for.
std::vector<std::vector<WorkerQueue>> parts_of(const std::vector<std::string>& queues) {
  std::vector<std::vector<WorkerQueue>> parts;
  for (const std::string& queue : queues) {
    if (parts.empty() || parts.back().size() == wire::names_max) parts.emplace_back();
    parts.back().push_back({queue});
  }
  return parts;
}

}  // namespace

Fleet::Fleet(const Load& load, const Target& target, const std::vector<std::string>& queues, Handler handler)
    : handler_(std::move(handler)) {
  allow_many_files();
  const auto parts = parts_of(queues);
  const std::size_t count = std::max<std::size_t>(load.workers, parts.size());
  for (std::size_t n = 0; n < count; ++n) {
    auto worker = std::make_unique<Worker>(WorkerOptions{
        .url = target.url(),
        .token = target.token(),
        .worker_id = "bench-" + std::to_string(::getpid()) + "-" + std::to_string(n),
        .queues = parts[n % parts.size()],
        .concurrency = static_cast<unsigned>(std::max<std::size_t>(handler_threads / count, 1))});
    worker->on_any([this](Job& job) { handler_(JobSource::number_of(job.payload_text())); });
    worker->start();
    workers_.push_back(std::move(worker));
  }
}

Fleet::~Fleet() { stop(); }

void Fleet::wait_until_connected() const {
  const auto until = Clock::now() + connect_time;
  for (const auto& worker : workers_) {
    while (worker->counts().connections == 0) {
      if (Clock::now() > until) throw std::runtime_error("the workers did not get their connections");
      std::this_thread::sleep_for(1ms);
    }
  }
}

std::uint64_t Fleet::completed() const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->counts().completed;
  return sum;
}

Clock::time_point Fleet::wait_for(std::uint64_t jobs, const Progress& progress) const {
  std::uint64_t seen = 0;
  auto moved = Clock::now();
  for (;;) {
    const std::uint64_t now = completed();
    if (now >= jobs) return Clock::now();
    if (now != seen) moved = Clock::now();
    seen = now;
    progress(now, jobs);
    if (Clock::now() - moved > patience) {
      throw std::runtime_error("no job was completed for two minutes; " + std::to_string(now) + " of " +
                               std::to_string(jobs) + " were before");
    }
    std::this_thread::sleep_for(1ms * std::max<std::size_t>(workers_.size() / workers_a_look, 1));
  }
}

void Fleet::stop() {
  for (const auto& worker : workers_) worker->stop();
  for (const auto& worker : workers_) (void)worker->wait();
}

}  // namespace pawl::cli::bench
