#include "client/cli/bench/works.h"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <latch>
#include <mutex>
#include <pawl/client.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "client/cli/bench/lanes.h"
#include "client/cli/bench/samples.h"

namespace pawl::cli::bench {
namespace {

using namespace std::chrono_literals;

constexpr unsigned lanes = 64;
constexpr std::uint64_t bulk_jobs = 1'000;
constexpr unsigned bulk_calls = 2;
constexpr std::size_t payload_bytes = 200;
constexpr unsigned handler_threads = 4;
constexpr std::chrono::seconds patience{120};  // without any progress
constexpr std::uint64_t drained_jobs = 20'000;
constexpr std::chrono::seconds due_in{5};
constexpr std::chrono::milliseconds paced{10};
constexpr std::uint64_t warm_up = 50;  // paced jobs that are not counted

// {"id":7,"to":"user7@example.com","kind":"email.welcome","pad":"…"}: 200 bytes, unique.
std::string payload_of(std::uint64_t number) {
  static const std::string letters = [] {
    std::string out;
    while (out.size() < payload_bytes) out += "abcdefghijklmnopqrstuvwxyz0123456789";
    return out;
  }();
  const std::string id = std::to_string(number);
  std::string out =
      R"({"id":)" + id + R"(,"to":"user)" + id + R"(@example.com","kind":"email.welcome","pad":")";
  if (out.size() + 2 < payload_bytes) out.append(letters, 0, payload_bytes - 2 - out.size());
  return out + "\"}";
}

std::uint64_t number_of(std::string_view payload) {
  constexpr std::string_view head = R"({"id":)";
  std::uint64_t number = 0;
  if (payload.starts_with(head))
    std::from_chars(payload.data() + head.size(), payload.data() + payload.size(), number);
  return number;
}

/// One run of one work: its queue, its jobs, and what became of them.
class Run {
 public:
  Run(std::uint64_t jobs, Target& target, const Progress& progress)
      : jobs_(jobs),
        target_(target),
        progress_(progress),
        queue_("bench-" + std::to_string(::getpid()) + "-" +
               std::to_string(Clock::now().time_since_epoch().count())),
        ran_(jobs),
        started_(jobs),
        client_({.url = target.url(), .token = target.token()}) {}

  std::uint64_t jobs() const { return jobs_; }
  const std::string& queue() const { return queue_; }
  Target& target() { return target_; }

  JobSpec spec_of(std::uint64_t number) const {
    JobSpec spec{.queue = queue_, .payload = JsonText::raw(payload_of(number))};
    // A broker that somebody else uses is not filled up.
    if (!target_.own()) spec.retention = Retention{.completed = 60s, .failed = 60s};
    return spec;
  }

  /// 64 under way, each sent when one is answered.
  Samples submit_singly() {
    Samples samples;
    std::atomic<std::uint64_t> next = 0;
    std::latch answered(static_cast<std::ptrdiff_t>(jobs_));
    std::mutex mutex;
    std::string refusal;
    std::function<void()> submit = [&] {
      const std::uint64_t number = next++;
      if (number >= jobs_) return;
      const auto begin = Clock::now();
      client_.enqueue_async(spec_of(number), [&, begin](const pawl::Result<Enqueued>& answer) {
        if (answer) {
          samples.add(ms_between(begin, Clock::now()));
          if (samples.size() % 256 == 0) progress_(samples.size(), jobs_);
        } else {
          const std::lock_guard lock(mutex);
          refusal = answer.error().detail;
        }
        submit();
        answered.count_down();
      });
    };
    for (unsigned lane = 0; lane < lanes; ++lane) submit();
    answered.wait();
    if (!refusal.empty()) throw std::runtime_error("a submit was refused: " + refusal);
    return samples;
  }

  Samples submit_over_http() {
    return post_jobs({.url = target_.url(),
                      .token = target_.token(),
                      .connections = lanes,
                      .requests = jobs_,
                      .body = [this](std::uint64_t number) { return to_json(spec_of(number)); },
                      .progress = [this](std::uint64_t done) { progress_(done, jobs_); }});
  }

  void submit_in_bulk(const std::function<void(JobSpec&)>& change = {}) {
    std::atomic<std::uint64_t> next = 0;
    std::atomic<std::uint64_t> done = 0;
    std::mutex mutex;
    std::string refusal;
    {
      std::vector<std::jthread> callers;
      for (unsigned i = 0; i < bulk_calls; ++i) {
        callers.emplace_back([&] {
          for (std::uint64_t at = 0; (at = next.fetch_add(bulk_jobs)) < jobs_;) {
            std::vector<JobSpec> specs;
            for (std::uint64_t n = at; n < std::min(jobs_, at + bulk_jobs); ++n) specs.push_back(spec_of(n));
            if (change) std::ranges::for_each(specs, change);
            if (const auto answer = client_.try_enqueue_many(specs); !answer) {
              const std::lock_guard lock(mutex);
              refusal = answer.error().detail;
              return;
            }
            progress_(done += specs.size(), jobs_);
          }
        });
      }
    }
    if (!refusal.empty()) throw std::runtime_error("a submit was refused: " + refusal);
  }

