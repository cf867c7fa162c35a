#include "broker/http/api/routes.h"

#include <algorithm>
#include <optional>

#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_reader.h"
#include "broker/http/api/query.h"
#include "client/wire/ids.h"

namespace pawl::http::api {
namespace {

using enum Method;
constexpr BodyUse no_body = BodyUse::none;
constexpr BodyUse may_body = BodyUse::optional;
constexpr BodyUse body = BodyUse::required;
constexpr BodySize of_payload = BodySize::payload;
constexpr BodySize of_batch = BodySize::batch;

constexpr Route with_query(Route route) {
  route.takes_query = true;
  return route;
}

// A path's first match decides, so what is literal comes before what has braces in the same place.
constexpr std::array table{
    Route{post, "/jobs", "submitJob", submit_job, body, of_payload},
    Route{post, "/queues/{queue}/lease", "leaseJobs", lease_jobs, body},
    Route{post, "/jobs/{jobId}/complete", "completeJob", complete_job, body, of_payload},
    Route{post, "/jobs/{jobId}/heartbeat", "heartbeatJob", heartbeat_job, body},
    Route{post, "/leases/settle", "settleLeases", settle_leases, body, of_batch},
    Route{post, "/jobs/batch", "submitBatch", submit_batch, body, of_batch},
    Route{post, "/jobs/{jobId}/fail", "failJob", fail_job, body, of_payload},
    Route{post, "/jobs/{jobId}/release", "releaseJob", release_job, body},
    Route{post, "/jobs/{jobId}/rate-limited", "rateLimitJob", rate_limit_job, body},
    Route{post, "/jobs/{jobId}/steps/{step}", "keepStep", keep_step, body, of_payload},
    Route{post, "/jobs/{jobId}/suspend", "suspendJob", suspend_job, body, of_payload},
    Route{post, "/jobs/{jobId}/children", "addChildren", add_children, body, of_batch},
    Route{post, "/workflows", "submitWorkflow", submit_workflow, body, of_batch},
    with_query(Route{get, "/workflows", "listWorkflows", list_workflows}),
    Route{get, "/workflows/{workflowId}", "getWorkflow", get_workflow},
    Route{post, "/workflows/{workflowId}/cancel", "cancelWorkflow", cancel_workflow, may_body},
    Route{post, "/workflows/{workflowId}/retry", "retryWorkflow", retry_workflow, may_body},
    with_query(Route{get, "/jobs", "listJobs", list_jobs}),
    with_query(Route{get, "/search/suggest", "suggest", suggest}),
    with_query(Route{get, "/jobs/{jobId}", "getJob", get_job}),
    Route{patch, "/jobs/{jobId}", "changeJob", change_job, body},
    Route{del, "/jobs/{jobId}", "deleteJob", delete_job},
    Route{get, "/jobs/{jobId}/why", "explainJob", explain_job},
    with_query(Route{get, "/jobs/{jobId}/events", "streamJobEvents", stream_job_events}),
    with_query(Route{get, "/jobs/{jobId}/logs", "getJobLogs", get_job_logs}),
    Route{post, "/jobs/{jobId}/logs", "appendJobLogs", append_job_logs, body, of_batch},
    Route{post, "/jobs/{jobId}/cancel", "cancelJob", cancel_job, may_body},
    Route{post, "/jobs/{jobId}/retry", "retryJob", retry_job, may_body},
    Route{post, "/jobs/{jobId}/promote", "promoteJob", promote_job, may_body},
    with_query(Route{get, "/events", "streamEvents", stream_events}),
    Route{post, "/events", "raiseEvent", raise_event, body, of_payload},
    with_query(Route{get, "/triggers", "listTriggers", list_triggers}),
    Route{get, "/triggers/{triggerId}", "getTrigger", get_trigger},
    Route{put, "/triggers/{triggerId}", "putTrigger", put_trigger, body},
    Route{del, "/triggers/{triggerId}", "deleteTrigger", delete_trigger},
    with_query(Route{get, "/limits", "listLimits", list_limits}),
    Route{get, "/limits/{limit}", "getLimit", get_limit},
    Route{put, "/limits/{limit}", "putLimit", put_limit, body},
    Route{del, "/limits/{limit}", "deleteLimit", delete_limit},
    Route{post, "/limits/{limit}/resume", "resumeLimit", resume_limit, may_body},
    Route{get, "/worker", "connectWorker", refuse_plain_worker},
    with_query(Route{get, "/queues", "listQueues", list_queues}),
    Route{get, "/queues/{queue}", "getQueue", get_queue},
    Route{put, "/queues/{queue}", "putQueue", put_queue, body},
    with_query(Route{del, "/queues/{queue}", "deleteQueue", delete_queue}),
    Route{post, "/queues/{queue}/pause", "pauseQueue", pause_queue, may_body},
    Route{post, "/queues/{queue}/resume", "resumeQueue", resume_queue, may_body},
    with_query(Route{get, "/queues/{queue}/groups", "listGroups", list_groups}),
    Route{post, "/queues/{queue}/groups/pause", "pauseGroup", pause_group, body},
    Route{post, "/queues/{queue}/groups/resume", "resumeGroup", resume_group, body},
    Route{post, "/queues/{queue}/drain", "drainQueue", drain_queue, may_body},
    with_query(Route{get, "/queues/{queue}/dlq", "listDeadLetters", list_dead_letters}),
    Route{get, "/queues/{queue}/dlq/groups", "listFailureGroups", list_failure_groups},
    Route{post, "/queues/{queue}/dlq/replay", "replayDeadLetters", replay_dead_letters, body},
    Route{post, "/queues/{queue}/dlq/purge", "purgeDeadLetters", purge_dead_letters, may_body},
    Route{post, "/bulk", "startBulk", start_bulk, body},
    with_query(Route{get, "/bulk", "listOperations", list_operations}),
    Route{get, "/bulk/{operationId}", "getOperation", get_operation},
    Route{post, "/bulk/{operationId}/cancel", "cancelOperation", cancel_operation, may_body},
    Route{post, "/bulk/{operationId}/pause", "pauseOperation", pause_operation, may_body},
    Route{post, "/bulk/{operationId}/resume", "resumeOperation", resume_operation, may_body},
    with_query(Route{get, "/schedules", "listSchedules", list_schedules}),
    Route{get, "/schedules/{scheduleId}", "getSchedule", get_schedule},
    Route{put, "/schedules/{scheduleId}", "putSchedule", put_schedule, body, of_payload},
    with_query(Route{del, "/schedules/{scheduleId}", "deleteSchedule", delete_schedule}),
    Route{post, "/schedules/{scheduleId}/run", "runSchedule", run_schedule, may_body},
    Route{post, "/schedules/{scheduleId}/pause", "pauseSchedule", pause_schedule, may_body},
    Route{post, "/schedules/{scheduleId}/resume", "resumeSchedule", resume_schedule, may_body},
    with_query(Route{get, "/workers", "listWorkers", list_workers}),
    with_query(Route{get, "/stats", "getStats", get_stats}),
    with_query(Route{get, "/audit", "listAudit", list_audit}),
    Route{get, "/metrics", "getMetrics", get_metrics},
    Route{get, "/livez", "getLivez", get_livez},
    Route{get, "/readyz", "getReadyz", get_readyz},
    Route{get, "/version", "getVersion", get_version},
    Route{get, "/openapi.json", "getOpenapi", get_openapi},
};

/// The part up to the next "/", which is taken off `rest` with it.
std::string_view next_segment(std::string_view& rest) {
  const std::size_t end = rest.find('/');
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return segment;
}

bool matches(std::string_view pattern, std::string_view path, PathParams* params) {
  std::size_t found = 0;
  pattern.remove_prefix(1);
  path.remove_prefix(1);
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern);
    // A slash at the end names another path than ours.
    const bool path_goes_on = path.find('/') != std::string_view::npos;
    const std::string_view segment = next_segment(path);
    if (path_goes_on == pattern.empty()) return false;
    if (!wanted.starts_with('{')) {
      if (wanted != segment) return false;
    } else if (segment.empty()) {
      return false;
    } else if (params != nullptr) {
      (*params)[found++] = segment;
    }
  }
  return pattern.empty() && path.empty();
}

