#include "client/cli/bench/works.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <pawl/records.hpp>
#include <stdexcept>

#include "client/cli/bench/fleet.h"
#include "client/cli/bench/histogram.h"
#include "client/cli/bench/job_source.h"
#include "client/cli/bench/ledger.h"
#include "client/cli/bench/samples.h"
#include "client/cli/bench/schedule.h"
#include "client/cli/bench/submitter.h"

namespace pawl::cli::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds keep_elsewhere{60'000};  // a broker that somebody uses is not filled up
constexpr std::chrono::seconds due_in{5};
constexpr std::chrono::milliseconds paced_from{10};
constexpr std::uint64_t warm_up = 50;  // paced jobs that are not counted

std::optional<std::chrono::milliseconds> kept(const Load& load, const Target& target) {
  if (load.keep_completed || target.own()) return load.keep_completed;
  return keep_elsewhere;
}

/// One run of one work: its jobs, and what became of them.
class Run {
 public:
  Run(const Load& load, Target& target, const Progress& progress)
      : load_(load),
        target_(target),
        progress_(progress),
        source_(load, kept(load, target)),
        ledger_(load.jobs),
        submitter_(source_, target, progress_) {
    if (!load.limited) return;
    for (const std::string& queue : source_.queues()) target.limit(queue);
  }

  const Load& load() const { return load_; }
  std::uint64_t jobs() const { return load_.jobs; }
  Target& target() { return target_; }
  Submitter& submitter() { return submitter_; }

  /// `on_start` is called beside the ledger, for jobs of this run.
  Fleet start_workers(const Fleet::Handler& on_start = {}) {
    return Fleet(load_, target_, source_.queues(), [this, on_start](std::uint64_t number) {
      if (number >= jobs()) return;
      if (on_start) on_start(number);
      ledger_.note(number);
    });
  }
  Clock::time_point wait_for(const Fleet& fleet, std::uint64_t jobs) const {
    return fleet.wait_for(jobs, progress_);
  }

  /// Every job was answered, so it is there, or was run once. The workers have stopped.
  void account(Outcome& out, std::uint64_t to_run) {
    const std::uint64_t ran = ledger_.jobs_run();
    out.more_than_once = ledger_.runs_again();
    out.lost = (ran < to_run ? to_run - ran : 0) + missing();
  }

 private:
  /// A broker of somebody else may have expired some.
  std::uint64_t missing() {
    if (!target_.own()) return 0;
    std::uint64_t there = 0;
    for (const std::string& queue : source_.queues()) there += target_.jobs(queue);
    return there < jobs() ? jobs() - there : 0;
  }

