#include "broker/calendar/zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <vector>

namespace pawl::calendar {
namespace {

constexpr std::string_view zoneinfo_folder = "/usr/share/zoneinfo";

// Names are short, and a request must not buy much work with a long one.
constexpr std::size_t name_bytes_max = 64;

// No transition that a file lists is later. date gives one past it as the end of a zone's last stretch.
constexpr std::chrono::sys_seconds far{std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1}};

/// Not the files beside the zones: copies of the tree, one with leap seconds, and what stands for another
/// zone.
bool is_zone_name(std::string_view name) {
  return !name.starts_with("right/") && !name.starts_with("posix/") && name != "posixrules" &&
         name != "localtime" && name != "Factory";
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    if (c == ' ') return '_';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

/// How many letters must be put in, left out or replaced to make one of the other.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

/// The known name that was probably meant; empty when none is near. A city alone finds its zone.
std::string nearest(const std::vector<date::time_zone>& zones, std::string_view name) {
  const std::string wanted = lowered(name);
  std::string best;
  std::size_t edits_best = 4;
  for (const date::time_zone& zone : zones) {
    if (!is_zone_name(zone.name())) continue;
    const std::string known = lowered(zone.name());
    const std::size_t slash = known.rfind('/');
    std::size_t edits = edits_between(wanted, known);
    if (slash != std::string::npos) edits = std::min(edits, edits_between(wanted, known.substr(slash + 1)));
    if (edits < edits_best) {
      edits_best = edits;
      best = zone.name();
    }
  }
  return best;
}

std::string unknown_zone(const std::vector<date::time_zone>& zones, std::string_view name) {
  if (name.empty()) return "the time zone is empty: write a name such as Europe/Berlin or UTC";
  if (name.size() > name_bytes_max) return fmt::format("a time zone has at most {} bytes", name_bytes_max);
  const std::string near = nearest(zones, name);
  if (near.empty()) return "no such time zone: write a name such as Europe/Berlin or UTC";
  return fmt::format("no such time zone: did you mean {}?", near);
}

/// The last line of a zone's file: what comes after the last change that it lists. date 3 does not read it.
std::optional<PosixRule> read_rule(const std::string& name) {
  std::ifstream file(std::filesystem::path(zoneinfo_folder) / name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!bytes.starts_with("TZif") || !bytes.ends_with('\n')) return std::nullopt;
  const std::size_t line = bytes.rfind('\n', bytes.size() - 2);
  if (line == std::string::npos) return std::nullopt;
  return PosixRule::parse(std::string_view(bytes).substr(line + 1, bytes.size() - line - 2));
}

}  // namespace

std::expected<Zone, ZoneError> Zone::find(std::string_view name) {
  try {
    const std::vector<date::time_zone>& zones = date::get_tzdb().zones;
    if (std::ranges::none_of(zones, [](const date::time_zone& zone) { return is_zone_name(zone.name()); })) {
      return std::unexpected(ZoneError{
          fmt::format("the system has no time zones in {}: install the package tzdata", zoneinfo_folder)});
    }
    const auto found = std::ranges::find(zones, name, &date::time_zone::name);
    if (found == zones.end() || !is_zone_name(name))
      return std::unexpected(ZoneError{unknown_zone(zones, name)});
    // date reads the file at the first question, and throws when it cannot.
    found->get_info(std::chrono::sys_seconds{});
    return Zone(&*found, read_rule(found->name()));
  } catch (const std::exception& problem) {
    std::string_view why = problem.what();
    why = why.substr(0, why.find('\n'));
    return std::unexpected(ZoneError{fmt::format(
        "the time zones in {} cannot be read ({}): install the package tzdata", zoneinfo_folder, why)});
  }
}

Stretch Zone::at(std::chrono::sys_seconds time) const {
  const date::sys_info info = zone_->get_info(time);
  if (info.end < far || !rule_) return {info.begin, info.end, info.offset};
  Stretch stretch = rule_->at(time);
  stretch.begin = std::max(stretch.begin, std::chrono::sys_seconds{info.begin});
  return stretch;
}

}  // namespace pawl::calendar
