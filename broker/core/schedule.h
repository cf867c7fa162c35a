// Jobs that are made again and again, by a timetable.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/core/new_job.h"

namespace pawl::core {

/// When a cron expression runs, in a time zone. The core knows neither clock nor zones: who drives it does.
class Calendar {
 public:
  virtual ~Calendar() = default;
  /// The first run after `after`, both in ms of Unix time; `never` when there is none. The same arguments
  /// must give the same answer for as long as the machine lives. Thread: that of the machine.
  virtual Millis next(const std::string& cron, const std::string& timezone, Millis after) const = 0;
};

struct Timetable {
  std::string cron;              // docs/CRON.md; empty: every_ms
  std::string timezone = "UTC";  // an IANA name; cron only
  Millis every_ms = 0;           // 1 s…366 days
  Millis start_at = 0;    // no run before; 0: from now. With every_ms the first run, else every_ms from now
  Millis end_at = never;  // no run after
  std::uint64_t max_runs = 0;  // 0: no limit. Runs by hand do not count

  friend bool operator==(const Timetable&, const Timetable&) = default;
};

/// What becomes of runs that nobody saw come, because the broker was down, stood still or its clock was set
/// forward. Values are on disk.
enum class Missed : std::uint8_t {
  skip = 0,  // a run that is later than misfire_ms is left out
  one = 1,   // the last of them takes place, late
  all = 2,   // each takes place, late
};
inline constexpr std::array<std::string_view, 3> missed_names{"skip", "one", "all"};  // by value
inline constexpr Millis misfire_ms = 60'000;

/// What a run does when the job of the run before has not ended. Values are on disk.
enum class Overlap : std::uint8_t {
  allow = 0,
  skip = 1,     // the run is left out
  replace = 2,  // that job is cancelled: at once when it waits, else by its worker
};
inline constexpr std::array<std::string_view, 3> overlap_names{"allow", "skip", "replace"};  // by value

/// What a client says of a schedule.
struct Schedule {
  std::string id;
  NewJob job;  // the template; each job also gets the tag schedule:ID
  Timetable timetable;
  Missed missed = Missed::one;
  Overlap overlap = Overlap::allow;
  bool paused = false;
};
inline constexpr std::string_view schedule_tag = "schedule:";

/// A schedule as it is kept.
struct ScheduleRow {
  Schedule schedule;
  Millis created_at = 0;
  Millis updated_at = 0;
  Millis anchor = 0;          // every_ms: the runs are at anchor + k·every_ms
  Millis next_at = never;     // the next run; kept while paused, but means nothing then
  std::uint64_t runs = 0;     // that took place by the timetable
  std::uint64_t skipped = 0;  // that were left out by `missed` or `overlap`; several missed in one go count
                              // as one, the last by itself
  Millis last_at = 0;         // when the last run was due, or was asked for by hand; 0: none yet
  JobId last_job;             // of that run; all zero: none yet
  std::string last_error;     // why the last run made no job; empty: it did
};

/// The first run of a timetable after `after`, and not before its beginning or after its end; `never` when
/// there is none. max_runs is not looked at. A null calendar knows no cron expression.
Millis next_run(const Timetable& timetable, Millis anchor, Millis after, const Calendar* calendar);
/// The last run that is not after `until`. REQUIRES: `known` is a run, and not after `until`.
Millis last_run(const Timetable& timetable, Millis anchor, Millis known, Millis until,
                const Calendar* calendar);

}  // namespace pawl::core
