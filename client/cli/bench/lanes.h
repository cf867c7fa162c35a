// Many keep-alive HTTP connections with one request under way on each, from one thread: what a plain HTTP
// client sees.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/cli/bench/samples.h"

namespace pawl::cli::bench {

struct LaneLoad {
  std::string url;  // http://HOST:PORT
  std::string token;
  unsigned connections = 64;
  std::uint64_t requests = 0;
  std::function<std::string(std::uint64_t number)> body;  // of POST /jobs
  std::function<void(std::uint64_t done)> progress;       // now and then
};

/// Posts all of it; a sample for each answer, from the moment before its request was written. Throws
/// std::runtime_error at the first answer that is not 202, or when a connection breaks.
Samples post_jobs(const LaneLoad& load);

}  // namespace pawl::cli::bench
