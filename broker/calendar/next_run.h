// When a cron expression runs next in a zone, across the changes of its clock. docs/CRON.md has the rules.
#pragma once

#include <cstdint>

#include "broker/calendar/cron.h"
#include "broker/calendar/zone.h"

namespace pawl::calendar {

/// A time that never comes.
inline constexpr std::int64_t never = INT64_MAX;

/// The first run strictly after `after_ms`; both in Unix milliseconds. `never` when there is none before the
/// year 10 000. A time before 1970 counts as the last millisecond before it. Thread: any.
///
/// With fixed hours (CronExpression::has_fixed_hours) a run is when the zone's clock first shows a time that
/// matches, or, if the clock skips that time, a later one. So a skipped time runs at the moment of the
/// change, several of them run once, and a repeated one runs the first time. With every hour a run is
/// whenever the clock shows a time that matches.
std::int64_t next_run(const CronExpression& cron, const Zone& zone, std::int64_t after_ms);

}  // namespace pawl::calendar
