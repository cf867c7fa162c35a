// The days of one month that an expression's two day fields name. Private to this folder.
#pragma once

#include <chrono>
#include <cstdint>

#include "broker/calendar/cron.h"

namespace pawl::calendar {

/// The bits from `low` to `high`, both included, below 64.
constexpr std::uint64_t bits(unsigned low, unsigned high) { return (~0ull >> (63 - high)) & (~0ull << low); }

/// A field is restricted when it leaves out a value. Both restricted: a day counts when either names it.
constexpr bool days_restricted(const CronFields& fields) { return fields.days != bits(1, 31); }
constexpr bool weekdays_restricted(const CronFields& fields) { return fields.weekdays != bits(0, 6); }

/// Bit n stands for day n; the month field is not looked at.
/// REQUIRES: month.ok().
std::uint64_t days_in(const CronFields& fields, std::chrono::year_month month);

}  // namespace pawl::calendar
