#include "broker/calendar/almanac.h"

#include <utility>

namespace pawl::calendar {

std::int64_t Almanac::next(const std::string& cron, const std::string& timezone,
                           std::int64_t after_ms) const {
  const auto expression = this->expression(cron);
  if (!expression) return never;
  const auto zone = this->zone(timezone);
  if (!zone) return never;
  return next_run(*expression, *zone, after_ms);
}

std::expected<void, Problem> Almanac::check(const std::string& cron, const std::string& timezone) const {
  if (auto parsed = expression(cron); !parsed) {
    return std::unexpected(
        Problem{Problem::Part::cron, parsed.error().offset, std::move(parsed.error().what)});
  }
  if (auto found = zone(timezone); !found) {
    return std::unexpected(Problem{Problem::Part::timezone, 0, std::move(found.error().what)});
  }
  return {};
}

std::expected<CronExpression, CronError> Almanac::expression(const std::string& cron) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto kept = expressions_.find(cron); kept != expressions_.end()) return kept->second;
  }
  auto parsed = CronExpression::parse(cron);
  if (parsed) {
    const std::scoped_lock lock(mutex_);
    if (expressions_.size() >= kept_max) expressions_.clear();
    expressions_.emplace(cron, *parsed);
  }
  return parsed;
}

std::expected<Zone, ZoneError> Almanac::zone(const std::string& timezone) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto kept = zones_.find(timezone); kept != zones_.end()) return kept->second;
  }
  auto found = Zone::find(timezone);
  if (found) {
    const std::scoped_lock lock(mutex_);
    zones_.emplace(timezone, *found);
  }
  return found;
}

}  // namespace pawl::calendar
