#include "broker/engine/clock.h"

#include <algorithm>
#include <chrono>

namespace pawl::engine {

namespace {

core::Millis system_wall() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

core::Millis system_mono() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

core::Millis wall_of(const Clock& clock) { return clock.wall ? clock.wall() : system_wall(); }

SteadyNow::SteadyNow(Clock clock, core::Millis floor) : clock_(std::move(clock)) {
  if (!clock_.wall) clock_.wall = system_wall;
  if (!clock_.mono) clock_.mono = system_mono;
  last_raw_mono_ = clock_.mono();
  last_ = {std::max(floor, clock_.wall()), last_raw_mono_};
}

core::Now SteadyNow::read() {
  const core::Millis mono = std::max(clock_.mono(), last_raw_mono_);
  const core::Millis passed = mono - last_raw_mono_;
  last_raw_mono_ = mono;
  last_.mono = mono;
  const core::Millis wall = clock_.wall();
  if (wall >= last_.wall) {
    last_.wall = wall;
    half_ = 0;
  } else {
    half_ += passed;
    last_.wall += half_ / 2;
    half_ %= 2;
  }
  return last_;
}

}  // namespace pawl::engine
