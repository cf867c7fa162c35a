// From the broker's problem+json to a pawl::Error. Thread: any.
#pragma once

#include <pawl/error.hpp>
#include <string>

#include "client/src/json_slices.h"

namespace pawl::client {

/// `status` 0: the problem's own status counts (settlements, frames). Text that is no problem at all leaves
/// an Error that has only its status.
Error read_problem(JsonSlice problem, int status);

/// An Error that did not come from the broker.
Error local_error(ErrorKind kind, std::string detail);

}  // namespace pawl::client
