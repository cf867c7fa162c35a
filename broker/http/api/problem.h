// RFC 9457 problems: what the broker says instead of doing what it was asked.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/reply.h"
#include "broker/engine/engine.h"
#include "broker/engine/lists.h"
#include "broker/http/exchange.h"
#include "client/wire/error_types.h"

namespace pawl::http::api {

/// One kind of problem. docs/openapi.yaml lists the same; a test compares them.
struct ProblemType {
  std::string_view name;  // `type` is wire::error::prefix and this
  unsigned status;
  std::string_view title;
  unsigned retry_after_s = 0;  // 0: repeating the request as it is will not help
};

namespace problem {
namespace names = wire::error;
inline constexpr ProblemType bad_request{names::bad_request, 400, "The request is not valid HTTP"};
inline constexpr ProblemType invalid_json{names::invalid_json, 400, "The body is not valid JSON"};
inline constexpr ProblemType unauthorized{names::unauthorized, 401, "A valid bearer token is required"};
inline constexpr ProblemType forbidden{names::forbidden, 403, "The request is not allowed"};
inline constexpr ProblemType not_found{names::not_found, 404, "There is nothing at this path"};
inline constexpr ProblemType unknown_job{names::unknown_job, 404, "There is no such job"};
inline constexpr ProblemType unknown_queue{names::unknown_queue, 404, "There is no such queue"};
inline constexpr ProblemType unknown_operation{names::unknown_operation, 404, "There is no such operation"};
inline constexpr ProblemType unknown_schedule{names::unknown_schedule, 404, "There is no such schedule"};
inline constexpr ProblemType unknown_workflow{names::unknown_workflow, 404, "There is no such workflow"};
inline constexpr ProblemType unknown_trigger{names::unknown_trigger, 404, "There is no such trigger"};
inline constexpr ProblemType unknown_limit{names::unknown_limit, 404, "There is no such limit"};
inline constexpr ProblemType method_not_allowed{names::method_not_allowed, 405,
                                                "The path does not take this method"};
inline constexpr ProblemType request_timeout{names::request_timeout, 408,
                                             "The request did not arrive in time"};
inline constexpr ProblemType lease_lost{names::lease_lost, 409, "The lease is not the job's current one"};
inline constexpr ProblemType wrong_state{names::wrong_state, 409, "The job's state does not allow this"};
inline constexpr ProblemType unique_key_taken{names::unique_key_taken, 409,
                                              "Another live job has the unique key"};
inline constexpr ProblemType queue_in_use{names::queue_in_use, 409, "The queue is in use"};
inline constexpr ProblemType schedule_in_use{names::schedule_in_use, 409, "The schedule is in use"};
inline constexpr ProblemType limit_in_use{names::limit_in_use, 409, "The limit is in use"};
inline constexpr ProblemType too_many_limits{names::too_many_limits, 409, "There are too many limits"};
inline constexpr ProblemType too_many_groups{names::too_many_groups, 503, "Too many groups wait", 5};
inline constexpr ProblemType too_many_paused_groups{names::too_many_paused_groups, 409,
                                                    "Too many groups of the queue are paused"};
inline constexpr ProblemType too_many_queues{names::too_many_queues, 409, "There are too many queues"};
inline constexpr ProblemType too_many_schedules{names::too_many_schedules, 409,
                                                "There are too many schedules"};
inline constexpr ProblemType too_many_triggers{names::too_many_triggers, 409, "There are too many triggers"};
inline constexpr ProblemType too_many_steps{names::too_many_steps, 409, "The job keeps too many steps"};
inline constexpr ProblemType step_exists{names::step_exists, 409, "The job has a step of that name"};
inline constexpr ProblemType too_many_waits{names::too_many_waits, 409, "Too many jobs wait for events"};
inline constexpr ProblemType too_many_log_lines{names::too_many_log_lines, 409,
                                                "The job has too many log lines"};
inline constexpr ProblemType body_too_large{names::body_too_large, 413, "The body is too large"};
inline constexpr ProblemType target_too_long{names::target_too_long, 414, "The request target is too long"};
inline constexpr ProblemType unsupported_media_type{names::unsupported_media_type, 415,
                                                    "The body must be application/json"};
inline constexpr ProblemType expectation_failed{names::expectation_failed, 417,
                                                "The expectation cannot be met"};
inline constexpr ProblemType misdirected{names::misdirected, 421,
                                         "This broker does not answer for that host"};
inline constexpr ProblemType invalid_input{names::invalid_input, 422, "The request has invalid fields"};
inline constexpr ProblemType idempotency_mismatch{names::idempotency_mismatch, 422,
                                                  "The idempotency key was used with another body"};
inline constexpr ProblemType upgrade_required{names::upgrade_required, 426,
                                              "This path speaks WebSocket only"};
inline constexpr ProblemType headers_too_large{names::headers_too_large, 431,
                                               "The header fields are too large"};
inline constexpr ProblemType too_many_requests{names::too_many_requests, 429, "Too many requests", 1};
inline constexpr ProblemType internal{names::internal, 500, "The broker failed to answer"};
inline constexpr ProblemType not_implemented{names::not_implemented, 501,
                                             "The broker does not know how to do this"};
inline constexpr ProblemType overloaded{names::overloaded, 503, "The broker is busy", 1};
inline constexpr ProblemType stopping{names::stopping, 503, "The broker is stopping", 2};
inline constexpr ProblemType unavailable{names::unavailable, 503, "The store is not available", 5};
inline constexpr ProblemType http_version{names::http_version, 505, "The HTTP version is not supported"};
inline constexpr ProblemType disk_full{names::disk_full, 507, "The disk is nearly full", 5};

inline constexpr std::array all{bad_request,
                                invalid_json,
                                unauthorized,
                                forbidden,
                                not_found,
                                unknown_job,
                                unknown_queue,
                                unknown_operation,
                                unknown_schedule,
                                unknown_trigger,
                                unknown_workflow,
                                unknown_limit,
                                method_not_allowed,
                                request_timeout,
                                lease_lost,
                                wrong_state,
                                unique_key_taken,
                                queue_in_use,
                                schedule_in_use,
                                limit_in_use,
                                too_many_limits,
                                too_many_groups,
                                too_many_paused_groups,
                                too_many_queues,
                                too_many_schedules,
                                too_many_triggers,
                                too_many_steps,
                                step_exists,
                                too_many_waits,
                                too_many_log_lines,
                                body_too_large,
                                target_too_long,
                                unsupported_media_type,
                                expectation_failed,
                                misdirected,
                                invalid_input,
                                idempotency_mismatch,
                                upgrade_required,
                                headers_too_large,
                                too_many_requests,
                                internal,
                                not_implemented,
                                overloaded,
                                stopping,
                                unavailable,
                                http_version,
                                disk_full};
}  // namespace problem

/// One wrong field of a request.
struct FieldError {
  enum class In : std::uint8_t { body, path, query, header };
  std::string pointer;  // a JSON Pointer into the body; elsewhere "/" and the name of the parameter or header
  std::string detail;
  In in = In::body;
};

/// Most field errors that one answer lists.
inline constexpr std::size_t field_errors_max = 100;

/// Where broken JSON breaks. Line and column count from 1, the column in bytes.
struct Place {
  std::size_t offset = 0;
  std::size_t line = 1;
  std::size_t column = 1;
};

/// One answer that says no. Value type.
struct Problem {
  ProblemType type = problem::internal;
  std::string detail;  // one sentence; empty: the title says it all
  std::vector<FieldError> errors = {};
  std::optional<Place> place = {};
  std::optional<core::JobId> job = {};
  std::optional<core::Status> job_status = {};  // member `jobStatus`
  std::string allow = {};                       // method_not_allowed: the header
};

void append_problem(std::string& out, const Problem& problem);
std::string problem_text(const Problem& problem);
/// application/problem+json with Retry-After and Allow where they belong.
Response problem_response(const Problem& problem);

Problem problem_of(const core::Refused& refused);
Problem problem_of(engine::Busy busy);
Problem problem_of(engine::ListError error);
/// Of a replay: there is no queue that it could go into.
Problem unknown_target();

}  // namespace pawl::http::api
