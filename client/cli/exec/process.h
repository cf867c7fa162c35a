// One command, run as a child in a process group of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace pawl::cli {

struct ProcessSpec {
  std::string command;                   // for /bin/sh -c
  std::vector<std::string> environment;  // "NAME=value", on top of this process's own
  std::string_view input;                // for its standard input; must outlive the call
  std::size_t output_max = 1u << 20;     // bytes of standard output
  std::int64_t timeout_ms = 0;           // 0: none
  std::int64_t term_grace_ms = 5000;     // between SIGTERM and SIGKILL
};

struct ProcessEnd {
  enum class Cause : std::uint8_t {
    exited,     // code: its exit status
    signalled,  // code: the signal
    stopped,    // because `stop` asked
    timed_out,  // timeout_ms passed
    output_too_big,
    not_started,  // fault says why
  };
  Cause cause = Cause::exited;
  int code = 0;
  std::string output;
  std::string fault;
};

/// Runs the command to its end, feeding its input and gathering its output; `on_stderr` gets what it says on
/// standard error, on this thread, as it comes. When `stop` is requested or a limit is passed, the whole
/// group gets SIGTERM and, once the grace is over, SIGKILL; `kill` goes to SIGKILL at once. The group ends
/// with the command: what it left behind gets a moment to close the pipes and then SIGKILL. Nothing is left
/// to be waited for. Thread: any; it blocks. REQUIRES: SIGPIPE is ignored, file descriptors 0 to 2 are open.
ProcessEnd run_process(const ProcessSpec& spec, std::stop_token stop, std::stop_token kill,
                       const std::function<void(std::string_view)>& on_stderr);

}  // namespace pawl::cli
