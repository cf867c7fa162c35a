// What the audit log says of an operation.
#pragma once

#include "broker/engine/audit.h"
#include "broker/engine/operations.h"

namespace pawl::engine {

/// When it begins and when it ends, as it stands; by whoever started it.
AuditEntry entry_of(const OperationView& view, AuditEntry::Outcome outcome);

}  // namespace pawl::engine
