#include <charconv>

#include "broker/http/api/answering.h"
#include "broker/http/api/event_feed.h"
#include "broker/http/api/handlers.h"
#include "broker/http/api/query.h"

namespace pawl::http::api {
namespace {

/// From the header, or from the query for what cannot set headers. Notes what is no number.
std::optional<std::uint64_t> last_event_id(const Request& request, Query& query) {
  const auto from_query = query.text("lastEventId");
  const std::string& text = request.last_event_id.empty() ? from_query.value_or("") : request.last_event_id;
  if (text.empty()) return std::nullopt;
  std::uint64_t id = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, id);
  if (result.ec == std::errc{} && result.ptr == end) return id;
  query.wrong("lastEventId", "must be the id of an event, which is a number");
  return std::nullopt;
}

}  // namespace

void stream_job_events(Call& call) {
  const auto id = path_job(call);
  if (!id) return;
  Query query(call.request.query);
  const auto after = last_event_id(call.request, query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  std::make_shared<EventFeed>(call.context.engine, call.exchange, engine::EventFilter{*id, {}}, after)
      ->start();
}

void stream_events(Call& call) {
  Query query(call.request.query);
  engine::EventFilter filter{{}, query.name("queue")};
  const auto after = last_event_id(call.request, query);
  if (const auto problem = query.verdict()) return refuse(call, *problem);
  std::make_shared<EventFeed>(call.context.engine, call.exchange, std::move(filter), after)->start();
}

}  // namespace pawl::http::api
