// The one table of what the API serves. The dispatcher, 405 with Allow, metrics labels and the test that
// compares it with docs/openapi.yaml all read it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "broker/engine/engine.h"
#include "broker/http/api/limits.h"
#include "broker/http/api/problem.h"
#include "broker/http/api/redaction.h"
#include "broker/http/api/requests.h"
#include "broker/http/api/worker_directory.h"
#include "broker/http/exchange.h"

namespace pawl::http::api {

/// What the handlers work with. Outlives every exchange. The functions may be called from any thread.
struct ApiContext {
  engine::Engine& engine;
  const Redaction& redaction = no_redaction;  // of what people read; outlives the engine, whose lists use it
  Limits limits = {};
  std::string version = "0.1.0";
  std::string commit = {};      // of the source; empty: not known
  core::Millis started_at = 0;  // wall clock
  std::string actor = {};       // the name of whoever does not say one: the token's; empty: nobody
  /// What is wrong with the cron expression and time zone of a schedule. Null: there is no calendar for them.
  CheckTimetable check_timetable = {};
  /// What is wrong with where a queue pushes to: the field within `push`, and why. Null: nothing is pushed.
  std::function<std::optional<std::pair<std::string, std::string>>(const core::Push&)> check_push = {};
  /// Who is connected. Null: nobody knows.
  std::shared_ptr<const WorkerDirectory> workers = {};
  /// The settings of queues may have changed. May be null.
  std::function<void()> queues_changed = {};
  /// The text of GET /metrics. Null: 404.
  std::function<std::string()> metrics = {};
  /// Takes GET requests for `/` and below `/ui/`, when there is a dashboard; returns false for what it does
  /// not have.
  std::function<bool(const Request&, const std::shared_ptr<Exchange>&)> ui = {};
};

/// Why the broker does not call back there, if it does not.
inline std::optional<std::string> wrong_callback(const ApiContext& context, const core::Callback& callback) {
  if (!context.check_push) return "this broker does not call back";
  core::Push target;
  target.url = callback.url;
  auto wrong = context.check_push(target);
  if (!wrong) return std::nullopt;
  return std::move(wrong->second);
}

/// What stands in the path's braces, in order.
using PathParams = std::array<std::string_view, 2>;

/// One request on its way to its handler.
struct Call {
  ApiContext& context;
  Request request;
  PathParams params;  // views into request.path
  std::shared_ptr<Exchange> exchange;

  Call(ApiContext& context_in, Request&& request_in, std::shared_ptr<Exchange> exchange_in)
      : context(context_in), request(std::move(request_in)), exchange(std::move(exchange_in)) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
};

/// Does a route read a body?
enum class BodyUse : std::uint8_t { none, optional, required };
/// How large may it be?
enum class BodySize : std::uint8_t { small, payload, batch };

struct Route {
  Method method;
  std::string_view pattern;  // as in openapi.yaml: /jobs/{jobId}/complete
  std::string_view operation_id;
  void (*handler)(Call&);
  BodyUse body = BodyUse::none;
  BodySize size = BodySize::small;
  bool takes_query = false;  // its handler reads the query, and refuses what it does not know
};

std::span<const Route> routes();
std::string_view name_of(Method method);

/// The route for a decoded path; null when there is none for this method. HEAD finds GET's. Thread: any.
const Route* find_route(Method method, std::string_view path);
/// The label for metrics: the pattern, or "other".
std::string_view route_label(Method method, std::string_view path);
/// Most bytes that a body may have on this path, for the gate to enforce while it reads.
std::size_t body_bytes_max(Method method, std::string_view path, const Limits& limits);

/// Answers one request, now or later, through the exchange: parses, posts to the engine, formats its reply.
/// Never throws. Thread: the session's.
void dispatch(ApiContext& context, Request request, std::shared_ptr<Exchange> exchange);

}  // namespace pawl::http::api