/// The first route of the path, whatever its method; null when there is none.
const Route* find_path(std::string_view path, PathParams* params) {
  if (!path.starts_with('/')) return nullptr;
  for (const Route& route : table) {
    if (matches(route.pattern, path, params)) return &route;
  }
  return nullptr;
}

const Route* with_method(std::string_view pattern, Method method) {
  if (method == head) method = get;
  for (const Route& route : table) {
    if (route.method == method && route.pattern == pattern) return &route;
  }
  return nullptr;
}

std::string allowed_methods(std::string_view pattern) {
  std::string methods;
  for (const Route& route : table) {
    if (route.pattern != pattern) continue;
    methods += name_of(route.method);
    methods += route.method == get ? ", HEAD, " : ", ";
  }
  return methods + "OPTIONS";
}

bool is_dashboard_path(std::string_view path) {
  return path == "/" || path == "/ui" || path.starts_with("/ui/");
}

void answer_unrouted(Call& call, const Route* same_path) {
  if (same_path == nullptr) return refuse(call, {problem::not_found, ""});
  std::string allow = allowed_methods(same_path->pattern);
  if (call.request.method == options) {
    return call.exchange->respond(Response{204, "", "", {{"Allow", std::move(allow)}}});
  }
  Problem problem{problem::method_not_allowed, ""};
  problem.allow = std::move(allow);
  refuse(call, problem);
}

