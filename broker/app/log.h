// Log lines on standard error, as text or as JSON: one event, one line, whatever the message holds.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace pawl::app {

/// Thread: any. Each call writes one whole line.
class Log {
 public:
  /// level: debug, info, warn or error. format: text or json.
  Log(std::string_view level, std::string_view format);

  void debug(std::string_view message) const;
  void info(std::string_view message) const;
  void warn(std::string_view message) const;
  void error(std::string_view message) const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

/// The message with control characters, quotes and backslashes escaped as JSON does it and bytes that are not
/// UTF-8 replaced: safe within a JSON string and on a terminal.
std::string escaped(std::string_view message);

/// One line without its end: `2026-01-31T12:00:00.123Z info  message`, or an object with time, level and
/// message.
std::string render_log_line(long long unix_ms, std::string_view level, std::string_view message, bool json);

}  // namespace pawl::app
