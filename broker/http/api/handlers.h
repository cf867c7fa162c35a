// The handlers of the route table. Each parses its request, posts to the engine and formats the reply; none
// decides. Thread: the session's.
#pragma once

#include <string_view>

#include "broker/http/api/routes.h"

namespace pawl::http::api {

// Submit
void submit_job(Call& call);
void submit_batch(Call& call);

/// The answer of a submit: 202, or 200 for an earlier job; `queue` for an item that names none.
Response submitted_response(const core::Submitted& submitted, const std::string& queue);

// Read and watch
void get_job(Call& call);
void list_jobs(Call& call);
void suggest(Call& call);
void list_audit(Call& call);
void explain_job(Call& call);
void get_job_logs(Call& call);
void stream_job_events(Call& call);
void stream_events(Call& call);

// Work
void lease_jobs(Call& call);
void heartbeat_job(Call& call);
void complete_job(Call& call);
void fail_job(Call& call);
void release_job(Call& call);
void rate_limit_job(Call& call);
void append_job_logs(Call& call);
void settle_leases(Call& call);
/// GET /worker without an upgrade.
void refuse_plain_worker(Call& call);

// Operate
void cancel_job(Call& call);
void retry_job(Call& call);
void promote_job(Call& call);
void change_job(Call& call);
void delete_job(Call& call);
void list_queues(Call& call);
void get_queue(Call& call);
void put_queue(Call& call);
void delete_queue(Call& call);
void pause_queue(Call& call);
void resume_queue(Call& call);
void drain_queue(Call& call);
void list_groups(Call& call);
void pause_group(Call& call);
void resume_group(Call& call);
void list_dead_letters(Call& call);
void list_failure_groups(Call& call);
void replay_dead_letters(Call& call);
void purge_dead_letters(Call& call);
void start_bulk(Call& call);
void list_operations(Call& call);
void get_operation(Call& call);
void cancel_operation(Call& call);
void pause_operation(Call& call);
void resume_operation(Call& call);
void put_limit(Call& call);
void get_limit(Call& call);
void list_limits(Call& call);
void delete_limit(Call& call);
void resume_limit(Call& call);
void submit_workflow(Call& call);
void add_children(Call& call);
void list_workflows(Call& call);
void get_workflow(Call& call);
void cancel_workflow(Call& call);
void retry_workflow(Call& call);
void keep_step(Call& call);
void suspend_job(Call& call);
void raise_event(Call& call);
void list_triggers(Call& call);
void get_trigger(Call& call);
void put_trigger(Call& call);
void delete_trigger(Call& call);
void list_schedules(Call& call);
void get_schedule(Call& call);
void put_schedule(Call& call);
void delete_schedule(Call& call);
void run_schedule(Call& call);
void pause_schedule(Call& call);
void resume_schedule(Call& call);
void list_workers(Call& call);
void get_stats(Call& call);
void get_metrics(Call& call);
void get_livez(Call& call);
void get_readyz(Call& call);
void get_version(Call& call);
void get_openapi(Call& call);

/// docs/openapi.yaml as JSON, from inside the binary.
std::string_view openapi_json();

}  // namespace pawl::http::api
