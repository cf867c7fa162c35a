#include "broker/calendar/next_run.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace pawl::calendar {
namespace {

using std::chrono::local_seconds;
using std::chrono::sys_seconds;
using namespace std::chrono_literals;

// More than any two offsets of one zone differ, the jumps over the date line included.
constexpr std::chrono::hours offsets_differ_max{48};

/// The latest time that the clock has shown up to `now`: after it was set back, more than it shows now.
local_seconds latest_shown(const Zone& zone, sys_seconds now) {
  Stretch stretch = zone.at(now);
  local_seconds latest = stretch.shown_at(now);
  while (stretch.begin > now - offsets_differ_max) {
    stretch = zone.at(stretch.begin - 1s);
    latest = std::max(latest, stretch.shown_at(stretch.end - 1s));
  }
  return latest;
}

/// When the clock first shows `time` or a later one.
sys_seconds first_shown(const Zone& zone, local_seconds time) {
  Stretch stretch = zone.at(sys_seconds{time.time_since_epoch()} - offsets_differ_max);
  while (stretch.shows(time) >= stretch.end) stretch = zone.at(stretch.end);
  return std::max(stretch.shows(time), stretch.begin);
}

std::optional<sys_seconds> next_with_fixed_hours(const CronExpression& cron, const Zone& zone,
                                                 sys_seconds after) {
  const auto match = cron.next(latest_shown(zone, after));
  if (!match) return std::nullopt;
  return first_shown(zone, *match);
}

std::optional<sys_seconds> next_with_every_hour(const CronExpression& cron, const Zone& zone,
                                                sys_seconds after) {
  Stretch stretch = zone.at(after + 1s);
  local_seconds from = stretch.shown_at(after + 1s);
  auto match = cron.next(from - 1s);
  while (match && stretch.shows(*match) >= stretch.end) {
    const local_seconds searched_from = from;
    stretch = zone.at(stretch.end);
    from = stretch.shown_at(stretch.begin);
    // What was found stands unless the clock jumped over it or was set back.
    if (from > *match || from < searched_from) match = cron.next(from - 1s);
  }
  if (!match) return std::nullopt;
  return stretch.shows(*match);
}

}  // namespace

std::int64_t next_run(const CronExpression& cron, const Zone& zone, std::int64_t after_ms) {
  constexpr sys_seconds end{std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1} - std::chrono::days{1}};
  const std::chrono::milliseconds since_epoch{std::max<std::int64_t>(after_ms, -1)};
  const sys_seconds after{std::chrono::floor<std::chrono::seconds>(since_epoch)};
  if (after >= end) return never;
  const auto run = cron.has_fixed_hours() ? next_with_fixed_hours(cron, zone, after)
                                          : next_with_every_hour(cron, zone, after);
  return run ? std::chrono::milliseconds{run->time_since_epoch()}.count() : never;
}

}  // namespace pawl::calendar
