// What a command says on standard error: progress, how long to slow down, log lines, and the tail that
// explains a failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::cli {

struct Progress {
  double percent = 0;  // 0…100
  std::string message;
};

/// "PAWL_PROGRESS 42 message", "PAWL_PROGRESS 42.5%"; anything else is an ordinary line.
std::optional<Progress> parse_progress(std::string_view line);

/// "PAWL_RATE_LIMITED 30000", in milliseconds; anything else is an ordinary line.
std::optional<std::int64_t> parse_rate_limited(std::string_view line);

/// Cuts a stream into lines. Thread: any, one at a time.
class StderrLines {
 public:
  static constexpr std::size_t tail_bytes_max = 16 * 1024;
  static constexpr std::size_t line_bytes_max = 4 * 1024;  // a longer line becomes several

  using OnProgress = std::function<void(const Progress&)>;
  using OnLine = std::function<void(std::string)>;
  StderrLines(OnProgress on_progress, OnLine on_line);

  void feed(std::string_view bytes);
  /// The stream has ended: a last line without a newline counts.
  void finish();
  /// The end of what was said, without the lines that are for this program; valid UTF-8, beginning with a
  /// whole line where it can.
  std::string tail() const;
  /// The last line that was not blank; empty when there was none. It often says best what went wrong.
  const std::string& last_line() const { return last_line_; }
  /// What the last PAWL_RATE_LIMITED said, in milliseconds.
  std::optional<std::int64_t> retry_after_ms() const { return retry_after_ms_; }

 private:
  void line(std::string_view text);

  OnProgress on_progress_;
  OnLine on_line_;
  std::string partial_;
  std::string tail_;
  std::string last_line_;
  std::optional<std::int64_t> retry_after_ms_;
};

}  // namespace pawl::cli
