// Cron expressions, without zones: which civil times one matches. docs/CRON.md has the grammar.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::calendar {

/// Why a text is no cron expression.
struct CronError {
  std::size_t offset = 0;  // bytes from the start of the text to what is wrong
  std::string what;        // for the person who wrote it; names the values that are taken

  friend bool operator==(const CronError&, const CronError&) = default;
};

/// What the fields of an expression name, as sets: bit n stands for n.
struct CronFields {
  std::uint64_t seconds = 0;           // 0-59
  std::uint64_t minutes = 0;           // 0-59
  std::uint64_t hours = 0;             // 0-23
  std::uint64_t days = 0;              // 1-31
  std::uint64_t days_before_last = 0;  // 0-30: 0 is the last day of the month, 1 the day before it
  std::uint64_t months = 0;            // 1-12
  std::uint64_t weekdays = 0;          // 0-6, Sunday is 0
  // For each weekday which one of the month: bits 1-5 the first to the fifth, bit 0 the last.
  std::array<std::uint8_t, 7> nth_weekdays{};

  friend bool operator==(const CronFields&, const CronFields&) = default;
};

/// A parsed expression; every one matches some time. A value.
///
/// Thread: any. Times are civil: what a clock on the wall shows, which here knows no zone and no change of
/// clocks; next_run.h puts them into a zone.
class CronExpression {
 public:
  /// `text` is five fields (minute hour day-of-month month day-of-week), six (second first), or a macro such
  /// as @daily. An expression that matches no day of any year is an error.
  static std::expected<CronExpression, CronError> parse(std::string_view text);

  /// The first time after `after` that matches. Nothing when there is none before the year 10 000; times
  /// before 1900 are taken as the begin of 1900.
  std::optional<std::chrono::local_seconds> next(std::chrono::local_seconds after) const;

  /// REQUIRES: years from 1900 to 9999.
  bool matches(std::chrono::local_seconds time) const;

  /// The hour field leaves out some hour. Then the changes of clocks neither drop a run nor double it
  /// (docs/CRON.md).
  bool has_fixed_hours() const;

  const CronFields& fields() const { return fields_; }

 private:
  explicit CronExpression(const CronFields& fields) : fields_(fields) {}

  CronFields fields_;
};

}  // namespace pawl::calendar
