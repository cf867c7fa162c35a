// The workers of a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <pawl/worker.hpp>
#include <string>
#include <vector>

#include "client/cli/bench/load.h"
#include "client/cli/bench/samples.h"
#include "client/cli/bench/target.h"

namespace pawl::cli::bench {

/// Workers that do nothing but tell which job they were given. One worker has four handler threads; several
/// share them, but each has one at least, and one more for its connection. A worker takes a hundred queues at
/// most, so there is at least one for each hundred. Thread: one.
class Fleet {
 public:
  /// Called with the number of the job, by many threads.
  using Handler = std::function<void(std::uint64_t number)>;

  /// Begins to work.
  Fleet(const Load& load, const Target& target, const std::vector<std::string>& queues, Handler handler);
  /// Stops, and waits for the handlers.
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void wait_until_connected() const;
  /// Jobs that the broker has confirmed as completed.
  std::uint64_t completed() const;
  /// Until so many are; the moment.
  Clock::time_point wait_for(std::uint64_t jobs, const Progress& progress) const;
  void stop();

 private:
  const Handler handler_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace pawl::cli::bench
