#include "broker/http/api/event_feed.h"

#include <algorithm>

#include "broker/http/api/json_out.h"
#include "broker/http/api/problem.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

constexpr std::size_t waiting_max = 20'000;
constexpr std::string_view reconnect_after = "retry: 1000\n\n";

bool has_seen(const core::Job& job, const engine::JobEvent& event) {
  return event.kind == engine::JobEvent::Kind::status &&
         std::ranges::any_of(job.history, [&event](const core::Transition& step) {
           return step.status == event.status && step.at == event.at;
         });
}

}  // namespace

EventFeed::EventFeed(engine::Engine& engine, std::shared_ptr<Exchange> exchange, engine::EventFilter filter,
                     std::optional<std::uint64_t> after)
    : engine_(engine),
      filter_(std::move(filter)),
      after_(after),
      exchange_(std::move(exchange)),
      pumping_(true) {}

EventFeed::~EventFeed() {
  if (subscription_.token != 0) engine_.events().unsubscribe(subscription_.token);
}

void EventFeed::start() {
  const std::shared_ptr<Exchange> exchange = exchange_;
  subscription_ = engine_.events().subscribe(weak_from_this(), filter_, after_);
  exchange->on_abandoned([self = shared_from_this()] { self->end(); });
  if (!filter_.job) return open(backlog_text());
  const auto ticket = engine_.post(core::GetJob{*filter_.job}, shared_from_this(), 0);
  if (ticket) return;
  exchange->respond(problem_response(problem_of(ticket.error())));
  end();
}

void EventFeed::on_reply(std::uint64_t, core::Reply&& reply) {
  std::shared_ptr<Exchange> exchange;
  {
    const std::lock_guard lock(mutex_);
    exchange = exchange_;
  }
  if (!exchange) return;
  if (const auto* view = std::get_if<core::JobView>(&reply)) {
    return open(after_ ? backlog_text() : standing_text(*view));
  }
  const auto* refused = std::get_if<core::Refused>(&reply);
  exchange->respond(
      problem_response(refused != nullptr ? problem_of(*refused) : Problem{problem::internal, ""}));
  end();
}

std::string EventFeed::backlog_text() {
  std::string text(reconnect_after);
  if (subscription_.gap) {
    text += "event: gap\ndata: {\"lastEventId\":\"" + std::to_string(after_.value_or(0)) + "\"}\n\n";
  }
  for (const auto& event : subscription_.backlog) append_event(text, *event);
  // An id without data: whoever saw nothing yet still has a place to come back to.
  if (subscription_.backlog.empty()) text += "id: " + std::to_string(subscription_.newest) + "\n\n";
  subscription_.backlog.clear();
  return text;
}

std::string EventFeed::standing_text(const core::JobView& view) {
  const core::Job& job = view.job;
  engine::JobEvent event;
  event.id = subscription_.newest;
  event.job = job.id;
  event.queue = view.queue;
  event.name = job.name;
  event.status = job.status;
  event.at = job.history.empty() ? job.created_at : job.history.back().at;
  event.attempt = job.attempts_made + (job.status == core::Status::active ? 1 : 0);
  if (!job.errors.empty() && (job.status == core::Status::failed || job.status == core::Status::delayed)) {
    event.error_type = job.errors.back().type;
  }
  std::string text(reconnect_after);
  append_event(text, event);
  if (job.progress >= 0) {
    event.kind = engine::JobEvent::Kind::progress;
    event.progress = job.progress;
    event.message = job.message;
    append_event(text, event);
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&job](const auto& waiting) { return has_seen(job, *waiting); });
  return text;
}

void EventFeed::open(std::string beginning) {
  std::shared_ptr<Exchange> exchange;
  {
    const std::lock_guard lock(mutex_);
    exchange = exchange_;
  }
  if (!exchange) return;
  const std::shared_ptr<Stream> stream = exchange->stream();
  if (!stream->write(std::move(beginning))) return end();
  {
    const std::lock_guard lock(mutex_);
    if (over_) return stream->close();
    stream_ = stream;
  }
  pump();
}

void EventFeed::on_events(const Events& events) {
  std::shared_ptr<Exchange> exchange;
  bool too_many = false;
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    too_many = waiting_.size() + events.size() > waiting_max;
    if (!too_many) waiting_.insert(waiting_.end(), events.begin(), events.end());
    if (!too_many && std::exchange(pumping_, true)) return;
    exchange = exchange_;
  }
  if (too_many) return end();
  exchange->after(0, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

void EventFeed::pump() {
  Events events;
  std::shared_ptr<Stream> stream;
  {
    const std::lock_guard lock(mutex_);
    pumping_ = false;
    if (over_) return;
    events.swap(waiting_);
    stream = stream_;
  }
  if (events.empty()) return;
  std::string text;
  text.reserve(300 * events.size());
  for (const auto& event : events) append_event(text, *event);
  if (!stream->write(std::move(text))) end();
}

void EventFeed::end() {
  std::shared_ptr<Exchange> exchange;
  std::shared_ptr<Stream> stream;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    exchange.swap(exchange_);
    stream.swap(stream_);
    waiting_.clear();
  }
  if (stream) stream->close();
}

}  // namespace pawl::http::api
