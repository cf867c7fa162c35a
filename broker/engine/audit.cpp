#include "broker/engine/audit.h"

#include <fmt/chrono.h>

#include <ctime>
#include <variant>

#include "broker/engine/codec.h"

namespace pawl::engine {

namespace {

using Found = std::optional<AuditEntry>;

AuditEntry of_job(const char* action, const core::JobId& id) {
  AuditEntry entry;
  entry.action = action;
  entry.target = uuid_text(id);
  return entry;
}

AuditEntry of_queue(const char* action, const std::string& queue) {
  AuditEntry entry;
  entry.action = action;
  entry.queue = queue;
  return entry;
}

AuditEntry of_named(const char* action, const std::string& name) {
  AuditEntry entry;
  entry.action = action;
  entry.target = name;
  return entry;
}

AuditEntry of_workflow(const char* action, const core::WorkflowId& id) {
  core::JobId same;  // both are sixteen bytes, and are written alike
  same.bytes = id.bytes;
  return of_job(action, same);
}

// Which settings are set, by their names in the API; of a push and a callback also where to.
std::string settings_text(const core::PutQueue& put) {
  std::string text;
  const auto add = [&text](bool given, std::string_view name, std::string_view value = {}) {
    if (!given) return;
    if (!text.empty()) text += ", ";
    text += name;
    if (!value.empty()) text.append(" ").append(value);
  };
  const auto target = [](const auto& setting) -> std::string_view {
    if (!setting) return {};
    return *setting ? std::string_view((*setting)->url) : std::string_view("none");
  };
  if (put.paused) add(true, "paused", *put.paused ? "true" : "false");
  add(put.pause_reason.has_value(), "pauseReason");
  add(put.max_concurrency.has_value(), "maxConcurrency");
  add(put.rate_limit.has_value(), "rateLimit");
  add(put.group_concurrency.has_value(), "groupConcurrency");
  add(put.group_rate_limit.has_value(), "groupRateLimit");
  add(put.priority_ageing_ms.has_value(), "priorityAgeingMs");
  add(put.push.has_value(), "push", target(put.push));
  add(put.callback.has_value(), "callback", target(put.callback));
  add(put.skip_failed.has_value(), "onOrderedFailure");
  add(put.searchable.has_value(), "searchable");
  add(put.priority.has_value(), "priority");
  add(put.max_attempts.has_value(), "maxAttempts");
  add(put.max_stalls.has_value(), "maxStalls");
  add(put.backoff.has_value(), "backoff");
  add(put.lease_ms.has_value(), "leaseMs");
  add(put.timeout_ms.has_value(), "timeoutMs");
  add(put.retention.has_value(), "retention");
  return text;
}

// REQUIRES: a time of the years 1970 to 9999.
std::string time_text(core::Millis at) {
  return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(at / 1000)), at % 1000);
}

std::string change_text(const core::ChangeJob& change) {
  std::string text;
  if (change.run_at) text = "runAt " + time_text(*change.run_at);
  if (change.delay_ms) text = "delayMs " + std::to_string(*change.delay_ms);
  if (change.priority)
    text += (text.empty() ? "priority " : ", priority ") + std::to_string(*change.priority);
  return text;
}

// There is no case for "anything else": a new command needs a line here, either way.
struct Decide {
  Found operator()(const core::Cancel& command) const { return of_job("cancel", command.id); }
  Found operator()(const core::Retry& command) const { return of_job("retry", command.id); }
  Found operator()(const core::Move& command) const {
    AuditEntry entry = of_job("move", command.id);
    entry.detail = "into " + command.queue;
    return entry;
  }
  Found operator()(const core::Promote& command) const { return of_job("promote", command.id); }
  Found operator()(const core::ChangeJob& command) const {
    AuditEntry entry = of_job("change", command.id);
    entry.detail = change_text(command);
    return entry;
  }
  Found operator()(const core::Delete& command) const { return of_job("delete", command.id); }
  Found operator()(const core::PutQueue& command) const {
    if (!command.must_exist || !command.paused) {
      AuditEntry entry = of_queue("put-queue", command.name);
      entry.detail = settings_text(command);
      return entry;
    }
    return of_queue(*command.paused ? "pause" : "resume", command.name);
  }
  Found operator()(const core::PauseGroup& command) const {
    AuditEntry entry = of_named(command.paused ? "pause-group" : "resume-group", command.group);
    entry.queue = command.queue;
    entry.detail = command.reason;
    return entry;
  }
  Found operator()(const core::DeleteQueue& command) const {
    AuditEntry entry = of_queue("delete-queue", command.name);
    if (command.with_jobs) entry.detail = "forced";
    return entry;
  }
  Found operator()(const core::PutSchedule& command) const {
    AuditEntry entry = of_named("put-schedule", command.schedule.id);
    entry.queue = command.schedule.job.queue;
    return entry;
  }
  Found operator()(const core::DeleteSchedule& command) const {
    AuditEntry entry = of_named("delete-schedule", command.schedule);
    if (command.force) entry.detail = "forced";
    return entry;
  }
  Found operator()(const core::RunSchedule& command) const {
    return of_named("run-schedule", command.schedule);
  }
  Found operator()(const core::PauseSchedule& command) const {
    return of_named(command.paused ? "pause-schedule" : "resume-schedule", command.schedule);
  }
  Found operator()(const core::CancelWorkflow& command) const {
    return of_workflow("cancel-workflow", command.workflow);
  }
  Found operator()(const core::RetryWorkflow& command) const {
    return of_workflow("retry-workflow", command.workflow);
  }
  Found operator()(const core::PutTrigger& command) const {
    return of_named("put-trigger", command.trigger.id);
  }
  Found operator()(const core::DeleteTrigger& command) const {
    return of_named("delete-trigger", command.trigger);
  }
  Found operator()(const core::PutLimit& command) const { return of_named("put-limit", command.name); }
  Found operator()(const core::DeleteLimit& command) const { return of_named("delete-limit", command.limit); }
  Found operator()(const core::ResumeLimit& command) const { return of_named("resume-limit", command.limit); }

