// The fields of a submit, which a schedule has too.
#pragma once

#include <array>

#include "broker/core/new_job.h"
#include "broker/http/api/fields.h"

namespace pawl::http::api {

void read_traceparent(Input& in, const Where& at, core::NewJob& job);
void read_tags(Input& in, const Where& at, core::NewJob& job);
void read_limits(Input& in, const Where& at, core::NewJob& job);
void read_throttle(Input& in, const Where& at, core::NewJob& job);
void read_debounce(Input& in, const Where& at, core::NewJob& job);
void read_callback(Input& in, const Where& at, core::NewJob& job);
void read_latest(Input& in, const Where& at, core::NewJob& job);
/// What a strict order excludes.
void check_order(Input& in, const Where& at, const core::NewJob& job);
/// One of runAt and delayMs.
void check_times(Input& in, const Where& at, const core::NewJob& job);
/// Fields of which one excludes another, or means nothing without another.
void check_together(Input& in, const Where& at, const core::NewJob& job);

using NewJobField = Field<core::NewJob>;

namespace new_job {

inline void queue(Input& in, const Where& at, core::NewJob& job) { read_name(in, at, job.queue); }
inline void delay(Input& in, const Where& at, core::NewJob& job) {
  if (!take_null(in)) read_optional_integer(in, at, 0, wire::delay_ms_max, job.delay_ms);
}
inline void run_at(Input& in, const Where& at, core::NewJob& job) {
  if (take_null(in)) return;
  core::Millis ms = -1;
  read_time(in, at, ms);
  if (ms >= 0) job.run_at = ms;
}
inline void unique_key(Input& in, const Where& at, core::NewJob& job) {
  if (!take_null(in)) read_label(in, at, job.unique_key);
}
inline void unique_for(Input& in, const Where& at, core::NewJob& job) {
  if (!take_null(in)) read_integer(in, at, 0, wire::delay_ms_max, job.unique_for_ms);
}
inline void name(Input& in, const Where& at, core::NewJob& job) { read_name(in, at, job.name); }
inline void payload(Input& in, const Where& at, core::NewJob& job) { read_raw(in, at, job.payload); }
inline void priority(Input& in, const Where& at, core::NewJob& job) {
  read_optional_integer(in, at, wire::priority_min, wire::priority_max, job.priority);
}
inline void max_attempts(Input& in, const Where& at, core::NewJob& job) {
  read_optional_integer(in, at, 1, wire::attempts_max, job.max_attempts);
}
inline void max_stalls(Input& in, const Where& at, core::NewJob& job) {
  read_optional_integer(in, at, 0, wire::stalls_max, job.max_stalls);
}
inline void backoff(Input& in, const Where& at, core::NewJob& job) {
  read_backoff(in, at, job.backoff.emplace());
}
inline void lease(Input& in, const Where& at, core::NewJob& job) {
  read_optional_integer(in, at, wire::lease_ms_min, wire::lease_ms_max, job.lease_ms);
}
inline void timeout(Input& in, const Where& at, core::NewJob& job) {
  if (!take_null(in)) read_optional_integer(in, at, 1, wire::timeout_ms_max, job.timeout_ms);
}
inline void group(Input& in, const Where& at, core::NewJob& job) {
  if (!take_null(in)) read_label(in, at, job.group);
}
inline void ordered(Input& in, const Where& at, core::NewJob& job) { read_boolean(in, at, job.ordered); }
inline void retention(Input& in, const Where& at, core::NewJob& job) {
  read_retention(in, at, job.retention.emplace());
}

}  // namespace new_job

inline constexpr std::array new_job_fields{NewJobField{"queue", new_job::queue, true},
                                           NewJobField{"delayMs", new_job::delay},
                                           NewJobField{"runAt", new_job::run_at},
                                           NewJobField{"uniqueKey", new_job::unique_key},
                                           NewJobField{"uniqueForMs", new_job::unique_for},
                                           NewJobField{"throttle", read_throttle},
                                           NewJobField{"debounce", read_debounce},
                                           NewJobField{"latest", read_latest},
                                           NewJobField{"callback", read_callback},
                                           NewJobField{"name", new_job::name},
                                           NewJobField{"payload", new_job::payload},
                                           NewJobField{"priority", new_job::priority},
                                           NewJobField{"maxAttempts", new_job::max_attempts},
                                           NewJobField{"maxStalls", new_job::max_stalls},
                                           NewJobField{"backoff", new_job::backoff},
                                           NewJobField{"leaseMs", new_job::lease},
                                           NewJobField{"timeoutMs", new_job::timeout},
                                           NewJobField{"group", new_job::group},
                                           NewJobField{"limits", read_limits},
                                           NewJobField{"ordered", new_job::ordered},
                                           NewJobField{"retention", new_job::retention},
                                           NewJobField{"tags", read_tags},
                                           NewJobField{"traceparent", read_traceparent}};

}  // namespace pawl::http::api
