// Groups of a queue.
#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/query.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

constexpr std::int64_t groups_listed_max = 1000;

void pause_or_resume(Call& call, bool paused) {
  auto queue = path_queue(call);
  if (!queue) return;
  auto pause = read_pause_group(call.request.body, paused, call.context.limits);
  if (!pause) return refuse(call, pause.error());
  pause->queue = std::move(*queue);
  post_and_answer<core::GroupView>(call, std::move(*pause), [](const core::GroupView& view) {
    std::string body;
    append_group(body, view);
    return json_response(200, std::move(body));
  });
}

}  // namespace

void list_groups(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  Query query(call.request.query);
  core::ListGroups list{std::move(*queue)};
  list.max = static_cast<std::size_t>(query.integer("limit", 1, groups_listed_max, 50));
  list.only_paused = query.boolean("paused", false);
  list.group = query.text("group");
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  post_and_answer<core::GroupList>(call, std::move(list), [](const core::GroupList& groups) {
    std::string body;
    {
      ObjectWriter object(body);
      object.list("groups", groups.groups,
                  [&body](const core::GroupView& group) { append_group(body, group); });
      object.integer("total", groups.total);
    }
    return json_response(200, std::move(body));
  });
}

void pause_group(Call& call) { pause_or_resume(call, true); }
void resume_group(Call& call) { pause_or_resume(call, false); }

}  // namespace pawl::http::api
