// The charts.
#include <array>
#include <cmath>

#include "broker/http/api/answering.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/json_out.h"
#include "broker/http/api/query.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

using core::Millis;

constexpr std::int64_t stats_seconds_default = 300;
constexpr std::int64_t stats_seconds_max = 7 * 86'400;
constexpr std::int64_t stats_points_max = 11'000;
/// Without a step, the smallest of these that gives this many points or fewer.
constexpr std::int64_t stats_points_wanted = 720;
constexpr std::array<std::int64_t, 11> stats_steps{1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800};

std::int64_t fitting_step(std::int64_t seconds) {
  for (const std::int64_t step : stats_steps) {
    if (seconds <= step * stats_points_wanted) return step;
  }
  return stats_steps.back();
}

/// from, to or seconds, step → a range that is cut along the step.
engine::HistoryQuery stats_query(Query& query, Millis now) {
  engine::HistoryQuery wanted;
  wanted.queue = query.name("queue").value_or("");
  const auto from = query.time("from");
  const auto to = query.time("to");
  const std::int64_t seconds = query.integer("seconds", 1, stats_seconds_max, 0);
  std::int64_t step = query.integer("step", 1, 86'400, 0);
  if (from && seconds > 0) query.wrong("seconds", "is not allowed together with from");
  wanted.to = to.value_or(now + 1);
  wanted.from = from.value_or(wanted.to - 1000 * (seconds > 0 ? seconds : stats_seconds_default));
  if (wanted.from >= wanted.to) {
    query.wrong("from", "must be before to");
    wanted.from = wanted.to - 1000;
  }
  std::int64_t span = (wanted.to - wanted.from + 999) / 1000;
  if (step == 0) {
    step = fitting_step(span);
    // Seconds are kept for an hour; what is older is there by the minute.
    if (step < 60 && wanted.from < now - engine::seconds_kept_ms - 1000) step = 60;
  } else if (step > 60 && step % 60 != 0) {
    query.wrong("step", "must be a number of whole minutes above 60");
  } else if (step < 60 && wanted.from < now - engine::seconds_kept_ms - 1000) {
    query.wrong("step", "must be 60 or more for what is older than an hour");
  }
  if (span / step > stats_points_max) {
    query.wrong("step",
                "gives more than " + std::to_string(stats_points_max) + " points; choose a larger one");
  }
  wanted.step = 1000 * step;
  wanted.from -= wanted.from % wanted.step;
  wanted.to += (wanted.step - wanted.to % wanted.step) % wanted.step;
  return wanted;
}

double tenths(double ms) { return std::round(ms * 10) / 10; }

void append_spread(std::string& out, const engine::Spread& spread) {
  const std::uint64_t count = spread.count();
  ObjectWriter object(out);
  object.integer("count", count);
  for (const auto& [key, q] : {std::pair{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}}) {
    if (count == 0)
      object.null(key);
    else
      object.number(key, tenths(spread.quantile(q)));
  }
}

void append_depth(std::string& out, const engine::Depth& depth) {
  ObjectWriter object(out);
  for (std::size_t i = 0; i < core::status_count; ++i) {
    object.integer(core::name_of(static_cast<core::Status>(i)), depth[i]);
  }
}

void append_point(std::string& out, const engine::HistoryPoint& point) {
  ObjectWriter object(out);
  object.time("at", point.at);
  object.integer("submitted", point.submitted);
  object.integer("started", point.started);
  object.integer("completed", point.completed);
  object.integer("failed", point.failed);
  object.integer("retried", point.retried);
  object.begin("waitMs");
  append_spread(out, point.wait);
  object.begin("runMs");
  append_spread(out, point.run);
  object.begin("counts");
  append_depth(out, point.depth);
}

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

void append_store(std::string& out, const storage::Counters& store) {
  ObjectWriter object(out);
  object.integer("diskBytes", store.disk_bytes);
  if (store.free_bytes > 0)
    object.integer("freeBytes", store.free_bytes);
  else
    object.null("freeBytes");
  object.integer("memoryBytes", store.memory_bytes);
  object.boolean("writeStalled", store.write_stalled);
  object.boolean("lowOnSpace", store.low_on_space);
}

Response stats_response(engine::Engine& engine, const engine::HistoryQuery& query,
                        const engine::HistorySeries& series) {
  std::string body;
  body.reserve(1024 + 400 * series.points.size());
  {
    ObjectWriter object(body);
    object.time("at", engine.wall());
    object.text_or_null("queue", query.queue);
    object.time("from", query.from);
    object.time("to", query.to);
    object.integer("seconds", (query.to - query.from) / 1000);
    object.integer("step", query.step / 1000);
    object.begin("before");
    if (series.before)
      append_depth(body, *series.before);
    else
      body += "null";
    object.list("points", series.points,
                [&body](const engine::HistoryPoint& point) { append_point(body, point); });
    engine::HistoryPoint sum;
    for (const engine::HistoryPoint& point : series.points) sum.add(point);
    object.begin("waitMs");
    append_spread(body, sum.wait);
    object.begin("runMs");
    append_spread(body, sum.run);
    object.begin("engine");
    append_engine_meters(body, engine);
    object.begin("store");
    append_store(body, engine.store_counters());
  }
  return json_response(200, std::move(body));
}

}  // namespace

void get_stats(Call& call) {
  Query query(call.request.query);
  engine::Engine& engine = call.context.engine;
  engine::HistoryQuery wanted = stats_query(query, engine.wall());
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  auto answer = [exchange = call.exchange, &engine,
                 wanted](std::expected<engine::HistorySeries, engine::ListError> series) {
    if (!series) return exchange->respond(problem_response(problem_of(series.error())));
    exchange->respond_with(
        [&engine, wanted, series = std::move(*series)] { return stats_response(engine, wanted, series); });
  };
  engine.history().read(wanted, std::move(answer));
}

}  // namespace pawl::http::api