void refuse_unwanted_body(Call& call) {
  Problem problem{problem::invalid_input, ""};
  problem.errors.push_back({"", "this method takes no body"});
  refuse(call, problem);
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case get:
      return "GET";
    case head:
      return "HEAD";
    case post:
      return "POST";
    case put:
      return "PUT";
    case patch:
      return "PATCH";
    case del:
      return "DELETE";
    case options:
      return "OPTIONS";
    case other:
      break;
  }
  return "other";
}

std::span<const Route> routes() { return table; }

const Route* find_route(Method method, std::string_view path) {
  const Route* same_path = find_path(path, nullptr);
  return same_path == nullptr ? nullptr : with_method(same_path->pattern, method);
}

std::string_view route_label(Method method, std::string_view path) {
  const Route* route = find_route(method, path);
  return route == nullptr ? "other" : route->pattern;
}

std::size_t body_bytes_max(Method method, std::string_view path, const Limits& limits) {
  const Route* route = find_route(method, path);
  if (route == nullptr) return small_body_bytes_max;
  switch (route->size) {
    case BodySize::small:
      return small_body_bytes_max;
    case BodySize::payload:
      return limits.payload_bytes_max + envelope_bytes_max;
    case BodySize::batch:
      return std::max(limits.batch_bytes_max, limits.payload_bytes_max + envelope_bytes_max);
  }
  return small_body_bytes_max;
}

std::optional<core::JobId> path_job(Call& call) {
  if (const auto bytes = wire::parse_uuid(call.params[0])) return core::JobId{*bytes};
  refuse(call, {problem::unknown_job, "A job's id is a UUID."});
  return std::nullopt;
}

engine::Actor actor_of(const Call& call) {
  constexpr std::size_t actor_bytes_max = 128;
  engine::Actor actor;
  actor.name = call.request.actor.substr(0, actor_bytes_max);
  if (actor.name.empty() || find_invalid_utf8(actor.name)) actor.name = call.context.actor;
  if (call.request.address) actor.address = *call.request.address;
  return actor;
}

std::optional<std::string> path_queue(Call& call) { return path_name(call, "queue"); }

std::optional<std::string> path_name(Call& call, std::string_view parameter, std::size_t index) {
  if (wire::is_name(call.params[index])) return std::string(call.params[index]);
  Problem problem{problem::invalid_input, ""};
  problem.errors.push_back(
      {"/" + std::string(parameter), "must match [A-Za-z0-9._:-]{1,128}", FieldError::In::path});
  refuse(call, problem);
  return std::nullopt;
}

void dispatch(ApiContext& context, Request request, std::shared_ptr<Exchange> exchange) {
  Call call(context, std::move(request), std::move(exchange));
  const std::string_view path = call.request.path;
  const bool reads = call.request.method == get || call.request.method == head;
  if (reads && context.ui && is_dashboard_path(path) && context.ui(call.request, call.exchange)) return;
  const Route* same_path = find_path(path, &call.params);
  const Route* route = same_path == nullptr ? nullptr : with_method(same_path->pattern, call.request.method);
  if (route == nullptr) return answer_unrouted(call, same_path);
  if (route->body == BodyUse::none && !call.request.body.empty()) return refuse_unwanted_body(call);
  if (!route->takes_query && !call.request.query.empty()) {
    if (const auto problem = Query(call.request.query).verdict()) return refuse(call, *problem);
  }
  route->handler(call);
}

}  // namespace pawl::http::api
