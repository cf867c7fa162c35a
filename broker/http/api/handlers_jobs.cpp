#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

Response changed_response(const core::JobChanged& changed) {
  std::string body;
  append_changed(body, changed);
  return json_response(200, std::move(body));
}

/// The commands that take a job's id and nothing else.
template <typename Command>
void act_on_job(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  if (const auto nothing = read_nothing(call.request.body, call.context.limits); !nothing) {
    return refuse(call, nothing.error());
  }
  Command command;
  command.id = *id;
  post_and_answer<core::JobChanged>(call, std::move(command), changed_response);
}

}  // namespace

void cancel_job(Call& call) { act_on_job<core::Cancel>(call); }
void retry_job(Call& call) { act_on_job<core::Retry>(call); }
void promote_job(Call& call) { act_on_job<core::Promote>(call); }

void change_job(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  auto change = read_change(call.request.body, *id, call.context.limits);
  if (!change) return refuse(call, change.error());
  post_and_answer<core::JobChanged>(call, *std::move(change), changed_response);
}

void delete_job(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  post_and_answer<core::JobDeleted>(call, core::Delete{*id, {}},
                                    [](const core::JobDeleted&) { return Response{204, "", "", {}}; });
}

}  // namespace pawl::http::api
