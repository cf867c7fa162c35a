// Whole graphs, read from a snapshot and then held against what memory knows better. Used by the lister's
// thread.
#pragma once

#include <expected>
#include <string>

#include "broker/engine/lists.h"
#include "broker/engine/port.h"

namespace pawl::engine {

std::expected<WorkflowView, ListError> read_workflow(Port& port, const core::WorkflowId& id);
std::expected<WorkflowPage, ListError> read_workflows(Port& port, std::size_t limit,
                                                      const std::string& cursor);

}  // namespace pawl::engine
