#include <charconv>

#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/job_query.h"
#include "broker/http/api/job_wait.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/query.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

/// The seconds of "wait=N" (RFC 7240), as milliseconds within the limit; nothing when there is no such
/// preference.
std::optional<std::int64_t> preferred_wait_ms(std::string_view prefer) {
  while (!prefer.empty()) {
    const std::size_t end = prefer.find_first_of(",;");
    std::string_view word = prefer.substr(0, end);
    prefer.remove_prefix(end == std::string_view::npos ? prefer.size() : end + 1);
    while (word.starts_with(' ')) word.remove_prefix(1);
    if (!word.starts_with("wait=")) continue;
    word.remove_prefix(5);
    std::uint32_t seconds = 0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), seconds);
    if (result.ec == std::errc{})
      return std::min<std::int64_t>(std::int64_t{seconds} * 1000, wire::wait_ms_max);
  }
  return std::nullopt;
}

}  // namespace

void get_job(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  Query query(call.request.query);
  JobWait::Options options{*id, query.integer("waitMs", 0, wire::wait_ms_max, -1),
                           std::move(call.request.if_none_match), false};
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  if (options.wait_ms < 0) {
    const auto preferred = preferred_wait_ms(call.request.prefer);
    options.preference_applied = preferred.has_value();
    options.wait_ms = preferred.value_or(0);
  }
  std::make_shared<JobWait>(call.context.engine, call.context.redaction, call.exchange, std::move(options))
      ->start();
}

void explain_job(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  post_and_answer<core::Reason>(call, core::Why{*id}, [id = *id](const core::Reason& reason) {
    std::string body;
    append_reason(body, id, reason);
    return json_response(200, std::move(body));
  });
}

void get_job_logs(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  Query query(call.request.query);
  ListPage page(query);
  const auto attempt = static_cast<std::uint32_t>(query.integer("attempt", 1, UINT32_MAX, 0));
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  call.context.engine.lists().logs(
      *id, attempt > 0 ? std::optional(attempt) : std::nullopt, page.limit, std::move(page.cursor),
      [exchange = call.exchange](std::expected<engine::JobLister::Logs, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        append_logs(body, *answer);
        exchange->respond(json_response(200, std::move(body)));
      });
}

}  // namespace pawl::http::api
