// The ways to submit the jobs of a run.
#pragma once

#include <functional>
#include <pawl/client.hpp>

#include "client/cli/bench/histogram.h"
#include "client/cli/bench/job_source.h"
#include "client/cli/bench/load.h"
#include "client/cli/bench/samples.h"
#include "client/cli/bench/schedule.h"
#include "client/cli/bench/target.h"

namespace pawl::cli::bench {

/// Each returns when all jobs are answered, and throws std::runtime_error when one was refused. Thread: one.
class Submitter {
 public:
  Submitter(const JobSource& source, const Target& target, const Progress& progress);

  /// 64 under way, each sent when one is answered. From each submit to its answer.
  Samples singly();
  /// The same over plain HTTP.
  Samples over_http();
  /// A thousand a call, two calls under way. `change` is applied to each job first.
  void in_bulk(const std::function<void(JobSpec&)>& change = {});
  /// Each at its moment, or up to a millisecond later. From the moment to the answer.
  void paced(const Schedule& schedule, Histogram& latencies);

 private:
  const JobSource& source_;
  const Target& target_;
  const Progress& progress_;
  Client client_;
};

}  // namespace pawl::cli::bench
