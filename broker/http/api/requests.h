// Request bodies → commands. Every reader checks the whole body: what it returns is well formed, and what it
// refuses comes with the place of the broken JSON (400) or with each wrong field (422, or 413 for a payload
// that is too long). Pure functions, Thread: any.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/command.h"
#include "broker/engine/operations.h"
#include "broker/http/api/limits.h"
#include "broker/http/api/problem.h"

namespace pawl::http::api {

template <typename T>
using Parsed = std::expected<T, Problem>;

Parsed<core::NewJob> read_submit(std::string_view body, const Limits& limits);
/// The header traceparent: nothing when it is absent or malformed, as W3C asks.
std::optional<std::string_view> checked_traceparent(std::string_view header);
Parsed<std::vector<core::NewJob>> read_batch(std::string_view body, const Limits& limits);

/// `queue` is from the path, and so are the ids below.
Parsed<core::Lease> read_lease(std::string_view body, std::string queue, const Limits& limits);
Parsed<core::Beat> read_heartbeat(std::string_view body, const core::JobId& id, const Limits& limits);
Parsed<core::Settlement> read_settlement(std::string_view body, const core::JobId& id,
                                         core::Settlement::Outcome outcome, const Limits& limits);
Parsed<core::Settle> read_settle(std::string_view body, const Limits& limits);
Parsed<core::AppendLogs> read_logs(std::string_view body, const core::JobId& id, const Limits& limits);

Parsed<core::SubmitWorkflow> read_workflow(std::string_view body, const Limits& limits);
/// The body of a suspension, when it invokes a job; nothing when it does not.
Parsed<std::optional<core::AddChildren>> read_invocation(std::string_view body, const core::JobId& id,
                                                         const Limits& limits);
Parsed<core::AddChildren> read_children(std::string_view body, const core::JobId& id, const Limits& limits);
Parsed<core::KeepStep> read_keep_step(std::string_view body, const core::JobId& id, std::string name,
                                      const Limits& limits);
Parsed<core::RaiseEvent> read_event(std::string_view body, const Limits& limits);
Parsed<core::PutTrigger> read_put_trigger(std::string_view body, std::string id, const Limits& limits);

Parsed<core::PutQueue> read_put_queue(std::string_view body, std::string queue, const Limits& limits);
/// What is wrong with a cron expression or a time zone.
struct TimetableFault {
  std::string_view field;  // cron or timezone
  std::string what;
};
/// Nothing when the calendar can follow it. Null: there is no calendar. Thread: any.
using CheckTimetable = std::function<std::optional<TimetableFault>(const core::Timetable&)>;
/// Without `paused` an existing schedule stays as it is in that.
Parsed<core::PutSchedule> read_put_schedule(std::string_view body, std::string id, const Limits& limits,
                                            const CheckTimetable& check);

/// {concurrency?, rate?}, one of them at least.
Parsed<core::PutLimit> read_put_limit(std::string_view body, std::string name, const Limits& limits);
/// {runAt or delayMs, priority}, one of them at least.
Parsed<core::ChangeJob> read_change(std::string_view body, const core::JobId& id, const Limits& limits);
/// {group}; of a pause also `reason`.
Parsed<core::PauseGroup> read_pause_group(std::string_view body, bool paused, const Limits& limits);
/// Pause and drain: {} or nothing at all; pause also takes `reason`.
Parsed<std::optional<std::string>> read_pause(std::string_view body, const Limits& limits);
Parsed<void> read_nothing(std::string_view body, const Limits& limits);

/// Of POST /bulk.
Parsed<engine::OperationSpec> read_bulk(std::string_view body, const Limits& limits);

/// Which dead letters: those named, or all that match.
struct DeadLetterChoice {
  std::vector<core::JobId> ids;  // empty: all
  std::optional<std::string> name;
  std::optional<std::string> error_type;
  std::optional<engine::Fingerprint> fingerprint;
  double per_second = 0;    // 0: as fast as it goes
  std::int64_t canary = 0;  // 0: none
  std::optional<double> stop_on_failure_rate;
  std::string into;  // another queue; empty: their own
};
/// For a purge an empty body means all; a replay has members of its own.
Parsed<DeadLetterChoice> read_dead_letter_choice(std::string_view body, bool purge, const Limits& limits);

}  // namespace pawl::http::api
