// Limits that have a name.
#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/paging.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

Response limit_response(const core::LimitView& view) {
  std::string body;
  append_limit(body, view);
  return json_response(200, std::move(body));
}

}  // namespace

void put_limit(Call& call) {
  auto name = path_name(call, "limit");
  if (!name) return;
  auto put = read_put_limit(call.request.body, std::move(*name), call.context.limits);
  if (!put) return refuse(call, put.error());
  post_and_answer<core::LimitView>(call, std::move(*put), limit_response);
}

void get_limit(Call& call) {
  auto name = path_name(call, "limit");
  if (name) post_and_answer<core::LimitView>(call, core::GetLimit{std::move(*name)}, limit_response);
}

void resume_limit(Call& call) {
  auto name = path_name(call, "limit");
  if (!name) return;
  const auto nothing = read_nothing(call.request.body, call.context.limits);
  if (!nothing) return refuse(call, nothing.error());
  post_and_answer<core::LimitView>(call, core::ResumeLimit{std::move(*name)}, limit_response);
}

void list_limits(Call& call) {
  Query query(call.request.query);
  const PageQuery page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  post_and_answer<core::LimitList>(call, core::ListLimits{}, [page](const core::LimitList& list) {
    std::string body;
    append_page(
        body, "limits", list.limits, page, [](const core::LimitView& view) { return view.row.name; },
        [&](const core::LimitView& view) { append_limit(body, view); });
    return json_response(200, std::move(body));
  });
}

void delete_limit(Call& call) {
  auto name = path_name(call, "limit");
  if (!name) return;
  post_and_answer<core::LimitDeleted>(call, core::DeleteLimit{std::move(*name)},
                                      [](const core::LimitDeleted& deleted) {
                                        std::string body;
                                        {
                                          ObjectWriter object(body);
                                          object.text("limit", deleted.limit);
                                          object.boolean("deleted", true);
                                        }
                                        return json_response(200, std::move(body));
                                      });
}

}  // namespace pawl::http::api
