// The one place where everything is put together: store → engine → HTTP server, and apart again.
#pragma once

#include "broker/app/settings.h"

namespace pawl::app {

// Exit statuses of pawld, as in sysexits.h where that has one.
inline constexpr int exit_wrong_use = 2;      // a flag, variable or file is wrong; nothing was touched
inline constexpr int exit_cannot_start = 1;   // the data folder or the address cannot be used
inline constexpr int exit_write_failed = 70;  // a write failed: restart, the store knows what is true

/// Serves until SIGTERM or SIGINT. Returns the exit status; has printed one line on standard error when it is
/// not 0. Thread: the main one, before there are others.
int run_daemon(const Settings& settings);

}  // namespace pawl::app
