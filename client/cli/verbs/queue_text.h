// How queues look on the screen; shared by the verbs that show some.
#pragma once

#include <string>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/table.h"

namespace pawl::cli {

/// GET /queues.
Result<Answer> get_queues(Session& session, const Page& page);

/// Depth by state, the age of the oldest waiting job, rates of the last minute and run times.
std::string queues_table(const Json& queues, const Screen& screen);

/// A duration of the broker in milliseconds with a fraction; "-" when nothing was measured.
std::string quantile_text(const Json& ms);

/// "at most 50 in 1s": a rate limit as the broker shows it.
std::string rate_limit_text(const Json& rate);

/// "12.3" for each second over the last minute.
std::string minute_rate_text(const Json& queue, std::string_view what);

}  // namespace pawl::cli
