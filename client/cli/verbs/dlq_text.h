// Dead letters: how they are asked for; shared by the verbs on them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/session.h"

namespace pawl::cli {

Result<Answer> get_dead_letters(Session& session, std::string_view queue, const DlqFilter& filter,
                                std::uint32_t limit, std::string_view cursor);

/// The body that names them, for a replay or a purge: these ids, or all that match.
JsonObject choice_json(const std::vector<std::string>& job_ids, const DlqFilter& filter);

/// Ids and a filter exclude each other.
Result<void> check_choice(const std::vector<std::string>& job_ids, const DlqFilter& filter);

}  // namespace pawl::cli
