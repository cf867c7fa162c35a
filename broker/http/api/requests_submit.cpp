#include "broker/http/api/job_fields.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

constexpr bool is_lower_hex(std::string_view text) {
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

/// W3C trace context, version 00 or a later one with the same beginning.
bool is_traceparent(std::string_view text) {
  return text.size() == 55 && text[2] == '-' && text[35] == '-' && text[52] == '-' &&
         is_lower_hex(text.substr(0, 2)) && is_lower_hex(text.substr(3, 32)) &&
         is_lower_hex(text.substr(36, 16)) && is_lower_hex(text.substr(53)) && !text.starts_with("ff");
}

void read_traceparent(Input& in, const Where& at, core::NewJob& job) {
  if (take_null(in) || !expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  if (!is_traceparent(text))
    return in.wrong(at, "must be a W3C traceparent: 00-TRACE_ID-PARENT_ID-FLAGS in lower case");
  job.traceparent = text;
}

void read_tags(Input& in, const Where& at, core::NewJob& job) {
  read_array(in, at, 0, wire::tags_max, [&](const Where& item) {
    std::string tag;
    read_label(in, item, tag);
    if (!tag.empty()) job.tags.push_back(std::move(tag));
  });
}

using F = Field<core::NewJob>;

/// The members whose rules speak of each other.
enum Member : std::size_t { queue, delay_ms, run_at, unique_key, unique_for_ms };

constexpr std::array new_job_fields{
    F{"queue", [](Input& in, const Where& at, core::NewJob& job) { read_name(in, at, job.queue); }, true},
    F{"delayMs",
      [](Input& in, const Where& at, core::NewJob& job) {
        if (!take_null(in)) read_optional_integer(in, at, 0, wire::delay_ms_max, job.delay_ms);
      }},
    F{"runAt",
      [](Input& in, const Where& at, core::NewJob& job) {
        if (take_null(in)) return;
        core::Millis ms = -1;
        read_time(in, at, ms);
        if (ms >= 0) job.run_at = ms;
      }},
    F{"uniqueKey",
      [](Input& in, const Where& at, core::NewJob& job) {
        if (!take_null(in)) read_label(in, at, job.unique_key);
      }},
    F{"uniqueForMs",
      [](Input& in, const Where& at, core::NewJob& job) {
        if (!take_null(in)) read_integer(in, at, 0, wire::delay_ms_max, job.unique_for_ms);
      }},
    F{"name", [](Input& in, const Where& at, core::NewJob& job) { read_name(in, at, job.name); }},
    F{"payload", [](Input& in, const Where& at, core::NewJob& job) { read_raw(in, at, job.payload); }},
    F{"priority",
      [](Input& in, const Where& at, core::NewJob& job) {
        read_optional_integer(in, at, wire::priority_min, wire::priority_max, job.priority);
      }},
    F{"maxAttempts",
      [](Input& in, const Where& at, core::NewJob& job) {
        read_optional_integer(in, at, 1, wire::attempts_max, job.max_attempts);
      }},
    F{"maxStalls",
      [](Input& in, const Where& at, core::NewJob& job) {
        read_optional_integer(in, at, 0, wire::stalls_max, job.max_stalls);
      }},
    F{"backoff",
      [](Input& in, const Where& at, core::NewJob& job) { read_backoff(in, at, job.backoff.emplace()); }},
    F{"leaseMs",
      [](Input& in, const Where& at, core::NewJob& job) {
        read_optional_integer(in, at, wire::lease_ms_min, wire::lease_ms_max, job.lease_ms);
      }},
    F{"timeoutMs",
      [](Input& in, const Where& at, core::NewJob& job) {
        if (!take_null(in)) read_optional_integer(in, at, 1, wire::timeout_ms_max, job.timeout_ms);
      }},
    F{"group",
      [](Input& in, const Where& at, core::NewJob& job) {
        if (!take_null(in)) read_label(in, at, job.group);
      }},
    F{"retention",
      [](Input& in, const Where& at, core::NewJob& job) { read_retention(in, at, job.retention.emplace()); }},
    F{"tags", [](Input& in, const Where& at, core::NewJob& job) { read_tags(in, at, job); }},
    F{"traceparent", [](Input& in, const Where& at, core::NewJob& job) { read_traceparent(in, at, job); }}};

}  // namespace

void read_new_job(Input& in, const Where& at, core::NewJob& out) {
  std::bitset<new_job_fields.size()> seen;
  read_object(in, at, new_job_fields, out, &seen);
  if (out.delay_ms && out.run_at) in.wrong(at.member("runAt"), "excludes delayMs: give one of them");
  if (seen[unique_for_ms] && out.unique_for_ms > 0 && !seen[unique_key]) {
    in.wrong(at.member("uniqueForMs"), "needs uniqueKey");
  }
}

std::optional<std::string_view> checked_traceparent(std::string_view header) {
  if (!is_traceparent(header)) return std::nullopt;
  return header;
}

Parsed<core::NewJob> read_submit(std::string_view body, const Limits& limits) {
  return read_document<core::NewJob>(body, limits, read_new_job);
}

Parsed<std::vector<core::NewJob>> read_batch(std::string_view body, const Limits& limits) {
  using Jobs = std::vector<core::NewJob>;
  static constexpr std::array fields{
      Field<Jobs>{"jobs",
                  [](Input& in, const Where& at, Jobs& jobs) {
                    read_array(in, at, 1, wire::batch_jobs_max,
                               [&](const Where& item) { read_new_job(in, item, jobs.emplace_back()); });
                  },
                  true}};
  return read_document<Jobs>(
      body, limits, [](Input& in, const Where& at, Jobs& jobs) { read_object(in, at, fields, jobs); });
}

}  // namespace pawl::http::api
