// The payload that a command line gives; shared by the verbs that send one.
#pragma once

#include "client/cli/commands.h"

namespace pawl::cli {

/// Reads it from where it is. What is no JSON, or cannot be read, is misuse.
Result<JsonText> read_payload(const PayloadSource& from);

}  // namespace pawl::cli
