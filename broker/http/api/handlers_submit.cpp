#include <charconv>
#include <optional>

#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/hashing.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"
#include "broker/http/api/submit_checks.h"

namespace pawl::http::api {
namespace {

constexpr std::size_t idempotency_key_bytes_max = 255;

bool is_idempotency_key(std::string_view key) {
  if (key.size() > idempotency_key_bytes_max) return false;
  for (const char c : key) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

constexpr core::Millis keep_ms_min = 1'000;
constexpr core::Millis keep_ms_max = 86'400'000;

std::optional<core::Millis> read_keep_ms(std::string_view text) {
  core::Millis ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc{} || end != text.data() + text.size() || ms < keep_ms_min || ms > keep_ms_max)
    return std::nullopt;
  return ms;
}

/// False, and answered, when a header is malformed.
bool take_idempotency_key(Call& call, core::Submit& submit) {
  Request& request = call.request;
  if (request.idempotency_key.empty()) return true;
  if (!is_idempotency_key(request.idempotency_key)) {
    refuse_header(call, "/Idempotency-Key", "must be 1 to 255 visible ASCII characters");
    return false;
  }
  submit.idempotency = core::Idempotency{std::move(request.idempotency_key), body_hash(request.body)};
  if (request.idempotency_keep_ms.empty()) return true;
  const std::optional<core::Millis> keep = read_keep_ms(request.idempotency_keep_ms);
  if (!keep) {
    refuse_header(call, "/Idempotency-Keep-Ms", "must be between 1000 and 86400000");
    return false;
  }
  submit.idempotency->keep_ms = *keep;
  return true;
}

}  // namespace

Response submitted_response(const core::Submitted& submitted, const std::string& queue) {
  core::Submitted::Item item = submitted.jobs.at(0);
  item.deduplicated = item.deduplicated || submitted.repeated;
  std::string body;
  body.reserve(160);
  append_submitted(body, item, queue);
  Response response = json_response(item.deduplicated ? 200 : 202, std::move(body));
  response.headers.emplace_back("Location", "/jobs/" + wire::format_uuid(item.id.bytes));
  return response;
}

void submit_job(Call& call) {
  auto job = read_submit(call.request.body, call.context.limits);
  if (!job) return refuse(call, job.error());
  core::Submit submit;
  if (!take_idempotency_key(call, submit)) return;
  if (job->traceparent.empty()) {
    if (const auto from_header = checked_traceparent(call.request.traceparent))
      job->traceparent = *from_header;
  }
  std::string queue = job->queue;
  submit.jobs.push_back(std::move(*job));
  if (!may_submit(call, submit.jobs.front())) return;
  post_and_answer<core::Submitted>(call, std::move(submit),
                                   [queue = std::move(queue)](const core::Submitted& submitted) {
                                     return submitted_response(submitted, queue);
                                   });
}

void submit_batch(Call& call) {
  auto jobs = read_batch(call.request.body, call.context.limits);
  if (!jobs) return refuse(call, jobs.error());
  core::Submit submit;
  if (!take_idempotency_key(call, submit)) return;
  submit.jobs = std::move(*jobs);
  submit.listed = true;
  if (!may_submit(call, submit.jobs)) return;
  post_and_answer<core::Submitted>(call, std::move(submit), [](const core::Submitted& submitted) {
    std::string body;
    append_batch(body, submitted);
    return json_response(submitted.repeated ? 200 : 202, std::move(body));
  });
}

}  // namespace pawl::http::api