  const Load load_;
  Target& target_;
  const Progress& progress_;
  const JobSource source_;
  Ledger ledger_;
  Submitter submitter_;
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

void set_latencies(Outcome& out, const Histogram& latencies) {
  const LatencyCounts counts = latencies.counts();
  out.p50_ms = counts.quantile(0.5);
  out.p99_ms = counts.quantile(0.99);
}

Outcome submit(Run& run, bool over_http) {
  Outcome out;
  Meter meter(run.target());
  Samples samples = over_http ? run.submitter().over_http() : run.submitter().singly();
  meter.end(out, run.jobs());
  set_latencies(out, std::move(samples));
  run.account(out, 0);
  return out;
}

Outcome submit_bulk(Run& run) {
  Outcome out;
  Meter meter(run.target());
  run.submitter().in_bulk();
  meter.end(out, run.jobs());
  run.account(out, 0);
  return out;
}

Outcome drain(Run& run) {
  Outcome out;
  run.submitter().in_bulk();
  Meter meter(run.target());
  Fleet fleet = run.start_workers();
  meter.end(out, run.jobs(), run.wait_for(fleet, run.jobs()));
  fleet.stop();
  run.account(out, run.jobs());
  return out;
}

Outcome submit_and_work(Run& run, bool bulk) {
  Outcome out;
  Fleet fleet = run.start_workers();
  fleet.wait_until_connected();
  Meter meter(run.target());
  if (bulk) {
    run.submitter().in_bulk();
  } else {
    set_latencies(out, run.submitter().singly());
  }
  meter.end(out, run.jobs(), run.wait_for(fleet, run.jobs()));
  fleet.stop();
  run.account(out, run.jobs());
  return out;
}

Outcome pick_up(Run& run, const OnReading& on_reading) {
  Outcome out;
  Schedule schedule(std::chrono::duration<double>(1 / run.load().rate));
  const std::uint64_t uncounted = std::min(warm_up, run.jobs() / 2);
  Histogram submits;
  Histogram pick_ups;
  Fleet fleet = run.start_workers([&](std::uint64_t number) {
    if (number >= uncounted) pick_ups.add(ms_between(schedule.of(number), Clock::now()));
  });
  fleet.wait_until_connected();
  Meter meter(run.target());
  std::optional<Reporter> reporter;
  if (run.load().every)
    reporter.emplace(*run.load().every, submits, pick_ups, fleet, run.target(), on_reading);
  schedule.begin(Clock::now() + paced_from);
  run.submitter().paced(schedule, submits);
  reporter.reset();
  meter.end(out, run.jobs(), run.wait_for(fleet, run.jobs()));
  fleet.stop();
  set_latencies(out, pick_ups);
  out.submit_p50_ms = submits.counts().quantile(0.5);
  out.submit_p99_ms = submits.counts().quantile(0.99);
  run.account(out, run.jobs());
  return out;
}

Outcome backlog(Run& run) {
  Outcome out;
  run.submitter().in_bulk();
  const Counters full = run.target().counters();
  if (run.target().own()) out.restart_ms = run.target().kill_and_restart();
  const std::uint64_t drained = std::min(run.load().drained, run.jobs());
  Meter meter(run.target());
  Fleet fleet = run.start_workers();
  meter.end(out, drained, run.wait_for(fleet, drained));
  fleet.stop();
  out.resident_mib = full.resident_bytes / (1 << 20);
  out.disk_mib = full.disk_bytes / (1 << 20);
  run.account(out, drained);
  return out;
}

Outcome all_due_at_once(Run& run) {
  Outcome out;
  Schedule schedule(0s);
  Histogram latenesses;
  Fleet fleet = run.start_workers(
      [&](std::uint64_t number) { latenesses.add(ms_between(schedule.of(number), Clock::now())); });
  fleet.wait_until_connected();
  Meter meter(run.target());
  schedule.begin(Clock::now() + due_in);
  const Time due_at = std::chrono::ceil<milliseconds>(std::chrono::system_clock::now() + due_in);
  run.submitter().in_bulk([&](JobSpec& spec) { spec.run_at = due_at; });
  if (Clock::now() > schedule.begin())
    throw std::runtime_error("the submits took longer than 5 s: try fewer jobs");
  meter.end(out, run.jobs(), run.wait_for(fleet, run.jobs()));
  fleet.stop();
  set_latencies(out, latenesses);
  out.all_ran_ms = latenesses.max_ms();
  run.account(out, run.jobs());
  return out;
}

Outcome measure(std::string_view work, Run& run, const OnReading& on_reading) {
  if (work == "W1") return submit(run, false);
  if (work == "W1-http") return submit(run, true);
  if (work == "W2") return submit_bulk(run);
  if (work == "W3") return drain(run);
  if (work == "W4") return submit_and_work(run, false);
  if (work == "W4-bulk") return submit_and_work(run, true);
  if (work == "W5") return pick_up(run, on_reading);
  if (work == "W6") return backlog(run);
  return all_due_at_once(run);
}

}  // namespace

Outcome run_work(const Work& work, const Load& load, Target& target, const Progress& progress,
                 const OnReading& on_reading) {
  Run run(load, target, progress);
  Outcome out = measure(work.name, run, on_reading);
  out.work = work.name;
  return out;
}

}  // namespace pawl::cli::bench
