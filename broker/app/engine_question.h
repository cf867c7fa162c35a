// One command to the engine and its answer, for a thread that may wait.
#pragma once

#include <chrono>
#include <optional>

#include "broker/engine/engine.h"

namespace pawl::app {

/// Posts the command and waits for its reply. Nothing when the engine does not take it, or does not answer in
/// time. Thread: any that the engine's answers do not need: neither the engine's nor the store's.
std::optional<core::Reply> ask(engine::Engine& engine, core::CommandBody command,
                               std::chrono::milliseconds patience);

}  // namespace pawl::app
