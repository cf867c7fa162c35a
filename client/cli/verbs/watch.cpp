#include "client/cli/commands.h"
#include "client/cli/verbs/watching.h"

namespace pawl::cli {

Result<Exit> run(const Watch& command, Session& session) { return watch_to_the_end(session, command.job_id); }

}  // namespace pawl::cli
