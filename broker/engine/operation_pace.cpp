#include "broker/engine/operation_pace.h"

#include <algorithm>
#include <cmath>

namespace pawl::engine {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {
constexpr double wait_max_s = 3600;
}  // namespace

OperationPace::OperationPace(double per_second, Instant now, bool goes_on)
    : per_second_(per_second), filled_(now) {
  if (goes_on && per_second > 0) recent_.emplace_back(now, most_in_window());
}

// The most that may be done within one second, or, when that is less than one, within the time of one.
std::size_t OperationPace::most_in_window() const {
  return static_cast<std::size_t>(std::max(std::floor(per_second_), 1.0));
}

steady_clock::duration OperationPace::window() const {
  return duration_cast<steady_clock::duration>(
      duration<double>(per_second_ < 1 ? std::min(1 / per_second_, wait_max_s) : 1.0));
}

std::size_t OperationPace::recent_jobs() const {
  std::size_t jobs = 0;
  for (const auto& [at, some] : recent_) jobs += some;
  return jobs;
}

std::size_t OperationPace::allowance(Instant now, std::size_t most) {
  if (per_second_ <= 0) return most;
  const duration<double> passed = now - filled_;
  filled_ = now;
  tokens_ = std::min(tokens_ + passed.count() * per_second_, std::max(per_second_, 1.0));
  while (!recent_.empty() && recent_.front().first + window() <= now) recent_.pop_front();
  const std::size_t room = most_in_window() - std::min(most_in_window(), recent_jobs());
  return std::min({most, static_cast<std::size_t>(std::max(tokens_, 0.0)), room});
}

void OperationPace::did(Instant now, std::size_t jobs) {
  if (per_second_ <= 0 || jobs == 0) return;
  tokens_ -= static_cast<double>(jobs);
  recent_.emplace_back(now, jobs);
}

OperationPace::Instant OperationPace::next() const {
  if (per_second_ <= 0) return filled_;
  if (recent_jobs() >= most_in_window()) return recent_.front().first + window() + milliseconds(1);
  if (tokens_ >= 1) return filled_;
  const double seconds = std::min((1 - tokens_) / per_second_, wait_max_s);
  return filled_ + duration_cast<steady_clock::duration>(duration<double>(seconds)) + milliseconds(1);
}

}  // namespace pawl::engine
