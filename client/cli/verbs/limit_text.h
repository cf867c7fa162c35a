// How limits that have a name look on the screen.
#pragma once

#include <string>
#include <vector>

#include "client/cli/session.h"
#include "client/cli/text/table.h"

namespace pawl::cli {

std::string limits_table(const std::vector<Json>& limits, const Screen& screen);

/// Those of GET /limits, the first thousand, that jobs hold or that are held back.
std::vector<Json> busy_limits(const Json& limits);

}  // namespace pawl::cli