  /// One a hundredth of a second, at its moment whatever the others do. The moments.
  std::vector<Clock::time_point> submit_paced() {
    std::vector<Clock::time_point> moments(jobs_);
    std::latch answered(static_cast<std::ptrdiff_t>(jobs_));
    const auto begin = Clock::now() + paced;
    for (std::uint64_t i = 0; i < jobs_; ++i) {
      moments[i] = begin + i * paced;
      std::this_thread::sleep_until(moments[i]);
      client_.enqueue_async(spec_of(i), [&](const pawl::Result<Enqueued>&) { answered.count_down(); });
      progress_(i + 1, jobs_);
    }
    answered.wait();
    return moments;
  }

  /// A worker whose handler notes that it was called.
  std::unique_ptr<Worker> start_worker() {
    auto worker = std::make_unique<Worker>(WorkerOptions{.url = target_.url(),
                                                         .token = target_.token(),
                                                         .queues = {{queue_}},
                                                         .concurrency = handler_threads});
    worker->on_any([this](Job& job) {
      const std::uint64_t number = number_of(job.payload_text());
      if (number >= jobs_) return;
      started_[number] = Clock::now();
      ran_[number].fetch_add(1, std::memory_order_relaxed);
    });
    worker->start();
    return worker;
  }

  /// Until the broker has confirmed so many; the moment.
  Clock::time_point wait_for(const Worker& worker, std::uint64_t jobs) {
    std::uint64_t seen = 0;
    auto moved = Clock::now();
    for (;;) {
      const std::uint64_t now = worker.counts().completed;
      if (now >= jobs) return Clock::now();
      if (now != seen) moved = Clock::now();
      seen = now;
      progress_(now, jobs);
      if (Clock::now() - moved > patience)
        throw std::runtime_error("no job was completed for two minutes; " + std::to_string(now) + " of " +
                                 std::to_string(jobs) + " were before");
      std::this_thread::sleep_for(1ms);
    }
  }

  void wait_until_connected(const Worker& worker) {
    for (const auto until = Clock::now() + 10s; worker.counts().connections == 0;) {
      if (Clock::now() > until) throw std::runtime_error("the worker did not get a connection");
      std::this_thread::sleep_for(1ms);
    }
  }

  Clock::time_point started(std::uint64_t number) const { return started_[number]; }

  /// Every job was answered, so it is there, or was run once.
  void account(Outcome& out, std::uint64_t to_run) {
    std::uint64_t ran = 0;
    for (const auto& times : ran_) {
      const unsigned n = times.load();
      ran += n > 0;
      if (n > 1) out.more_than_once += n - 1;
    }
    const std::uint64_t there = target_.jobs(queue_, "pending") + target_.jobs(queue_, "active") +
                                target_.jobs(queue_, "completed") + target_.jobs(queue_, "delayed");
    out.lost = (ran < to_run ? to_run - ran : 0) + (target_.own() && there < jobs_ ? jobs_ - there : 0);
  }

 private:
  const std::uint64_t jobs_;
  Target& target_;
  const Progress& progress_;
  const std::string queue_;
  std::vector<std::atomic<unsigned>> ran_;
  std::vector<Clock::time_point> started_;
  Client client_;
};

/// What the work cost, from the start of its measured part to its end.
class Meter {
 public:
  explicit Meter(Target& target)
      : target_(target), before_(target.counters()), cpu_(own_cpu_seconds()), begin_(Clock::now()) {}

  void end(Outcome& out, std::uint64_t jobs, Clock::time_point end = Clock::now()) {
    out.jobs = jobs;
    out.seconds = ms_between(begin_, end) / 1000;
    out.rate = static_cast<double>(jobs) / out.seconds;
    const auto each = [&](double all) { return all / static_cast<double>(jobs); };
    out.cpu_client_us = each(own_cpu_seconds() - cpu_) * 1e6;
    const Counters after = target_.counters();
    const Counters spent = after - before_;
    out.cpu_server_us = each(spent.cpu_seconds) * 1e6;
    out.fsyncs = each(spent.syncs);
    out.keys = each(spent.keys);
    out.bytes = each(spent.bytes);
    out.resident_mib = after.resident_bytes / (1 << 20);
    out.disk_mib = after.disk_bytes / (1 << 20);
  }

