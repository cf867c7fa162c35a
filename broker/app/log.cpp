#include "broker/app/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>

namespace pawl::app {
namespace {

/// Length of the UTF-8 sequence at the head of `text`, 0 when there is none that is well formed.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t length = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  if (lead >= 0xe0 && lead <= 0xef) length = 3;
  if (lead >= 0xf0 && lead <= 0xf4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;  // overlong, surrogates
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
    return 0;  // overlong, beyond Unicode
  return length;
}

bool is_c1_control(std::string_view sequence) {
  return sequence.size() == 2 && sequence[0] == '\xc2' && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool json) : json_(json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
    const auto at =
        std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch()).count();
    const auto level = spdlog::level::to_string_view(message.level);
    const std::string line = render_log_line(at, {level.data(), level.size()},
                                             {message.payload.data(), message.payload.size()}, json_);
    to.append(line.data(), line.data() + line.size());
    to.push_back('\n');
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(json_); }

 private:
  bool json_;
};

}  // namespace

std::string escaped(std::string_view message) {
  std::string text;
  text.reserve(message.size() + 8);
  while (!message.empty()) {
    const auto c = static_cast<unsigned char>(message.front());
    const std::size_t length = sequence_length(message);
    if (length == 0) {
      text += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      text += {'\\', static_cast<char>(c)};
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c < 0x20 || c == 0x7f) {
      text += fmt::format("\\u{:04x}", c);
    } else if (is_c1_control(message.substr(0, length))) {
      text += fmt::format("\\u{:04x}", static_cast<unsigned char>(message[1]));
    } else {
      text += message.substr(0, length);
    }
    message.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

std::string render_log_line(long long unix_ms, std::string_view level, std::string_view message, bool json) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  const std::string time = fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), unix_ms % 1000);
  if (level == "warning") level = "warn";
  if (json)
    return fmt::format(R"({{"time":"{}","level":"{}","message":"{}"}})", time, level, escaped(message));
  return fmt::format("{} {:<5} {}", time, level, escaped(message));
}

Log::Log(std::string_view level, std::string_view format) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  logger_ = std::make_shared<spdlog::logger>("pawld", std::move(sink));
  logger_->set_formatter(std::make_unique<LineFormatter>(format == "json"));
  logger_->set_level(spdlog::level::from_str(std::string(level)));
  logger_->flush_on(spdlog::level::trace);
}

void Log::debug(std::string_view message) const { logger_->debug(message); }
void Log::info(std::string_view message) const { logger_->info(message); }
void Log::warn(std::string_view message) const { logger_->warn(message); }
void Log::error(std::string_view message) const { logger_->error(message); }

}  // namespace pawl::app
