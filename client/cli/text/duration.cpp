#include "client/cli/text/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace pawl::cli {
namespace {

constexpr std::int64_t second = 1000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr double longest_ms = 4e15;  // far beyond any date that the broker takes, far below overflow

double unit_ms(std::string_view unit) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> units{
      {{"ms", 1}, {"s", second}, {"m", minute}, {"h", hour}, {"d", day}, {"w", 7 * day}}};
  for (const auto& [name, ms] : units) {
    if (name == unit) return static_cast<double>(ms);
  }
  return 0;
}

}  // namespace

std::expected<std::int64_t, std::string> parse_duration(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return std::unexpected(
        fmt::format("\"{}\" {}; write a duration like 250ms, 30s, 5m, 1h30m or 2d", text, why));
  };
  if (text == "0") return 0;
  if (text.empty()) return wrong("is empty");
  double total = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    double number = 0;
    const auto [after, error] = std::from_chars(at, end, number, std::chars_format::fixed);
    if (error != std::errc{} || after == at || !std::isfinite(number)) return wrong("is not a duration");
    if (number < 0) return wrong("is negative");
    const char* unit_end = after;
    while (unit_end != end && *unit_end >= 'a' && *unit_end <= 'z') ++unit_end;
    if (unit_end == after) return wrong(after == end ? "has no unit" : "is not a duration");
    const double factor = unit_ms({after, static_cast<std::size_t>(unit_end - after)});
    if (factor == 0) return wrong("has a unit that is none of ms, s, m, h, d, w");
    total += number * factor;
    at = unit_end;
  }
  if (total > longest_ms) return wrong("is too long");
  return std::llround(total);
}

std::string duration_text(std::int64_t ms) {
  if (ms < 0) return "-" + duration_text(-ms);
  if (ms < second) return fmt::format("{} ms", ms);
  if (ms < minute) {
    // 59.96 s must not round up to a minute that is not there.
    return fmt::format("{}.{} s", ms / second, ms % second / 100);
  }
  if (ms < hour) return fmt::format("{}m{:02}s", ms / minute, ms % minute / second);
  if (ms < day) return fmt::format("{}h{:02}m", ms / hour, ms % hour / minute);
  return fmt::format("{}d{:02}h", ms / day, ms % day / hour);
}

std::string exact_duration_text(std::int64_t ms) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> units{
      {{"d", day}, {"h", hour}, {"m", minute}, {"s", second}, {"ms", 1}}};
  if (ms <= 0) return "0";
  std::string text;
  for (const auto& [name, size] : units) {
    if (ms >= size) text.append(fmt::format("{}{}", ms / size, name));
    ms %= size;
  }
  return text;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string count_text(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  const std::size_t sign = count < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3; at -= 3) digits.insert(at - 3, " ");
  return digits;
}

std::string rate_text(double per_second) {
  if (per_second <= 0) return "0";
  if (per_second < 0.95) return fmt::format("{:.2f}", per_second);
  if (per_second < 9.95) return fmt::format("{:.1f}", per_second);
  return count_text(std::llround(per_second));
}

}  // namespace pawl::cli