  // What programs and workers do all day, and what changes nothing.
  Found operator()(const core::Submit&) const { return {}; }
  Found operator()(const core::Lease&) const { return {}; }
  Found operator()(const core::AbandonLease&) const { return {}; }
  Found operator()(const core::OpenWorker&) const { return {}; }
  Found operator()(const core::SetCredit&) const { return {}; }
  Found operator()(const core::CloseWorker&) const { return {}; }
  Found operator()(const core::Settle&) const { return {}; }
  Found operator()(const core::Heartbeat&) const { return {}; }
  Found operator()(const core::AppendLogs&) const { return {}; }
  Found operator()(const core::GetJob&) const { return {}; }
  Found operator()(const core::Why&) const { return {}; }
  Found operator()(const core::LookResident&) const { return {}; }
  Found operator()(const core::GetQueue&) const { return {}; }
  Found operator()(const core::ListQueues&) const { return {}; }
  Found operator()(const core::ListGroups&) const { return {}; }
  Found operator()(const core::ListWorkers&) const { return {}; }
  Found operator()(const core::GetSchedule&) const { return {}; }
  Found operator()(const core::ListSchedules&) const { return {}; }
  Found operator()(const core::SubmitWorkflow&) const { return {}; }
  Found operator()(const core::AddChildren&) const { return {}; }
  Found operator()(const core::KeepStep&) const { return {}; }
  Found operator()(const core::RaiseEvent&) const { return {}; }
  Found operator()(const core::GetTrigger&) const { return {}; }
  Found operator()(const core::ListTriggers&) const { return {}; }
  Found operator()(const core::GetLimit&) const { return {}; }
  Found operator()(const core::ListLimits&) const { return {}; }
  Found operator()(const core::StopLeasing&) const { return {}; }
};

}  // namespace

std::optional<AuditEntry> audited(const core::CommandBody& body) { return std::visit(Decide{}, body); }

void add_outcome(AuditEntry& entry, const core::Reply& reply) {
  entry.count = 1;
  if (const auto* refused = std::get_if<core::Refused>(&reply)) {
    entry.count = 0;
    entry.outcome = AuditEntry::Outcome::refused;
    entry.detail = refused->detail;
  } else if (const auto* changed = std::get_if<core::JobChanged>(&reply)) {
    // Of a change, what it set.
    if (entry.detail.empty())
      entry.detail =
          changed->cancel_requested ? "cancel requested" : std::string(core::name_of(changed->status));
  } else if (const auto* deleted = std::get_if<core::QueueDeleted>(&reply)) {
    entry.count = deleted->jobs;
  } else if (const auto* submitted = std::get_if<core::Submitted>(&reply)) {
    entry.count = submitted->jobs.size();
    if (!submitted->jobs.empty()) entry.detail = "job " + uuid_text(submitted->jobs.front().id);
  } else if (const auto* queue = std::get_if<core::QueueView>(&reply)) {
    if (entry.action == "pause") entry.detail = queue->settings.pause_reason;
  }
}

std::string_view name_of(AuditEntry::Outcome outcome) {
  switch (outcome) {
    case AuditEntry::Outcome::done:
      return "done";
    case AuditEntry::Outcome::refused:
      return "refused";
    case AuditEntry::Outcome::started:
      return "started";
    case AuditEntry::Outcome::cancelled:
      return "cancelled";
  }
  return "done";
}

}  // namespace pawl::engine
