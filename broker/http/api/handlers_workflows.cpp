#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/query.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"
#include "broker/http/api/submit_checks.h"
#include "client/wire/ids.h"

namespace pawl::http::api {
namespace {

/// Nothing, and answered, when the path names no UUID.
std::optional<core::WorkflowId> path_workflow(Call& call) {
  const auto bytes = wire::parse_uuid(call.params[0]);
  if (bytes) return core::WorkflowId{*bytes};
  refuse(call, {problem::unknown_workflow, "The path names no workflow: its id is a UUID."});
  return std::nullopt;
}

Response made_response(const core::WorkflowSubmitted& made, const std::vector<std::string>& refs) {
  std::string body;
  append_made(body, made, refs);
  Response response = json_response(202, std::move(body));
  if (!made.workflow.is_none())
    response.headers.emplace_back("Location", "/workflows/" + wire::format_uuid(made.workflow.bytes));
  return response;
}

std::vector<std::string> refs_of(const std::vector<core::NewMember>& members) {
  std::vector<std::string> refs;
  for (const core::NewMember& member : members) refs.push_back(member.ref);
  return refs;
}

template <typename Command>
void change_workflow(Call& call) {
  const auto id = path_workflow(call);
  if (!id) return;
  const auto nothing = read_nothing(call.request.body, call.context.limits);
  if (!nothing) return refuse(call, nothing.error());
  post_and_answer<core::WorkflowChanged>(call, Command{*id}, [](const core::WorkflowChanged& changed) {
    std::string body;
    {
      ObjectWriter object(body);
      object.text("workflowId", wire::format_uuid(changed.workflow.bytes));
      object.integer("jobs", changed.jobs);
    }
    return json_response(200, std::move(body));
  });
}

}  // namespace

void submit_workflow(Call& call) {
  if (!has_no_idempotency_key(call)) return;
  auto submit = read_workflow(call.request.body, call.context.limits);
  if (!submit) return refuse(call, submit.error());
  if (!may_submit(call, submit->members)) return;
  auto refs = refs_of(submit->members);
  post_and_answer<core::WorkflowSubmitted>(
      call, std::move(*submit),
      [refs = std::move(refs)](const core::WorkflowSubmitted& made) { return made_response(made, refs); });
}

void add_children(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  auto add = read_children(call.request.body, *id, call.context.limits);
  if (!add) return refuse(call, add.error());
  if (!may_submit(call, add->members)) return;
  auto refs = refs_of(add->members);
  post_and_answer<core::WorkflowSubmitted>(
      call, std::move(*add),
      [refs = std::move(refs)](const core::WorkflowSubmitted& made) { return made_response(made, refs); });
}

void get_workflow(Call& call) {
  const auto id = path_workflow(call);
  if (!id) return;
  call.context.engine.lists().workflow(
      *id, [exchange = call.exchange](std::expected<engine::WorkflowView, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        append_workflow(body, *answer);
        exchange->respond(json_response(200, std::move(body)));
      });
}

void list_workflows(Call& call) {
  Query query(call.request.query);
  const auto limit =
      static_cast<std::size_t>(query.integer("limit", 1, wire::page_limit_max, wire::page_limit_default));
  std::string cursor = query.text("cursor").value_or("");
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  call.context.engine.lists().workflows(
      limit, std::move(cursor),
      [exchange = call.exchange](std::expected<engine::WorkflowPage, engine::ListError> answer) {
        if (!answer) return exchange->respond(problem_response(problem_of(answer.error())));
        std::string body;
        {
          ObjectWriter object(body);
          object.list("workflows", answer->workflows,
                      [&body](const core::WorkflowRow& row) { append_workflow_row(body, row); });
          object.text_or_null("nextCursor", answer->next_cursor.value_or(""));
        }
        exchange->respond(json_response(200, std::move(body)));
      });
}

void cancel_workflow(Call& call) { change_workflow<core::CancelWorkflow>(call); }
void retry_workflow(Call& call) { change_workflow<core::RetryWorkflow>(call); }

}  // namespace pawl::http::api
