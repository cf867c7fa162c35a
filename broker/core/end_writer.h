// What is told of a job that has ended.
#pragma once

#include <string>

#include "broker/core/job.h"

namespace pawl::core {

/// Writes it as text of JSON, which the core does not know. Thread: that of the machine.
class EndWriter {
 public:
  virtual ~EndWriter() = default;
  virtual std::string write(const Job& job, const std::string& queue) const = 0;
};

}  // namespace pawl::core
