#include <algorithm>

#include "broker/core/lane.h"
#include "broker/http/api/job_fields.h"
#include "broker/http/api/new_job_fields.h"
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

using core::Gathering;
using G = Field<Gathering>;

constexpr G key_field{
    "key", [](Input& in, const Where& at, Gathering& gathering) { read_label(in, at, gathering.key); }, true};

constexpr std::array throttle_fields{key_field, G{"perMs",
                                                  [](Input& in, const Where& at, Gathering& gathering) {
                                                    read_integer(in, at, 1, wire::delay_ms_max,
                                                                 gathering.window_ms);
                                                  },
                                                  true}};

constexpr std::array debounce_fields{key_field,
                                     G{"delayMs",
                                       [](Input& in, const Where& at, Gathering& gathering) {
                                         read_integer(in, at, 1, wire::delay_ms_max, gathering.window_ms);
                                       },
                                       true},
                                     G{"maxWaitMs", [](Input& in, const Where& at, Gathering& gathering) {
                                         if (!take_null(in))
                                           read_integer(in, at, 1, wire::delay_ms_max, gathering.max_wait_ms);
                                       }}};

template <std::size_t N>
void read_gathering(Input& in, const Where& at, Gathering::Mode mode, const std::array<G, N>& fields,
                    core::NewJob& job) {
  if (take_null(in)) return;
  Gathering gathering;
  gathering.mode = mode;
  read_object(in, at, fields, gathering);
  if (gathering.max_wait_ms != 0 && gathering.max_wait_ms < gathering.window_ms)
    in.wrong(at.member("maxWaitMs"), "must be at least delayMs");
  if (job.gathering)
    return in.wrong(at, "throttle, debounce and latest exclude each other: give one of them");
  job.gathering = std::move(gathering);
}

}  // namespace

void read_throttle(Input& in, const Where& at, core::NewJob& job) {
  read_gathering(in, at, Gathering::Mode::throttle, throttle_fields, job);
}

void read_debounce(Input& in, const Where& at, core::NewJob& job) {
  read_gathering(in, at, Gathering::Mode::debounce, debounce_fields, job);
}

void read_callback_target(Input& in, const Where& at, core::Callback& out) {
  using C = Field<core::Callback>;
  static constexpr std::array fields{
      C{"url",
        [](Input& i, const Where& w, core::Callback& callback) { read_whole_text(i, w, 2048, callback.url); },
        true},
      C{"on", [](Input& i, const Where& w, core::Callback& callback) {
          callback.on = 0;
          read_array(i, w, 1, 3, [&](const Where& item) {
            if (!expect(i, item, JsonKind::string)) return;
            const std::string_view word = i.json.read_string();
            if (i.json.error()) return;
            if (word == "completed")
              callback.on |= core::Callback::completed;
            else if (word == "failed")
              callback.on |= core::Callback::failed;
            else if (word == "cancelled")
              callback.on |= core::Callback::cancelled;
            else
              i.wrong(item, "must be completed, failed or cancelled");
          });
        }}};
  read_object(in, at, fields, out);
  const bool http = out.url.starts_with("http://") || out.url.starts_with("https://");
  if (!http && in.clean()) in.wrong(at.member("url"), "must begin with http:// or https://");
}

void read_callback(Input& in, const Where& at, core::NewJob& job) {
  if (take_null(in)) return;
  auto callback = std::make_shared<core::Callback>();
  read_callback_target(in, at, *callback);
  job.callback = std::move(callback);
}

void read_latest(Input& in, const Where& at, core::NewJob& job) {
  read_gathering(in, at, Gathering::Mode::latest, std::array{key_field}, job);
}

void read_traceparent(Input& in, const Where& at, core::NewJob& job) {
  if (take_null(in) || !expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  if (!is_traceparent(text))
    return in.wrong(at, "must be a W3C traceparent: 00-TRACE_ID-PARENT_ID-FLAGS in lower case");
  job.traceparent = text;
}

// Their order says nothing, and one that is named twice counts once.
void read_limits(Input& in, const Where& at, core::NewJob& job) {
  if (take_null(in)) return;
  job.limits.clear();
  read_array(in, at, 0, core::limits_named_max, [&](const Where& item) {
    std::string name;
    read_name(in, item, name);
    if (!name.empty()) job.limits.push_back(std::move(name));
  });
  std::ranges::sort(job.limits);
  job.limits.erase(std::ranges::unique(job.limits).begin(), job.limits.end());
}

void read_tags(Input& in, const Where& at, core::NewJob& job) {
  read_array(in, at, 0, wire::tags_max, [&](const Where& item) {
    std::string tag;
    read_label(in, item, tag);
    if (!tag.empty()) job.tags.push_back(std::move(tag));
  });
}

void read_new_job(Input& in, const Where& at, core::NewJob& out) {
  read_object(in, at, new_job_fields, out);
  check_times(in, at, out);
  check_together(in, at, out);
}

void check_times(Input& in, const Where& at, const core::NewJob& job) {
  if (job.delay_ms && job.run_at) in.wrong(at.member("runAt"), "excludes delayMs: give one of them");
}

void check_order(Input& in, const Where& at, const core::NewJob& job) {
  if (!job.ordered) return;
  if (job.group.empty())
    in.wrong(at.member("group"), "is required with ordered: the order is that of a group");
  const char* const in_turn = "excludes ordered: such a job runs when those before it have ended";
  if (job.priority.value_or(0) != 0) in.wrong(at.member("priority"), in_turn);
  if (job.delay_ms.value_or(0) != 0) in.wrong(at.member("delayMs"), in_turn);
  if (job.run_at) in.wrong(at.member("runAt"), in_turn);
  if (job.gathering && job.gathering->mode == Gathering::Mode::debounce)
    in.wrong(at.member("debounce"), in_turn);
}

void check_together(Input& in, const Where& at, const core::NewJob& job) {
  check_order(in, at, job);
  if (job.unique_for_ms > 0 && job.unique_key.empty()) in.wrong(at.member("uniqueForMs"), "needs uniqueKey");
  if (!job.gathering) return;
  const bool debounce = job.gathering->mode == Gathering::Mode::debounce;
  const bool latest = job.gathering->mode == Gathering::Mode::latest;
  const std::string name = latest ? "latest" : debounce ? "debounce" : "throttle";
  if (!job.unique_key.empty()) in.wrong(at.member("uniqueKey"), "excludes " + name + ": give one of them");
  if (latest) {
    const char* const next = "excludes latest: such a job runs when the one before it has ended";
    if (job.ordered) in.wrong(at.member("ordered"), "excludes latest, which is an order of its own");
    if (job.priority.value_or(0) != 0) in.wrong(at.member("priority"), next);
    if (job.delay_ms.value_or(0) != 0) in.wrong(at.member("delayMs"), next);
    if (job.run_at) in.wrong(at.member("runAt"), next);
  }
  if (!debounce) return;
  if (job.delay_ms) in.wrong(at.member("delayMs"), "excludes debounce, which has a delayMs of its own");
  if (job.run_at) in.wrong(at.member("runAt"), "excludes debounce, which says how long the job waits");
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
