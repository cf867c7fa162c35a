// What is to be changed of a job that waits.
#include "broker/http/api/job_fields.h"
#include "broker/http/api/requests.h"
#include "client/wire/protocol.h"

namespace pawl::http::api {

Parsed<core::ChangeJob> read_change(std::string_view body, const core::JobId& id, const Limits& limits) {
  using C = Field<core::ChangeJob>;
  static constexpr std::array fields{
      C{"runAt",
        [](Input& in, const Where& at, core::ChangeJob& change) {
          core::Millis ms = -1;
          read_time(in, at, ms);
          if (ms >= 0) change.run_at = ms;
        }},
      C{"delayMs",
        [](Input& in, const Where& at, core::ChangeJob& change) {
          read_optional_integer(in, at, 0, wire::delay_ms_max, change.delay_ms);
        }},
      C{"priority", [](Input& in, const Where& at, core::ChangeJob& change) {
          read_optional_integer(in, at, wire::priority_min, wire::priority_max, change.priority);
        }}};
  auto change =
      read_document<core::ChangeJob>(body, limits, [](Input& in, const Where& at, core::ChangeJob& out) {
        read_object(in, at, fields, out);
        if (out.run_at && out.delay_ms) in.wrong(at.member("runAt"), "excludes delayMs: give one of them");
        if (!out.run_at && !out.delay_ms && !out.priority && in.clean() && !in.json.error())
          in.wrong(at, "must have runAt, delayMs or priority");
      });
  if (change) change->id = id;
  return change;
}

}  // namespace pawl::http::api
