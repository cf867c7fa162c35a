#include "broker/http/api/job_wait.h"

#include "broker/http/api/answering.h"
#include "broker/http/api/hashing.h"
#include "broker/http/api/replies.h"

namespace pawl::http::api {
namespace {

constexpr std::uint64_t first_read = 0;  // answers only when the job has ended, or there is no wait
constexpr std::uint64_t last_read = 1;

Response job_response(const core::JobView& view, const JobWait::Options& options,
                      const Redaction& redaction) {
  std::string body;
  append_job(body, view, {}, redaction);
  std::string etag = etag_of(body);
  Response response;
  if (etag_matches(options.if_none_match, etag)) {
    response.status = 304;
    response.content_type.clear();
  } else {
    response.body = std::move(body);
  }
  response.headers.emplace_back("ETag", std::move(etag));
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  if (options.preference_applied) {
    response.headers.emplace_back("Preference-Applied", "wait=" + std::to_string(options.wait_ms / 1000));
  }
  return response;
}

}  // namespace

JobWait::JobWait(engine::Engine& engine, const Redaction& redaction, std::shared_ptr<Exchange> exchange,
                 Options options)
    : engine_(engine), redaction_(redaction), exchange_(std::move(exchange)), options_(std::move(options)) {}

JobWait::~JobWait() { unsubscribe(); }

void JobWait::start() {
  if (options_.wait_ms > 0) {
    const std::shared_ptr<Exchange> exchange = exchange_;
    // Before the first read, so that no end slips between the two.
    token_ = engine_.events().subscribe(weak_from_this(), {options_.id, {}}, {}).token;
    exchange->after(options_.wait_ms, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->read_last();
    });
    // Keeps this alive while it waits, and ends it when nobody waits any more.
    exchange->on_abandoned([self = shared_from_this()] { self->unsubscribe(); });
  }
  read(first_read);
}

void JobWait::read(std::uint64_t tag) {
  const auto ticket = engine_.post(core::GetJob{options_.id}, shared_from_this(), tag);
  if (ticket || answered_.exchange(true)) return;
  std::move(exchange_)->respond(problem_response(problem_of(ticket.error())));
  unsubscribe();
}

void JobWait::read_last() {
  if (!last_.exchange(true)) read(last_read);
}

void JobWait::on_events(const std::vector<std::shared_ptr<const engine::JobEvent>>& events) {
  for (const auto& event : events) {
    if (event->kind == engine::JobEvent::Kind::status && core::is_end(event->status)) return read_last();
  }
}

void JobWait::on_reply(std::uint64_t tag, core::Reply&& reply) {
  const auto* view = std::get_if<core::JobView>(&reply);
  const bool go_on =
      tag == first_read && options_.wait_ms > 0 && view != nullptr && !core::is_end(view->job.status);
  if (!go_on) answer(std::move(reply));
}

void JobWait::answer(core::Reply&& reply) {
  if (answered_.exchange(true)) return;
  unsubscribe();
  const std::shared_ptr<Exchange> exchange = std::move(exchange_);
  exchange->respond_with([reply = std::move(reply), options = options_, &redaction = redaction_] {
    return render_reply<core::JobView>(
        reply, [&](const core::JobView& view) { return job_response(view, options, redaction); });
  });
}

void JobWait::unsubscribe() {
  if (const std::uint64_t token = token_.exchange(0)) engine_.events().unsubscribe(token);
}

}  // namespace pawl::http::api
