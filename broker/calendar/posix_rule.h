// The changes of clocks that go on every year: the last line of a zoneinfo file. Private to this folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/calendar/stretch.h"

namespace pawl::calendar {

/// A rule in the form of POSIX's TZ variable with the extensions of RFC 9636, section 3.3:
/// "IST-1GMT0,M10.5.0,M3.5.0/1".
///
/// Thread: any. A value.
class PosixRule {
 public:
  /// Nothing when the text is no such rule.
  static std::optional<PosixRule> parse(std::string_view text);

  /// REQUIRES: years from 1 to 10 000.
  Stretch at(std::chrono::sys_seconds time) const;

 private:
  /// A day of each year and a time on it. The time may be below zero or pass 24 hours.
  struct Change {
    enum class Kind : std::uint8_t {
      nth_weekday,   // `week` 1-5 of `month`, 5 is the last
      without_leap,  // `day` 1-365; 29 February is not counted
      with_leap,     // `day` 0-365
    };
    Kind kind = Kind::nth_weekday;
    unsigned month = 1;
    unsigned week = 1;
    unsigned weekday = 0;
    int day = 0;
    std::chrono::seconds time{2 * 3600};

    std::chrono::local_seconds in(std::chrono::year year) const;
  };
  struct Reader;

  std::chrono::seconds standard_{0};
  std::chrono::seconds daylight_{0};  // equals standard_ when the clock never changes
  Change start_;                      // into daylight_, by the clock of standard_
  Change end_;                        // out of it, by the clock of daylight_
};

}  // namespace pawl::calendar
