// The command line: words in, a Command out.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/session.h"

namespace pawl::cli {

struct Invocation {
  Common common;
  Command command;
};

/// Asked for help or the version: what to print.
struct Information {
  std::string text;
};

/// `words` without the program's name. A Failure (misuse) says which word is wrong and how to get help.
Result<std::variant<Invocation, Information>> parse_arguments(const std::vector<std::string>& words);

}  // namespace pawl::cli
