#include "client/cli/exec/job_result.h"

#include <fmt/format.h>

#include <cstring>

#include "client/cli/text/duration.h"
#include "client/cli/text/json.h"

namespace pawl::cli {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

Failed too_large() {
  return {
      "result-too-large",
      fmt::format(
          "the result on standard output is larger than {}; write large data elsewhere and print its address",
          bytes_text(result_bytes_max)),
      false};
}

Failed failed_exit(int code) {
  if (code == exit_data_error) return {"exit-65", "the command exited with status 65", true};
  return {fmt::format("exit-{}", code), fmt::format("the command exited with status {}", code), false};
}

Failed failed_signal(int number) {
  const char* name = ::sigabbrev_np(number);
  return {name != nullptr ? fmt::format("signal-{}", name) : fmt::format("signal-{}", number),
          fmt::format("the command was killed by signal {} ({})", number, ::strsignal(number)), false};
}

}  // namespace

std::expected<std::string, std::string> result_of(std::string_view output) {
  const std::string_view value = trimmed(output);
  if (value.empty()) return "null";
  std::string result;
  if (!Json::fault_of(value)) {
    result = value;
  } else {
    if (output.ends_with('\n')) output.remove_suffix(1);
    if (output.ends_with('\r')) output.remove_suffix(1);
    result = json_string(output);
  }
  if (result.size() > result_bytes_max) return std::unexpected(too_large().message);
  return result;
}

Verdict verdict_of(const ProcessEnd& end, std::optional<std::int64_t> retry_after_ms) {
  switch (end.cause) {
    case ProcessEnd::Cause::exited: {
      // Without the line it is some program's own "try again": that uses up attempts, and so has an end.
      if (end.code == exit_rate_limited && retry_after_ms) return RateLimited{*retry_after_ms};
      if (end.code != 0) return failed_exit(end.code);
      auto result = result_of(end.output);
      if (!result) return too_large();
      return Completed{std::move(*result)};
    }
    case ProcessEnd::Cause::signalled:
      return failed_signal(end.code);
    case ProcessEnd::Cause::output_too_big:
      return too_large();
    case ProcessEnd::Cause::timed_out:
      return Failed{"timeout", "the attempt passed its time limit", false};
    case ProcessEnd::Cause::not_started:
      return Failed{"not-started", end.fault, false};
    case ProcessEnd::Cause::stopped:
      return Ended{};
  }
  return Ended{};
}

}  // namespace pawl::cli
