#include "broker/core/job.h"

#include <algorithm>
#include <cmath>

namespace pawl::core {

Millis backoff_wait(const Backoff& backoff, std::uint32_t attempt, double unit) {
  const double base = static_cast<double>(std::max<Millis>(backoff.delay_ms, 0));
  const double cap = static_cast<double>(std::max<Millis>(backoff.max_delay_ms, 0));
  double wait = base;
  if (backoff.type == Backoff::Type::exponential) wait = base * std::pow(backoff.factor, attempt - 1.0);
  if (backoff.type == Backoff::Type::linear) wait = base * attempt;
  if (!(wait < cap)) wait = cap;  // also infinity and NaN
  wait += wait * std::clamp(backoff.jitter, 0.0, 1.0) * unit;
  constexpr double most = 1e15;  // some 30 000 years: sums with wall times cannot overflow
  return static_cast<Millis>(std::ceil(std::min(wait, most)));
}

const Step* Job::step(std::string_view wanted) const {
  const auto found = std::ranges::find(steps, wanted, &Step::name);
  return found == steps.end() ? nullptr : &*found;
}

std::size_t Job::steps_bytes() const {
  std::size_t bytes = 0;
  for (const Step& step : steps) bytes += step.name.size() + (step.result ? step.result->size() : 0);
  return bytes;
}

std::size_t Job::parents_bytes() const {
  std::size_t bytes = 0;
  for (const ParentResult& parent : parents)
    bytes += parent.ref.size() + (parent.result ? parent.result->size() : 0);
  return bytes;
}

std::optional<Millis> Job::timer_due() const {
  if (status == Status::delayed) return run_at;
  if (status == Status::blocked && wait != nullptr && wait->until != 0) return wait->until;
  return std::nullopt;
}

bool Job::transit(Event event, Millis at) {
  const std::optional<Status> to = next(status, event);
  if (!to) return false;
  status = *to;
  if (history.size() >= history_max) history.erase(history.begin() + 1);
  history.push_back({status, at});
  return true;
}

void Job::begin_again(Millis at) {
  attempts_made = 0;
  stalls = 0;
  ++replays;
  run_at = at;
  finished_at = 0;
  expires_at = 0;
  if (status == Status::completed) {
    steps.clear();
    std::erase_if(parents, [](const ParentResult& parent) { return parent.added; });
  }
  result = nullptr;
  progress = -1;
  message.clear();
  cancel_requested = false;
}

}  // namespace pawl::core
