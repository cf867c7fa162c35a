// How triggers look on the screen, in other verbs than their own.
#pragma once

#include <string>

#include "client/cli/text/json.h"

namespace pawl::cli {

/// "triggers 3  events 1,204  jobs 86  gathered 12", with a line break; empty when there are none. page: GET
/// /triggers.
std::string triggers_line(const Json& page);

}  // namespace pawl::cli
