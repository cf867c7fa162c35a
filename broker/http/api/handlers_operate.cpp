#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/paging.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
void list_workers(Call& call) {
  Query query(call.request.query);
  const PageQuery page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  const auto render = [page, directory = call.context.workers](const core::WorkerList& list) {
    std::string body;
    const auto facts = directory ? directory->facts() : std::map<std::string, WorkerFacts>{};
    append_page(
        body, "workers", list.workers, page, [](const core::WorkerView& worker) { return worker.worker_id; },
        [&](const core::WorkerView& worker) {
          const auto known = facts.find(worker.worker_id);
          append_worker(body, worker, known == facts.end() ? nullptr : &known->second);
        });
    return json_response(200, std::move(body));
  };
  post_and_answer<core::WorkerList>(call, core::ListWorkers{}, render);
}

void get_metrics(Call& call) {
  if (!call.context.metrics) return refuse(call, {problem::not_found, ""});
  // Rendered on the session's thread, after this turn's answers.
  call.exchange->respond_with([&metrics = call.context.metrics] {
    return Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics(), {}};
  });
}

void get_livez(Call& call) { call.exchange->respond(json_response(200, R"({"status":"ok"})")); }

void get_readyz(Call& call) {
  if (call.context.engine.ready()) return call.exchange->respond(json_response(200, R"({"status":"ready"})"));
  refuse(call, {problem::stopping, "The broker is starting or stopping."});
}

void get_version(Call& call) {
  std::string body;
  {
    ObjectWriter object(body);
    object.text("version", call.context.version);
    object.text_or_null("commit", call.context.commit);
    object.text("workerProtocol", wire::worker_subprotocol);
    object.integer("formatVersion", engine::format_version);
    object.time_or_null("startedAt", call.context.started_at);
  }
  call.exchange->respond(json_response(200, std::move(body)));
}

void get_openapi(Call& call) { call.exchange->respond(json_response(200, std::string(openapi_json()))); }

}  // namespace pawl::http::api
