// Schedules by their texts: what is wrong with them, and when they run next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/calendar/cron.h"
#include "broker/calendar/next_run.h"
#include "broker/calendar/zone.h"

namespace pawl::calendar {

/// What is wrong with a schedule.
struct Problem {
  enum class Part : std::uint8_t { cron, timezone };
  Part part = Part::cron;
  std::size_t offset = 0;  // bytes into that part; 0 for a time zone
  std::string text;        // for the person who wrote it
};

/// Answers from the texts that schedules are stored as, and keeps what it has parsed: the same few hundred
/// are asked for again and again.
///
/// Thread: any; a mutex guards what is kept, since the HTTP threads check while the engine's asks. It is held
/// for look-ups alone, neither while a text is parsed nor while a run is looked for. Right texts get the same
/// answer for as long as an Almanac lives.
class Almanac {
 public:
  /// Unix milliseconds of the first run strictly after `after_ms`. `never` when there is none, or when one of
  /// the two texts is wrong.
  std::int64_t next(const std::string& cron, const std::string& timezone, std::int64_t after_ms) const;

  /// The first of the two texts that is wrong, the expression before the time zone.
  std::expected<void, Problem> check(const std::string& cron, const std::string& timezone) const;

 private:
  // Above this many what is kept is dropped and parsed again when it is asked for.
  static constexpr std::size_t kept_max = 4096;

  std::expected<CronExpression, CronError> expression(const std::string& cron) const;
  std::expected<Zone, ZoneError> zone(const std::string& timezone) const;

  // All guarded by mutex_. There are no more zones than the system has.
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, CronExpression> expressions_;
  mutable std::unordered_map<std::string, Zone> zones_;
};

}  // namespace pawl::calendar
