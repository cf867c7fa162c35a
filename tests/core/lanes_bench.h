// A bench with queues of several lanes: groups, named limits, strict orders.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/core/bench.h"

namespace pawl::core::test {

class LanesTest : public ::testing::Test {
 protected:
  Bench bench;

  JobId submit(std::string group, std::vector<std::string> limits = {}, bool ordered = false,
               std::string queue = "q") {
    NewJob job = Bench::job(std::move(queue));
    job.group = std::move(group);
    job.limits = std::move(limits);
    job.ordered = ordered;
    return bench.submit(std::move(job));
  }
  void submit_many(const std::string& group, int count) {
    for (int i = 0; i < count; ++i) submit(group);
  }
  void settings(std::optional<std::uint32_t> group_concurrency, std::optional<RateLimit> group_rate = {},
                bool skip_failed = false) {
    PutQueue put;
    put.name = "q";
    put.group_concurrency = group_concurrency;
    put.group_rate_limit = group_rate;
    put.skip_failed = skip_failed;
    bench.call<QueueView>(std::move(put));
  }
  void limit(const std::string& name, std::optional<std::uint32_t> concurrency,
             std::optional<RateLimit> rate = {}) {
    bench.call<LimitView>(PutLimit{name, concurrency, rate});
  }
  Ticket connect(std::uint32_t credit, std::vector<std::string> names = {}) {
    return bench.post(OpenWorker{"w", {{"q", 1}, {"r", 1}}, std::move(names), credit, {}});
  }
  /// The groups of the next jobs, one after another, each run for what its group takes.
  std::vector<std::string> serve(int count, const std::map<std::string, Millis>& run_ms = {}) {
    std::vector<std::string> groups;
    for (int i = 0; i < count; ++i) {
      const std::vector<GrantedJob> jobs = bench.lease("q");
      if (jobs.empty()) break;
      groups.push_back(jobs[0].group);
      const auto ms = run_ms.find(jobs[0].group);
      bench.advance(ms == run_ms.end() ? 100 : ms->second);
      bench.complete(jobs[0]);
    }
    return groups;
  }
  Reason why(const JobId& id) { return bench.call<Reason>(Why{id}); }
};

}  // namespace pawl::core::test
