#include <charconv>

#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/job_wait.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/query.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

constexpr std::size_t page_raw_bytes_max = 16u << 20;

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

/// Reads limit and cursor, which every list takes.
struct Page {
  std::size_t limit;
  std::string cursor;
  explicit Page(Query& query)
      : limit(static_cast<std::size_t>(
            query.integer("limit", 1, wire::page_limit_max, wire::page_limit_default))),
        cursor(query.text("cursor").value_or("")) {}
};

bool newest_first(Query& query) {
  const std::string order = query.text("order").value_or("newest");
  if (order == "newest" || order == "desc") return true;
  if (order != "oldest" && order != "asc") query.wrong("order", "must be newest or oldest");
  return false;
}

RecordParts list_parts(Query& query) {
  RecordParts parts{false, false, false};
  for (const std::string& part : query.list("include")) {
    if (part == "payload") {
      parts.payload = true;
    } else if (part == "result") {
      parts.result = true;
    } else if (part == "details") {
      parts.details = true;
    } else {
      query.wrong("include", "must be of payload, result, details");
    }
  }
  return parts;
}

/// Answers with a page of the lister; it calls back on a thread of its own.
void answer_list(Call& call, engine::JobFilter filter, Page page, RecordParts parts) {
  call.context.engine.lists().list(
      std::move(filter), page.limit, std::move(page.cursor),
      [exchange = call.exchange, parts](std::expected<engine::JobPage, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        append_job_page(body, *answer, parts, page_raw_bytes_max);
        exchange->respond(json_response(200, std::move(body)));
      });
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
  std::make_shared<JobWait>(call.context.engine, call.exchange, std::move(options))->start();
}

void list_jobs(Call& call) {
  Query query(call.request.query);
  engine::JobFilter filter;
  filter.queue = query.name("queue");
  filter.status = query.statuses("status");
  filter.name = query.name("name");
  filter.group = query.text("group");
  filter.tag = query.text("tag");
  filter.error_type = query.text("errorType");
  filter.newest_first = newest_first(query);
  const RecordParts parts = list_parts(query);
  Page page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  answer_list(call, std::move(filter), std::move(page), parts);
}

void list_dead_letters(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  Query query(call.request.query);
  engine::JobFilter filter;
  filter.queue = std::move(queue);
  filter.status = {core::Status::failed};
  filter.name = query.name("name");
  filter.error_type = query.text("errorType");
  filter.fingerprint = query.fingerprint("fingerprint");
  filter.newest_first = newest_first(query);
  const RecordParts parts = list_parts(query);
  Page page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  answer_list(call, std::move(filter), std::move(page), parts);
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
  Page page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  call.context.engine.lists().logs(
      *id, page.limit, std::move(page.cursor),
      [exchange = call.exchange](std::expected<engine::JobLister::Logs, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        append_logs(body, *answer);
        exchange->respond(json_response(200, std::move(body)));
      });
}

}  // namespace pawl::http::api
