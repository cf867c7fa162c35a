// The almanac, as the core and the API ask for it.
#pragma once

#include <optional>

#include "broker/calendar/almanac.h"
#include "broker/core/schedule.h"
#include "broker/http/api/requests.h"

namespace pawl::app {

/// Thread: any.
class ZonedCalendar final : public core::Calendar {
 public:
  core::Millis next(const std::string& cron, const std::string& timezone, core::Millis after) const override {
    const std::int64_t run = almanac_.next(cron, timezone, after);
    return run == calendar::never ? core::never : run;
  }

  std::optional<http::api::TimetableFault> fault(const core::Timetable& timetable) const {
    const auto checked = almanac_.check(timetable.cron, timetable.timezone);
    if (checked) return std::nullopt;
    const bool cron = checked.error().part == calendar::Problem::Part::cron;
    const std::string place = cron ? " (at byte " + std::to_string(checked.error().offset) + ")" : "";
    return http::api::TimetableFault{cron ? "cron" : "timezone", checked.error().text + place};
  }

 private:
  calendar::Almanac almanac_;
};

}  // namespace pawl::app
