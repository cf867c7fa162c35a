// Errors of the broker and of the way to it, as sentences that say what to do.
#pragma once

#include <string>
#include <string_view>

#include "client/cli/failure.h"

namespace pawl {
struct Error;
}

namespace pawl::cli {

/// `url`: the broker that was asked.
Failure failure_of(const Error& error, std::string_view url);

/// "pawl: MESSAGE" and the hints, each a line, on standard error.
void print_failure(const Failure& failure);

}  // namespace pawl::cli