 private:
  Target& target_;
  const Counters before_;
  const double cpu_;
  const Clock::time_point begin_;
};

void set_latencies(Outcome& out, Samples samples) {
  out.p50_ms = samples.quantile(0.5);
  out.p99_ms = samples.quantile(0.99);
}

Outcome submit(Run& run, bool over_http) {
  Outcome out;
  Meter meter(run.target());
  Samples samples = over_http ? run.submit_over_http() : run.submit_singly();
  meter.end(out, run.jobs());
  set_latencies(out, std::move(samples));
  run.account(out, 0);
  return out;
}

Outcome submit_bulk(Run& run) {
  Outcome out;
  Meter meter(run.target());
  run.submit_in_bulk();
  meter.end(out, run.jobs());
  run.account(out, 0);
  return out;
}

Outcome drain(Run& run) {
  Outcome out;
  run.submit_in_bulk();
  Meter meter(run.target());
  const auto worker = run.start_worker();
  meter.end(out, run.jobs(), run.wait_for(*worker, run.jobs()));
  worker->stop();
  (void)worker->wait();
  run.account(out, run.jobs());
  return out;
}

Outcome submit_and_work(Run& run, bool bulk) {
  Outcome out;
  const auto worker = run.start_worker();
  run.wait_until_connected(*worker);
  Meter meter(run.target());
  if (bulk) {
    run.submit_in_bulk();
  } else {
    set_latencies(out, run.submit_singly());
  }
  meter.end(out, run.jobs(), run.wait_for(*worker, run.jobs()));
  worker->stop();
  (void)worker->wait();
  run.account(out, run.jobs());
  return out;
}

Outcome pick_up(Run& run) {
  Outcome out;
  const auto worker = run.start_worker();
  run.wait_until_connected(*worker);
  Meter meter(run.target());
  const auto moments = run.submit_paced();
  meter.end(out, run.jobs(), run.wait_for(*worker, run.jobs()));
  worker->stop();
  (void)worker->wait();
  Samples samples;
  for (std::uint64_t i = std::min(warm_up, run.jobs() / 2); i < run.jobs(); ++i)
    samples.add(ms_between(moments[i], run.started(i)));
  set_latencies(out, std::move(samples));
  run.account(out, run.jobs());
  return out;
}

Outcome backlog(Run& run) {
  Outcome out;
  run.submit_in_bulk();
  const Counters full = run.target().counters();
  if (run.target().own()) out.restart_ms = run.target().kill_and_restart();
  const std::uint64_t drained = std::min(drained_jobs, run.jobs());
  Meter meter(run.target());
  const auto worker = run.start_worker();
  meter.end(out, drained, run.wait_for(*worker, drained));
  worker->stop();
  (void)worker->wait();
  out.resident_mib = full.resident_bytes / (1 << 20);
  out.disk_mib = full.disk_bytes / (1 << 20);
  run.account(out, drained);
  return out;
}

Outcome all_due_at_once(Run& run) {
  Outcome out;
  const auto worker = run.start_worker();
  run.wait_until_connected(*worker);
  Meter meter(run.target());
  const auto due = Clock::now() + due_in;
  const Time due_at = std::chrono::ceil<milliseconds>(std::chrono::system_clock::now() + due_in);
  run.submit_in_bulk([&](JobSpec& spec) { spec.run_at = due_at; });
  if (Clock::now() > due) throw std::runtime_error("the submits took longer than 5 s: try fewer jobs");
  meter.end(out, run.jobs(), run.wait_for(*worker, run.jobs()));
  worker->stop();
  (void)worker->wait();
  Samples samples;
  auto last = due;
  for (std::uint64_t i = 0; i < run.jobs(); ++i) {
    samples.add(ms_between(due, run.started(i)));
    last = std::max(last, run.started(i));
  }
  set_latencies(out, std::move(samples));
  out.all_ran_ms = ms_between(due, last);
  run.account(out, run.jobs());
  return out;
}

Outcome measure(std::string_view work, Run& run) {
  if (work == "W1") return submit(run, false);
  if (work == "W1-http") return submit(run, true);
  if (work == "W2") return submit_bulk(run);
  if (work == "W3") return drain(run);
  if (work == "W4") return submit_and_work(run, false);
  if (work == "W4-bulk") return submit_and_work(run, true);
  if (work == "W5") return pick_up(run);
  if (work == "W6") return backlog(run);
  return all_due_at_once(run);
}

}  // namespace

Outcome run_work(const Work& work, std::uint64_t jobs, Target& target, const Progress& progress) {
  Run run(jobs, target, progress);
  Outcome out = measure(work.name, run);
  out.work = work.name;
  return out;
}

}  // namespace pawl::cli::bench
