// All of `pawl` behind one call.
#pragma once

#include <string>
#include <vector>

#include "client/cli/failure.h"

namespace pawl::cli {

/// Parses, carries out, prints what went wrong. `words` without the program's name. Never throws.
Exit run_program(const std::vector<std::string>& words);

}  // namespace pawl::cli
