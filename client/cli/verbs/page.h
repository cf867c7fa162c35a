// A page of a list: how it is asked for, and what is said of those behind it.
#pragma once

#include "client/cli/commands.h"
#include "client/cli/session.h"

namespace pawl::cli {

/// Its limit and its cursor behind what is asked for already.
Query page_query(const Page& page, Query query = {});
/// On standard error, how to go on, when there is more.
void print_more(const Answer& answer);

}  // namespace pawl::cli
