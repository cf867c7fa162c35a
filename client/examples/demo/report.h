#pragma once

#include <string>

#include "client/examples/demo/audit.h"

namespace demo {

/// The table at the end, on standard output.
void print_table(const Tally& tally);

struct NextSteps {
  std::string programs;  // folder of pawl and pawld
  std::string url;
  std::string queue;
  std::string job_id;  // one that completed
  int broker_pid = 0;  // 0: the broker is gone
};
void print_next_steps(const NextSteps& steps);

}  // namespace demo
