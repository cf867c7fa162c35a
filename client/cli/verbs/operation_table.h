// Work over many jobs, and workflows, as tables.
#pragma once

#include <string>
#include <vector>

#include "client/cli/text/json.h"
#include "client/cli/text/terminal.h"

namespace pawl::cli {

std::string operations_table(const std::vector<Json>& operations, const Screen& screen);
std::string workflows_table(const std::vector<Json>& workflows, const Screen& screen);

/// Of a list, those whose status is running or paused.
std::vector<Json> under_way(const Json& list);

}  // namespace pawl::cli
