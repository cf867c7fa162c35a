// IANA time zones, from the system's zoneinfo files.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "broker/calendar/posix_rule.h"
#include "broker/calendar/stretch.h"

namespace date {
class time_zone;
}

namespace pawl::calendar {

/// Why there is no such zone.
struct ZoneError {
  std::string what;  // names the nearest known zone, or the package that the system lacks
};

/// A zone of the IANA database such as Europe/Berlin. A value, cheap to copy.
///
/// Thread: any. The system's files are read once in the life of the process: newer ones count after a
/// restart. Their yearly rules hold for all later years.
class Zone {
 public:
  /// Names are spelled as in the database, capitals included. "UTC" is one.
  static std::expected<Zone, ZoneError> find(std::string_view name);

  /// The stretch that `time` is in.
  /// REQUIRES: years from 1900 to 10 000.
  Stretch at(std::chrono::sys_seconds time) const;

 private:
  Zone(const date::time_zone* zone, std::optional<PosixRule> rule) : zone_(zone), rule_(rule) {}

  const date::time_zone* zone_;    // lives as long as the process
  std::optional<PosixRule> rule_;  // after the last change that zone_ knows
};

}  // namespace pawl::calendar
