// What a problem's `type` says after its prefix. docs/openapi.yaml lists the same words; a test compares
// them.
#pragma once

#include <string_view>

namespace pawl::wire::error {

inline constexpr std::string_view prefix = "urn:pawl:error:";

// The request is wrong; it will stay wrong.
inline constexpr std::string_view bad_request = "bad-request";                // 400: not HTTP as it must be
inline constexpr std::string_view invalid_json = "invalid-json";              // 400: with the place
inline constexpr std::string_view unauthorized = "unauthorized";              // 401
inline constexpr std::string_view forbidden = "forbidden";                    // 403: cross-site
inline constexpr std::string_view not_found = "not-found";                    // 404: no such path
inline constexpr std::string_view unknown_job = "unknown-job";                // 404
inline constexpr std::string_view unknown_queue = "unknown-queue";            // 404
inline constexpr std::string_view unknown_operation = "unknown-operation";    // 404
inline constexpr std::string_view unknown_schedule = "unknown-schedule";      // 404
inline constexpr std::string_view unknown_trigger = "unknown-trigger";        // 404
inline constexpr std::string_view unknown_workflow = "unknown-workflow";      // 404
inline constexpr std::string_view unknown_limit = "unknown-limit";            // 404
inline constexpr std::string_view method_not_allowed = "method-not-allowed";  // 405, with Allow
inline constexpr std::string_view request_timeout = "request-timeout";        // 408
inline constexpr std::string_view lease_lost = "lease-lost";                  // 409: the fence
inline constexpr std::string_view wrong_state = "wrong-state";                // 409, with the job's `status`
inline constexpr std::string_view unique_key_taken = "unique-key-taken";  // 409, with the holder's `jobId`
inline constexpr std::string_view queue_in_use = "queue-in-use";          // 409
inline constexpr std::string_view schedule_in_use = "schedule-in-use";    // 409, with its job's `jobId`
inline constexpr std::string_view limit_in_use = "limit-in-use";          // 409, with who names it
inline constexpr std::string_view too_many_limits = "too-many-limits";    // 409
inline constexpr std::string_view too_many_paused_groups = "too-many-paused-groups";  // 409
inline constexpr std::string_view too_many_queues = "too-many-queues";                // 409
inline constexpr std::string_view too_many_schedules = "too-many-schedules";          // 409
inline constexpr std::string_view too_many_log_lines = "too-many-log-lines";          // 409
inline constexpr std::string_view too_many_triggers = "too-many-triggers";            // 409
inline constexpr std::string_view too_many_steps = "too-many-steps";                  // 409
inline constexpr std::string_view step_exists = "step-exists";                        // 409
inline constexpr std::string_view too_many_waits = "too-many-waits";                  // 409
inline constexpr std::string_view body_too_large = "body-too-large";                  // 413
inline constexpr std::string_view target_too_long = "target-too-long";                // 414
inline constexpr std::string_view unsupported_media_type = "unsupported-media-type";  // 415
inline constexpr std::string_view expectation_failed = "expectation-failed";          // 417
inline constexpr std::string_view misdirected = "misdirected";      // 421: a Host that is not ours
inline constexpr std::string_view invalid_input = "invalid-input";  // 422, with `errors`
inline constexpr std::string_view idempotency_mismatch = "idempotency-mismatch";  // 422
inline constexpr std::string_view upgrade_required = "upgrade-required";    // 426: GET /worker without one
inline constexpr std::string_view headers_too_large = "headers-too-large";  // 431

// The broker cannot now; the same request may do later.
inline constexpr std::string_view too_many_requests = "too-many-requests";  // 429, with Retry-After
inline constexpr std::string_view internal = "internal";                    // 500
inline constexpr std::string_view not_implemented = "not-implemented";      // 501: a transfer coding
inline constexpr std::string_view too_many_groups = "too-many-groups";      // 503, with Retry-After
inline constexpr std::string_view overloaded = "overloaded";                // 503, with Retry-After
inline constexpr std::string_view stopping = "stopping";                    // 503, with Retry-After
inline constexpr std::string_view unavailable = "unavailable";              // 503: the store failed
inline constexpr std::string_view http_version = "http-version";            // 505
inline constexpr std::string_view disk_full = "disk-full";                  // 507, with Retry-After

}  // namespace pawl::wire::error
