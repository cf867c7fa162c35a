// Work over many jobs that goes on in the broker: a replay, a purge, a drain.
#pragma once

#include <string>
#include <string_view>

#include "client/cli/text/json.h"

namespace pawl::cli {

/// One line: what the operation on `queue` did, or that it goes on.
std::string operation_text(std::string_view queue, const Json& operation);

}  // namespace pawl::cli
