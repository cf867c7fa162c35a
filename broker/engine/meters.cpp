#include "broker/engine/meters.h"

#include <algorithm>
#include <utility>

namespace pawl::engine {

namespace {

constexpr const char* other = "other";

using core::Status;

void count(JobMeters& meters, const Meters::Sample& sample) {
  if (sample.submitted) ++meters.submitted;
  if (sample.wait_s >= 0) meters.wait.add(sample.wait_s);
  if (sample.to == Status::cancelled) ++meters.cancelled;
  if (sample.from != Status::active || sample.submitted) return;
  if (sample.run_s >= 0) meters.run.add(sample.run_s);
  if (sample.to == Status::completed) ++meters.completed;
  if (sample.to == Status::failed) ++meters.failed;
  if (sample.timed_out)
    ++meters.timed_out;
  else if (sample.stalled_or_timed_out && sample.to != Status::cancelled)
    ++meters.stalled;
  if (sample.retried) ++meters.retried;
  if (sample.released) ++meters.released;
}

void count(RatePoint& point, const Meters::Sample& sample) {
  if (sample.submitted) ++point.submitted;
  if (sample.to == Status::active) ++point.started;
  if (sample.from != Status::active || sample.submitted) return;
  if (sample.to == Status::completed) ++point.completed;
  if (sample.to == Status::failed) ++point.failed;
  if (sample.retried) ++point.retried;
}

// A queue that has been quiet for so long gives its series to another.
constexpr core::Millis quiet_ms = 3'600'000;
constexpr core::Millis evict_every_ms = 1000;

}  // namespace

void Histogram::add(double seconds) {
  const auto bound = std::lower_bound(duration_bounds_s.begin(), duration_bounds_s.end(), seconds);
  ++buckets[static_cast<std::size_t>(bound - duration_bounds_s.begin())];
  sum_s += seconds;
  ++count;
}

double Histogram::quantile(double q) const {
  if (count == 0) return 0;
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(count);
  double before = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto inside = static_cast<double>(buckets[i]);
    if (inside > 0 && before + inside >= rank) {
      if (i >= duration_bounds_s.size()) return duration_bounds_s.back();
      const double low = i == 0 ? 0 : duration_bounds_s[i - 1];
      return low + (duration_bounds_s[i] - low) * std::max(0.0, rank - before) / inside;
    }
    before += inside;
  }
  return duration_bounds_s.back();
}

std::map<Meters::Key, JobMeters> Meters::jobs() const {
  const std::lock_guard lock(mutex_);
  return jobs_;
}

RatePoint Meters::sum_since(const std::string& queue, core::Millis since) const {
  RatePoint sum;
  sum.at = since;
  const auto add = [&](const Series& series) {
    for (const RatePoint& point : series.recent) {
      if (point.at <= since) continue;
      sum.submitted += point.submitted;
      sum.started += point.started;
      sum.completed += point.completed;
      sum.failed += point.failed;
      sum.retried += point.retried;
    }
  };
  const std::lock_guard lock(mutex_);
  if (!queue.empty()) {
    if (const auto it = series_.find(queue); it != series_.end()) add(it->second);
    return sum;
  }
  add(rest_);
  for (const auto& [name, series] : series_) add(series);
  return sum;
}

EngineMeters Meters::engine() const {
  const std::lock_guard lock(mutex_);
  return engine_;
}

void Meters::add(const std::vector<Sample>& samples) {
  if (samples.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const Sample& sample : samples) {
    // Neighbours in a batch are mostly of one kind: look up once for the run.
    if (last_jobs_ == nullptr || last_queue_ != sample.queue || last_name_ != sample.name) find(sample);
    count(*last_jobs_, sample);
    count_second(*last_series_, sample);
  }
}

