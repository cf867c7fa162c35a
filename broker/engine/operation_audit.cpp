#include "broker/engine/operation_audit.h"

#include <string>
#include <string_view>

namespace pawl::engine {

namespace {

std::string_view audit_name(OperationSpec::Action action) {
  using enum OperationSpec::Action;
  switch (action) {
    case replay:
      return "replay";
    case purge:
      return "purge";
    case drain:
      return "drain";
    case retry:
      return "bulk-retry";
    case cancel:
      return "bulk-cancel";
    case promote:
      return "bulk-promote";
    case remove:
      return "bulk-delete";
  }
  return "replay";
}

// Which jobs, beside the queue.
std::string filter_text(const OperationSpec& spec) {
  std::string text;
  const auto add = [&text](std::string_view what, std::string_view value) {
    if (!text.empty()) text += ", ";
    text.append(what).append(" ").append(value);
  };
  for (const core::Status status : spec.filter.status) add("status", core::name_of(status));
  if (spec.filter.name) add("name", *spec.filter.name);
  if (spec.filter.group) add("group", *spec.filter.group);
  if (spec.filter.tag) add("tag", *spec.filter.tag);
  if (spec.filter.error_type) add("error type", *spec.filter.error_type);
  if (spec.filter.fingerprint) add("fingerprint", fingerprint_text(*spec.filter.fingerprint));
  if (spec.filter.worker) add("worker", *spec.filter.worker);
  if (spec.filter.created_from) add("created after", std::to_string(*spec.filter.created_from));
  if (spec.filter.created_before) add("created before", std::to_string(*spec.filter.created_before));
  if (spec.filter.attempts_min > 0) add("attempts from", std::to_string(spec.filter.attempts_min));
  if (spec.filter.attempts_max != UINT32_MAX) add("attempts to", std::to_string(spec.filter.attempts_max));
  if (!spec.into.empty()) add("into", spec.into);
  // Values of payloads have no place in the audit log.
  for (const auto& [path, value] : spec.filter.payload) add("payload", path);
  if (spec.filter.text) add("text", "given");
  return text;
}

}  // namespace

AuditEntry entry_of(const OperationView& view, AuditEntry::Outcome outcome) {
  const OperationSpec& spec = view.spec;
  AuditEntry entry;
  entry.actor = spec.actor.value_or(Actor{});
  entry.action = audit_name(spec.action);
  entry.queue = spec.queue;
  entry.target = view.id;
  entry.count = view.done;
  entry.outcome = outcome;
  entry.detail = filter_text(spec);
  return entry;
}

}  // namespace pawl::engine
