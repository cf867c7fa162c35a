#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/paging.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

constexpr std::int64_t stats_seconds_default = 300;
constexpr std::int64_t stats_seconds_max = 3600;

void append_engine_meters(std::string& out, engine::Engine& engine) {
  const engine::EngineMeters meters = engine.meters().engine();
  ObjectWriter object(out);
  object.integer("batches", meters.batches);
  object.integer("commands", meters.commands);
  object.number("meanBatchCommands", meters.mean_batch_commands);
  object.number("commitMsP50", meters.commit.quantile(0.50) * 1000);
  object.number("commitMsP99", meters.commit.quantile(0.99) * 1000);
  object.integer("waitingCommands", engine.inbox_size());
}

}  // namespace

void list_workers(Call& call) {
  Query query(call.request.query);
  const PageQuery page(query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  post_and_answer<core::WorkerList>(call, core::ListWorkers{}, [page](const core::WorkerList& list) {
    std::string body;
    append_page(
        body, "workers", list.workers, page, [](const core::WorkerView& worker) { return worker.worker_id; },
        [&body](const core::WorkerView& worker) { append_worker(body, worker); });
    return json_response(200, std::move(body));
  });
}

void get_stats(Call& call) {
  Query query(call.request.query);
  const auto queue = query.name("queue");
  const std::int64_t seconds = query.integer("seconds", 1, stats_seconds_max, stats_seconds_default);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  engine::Engine& engine = call.context.engine;
  const auto points = engine.meters().rates(queue.value_or(""), static_cast<std::size_t>(seconds));
  std::string body;
  body.reserve(256 + 110 * points.size());
  {
    ObjectWriter object(body);
    object.text_or_null("queue", queue.value_or(""));
    object.integer("seconds", seconds);
    object.list("points", points,
                [&body](const engine::RatePoint& point) { append_rate_point(body, point); });
    object.begin("engine");
    append_engine_meters(body, engine);
  }
  call.exchange->respond(json_response(200, std::move(body)));
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
