#include "tests/simulation/calendar.h"

namespace pawl::sim {

using core::Millis;

Cron Cron::parse(const std::string& text, const std::string& timezone) {
  Cron cron;
  cron.step = 1'000 * std::stoll(text);
  cron.shift = timezone == "UTC" ? 0 : 500;
  cron.holes = text.ends_with('!');
  return cron;
}

bool Cron::runs_at(Millis at) const { return (at - shift) % step == 0 && !in_hole(at - shift); }

Millis Calendar::next(const std::string& text, const std::string& timezone, Millis after) const {
  const Cron cron = Cron::parse(text, timezone);
  Millis run = ((after - cron.shift) / cron.step + 1) * cron.step;
  while (cron.in_hole(run)) {
    const Millis out = (run / Cron::hour + 1) * Cron::hour;
    run = (out + cron.step - 1) / cron.step * cron.step;
  }
  return run + cron.shift;
}

}  // namespace pawl::sim
