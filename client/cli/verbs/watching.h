// Following one job on the screen: a bar that moves on a terminal, a line for each change elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "client/cli/session.h"

namespace pawl::cli {

/// Returns when the job has ended and its outcome is printed. Exit::refused when it did not complete.
Result<Exit> watch_to_the_end(Session& session, std::string_view job_id);

/// "video · active · attempt 1 of 3 [███▌   ] 42 % encoding", cut to the screen.
std::string watch_line(const Json& job, const Screen& screen);

}  // namespace pawl::cli
