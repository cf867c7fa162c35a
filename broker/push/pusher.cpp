#include "broker/push/pusher.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <thread>

#include "broker/engine/codec.h"
#include "broker/engine/inbox.h"
#include "broker/http/api/replies.h"
#include "broker/push/dispatcher.h"
#include "broker/push/request.h"
#include "broker/push/signature.h"

namespace pawl::push {

namespace net = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds retry_post{200};  // the engine's inbox was full
constexpr milliseconds look_every{60'000};

core::Millis wall_now() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Request request_of(const core::GrantedJob& job, const core::Push& push) {
  Request request;
  request.url = parse_url(job.target.empty() ? push.url : job.target).value_or(Url{});
  request.timeout = milliseconds(push.timeout_ms);
  if (push.body == core::PushBody::job) {
    http::api::append_granted_job(request.body, job);
  } else {
    request.body = job.payload ? *job.payload : "null";
  }
  request.queue_headers = push.headers;
  const auto add = [&](const char* name, std::string value) {
    request.headers.emplace_back(name, std::move(value));
  };
  const std::string id = engine::uuid_text(job.id);
  const std::int64_t now_s = wall_now() / 1000;
  if (job.queue == core::callbacks_queue) add("Content-Type", "application/cloudevents+json");
  add("webhook-id", id);  // the same for each attempt: receivers know a repetition by it
  add("webhook-timestamp", std::to_string(now_s));
  if (const auto key = key_of(push.secret))
    add("webhook-signature", signature(*key, id, now_s, request.body));
  add("pawl-queue", job.queue);
  add("pawl-name", job.name);
  add("pawl-attempt", std::to_string(job.attempt));
  if (!job.traceparent.empty()) add("traceparent", job.traceparent);
  return request;
}

}  // namespace

/// Lives on one thread, but for what is said otherwise.
class Pusher::Desk : public engine::ReplyTarget,
                     public Dispatcher::Ways,
                     public std::enable_shared_from_this<Desk> {
 public:
  Desk(engine::Engine& engine, PusherOptions options)
      : engine_(engine), options_(std::move(options)), dispatcher_(*this, for_callbacks()) {}

  std::expected<void, std::string> set_up() {
    auto allow = AllowList::parse(options_.allow);
    if (!allow) return std::unexpected("push.allow: " + allow.error());
    network_.allow = *std::move(allow);
    if (!options_.callback_secret.empty() && !key_of(options_.callback_secret))
      return std::unexpected("push.callback-secret: must be whsec_ and then 24 to 64 bytes in base64");
    boost::system::error_code error;
    network_.tls.set_default_verify_paths(error);
    if (!options_.ca_file.empty()) network_.tls.load_verify_file(options_.ca_file, error);
    if (error)
      return std::unexpected("push.ca-file: " + options_.ca_file + " cannot be read: " + error.message());
    return {};
  }
  void start() {
    thread_ = std::thread([this] { context_.run(); });
    net::post(context_, [this] { look(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    work_.reset();
    context_.stop();
    thread_.join();
    network_.resolver.close();
    calls_.clear();
    handlers_.clear();
  }

  // Thread: any.
  void ask_to_look() {
    net::post(context_, [self = shared_from_this()] { self->look(); });
  }
  const AllowList& allow() const { return network_.allow; }
  PushCounts counts() const {
    return {completed_.load(), failed_.load(), rate_limited_.load(), abandoned_.load(), under_way_.load()};
  }
  void on_reply(std::uint64_t tag, core::Reply&& reply) override {
    net::post(context_, [self = shared_from_this(), tag, reply = std::move(reply)]() mutable {
      self->take(tag, std::move(reply));
    });
  }

 private:
  using Handler = std::function<void(core::Reply&&)>;
  struct Known {
    Handler run;
    bool stays = false;
  };
  struct Unsent {
    core::CommandBody body;
    std::uint64_t tag = 0;  // 0: it is not answered
  };
  /// One request.
  struct Call {
    net::cancellation_signal cancel;
    net::steady_timer beat;
    explicit Call(net::io_context& context) : beat(context) {}
  };

  void take(std::uint64_t tag, core::Reply&& reply) {
    const auto found = handlers_.find(tag);
    if (found == handlers_.end()) return;
    if (found->second.stays) return found->second.run(std::move(reply));
    const Handler run = std::move(found->second.run);
    handlers_.erase(found);
    run(std::move(reply));
  }

  /// Posts until the engine takes it, in order.
  void ask(core::CommandBody body, Handler handler) {
    const std::uint64_t tag = ++tags_;
    handlers_[tag] = {std::move(handler), false};
    unsent_.push_back({std::move(body), tag});
    if (unsent_.size() == 1) send_posts();
  }
  void send_posts() {
    while (!unsent_.empty()) {
      const Unsent& first = unsent_.front();
      const auto target = first.tag == 0 ? nullptr : shared_from_this();
      const auto posted = engine_.post(first.body, target, first.tag);
      if (!posted && posted.error() == engine::Busy::inbox_full) break;
      if (!posted) handlers_.erase(first.tag);
      unsent_.pop_front();
    }
    if (unsent_.empty()) return;
    post_timer_.expires_after(retry_post);
    post_timer_.async_wait([self = shared_from_this()](auto error) {
      if (!error) self->send_posts();
    });
  }

  void look() {
    if (!network_.allow.empty()) {
      ask(core::ListQueues{}, [this](core::Reply&& reply) {
        const auto* list = std::get_if<core::QueueList>(&reply);
        if (list != nullptr && !dispatcher_.compare(*list)) look_in(retry_post);
      });
    }
    look_in(look_every);
  }
  void look_in(milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this()](auto error) {
      if (!error) self->look();
    });
  }

  std::shared_ptr<const core::Push> for_callbacks() const {
    auto push = std::make_shared<core::Push>();
    push->secret = options_.callback_secret;
    push->permanent_on = {410};
    return push;
  }

  core::Ticket open(std::uint64_t lane, core::OpenWorker open) override {
    const std::uint64_t tag = ++tags_;
    handlers_[tag] = {[this, lane](core::Reply&& reply) { dispatcher_.heard(lane, std::move(reply)); }, true};
    const auto ticket = engine_.post(std::move(open), shared_from_this(), tag);
    if (!ticket) {
      handlers_.erase(tag);
      return core::Ticket::none;
    }
    lane_tags_[lane] = tag;
    return *ticket;
  }
  void closed(std::uint64_t lane) override {
    const std::uint64_t tag = lane_tags_.at(lane);
    lane_tags_.erase(lane);
    // Answered after all that the worker was granted before it was closed.
    ask(core::LookResident{}, [this, tag](core::Reply&&) { handlers_.erase(tag); });
  }
  void post(core::CommandBody body) override {
    if (engine::is_answered(body)) return ask(std::move(body), [](core::Reply&&) {});
    unsent_.push_back({std::move(body), 0});
    if (unsent_.size() == 1) send_posts();
  }

  void send(const Dispatcher::Trip& trip) override {
    const core::LeaseNumber lease = trip.job.lease;
    auto call = std::make_shared<Call>(context_);
    calls_[lease] = call;
    ++under_way_;
    keep_alive(call, lease, milliseconds(std::max<core::Millis>(trip.job.lease_ms / 3, 300)));
    net::co_spawn(
        context_, push::send(network_, request_of(trip.job, *trip.push)),
        net::bind_cancellation_slot(call->cancel.slot(), [self = shared_from_this(), call, lease](
                                                             const std::exception_ptr& error, Result result) {
          if (error) result = Failure{"push", "failed within the broker"};
          self->arrived(*call, lease, result);
        }));
  }
  void abort(core::LeaseNumber lease) override {
    const auto call = calls_.find(lease);
    if (call != calls_.end()) call->second->cancel.emit(net::cancellation_type::terminal);
  }

  void keep_alive(const std::shared_ptr<Call>& call, core::LeaseNumber lease, milliseconds every) {
    call->beat.expires_after(every);
    call->beat.async_wait([self = shared_from_this(), call, lease, every](auto error) {
      if (!error && self->dispatcher_.beat(lease)) self->keep_alive(call, lease, every);
    });
  }

  void arrived(Call& call, core::LeaseNumber lease, const Result& result) {
    call.beat.cancel();
    calls_.erase(lease);
    --under_way_;
    switch (dispatcher_.arrived(lease, result, wall_now())) {
      case Dispatcher::Outcome::completed:
        ++completed_;
        break;
      case Dispatcher::Outcome::failed:
        ++failed_;
        break;
      case Dispatcher::Outcome::rate_limited:
        ++rate_limited_;
        break;
      case Dispatcher::Outcome::abandoned:
        ++abandoned_;
        break;
    }
  }

  engine::Engine& engine_;
  const PusherOptions options_;
  Network network_;
  net::io_context context_{1};
  net::executor_work_guard<net::io_context::executor_type> work_ = net::make_work_guard(context_);
  net::steady_timer timer_{context_};
  Dispatcher dispatcher_;
  std::map<core::LeaseNumber, std::shared_ptr<Call>> calls_;
  std::map<std::uint64_t, Known> handlers_;
  std::map<std::uint64_t, std::uint64_t> lane_tags_;
  std::uint64_t tags_ = 0;
  std::deque<Unsent> unsent_;
  net::steady_timer post_timer_{context_};
  std::atomic<std::uint64_t> completed_ = 0, failed_ = 0, rate_limited_ = 0, abandoned_ = 0, under_way_ = 0;
  std::thread thread_;
};

Pusher::Pusher(std::shared_ptr<Desk> desk) : desk_(std::move(desk)) {}
Pusher::~Pusher() { stop(); }

std::expected<std::unique_ptr<Pusher>, std::string> Pusher::start(engine::Engine& engine,
                                                                  PusherOptions options) {
  auto desk = std::make_shared<Desk>(engine, std::move(options));
  if (auto done = desk->set_up(); !done) return std::unexpected(done.error());
  desk->start();
  return std::unique_ptr<Pusher>(new Pusher(std::move(desk)));
}

void Pusher::look() { desk_->ask_to_look(); }
PushCounts Pusher::counts() const { return desk_->counts(); }
void Pusher::stop() { desk_->stop(); }

std::optional<std::pair<std::string, std::string>> Pusher::check(const core::Push& push) const {
  const auto url = parse_url(push.url);
  if (!url) return std::pair{std::string("url"), url.error()};
  if (const auto why = desk_->allow().refuses_host(url->host)) return std::pair{std::string("url"), *why};
  if (!push.secret.empty() && !key_of(push.secret)) {
    return std::pair{
        std::string("secret"),
        std::string("must be whsec_ and then 24 to 64 bytes in base64: openssl rand -base64 32")};
  }
  return std::nullopt;
}

}  // namespace pawl::push