void Meters::count_second(Series& series, const Sample& sample) {
  const core::Millis second = sample.at - sample.at % second_ms;
  if (series.recent.empty() || series.recent.back().at < second) {
    if (series.open) close(series);
    // Drops the older half at once, so that a second costs no move of the whole minute.
    if (series.recent.size() >= 2 * rates_kept_s) {
      series.recent.erase(series.recent.begin(),
                          series.recent.begin() + static_cast<std::ptrdiff_t>(rates_kept_s));
    }
    series.recent.push_back({});
    series.recent.back().at = second;
  }
  series.open = true;
  count(series.recent.back(), sample);
  if (sample.wait_s >= 0) series.wait.add(sample.wait_s);
  if (sample.run_s >= 0 && sample.from == Status::active && !sample.submitted) series.run.add(sample.run_s);
}

Traffic Meters::traffic_of(const Series& series) {
  const RatePoint& rates = series.recent.back();
  Traffic traffic{series.number, {}};
  traffic.point.at = rates.at;
  traffic.point.submitted = rates.submitted;
  traffic.point.started = rates.started;
  traffic.point.completed = rates.completed;
  traffic.point.failed = rates.failed;
  traffic.point.retried = rates.retried;
  traffic.point.wait = Spread(series.wait);
  traffic.point.run = Spread(series.run);
  return traffic;
}

void Meters::close(Series& series) {
  if (collecting_) closed_.push_back(traffic_of(series));
  series.wait = {};
  series.run = {};
  series.open = false;
}

Meters::Series* Meters::series_of(const Sample& sample) {
  auto it = series_.find(sample.queue);
  // A queue that was deleted and made again is another one.
  if (it != series_.end() && it->second.number != sample.number) {
    if (it->second.open) close(it->second);
    series_.erase(it);
    it = series_.end();
  }
  if (it != series_.end()) return &it->second;
  if (series_.size() >= series_max && sample.at >= evict_after_) {
    evict_after_ = sample.at + evict_every_ms;
    std::erase_if(series_, [&](const auto& item) {
      return !item.second.open && item.second.recent.back().at + quiet_ms < sample.at;
    });
  }
  if (series_.size() >= series_max) return &rest_;
  Series& made = series_[sample.queue];
  made.number = sample.number;
  return &made;
}

void Meters::find(const Sample& sample) {
  last_queue_ = sample.queue;
  last_name_ = sample.name;
  const Key key{sample.queue, sample.name};
  auto jobs = jobs_.find(key);
  if (jobs == jobs_.end()) jobs = jobs_.try_emplace(jobs_.size() < names_max ? key : Key{other, other}).first;
  last_jobs_ = &jobs->second;
  last_series_ = series_of(sample);
}

void Meters::add_batch(std::uint64_t commands, double commit_seconds) {
  {
    const std::lock_guard lock(mutex_);
    ++engine_.batches;
    engine_.commands += commands;
    engine_.commit.add(commit_seconds);
    engine_.mean_batch_commands =
        static_cast<double>(engine_.commands) / static_cast<double>(engine_.batches);
  }
  if (resting_.load(std::memory_order_relaxed) && resting_.exchange(false)) stirred_();
}

void Meters::collect(std::function<void()> stirred) {
  const std::lock_guard lock(mutex_);
  collecting_ = stirred != nullptr;
  closed_.clear();
  resting_ = false;
  if (!collecting_) return;
  stirred_ = std::move(stirred);
  resting_ = true;
}

std::vector<core::QueueNumber> Meters::moving() const {
  const std::lock_guard lock(mutex_);
  std::vector<core::QueueNumber> numbers;
  for (const auto& [name, series] : series_) numbers.push_back(series.number);
  return numbers;
}

std::vector<Traffic> Meters::take(core::Millis before) {
  const std::lock_guard lock(mutex_);
  const auto close_old = [&](Series& series) {
    if (series.open && series.recent.back().at < before) close(series);
  };
  close_old(rest_);
  for (auto& [name, series] : series_) close_old(series);
  return std::exchange(closed_, {});
}

std::vector<Traffic> Meters::open_traffic() const {
  const std::lock_guard lock(mutex_);
  std::vector<Traffic> traffic = closed_;
  if (rest_.open) traffic.push_back(traffic_of(rest_));
  for (const auto& [name, series] : series_) {
    if (series.open) traffic.push_back(traffic_of(series));
  }
  return traffic;
}

}  // namespace pawl::engine
