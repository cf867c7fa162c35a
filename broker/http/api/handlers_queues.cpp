#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/paging.h"
#include "broker/http/api/replies.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

constexpr core::Millis rate_ms = 60'000;

QueueMeters meters_of(engine::Engine& engine, const JobMetersMap& jobs, const std::string& queue) {
  return {sum_of(jobs, queue), engine.meters().sum_since(queue, engine.wall() - rate_ms)};
}

Response queue_response(engine::Engine& engine, const core::QueueView& view) {
  std::string body;
  append_queue(body, view, meters_of(engine, engine.meters().jobs(), view.name));
  return json_response(200, std::move(body));
}

void post_put_queue(Call& call, core::PutQueue put) {
  post_and_answer<core::QueueView>(call, std::move(put),
                                   [&context = call.context](const core::QueueView& view) {
                                     if (context.queues_changed) context.queues_changed();
                                     return queue_response(context.engine, view);
                                   });
}

/// What the fields alone do not show.
std::optional<Problem> check_push(const Call& call, const core::PutQueue& put) {
  if (put.callback && *put.callback) {
    if (auto why = wrong_callback(call.context, **put.callback)) {
      Problem problem{problem::invalid_input, ""};
      problem.errors.push_back({"/callback/url", *std::move(why)});
      return problem;
    }
  }
  if (!put.push || !*put.push) return std::nullopt;
  const auto& check = call.context.check_push;
  std::optional<std::pair<std::string, std::string>> wrong;
  if (put.name == core::callbacks_queue)
    return Problem{problem::invalid_input, "", {{"/push", "the broker pushes this queue by itself"}}};
  if (check)
    wrong = check(**put.push);
  else
    wrong.emplace("url", "this broker does not push");
  if (!wrong) return std::nullopt;
  Problem problem{problem::invalid_input, ""};
  problem.errors.push_back({"/push/" + wrong->first, std::move(wrong->second)});
  return problem;
}

core::PutQueue pausing(std::string queue, bool paused, std::string reason) {
  core::PutQueue put;
  put.name = std::move(queue);
  put.paused = paused;
  put.pause_reason = std::move(reason);
  put.clear_hold = !paused;
  put.must_exist = true;
  return put;
}

}  // namespace

void list_queues(Call& call) {
  Query query(call.request.query);
  const PageQuery page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  post_and_answer<core::QueueList>(
      call, core::ListQueues{}, [page, &engine = call.context.engine](const core::QueueList& list) {
        const JobMetersMap jobs = engine.meters().jobs();
        std::string body;
        append_page(
            body, "queues", list.queues, page, [](const core::QueueView& view) { return view.name; },
            [&](const core::QueueView& view) {
              append_queue(body, view, meters_of(engine, jobs, view.name));
            });
        return json_response(200, std::move(body));
      });
}

void get_queue(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  post_and_answer<core::QueueView>(
      call, core::GetQueue{std::move(*queue)},
      [&engine = call.context.engine](const core::QueueView& view) { return queue_response(engine, view); });
}

void put_queue(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  auto put = read_put_queue(call.request.body, std::move(*queue), call.context.limits);
  if (!put) return refuse(call, put.error());
  if (const auto problem = check_push(call, *put)) return refuse(call, *problem);
  post_put_queue(call, std::move(*put));
}

void delete_queue(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  Query query(call.request.query);
  const bool force = query.boolean("force", false);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  post_and_answer<core::QueueDeleted>(
      call, core::DeleteQueue{*queue, force},
      [name = *queue, &context = call.context](const core::QueueDeleted& deleted) {
        if (context.queues_changed) context.queues_changed();
        std::string body;
        {
          ObjectWriter object(body);
          object.text("queue", name);
          object.integer("deletedJobs", deleted.jobs);
        }
        return json_response(200, std::move(body));
      });
}

void pause_queue(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  auto reason = read_pause(call.request.body, call.context.limits);
  if (!reason) return refuse(call, reason.error());
  post_put_queue(call, pausing(std::move(*queue), true, reason->value_or("")));
}

void resume_queue(Call& call) {
  auto queue = path_queue(call);
  if (!queue) return;
  if (const auto nothing = read_nothing(call.request.body, call.context.limits); !nothing) {
    return refuse(call, nothing.error());
  }
  post_put_queue(call, pausing(std::move(*queue), false, ""));
}

}  // namespace pawl::http::api
