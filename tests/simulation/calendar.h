// The simulation's cron expressions: few and plain, but with holes as real ones have.
#pragma once

#include <string>

#include "broker/core/schedule.h"

namespace pawl::sim {

/// "N": at every full N seconds of Unix time. "N!": but not in every third hour. In any other time zone than
/// UTC all is half a second later.
struct Cron {
  core::Millis step = 0;
  core::Millis shift = 0;
  bool holes = false;

  static Cron parse(const std::string& text, const std::string& timezone);
  /// Whether it runs at this very moment.
  bool runs_at(core::Millis at) const;
  /// REQUIRES: `at` is without the shift.
  bool in_hole(core::Millis at) const { return holes && at / hour % 3 == 1; }

  static constexpr core::Millis hour = 3'600'000;
};

class Calendar final : public core::Calendar {
 public:
  core::Millis next(const std::string& cron, const std::string& timezone, core::Millis after) const override;
};

}  // namespace pawl::sim
