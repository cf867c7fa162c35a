// Lists of jobs, and what a search bar completes.
#include <array>

#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/job_query.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

constexpr std::size_t page_raw_bytes_max = 16u << 20;
constexpr std::int64_t suggestions_default = 20;
constexpr std::int64_t suggestions_max = 100;

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
void answer_list(Call& call, engine::JobFilter filter, ListPage page, RecordParts parts) {
  const Redaction& redaction = call.context.redaction;
  // What is masked in the answer must not be found out by asking for it, piece by piece.
  if (filter.text && !redaction.empty())
    filter.shown = [&redaction](std::string_view payload) { return redaction.applied(payload); };
  call.context.engine.lists().list(std::move(filter), page.limit, std::move(page.cursor),
                                   [exchange = call.exchange, parts,
                                    &redaction](std::expected<engine::JobPage, engine::ListError> answer) {
                                     if (!answer)
                                       return exchange->respond(problem_response(problem_of(answer.error())));
                                     std::string body;
                                     append_job_page(body, *answer, parts, page_raw_bytes_max, redaction);
                                     exchange->respond(json_response(200, std::move(body)));
                                   });
}

constexpr std::array suggest_fields{
    std::pair{std::string_view("queue"), engine::SuggestField::queue},
    std::pair{std::string_view("name"), engine::SuggestField::name},
    std::pair{std::string_view("group"), engine::SuggestField::group},
    std::pair{std::string_view("tag"), engine::SuggestField::tag},
    std::pair{std::string_view("errorType"), engine::SuggestField::error_type},
    std::pair{std::string_view("worker"), engine::SuggestField::worker},
};

engine::SuggestField suggest_field(Query& query) {
  const std::string wanted = query.text("field").value_or("");
  for (const auto& [name, field] : suggest_fields) {
    if (name == wanted) return field;
  }
  query.wrong("field", "must be one of queue, name, group, tag, errorType, worker");
  return engine::SuggestField::name;
}

}  // namespace

void list_jobs(Call& call) {
  Query query(call.request.query);
  engine::JobFilter filter = read_job_filter(query);
  const RecordParts parts = list_parts(query);
  ListPage page(query);
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
  filter.fingerprint = query.fingerprint("fingerprint");
  read_job_query(query, filter);
  const RecordParts parts = list_parts(query);
  ListPage page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  answer_list(call, std::move(filter), std::move(page), parts);
}

void suggest(Call& call) {
  Query query(call.request.query);
  const engine::SuggestField field = suggest_field(query);
  std::string prefix = query.text("prefix").value_or("");
  const auto limit =
      static_cast<std::size_t>(query.integer("limit", 1, suggestions_max, suggestions_default));
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  call.context.engine.lists().suggest(
      field, std::move(prefix), limit,
      [exchange = call.exchange](std::expected<engine::Suggestions, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        {
          ObjectWriter object(body);
          object.texts("values", answer->values);
          object.boolean("complete", answer->complete);
        }
        exchange->respond(json_response(200, std::move(body)));
      });
}

}  // namespace pawl::http::api
