#include "client/cli/exec/lines.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "client/cli/text/utf8.h"
#include "client/wire/protocol.h"

namespace pawl::cli {

std::optional<Progress> parse_progress(std::string_view line) {
  constexpr std::string_view mark = "PAWL_PROGRESS ";
  if (!line.starts_with(mark)) return std::nullopt;
  line.remove_prefix(mark.size());
  Progress progress;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), progress.percent);
  if (error != std::errc{} || !std::isfinite(progress.percent)) return std::nullopt;
  if (progress.percent < 0 || progress.percent > 100) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  if (line.starts_with('%')) line.remove_prefix(1);
  if (!line.empty() && !line.starts_with(' ')) return std::nullopt;
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin != std::string_view::npos) progress.message = valid_utf8(line.substr(begin));
  return progress;
}

std::optional<std::int64_t> parse_rate_limited(std::string_view line) {
  constexpr std::string_view mark = "PAWL_RATE_LIMITED ";
  if (!line.starts_with(mark)) return std::nullopt;
  line.remove_prefix(mark.size());
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), ms);
  if (error != std::errc{} || end != line.data() + line.size()) return std::nullopt;
  if (ms < 0 || ms > wire::delay_ms_max) return std::nullopt;
  return ms;
}

StderrLines::StderrLines(OnProgress on_progress, OnLine on_line)
    : on_progress_(std::move(on_progress)), on_line_(std::move(on_line)) {}

void StderrLines::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t room = line_bytes_max - partial_.size();
    const std::size_t end = bytes.substr(0, room).find('\n');
    if (end == std::string_view::npos) {
      const std::size_t taken = std::min(room, bytes.size());
      partial_.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      if (partial_.size() < line_bytes_max) return;
    } else {
      partial_.append(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
    }
    const std::string whole = std::exchange(partial_, {});
    line(whole);
  }
}

void StderrLines::finish() {
  if (partial_.empty()) return;
  const std::string last = std::exchange(partial_, {});
  line(last);
}

void StderrLines::line(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (const auto progress = parse_progress(text)) {
    on_progress_(*progress);
    return;
  }
  if (const auto ms = parse_rate_limited(text)) {
    retry_after_ms_ = ms;
    return;
  }
  tail_.append(text).append("\n");
  if (tail_.size() > 2 * tail_bytes_max) tail_.erase(0, tail_.size() - tail_bytes_max - line_bytes_max);
  if (text.empty()) return;
  std::string whole = valid_utf8(text);
  if (text.find_first_not_of(" \t") != std::string_view::npos) last_line_ = whole;
  on_line_(std::move(whole));
}

std::string StderrLines::tail() const {
  std::string_view end = tail_;
  if (end.size() > tail_bytes_max) {
    end.remove_prefix(end.size() - tail_bytes_max);
    // Not in the middle of a line, as long as there is another one.
    const std::size_t next = end.find('\n');
    if (next + 1 < end.size()) end.remove_prefix(next + 1);
  }
  if (end.ends_with('\n')) end.remove_suffix(1);
  return valid_utf8(end);
}

}  // namespace pawl::cli
