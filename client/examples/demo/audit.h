// Looking at the finished work from outside: every job that was submitted, as the broker's interface tells
// it.
#pragma once

#include <chrono>
#include <cstddef>
#include <pawl/client.hpp>
#include <string>
#include <vector>

namespace demo {

/// What the jobs' own records add up to.
struct Tally {
  std::size_t submitted = 0;
  std::size_t completed = 0;
  std::size_t dead = 0;
  std::size_t retried = 0;    // jobs with more than one attempt
  std::size_t stalled = 0;    // jobs that lost their worker…
  std::size_t recovered = 0;  // …and were done by another
  std::size_t bytes = 0;      // of text
  std::size_t chunks = 0;
  double seconds = 0;                     // from the first start to the last end
  std::vector<pawl::milliseconds> waits;  // from pending to active, each attempt's
  std::vector<pawl::milliseconds> runs;   // from active to the end of the attempt
  std::vector<std::string> dead_types;    // error type of each dead job
  std::vector<std::string> problems;      // what is wrong; empty: all is well
};

/// Reads every record and checks: each submitted job is there, has ended, has ended once, has a result when
/// it completed and an error when it failed; the queue holds no job that was not submitted; the counters
/// agree.
Tally audit(pawl::Client& client, const std::string& queue, const std::vector<pawl::Enqueued>& submitted);

/// The value below which `share` of the values lie. REQUIRES: values are sorted.
pawl::milliseconds percentile(const std::vector<pawl::milliseconds>& sorted, double share);

}  // namespace demo
