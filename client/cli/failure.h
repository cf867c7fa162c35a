// Why a verb did not do what was asked, and what to do next.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace pawl::cli {

/// The program's exit status.
enum class Exit : int {
  ok = 0,
  refused = 1,  // the broker said no, could not be reached, or the job that was waited for did not complete
  misuse = 2,   // the command line is wrong; nothing was asked of the broker
};

struct Failure {
  Exit exit = Exit::refused;
  std::string message;             // one sentence
  std::vector<std::string> hints;  // what to do; one line each
  bool transient = false;          // the broker was not reached or is busy: the same may work in a moment
};

template <typename T>
using Result = std::expected<T, Failure>;

inline std::unexpected<Failure> refused(std::string message, std::vector<std::string> hints = {}) {
  return std::unexpected(Failure{Exit::refused, std::move(message), std::move(hints)});
}
inline std::unexpected<Failure> misuse(std::string message, std::vector<std::string> hints = {}) {
  return std::unexpected(Failure{Exit::misuse, std::move(message), std::move(hints)});
}

}  // namespace pawl::cli
