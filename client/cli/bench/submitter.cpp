#include "client/cli/bench/submitter.h"

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "client/cli/bench/lanes.h"

namespace pawl::cli::bench {
namespace {

using namespace std::chrono_literals;

constexpr unsigned lanes = 64;
constexpr std::uint64_t bulk_jobs = 1'000;
constexpr unsigned bulk_calls = 2;
constexpr std::chrono::milliseconds tick{1};  // many jobs a tick rather than a wake-up for each

/// The last refusal among the answers to many calls. Thread: any.
class Refusal {
 public:
  void note(const Error& why) {
    const std::lock_guard lock(mutex_);
    detail_ = why.detail;
  }
  void throw_if_any() {
    const std::lock_guard lock(mutex_);
    if (!detail_.empty()) throw std::runtime_error("a submit was refused: " + detail_);
  }

 private:
  std::mutex mutex_;
  std::string detail_;
};

}  // namespace

Submitter::Submitter(const JobSource& source, const Target& target, const Progress& progress)
    : source_(source),
      target_(target),
      progress_(progress),
      client_({.url = target.url(), .token = target.token()}) {}

Samples Submitter::singly() {
  const std::uint64_t jobs = source_.jobs();
  Samples samples;
  Refusal refusal;
  std::atomic<std::uint64_t> next = 0;
  std::latch answered(static_cast<std::ptrdiff_t>(jobs));
  std::function<void()> submit = [&] {
    const std::uint64_t number = next++;
    if (number >= jobs) return;
    const auto begin = Clock::now();
    client_.enqueue_async(source_.spec(number), [&, begin](const pawl::Result<Enqueued>& answer) {
      if (answer) {
        samples.add(ms_between(begin, Clock::now()));
        if (samples.size() % 256 == 0) progress_(samples.size(), jobs);
      } else {
        refusal.note(answer.error());
      }
      submit();
      answered.count_down();
    });
  };
  for (unsigned lane = 0; lane < lanes; ++lane) submit();
  answered.wait();
  refusal.throw_if_any();
  return samples;
}

Samples Submitter::over_http() {
  return post_jobs({.url = target_.url(),
                    .token = target_.token(),
                    .connections = lanes,
                    .requests = source_.jobs(),
                    .body = [this](std::uint64_t number) { return to_json(source_.spec(number)); },
                    .progress = [this](std::uint64_t done) { progress_(done, source_.jobs()); }});
}

void Submitter::in_bulk(const std::function<void(JobSpec&)>& change) {
  const std::uint64_t jobs = source_.jobs();
  Refusal refusal;
  std::atomic<std::uint64_t> next = 0;
  std::atomic<std::uint64_t> done = 0;
  const auto call_on = [&] {
    std::vector<JobSpec> specs;
    specs.reserve(bulk_jobs);
    for (std::uint64_t at = 0; (at = next.fetch_add(bulk_jobs)) < jobs;) {
      specs.clear();
      for (std::uint64_t n = at; n < std::min(jobs, at + bulk_jobs); ++n) specs.push_back(source_.spec(n));
      if (change) std::ranges::for_each(specs, change);
      if (const auto answer = client_.try_enqueue_many(specs); !answer) return refusal.note(answer.error());
      progress_(done += specs.size(), jobs);
    }
  };
  {
    std::vector<std::jthread> callers;
    for (unsigned i = 0; i < bulk_calls; ++i) callers.emplace_back(call_on);
  }
  refusal.throw_if_any();
}

void Submitter::paced(const Schedule& schedule, Histogram& latencies) {
  const std::uint64_t jobs = source_.jobs();
  Refusal refusal;
  std::latch answered(static_cast<std::ptrdiff_t>(jobs));
  auto wake = schedule.begin();
  for (std::uint64_t number = 0; number < jobs;) {
    wake = std::max(schedule.of(number), wake);
    std::this_thread::sleep_until(wake);
    for (const auto now = Clock::now(); number < jobs && schedule.of(number) <= now; ++number) {
      client_.enqueue_async(source_.spec(number),
                            [&, moment = schedule.of(number)](const pawl::Result<Enqueued>& answer) {
                              if (answer)
                                latencies.add(ms_between(moment, Clock::now()));
                              else
                                refusal.note(answer.error());
                              answered.count_down();
                            });
    }
    wake += tick;
    progress_(number, jobs);
  }
  answered.wait();
  refusal.throw_if_any();
}

}  // namespace pawl::cli::bench
