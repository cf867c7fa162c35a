#include "broker/engine/meters.h"

#include <algorithm>

namespace pawl::engine {

namespace {

constexpr std::size_t rate_seconds_max = 3600;
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

RatePoint& point_of(std::vector<RatePoint>& points, core::Millis at) {
  const core::Millis second = at - at % 1000;
  if (points.empty() || points.back().at < second) {
    // Drops the older half at once, so that a second costs no move of the whole hour.
    if (points.size() >= 2 * rate_seconds_max) {
      points.erase(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(rate_seconds_max));
    }
    points.push_back({});
    points.back().at = second;
  }
  return points.back();
}

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

std::vector<RatePoint> Meters::rates(const std::string& queue, std::size_t seconds) const {
  const std::lock_guard lock(mutex_);
  const auto it = rates_.find(queue);
  if (it == rates_.end()) return {};
  const std::size_t most = std::min({seconds, rate_seconds_max, it->second.size()});
  return {it->second.end() - static_cast<std::ptrdiff_t>(most), it->second.end()};
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
    if (last_rates_ != nullptr) count(point_of(*last_rates_, sample.at), sample);
    count(point_of(rates_[""], sample.at), sample);
  }
}

void Meters::find(const Sample& sample) {
  last_queue_ = sample.queue;
  last_name_ = sample.name;
  const Key key{sample.queue, sample.name};
  auto jobs = jobs_.find(key);
  if (jobs == jobs_.end()) jobs = jobs_.try_emplace(jobs_.size() < names_max ? key : Key{other, other}).first;
  last_jobs_ = &jobs->second;
  auto rates = rates_.find(sample.queue);
  if (rates == rates_.end() && rates_.size() <= names_max) rates = rates_.try_emplace(sample.queue).first;
  last_rates_ = rates == rates_.end() ? nullptr : &rates->second;
}

void Meters::add_batch(std::uint64_t commands, double commit_seconds) {
  const std::lock_guard lock(mutex_);
  ++engine_.batches;
  engine_.commands += commands;
  engine_.commit.add(commit_seconds);
  engine_.mean_batch_commands = static_cast<double>(engine_.commands) / static_cast<double>(engine_.batches);
}

}  // namespace pawl::engine
