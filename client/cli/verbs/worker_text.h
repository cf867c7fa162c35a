// How workers look on the screen; shared by the verbs that show some.
#pragma once

#include <string>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/table.h"

namespace pawl::cli {

/// GET /workers.
Result<Answer> get_workers(Session& session, const Page& page);
std::string workers_table(const Json& workers, const Screen& screen);

}  // namespace pawl::cli
