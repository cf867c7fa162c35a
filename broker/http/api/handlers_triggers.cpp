// Steps of jobs, events, and what events start.
#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/paging.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"
#include "broker/http/api/submit_checks.h"

namespace pawl::http::api {
namespace {

void post_for_trigger(Call& call, core::CommandBody command) {
  post_and_answer<core::TriggerView>(call, std::move(command),
                                     [&redaction = call.context.redaction](const core::TriggerView& view) {
                                       std::string body;
                                       append_trigger(body, view, redaction);
                                       return json_response(200, std::move(body));
                                     });
}

}  // namespace

void keep_step(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  auto name = path_name(call, "step", 1);
  if (!name) return;
  auto keep = read_keep_step(call.request.body, *id, std::move(*name), call.context.limits);
  if (!keep) return refuse(call, keep.error());
  post_and_answer<core::StepKept>(call, std::move(*keep), [](const core::StepKept& kept) {
    std::string body;
    {
      ObjectWriter object(body);
      object.text("name", kept.step.name);
      object.raw("result", kept.step.result);
      object.boolean("repeated", kept.repeated);
    }
    return json_response(200, std::move(body));
  });
}

void raise_event(Call& call) {
  if (!has_no_idempotency_key(call)) return;
  auto event = read_event(call.request.body, call.context.limits);
  if (!event) return refuse(call, event.error());
  post_and_answer<core::EventRaised>(call, std::move(*event), [](const core::EventRaised& raised) {
    std::string body;
    {
      ObjectWriter object(body);
      object.integer("resumed", raised.resumed);
      object.integer("started", raised.started);
      object.integer("gathered", raised.gathered);
    }
    return json_response(202, std::move(body));
  });
}

void put_trigger(Call& call) {
  auto id = path_name(call, "triggerId");
  if (!id) return;
  auto put = read_put_trigger(call.request.body, std::move(*id), call.context.limits);
  if (!put) return refuse(call, put.error());
  if (!may_submit(call, put->trigger.job)) return;
  post_for_trigger(call, std::move(*put));
}

void get_trigger(Call& call) {
  auto id = path_name(call, "triggerId");
  if (id) post_for_trigger(call, core::GetTrigger{std::move(*id)});
}

void list_triggers(Call& call) {
  Query query(call.request.query);
  const PageQuery page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  const Redaction& redaction = call.context.redaction;
  const auto render = [page, &redaction](const core::TriggerList& list) {
    std::string body;
    append_page(
        body, "triggers", list.triggers, page,
        [](const core::TriggerView& view) { return view.row.trigger.id; },
        [&](const core::TriggerView& view) { append_trigger(body, view, redaction); });
    return json_response(200, std::move(body));
  };
  post_and_answer<core::TriggerList>(call, core::ListTriggers{}, render);
}

void delete_trigger(Call& call) {
  auto id = path_name(call, "triggerId");
  if (!id) return;
  post_and_answer<core::TriggerDeleted>(call, core::DeleteTrigger{std::move(*id)},
                                        [](const core::TriggerDeleted& deleted) {
                                          std::string body;
                                          {
                                            ObjectWriter object(body);
                                            object.text("triggerId", deleted.trigger);
                                            object.boolean("deleted", true);
                                          }
                                          return json_response(200, std::move(body));
                                        });
}

}  // namespace pawl::http::api
