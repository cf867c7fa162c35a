// Counters and histograms of what happened, for /metrics, /stats and GET /queues/Q.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/job.h"

namespace pawl::engine {

/// Upper bounds in seconds; the last bucket is everything above.
inline constexpr std::array<double, 22> duration_bounds_s{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,
    2.5,    5,     10,     30,    60,   120,   300,  600, 1200, 1800, 3600};

struct Histogram {
  std::array<std::uint64_t, duration_bounds_s.size() + 1> buckets{};
  double sum_s = 0;
  std::uint64_t count = 0;
  void add(double seconds);
  /// The q-quantile (0…1) in seconds, by linear interpolation in its bucket; 0 when empty.
  double quantile(double q) const;
};

/// Of one queue and job name. Names above the cap are counted together under "other".
struct JobMeters {
  Histogram wait;  // from the job being ready to its lease
  Histogram run;   // from a lease to its settle
  std::uint64_t submitted = 0;
  std::uint64_t completed = 0;
  std::uint64_t retried = 0;  // attempts that failed and come again
  std::uint64_t failed = 0;   // to the dead letter queue
  std::uint64_t released = 0;
  std::uint64_t stalled = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t timed_out = 0;
};

/// One second of one queue.
struct RatePoint {
  core::Millis at = 0;
  std::uint32_t submitted = 0;
  std::uint32_t started = 0;
  std::uint32_t completed = 0;
  std::uint32_t failed = 0;
  std::uint32_t retried = 0;
};

struct EngineMeters {
  std::uint64_t batches = 0;
  std::uint64_t commands = 0;
  Histogram commit;  // from commit() to durable
  double mean_batch_commands = 0;
};

/// Thread: any (one mutex; the engine thread adds once for a batch).
class Meters {
 public:
  static constexpr std::size_t names_max = 200;  // label pairs in all

  using Key = std::pair<std::string, std::string>;  // queue, name
  std::map<Key, JobMeters> jobs() const;
  /// The last `seconds` (at most 3600) of a queue, or of all when empty; oldest first.
  std::vector<RatePoint> rates(const std::string& queue, std::size_t seconds) const;
  EngineMeters engine() const;

  // For the engine.
  struct Sample {
    std::string queue;
    std::string name;
    core::Status from = core::Status::pending;
    core::Status to = core::Status::pending;
    bool submitted = false;
    bool stalled_or_timed_out = false;
    bool timed_out = false;
    bool retried = false;   // the attempt failed and another comes
    bool released = false;  // the worker gave the job back
    core::Millis at = 0;
    double wait_s = -1;  // when it was leased
    double run_s = -1;   // when it was settled
  };
  void add(const std::vector<Sample>& samples);
  void add_batch(std::uint64_t commands, double commit_seconds);

 private:
  void find(const Sample& sample);

  mutable std::mutex mutex_;
  std::map<Key, JobMeters> jobs_;
  std::map<std::string, std::vector<RatePoint>> rates_;
  EngineMeters engine_;
  std::string last_queue_;  // what the last lookup was for
  std::string last_name_;
  JobMeters* last_jobs_ = nullptr;
  std::vector<RatePoint>* last_rates_ = nullptr;
};

}  // namespace pawl::engine
