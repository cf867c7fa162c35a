// The broker's answers as the structs of pawl/records.hpp. Members that are missing or of another type leave
// their fields as they were made. Thread: any.
#pragma once

#include <pawl/records.hpp>

#include "client/src/json_slices.h"

namespace pawl {

/// A text that a reader has read already.
struct JsonTextAccess {
  static JsonText trusted(std::string_view text) {
    JsonText out;
    if (!text.empty()) out.text_ = text;
    return out;
  }
};

}  // namespace pawl

namespace pawl::client {

inline constexpr Status statuses[] = {Status::pending, Status::active,  Status::completed, Status::failed,
                                      Status::delayed, Status::stalled, Status::blocked,   Status::cancelled};

Status read_status(JsonSlice value);
Enqueued read_enqueued(JsonSlice answer);
JobRecord read_job(JsonSlice answer);
JobPage read_page(JsonSlice answer);
LimitRecord read_limit(JsonSlice answer);
GroupRecord read_group(JsonSlice answer);
std::vector<GroupRecord> read_groups(JsonSlice answer);
std::vector<FailureGroup> read_failure_groups(JsonSlice answer);
OperationRecord read_operation(JsonSlice answer);
/// The body of POST /bulk.
std::string bulk_json(const BulkSpec& spec);
/// "leaseId" and "jobs" of POST /jobs/ID/children.
std::string children_json(std::string_view lease_id, const std::vector<WorkflowJob>& children);
QueueInfo read_queue(JsonSlice answer);
ScheduleRecord read_schedule(JsonSlice answer);
WorkflowSubmitted read_graph_made(JsonSlice answer);
WorkflowRecord read_workflow(JsonSlice answer);
/// How many jobs a cancel or a retry of a workflow concerned.
std::uint64_t read_jobs_count(JsonSlice answer);
TriggerRecord read_trigger(JsonSlice answer);
EventRaised read_raised(JsonSlice answer);

}  // namespace pawl::client
