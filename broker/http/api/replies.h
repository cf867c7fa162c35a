// Replies of the core → JSON text as docs/openapi.yaml shows it. Payloads and results are spliced in byte for
// byte; what people read goes through a Redaction, which replaces configured values. Each appends one JSON
// value. Pure functions, Thread: any.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/reply.h"
#include "broker/engine/events.h"
#include "broker/engine/lists.h"
#include "broker/engine/meters.h"
#include "broker/engine/operations.h"
#include "broker/http/api/redaction.h"
#include "broker/http/api/worker_directory.h"

namespace pawl::http::api {

/// {"jobId","status","queue","createdAt","deduplicated"?}; `queue` when the item has none of its own.
void append_submitted(std::string& out, const core::Submitted::Item& item, std::string_view queue);
/// {"jobs":[{"jobId","status","deduplicated"?}…],"deduplicated"?}
void append_batch(std::string& out, const core::Submitted& submitted);

void append_granted_job(std::string& out, const core::GrantedJob& job);
/// About how many bytes the text of these will have.
std::size_t granted_bytes(const core::Granted& granted);
/// {"status","runAt"?}, or the problem of a refused one.
void append_settle_result(std::string& out, const core::SettleResult& result);
void append_beat_result(std::string& out, const core::BeatResult& result);

/// Which large parts of a record are wanted.
struct RecordParts {
  bool payload = true;
  bool result = true;
  bool details = true;  // the full errors and history, and what the submitter set; lists go without
};
void append_job(std::string& out, const core::JobView& view, const RecordParts& parts = {},
                const Redaction& redaction = {});
/// {"jobs":[…],"nextCursor"}. Payloads and results beyond `raw_bytes_max` in all are left out, and each such
/// job carries "omitted":true.
void append_job_page(std::string& out, const engine::JobPage& page, RecordParts parts,
                     std::size_t raw_bytes_max, const Redaction& redaction = {});
void append_backoff(std::string& out, const core::Backoff& backoff);
void append_retention(std::string& out, const core::Retention& retention);
void append_logs(std::string& out, const engine::JobLister::Logs& logs);
void append_reason(std::string& out, const core::JobId& id, const core::Reason& reason);
/// The sentence of it, for people.
std::string sentence_of(const core::Reason& reason);
void append_changed(std::string& out, const core::JobChanged& changed);

/// What the meters know of one queue, its job names taken together.
struct QueueMeters {
  engine::JobMeters sum;
  engine::RatePoint last_minute;  // sums over it
};
using JobMetersMap = std::map<engine::Meters::Key, engine::JobMeters>;
engine::JobMeters sum_of(const JobMetersMap& meters, const std::string& queue);
void append_queue(std::string& out, const core::QueueView& queue, const QueueMeters& meters);
void append_group(std::string& out, const core::GroupView& group);
void append_schedule(std::string& out, const core::ScheduleView& schedule, const Redaction& redaction = {});
/// The answer to a submitted graph; refs are those of the submit, in order.
void append_made(std::string& out, const core::WorkflowSubmitted& made, const std::vector<std::string>& refs);
void append_workflow_row(std::string& out, const core::WorkflowRow& row);
void append_workflow(std::string& out, const engine::WorkflowView& view);
void append_trigger(std::string& out, const core::TriggerView& trigger, const Redaction& redaction = {});
void append_limit(std::string& out, const core::LimitView& limit);
/// facts: of its connection; null: it has none.
void append_worker(std::string& out, const core::WorkerView& worker, const WorkerFacts* facts);
/// Of GET /queues/{queue}/dlq/groups.
void append_failure_group(std::string& out, const engine::FailureGroup& group);
void append_operation(std::string& out, const engine::OperationView& operation,
                      const Redaction& redaction = {});
std::string_view state_name(engine::OperationView::State state);

/// One Server-Sent Event, with its id, event and data lines and the empty line.
void append_event(std::string& out, const engine::JobEvent& event);

}  // namespace pawl::http::api
