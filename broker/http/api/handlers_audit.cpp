// Who did what.
#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/job_query.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/query.h"

namespace pawl::http::api {
namespace {

void append_entry(std::string& out, const engine::AuditEntry& entry) {
  ObjectWriter object(out);
  object.time("at", entry.at);
  object.text_or_null("actor", entry.actor.name);
  object.text_or_null("address", entry.actor.address);
  object.text("action", entry.action);
  object.text_or_null("queue", entry.queue);
  object.text_or_null("target", entry.target);
  object.integer("count", entry.count);
  object.text("outcome", engine::name_of(entry.outcome));
  object.text_or_null("detail", entry.detail);
}

}  // namespace

void list_audit(Call& call) {
  Query query(call.request.query);
  engine::AuditFilter filter;
  filter.queue = query.name("queue");
  filter.action = query.text("action");
  filter.actor = query.text("actor");
  filter.from = query.time("from");
  filter.before = query.time("to");
  ListPage page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  call.context.engine.audit_log().audit(
      std::move(filter), page.limit, std::move(page.cursor),
      [exchange = call.exchange](std::expected<engine::AuditPage, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        {
          ObjectWriter object(body);
          object.list("entries", answer->entries,
                      [&body](const engine::AuditEntry& entry) { append_entry(body, entry); });
          object.text_or_null("nextCursor", answer->next_cursor.value_or(""));
        }
        exchange->respond(json_response(200, std::move(body)));
      });
}

}  // namespace pawl::http::api
