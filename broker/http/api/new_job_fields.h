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
/// What a strict order excludes.
void check_order(Input& in, const Where& at, const core::NewJob& job);
/// Fields of which one excludes another, or means nothing without another.
void check_together(Input& in, const Where& at, const core::NewJob& job);

inline constexpr std::array new_job_fields{Field<core::NewJob>{
                                               "queue",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 read_name(in, at, job.queue);
                                               },
                                               true},
                                           Field<core::NewJob>{
                                               "delayMs",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 if (!take_null(in))
                                                   read_optional_integer(in, at, 0, wire::delay_ms_max,
                                                                         job.delay_ms);
                                               }},
                                           Field<core::NewJob>{
                                               "runAt",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 if (take_null(in)) return;
                                                 core::Millis ms = -1;
                                                 read_time(in, at, ms);
                                                 if (ms >= 0) job.run_at = ms;
                                               }},
                                           Field<core::NewJob>{
                                               "uniqueKey",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 if (!take_null(in)) read_label(in, at, job.unique_key);
                                               }},
                                           Field<core::NewJob>{
                                               "uniqueForMs",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 if (!take_null(in))
                                                   read_integer(in, at, 0, wire::delay_ms_max,
                                                                job.unique_for_ms);
                                               }},
                                           Field<core::NewJob>{"throttle", read_throttle},
                                           Field<core::NewJob>{"debounce", read_debounce},
                                           Field<core::NewJob>{
                                               "name",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 read_name(in, at, job.name);
                                               }},
                                           Field<core::NewJob>{
                                               "payload",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 read_raw(in, at, job.payload);
                                               }},
                                           Field<
                                               core::NewJob>{"priority",
                                                             [](
                                                                 Input& in,
                                                                 const Where& at, core::NewJob& job) {
                                                               read_optional_integer(
                                                                   in, at, wire::priority_min,
                                                                   wire::priority_max, job.priority);
                                                             }},
                                           Field<core::NewJob>{
                                               "maxAttempts",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 read_optional_integer(in, at, 1, wire::attempts_max,
                                                                       job.max_attempts);
                                               }},
                                           Field<core::NewJob>{
                                               "maxStalls",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 read_optional_integer(in, at, 0, wire::stalls_max,
                                                                       job.max_stalls);
                                               }},
                                           Field<
                                               core::NewJob>{"backoff",
                                                             [](Input& in,
                                                                const Where& at, core::NewJob& job) {
                                                               read_backoff(in, at, job.backoff.emplace());
                                                             }},
                                           Field<
                                               core::NewJob>{"leaseMs",
                                                             [](Input& in,
                                                                const Where& at, core::NewJob& job) {
                                                               read_optional_integer(
                                                                   in, at, wire::lease_ms_min,
                                                                   wire::lease_ms_max, job.lease_ms);
                                                             }},
                                           Field<core::NewJob>{
                                               "timeoutMs",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 if (!take_null(in))
                                                   read_optional_integer(in, at, 1, wire::timeout_ms_max,
                                                                         job.timeout_ms);
                                               }},
                                           Field<
                                               core::
                                                   NewJob>{"group",
                                                           [](Input& in, const Where& at, core::NewJob& job) {
                                                             if (!take_null(in))
                                                               read_label(in, at, job.group);
                                                           }},
                                           Field<core::NewJob>{"limits", read_limits},
                                           Field<core::NewJob>{
                                               "ordered",
                                               [](Input& in, const Where& at,
                                                  core::NewJob& job) { read_boolean(in, at, job.ordered); }},
                                           Field<core::NewJob>{
                                               "retention",
                                               [](Input& in, const Where& at, core::NewJob& job) {
                                                 read_retention(in, at, job.retention.emplace());
                                               }},
                                           Field<core::NewJob>{
                                               "tags", [](Input& in, const Where& at,
                                                          core::NewJob& job) { read_tags(in, at, job); }},
                                           Field<core::NewJob>{"traceparent", [](Input& in, const Where& at,
                                                                                 core::NewJob& job) {
                                                                 read_traceparent(in, at, job);
                                                               }}};

}  // namespace pawl::http::api
