// How schedules look on the screen; shared by the verbs that show some.
#pragma once

#include <string>

#include "client/cli/session.h"
#include "client/cli/text/table.h"

namespace pawl::cli {

/// GET /schedules, the first thousand of them.
Result<Answer> get_schedules(Session& session);

/// "every 5m", or the cron expression and its zone.
std::string when_text(const Json& schedule);
/// "ID  next run 2026-11-24 21:56:01 (in 3m20s)", "ID  paused" or "ID  no run to come", with a line break.
std::string next_run_line(const Json& schedule);

std::string schedules_table(const std::vector<Json>& schedules, const Screen& screen);
/// All that is known of one.
std::string schedule_record_text(const Json& schedule, const Screen& screen);

/// "schedules 3  next mail in 3m20s", with a line break; empty when there are none.
std::string schedules_line(const Json& page);

}  // namespace pawl::cli
