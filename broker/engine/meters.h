// Counters and histograms of what happened, for /metrics and GET /queues/Q, and what the history is made of.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/job.h"
#include "broker/engine/history.h"

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
  static constexpr std::size_t names_max = 200;   // label pairs in all
  static constexpr std::size_t series_max = 200;  // queues with rates of their own
  static constexpr std::size_t rates_kept_s = 60;

  using Key = std::pair<std::string, std::string>;  // queue, name
  std::map<Key, JobMeters> jobs() const;
  /// What a queue (all when empty) did in the seconds after `since`, of which the last rates_kept_s are
  /// known.
  RatePoint sum_since(const std::string& queue, core::Millis since) const;
  EngineMeters engine() const;

  // For the history. From collect() on, seconds that are over are kept until they are taken.
  /// stirred: called once after each rest(), when a batch was written; on any thread, must not block. Null:
  /// no more.
  void collect(std::function<void()> stirred);
  void rest() { resting_ = true; }
  /// Queues with rates of their own.
  std::vector<core::QueueNumber> moving() const;
  /// Takes the seconds that began before `before`, oldest first for each queue.
  std::vector<Traffic> take(core::Millis before);
  /// Copies those that nobody has taken.
  std::vector<Traffic> open_traffic() const;

  // For the engine.
  struct Sample {
    std::string queue;
    core::QueueNumber number{};
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
  struct Series {
    core::QueueNumber number{};
    std::vector<RatePoint> recent;  // oldest first; the last one is the second under way
    bool open = false;              // the last one is not among closed_
    LiveSpread wait;                // of the second under way
    LiveSpread run;
  };
  void find(const Sample& sample);
  Series* series_of(const Sample& sample);
  void count_second(Series& series, const Sample& sample);
  void close(Series& series);
  static Traffic traffic_of(const Series& series);

  mutable std::mutex mutex_;
  std::map<Key, JobMeters> jobs_;
  std::map<std::string, Series> series_;
  Series rest_;  // of all queues without one
  core::Millis evict_after_ = 0;
  bool collecting_ = false;
  std::vector<Traffic> closed_;
  std::atomic<bool> resting_{false};
  std::function<void()> stirred_;
  EngineMeters engine_;
  std::string last_queue_;  // what the last lookup was for
  std::string last_name_;
  JobMeters* last_jobs_ = nullptr;
  Series* last_series_ = nullptr;
};

}  // namespace pawl::engine
