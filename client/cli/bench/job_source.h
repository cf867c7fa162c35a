// The jobs of one run.
#pragma once

#include <cstdint>
#include <optional>
#include <pawl/records.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/bench/load.h"

namespace pawl::cli::bench {

/// Makes each job from its number, with a payload of its own. The queues' names are this run's alone. Thread:
/// any.
class JobSource {
 public:
  JobSource(const Load& load, std::optional<std::chrono::milliseconds> keep_completed);

  std::uint64_t jobs() const { return load_.jobs; }
  const std::vector<std::string>& queues() const { return queues_; }
  JobSpec spec(std::uint64_t number) const;

  /// The number of the job that has this payload.
  static std::uint64_t number_of(std::string_view payload);

 private:
  std::string payload(std::uint64_t number) const;

  const Load load_;
  const std::optional<Retention> retention_;
  const std::string padding_;
  std::vector<std::string> queues_;
};

}  // namespace pawl::cli::bench
