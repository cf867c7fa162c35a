#include "broker/push/pusher.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <map>
#include <thread>

#include "broker/engine/codec.h"
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

/// One job on its way.
struct Trip {
  core::GrantedJob job;
  std::shared_ptr<const core::Push> push;
  net::cancellation_signal cancel;
  net::steady_timer beat;
  bool abandoned = false;  // the lease is lost: nothing is settled
  bool cancelled = false;  // somebody cancelled the job
  explicit Trip(net::io_context& context) : beat(context) {}
};

/// One push queue.
struct Lane {
  std::string queue;
  std::shared_ptr<const core::Push> push;
  core::Ticket ticket = core::Ticket::none;
  std::uint64_t tag = 0;
  bool seen = false;
  std::map<core::LeaseNumber, std::shared_ptr<Trip>> trips;
};

Request request_of(const core::GrantedJob& job, const core::Push& push) {
  Request request;
  request.url = parse_url(job.target.empty() ? push.url : job.target).value_or(Url{});
  request.timeout = milliseconds(push.timeout_ms);
  request.body = job.payload ? *job.payload : "null";
  request.headers = push.headers;
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
class Pusher::Desk : public engine::ReplyTarget, public std::enable_shared_from_this<Desk> {
 public:
  Desk(engine::Engine& engine, PusherOptions options) : engine_(engine), options_(std::move(options)) {}

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
    lanes_.clear();
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

  void take(std::uint64_t tag, core::Reply&& reply) {
    const auto found = handlers_.find(tag);
    if (found == handlers_.end()) return;
    if (found->second.stays) return found->second.run(std::move(reply));
    const Handler run = std::move(found->second.run);
    handlers_.erase(found);
    run(std::move(reply));
  }

  /// Posts until the engine takes it.
  void ask(core::CommandBody body, Handler handler) {
    const std::uint64_t tag = ++tags_;
    handlers_[tag] = {std::move(handler), false};
    post(std::move(body), tag);
  }
  void post(core::CommandBody body, std::uint64_t tag) {
    const auto posted = engine_.post(body, shared_from_this(), tag);
    if (posted || posted.error() != engine::Busy::inbox_full) {
      if (!posted) handlers_.erase(tag);
      return;
    }
    auto timer = std::make_shared<net::steady_timer>(context_, retry_post);
    timer->async_wait([self = shared_from_this(), timer, body = std::move(body), tag](auto error) mutable {
      if (!error) self->post(std::move(body), tag);
    });
  }

  void look() {
    ask(core::ListQueues{}, [this](core::Reply&& reply) {
      if (const auto* list = std::get_if<core::QueueList>(&reply)) compare(*list);
    });
    timer_.expires_after(look_every);
    timer_.async_wait([self = shared_from_this()](auto error) {
      if (!error) self->look();
    });
  }

  void compare(const core::QueueList& list) {
    for (auto& [name, lane] : lanes_) lane->seen = false;
    std::map<std::string, std::shared_ptr<const core::Push>> pushed;
    if (!network_.allow.empty()) {
      pushed[core::callbacks_queue] = for_callbacks();  // it may come into being at any time
      for (const core::QueueView& queue : list.queues) {
        if (queue.settings.push) pushed[queue.name] = queue.settings.push;
      }
    }
    for (const auto& [queue, push] : pushed) {
      std::shared_ptr<Lane>& lane = lanes_[queue];
      if (!lane) lane = open(queue, push);
      lane->seen = true;
      const bool other_size = lane->push->max_concurrency != push->max_concurrency;
      lane->push = push;
      if (other_size)
        (void)engine_.post(core::SetCredit{lane->ticket, lane->push->max_concurrency}, nullptr, 0);
    }
    std::erase_if(lanes_, [&](const auto& item) {
      Lane& lane = *item.second;
      if (lane.seen) return false;
      // What is under way may end: its leases go on by heartbeats, without the connection.
      constexpr core::Millis grace_ms = 60'000;
      if (lane.ticket != core::Ticket::none)
        (void)engine_.post(core::CloseWorker{lane.ticket, lane.trips.empty() ? 0 : grace_ms}, nullptr, 0);
      handlers_.erase(lane.tag);
      return true;
    });
  }

  /// How callbacks are sent, each to its own URL, when their queue does not say otherwise.
  std::shared_ptr<const core::Push> for_callbacks() const {
    auto push = std::make_shared<core::Push>();
    push->secret = options_.callback_secret;
    push->permanent_on = {410};
    return push;
  }

  std::shared_ptr<Lane> open(const std::string& queue, std::shared_ptr<const core::Push> push) {
    auto lane = std::make_shared<Lane>();
    lane->queue = queue;
    lane->push = std::move(push);
    lane->tag = ++tags_;
    handlers_[lane->tag] = {[this, weak = std::weak_ptr(lane)](core::Reply&& reply) {
                              if (const auto known = weak.lock()) heard(known, std::move(reply));
                            },
                            true};
    core::OpenWorker open;
    open.worker_id = "push:" + queue;
    open.queues = {{queue, 1}};
    open.credit = lane->push->max_concurrency;
    const auto ticket = engine_.post(std::move(open), shared_from_this(), lane->tag);
    if (ticket) lane->ticket = *ticket;
    return lane;
  }

  void heard(const std::shared_ptr<Lane>& lane, core::Reply&& reply) {
    if (auto* granted = std::get_if<core::Granted>(&reply)) {
      for (core::GrantedJob& job : granted->jobs) set_out(lane, std::move(job));
    } else if (const auto* notice = std::get_if<core::Notice>(&reply)) {
      const auto trip = lane->trips.find(notice->lease);
      if (trip == lane->trips.end()) return;
      if (notice->kind == core::Notice::Kind::lease_lost) trip->second->abandoned = true;
      if (notice->kind == core::Notice::Kind::cancel) trip->second->cancelled = true;
      if (trip->second->abandoned || trip->second->cancelled)
        trip->second->cancel.emit(net::cancellation_type::terminal);
    }
  }

  void set_out(const std::shared_ptr<Lane>& lane, core::GrantedJob&& job) {
    auto trip = std::make_shared<Trip>(context_);
    trip->job = std::move(job);
    trip->push = lane->push;
    lane->trips[trip->job.lease] = trip;
    ++under_way_;
    keep_alive(trip);
    net::co_spawn(
        context_, send(network_, request_of(trip->job, *trip->push)),
        net::bind_cancellation_slot(trip->cancel.slot(), [self = shared_from_this(), lane, trip](
                                                             const std::exception_ptr& error, Result result) {
          if (error) result = Failure{"push", "failed within the broker"};
          self->arrived(*lane, *trip, result);
        }));
  }

  void keep_alive(const std::shared_ptr<Trip>& trip) {
    trip->beat.expires_after(milliseconds(std::max<core::Millis>(trip->job.lease_ms / 3, 300)));
    trip->beat.async_wait([self = shared_from_this(), trip](auto error) {
      if (error) return;
      core::Heartbeat heartbeat;
      heartbeat.beats.push_back({trip->job.id, trip->job.lease, {}, {}, {}});
      self->ask(std::move(heartbeat), [](core::Reply&&) {});
      self->keep_alive(trip);
    });
  }

  void arrived(Lane& lane, Trip& trip, const Result& result) {
    trip.beat.cancel();
    --under_way_;
    lane.trips.erase(trip.job.lease);
    if (trip.abandoned) {
      ++abandoned_;
      return;
    }
    core::Settlement settlement = verdict(result, *trip.push, wall_now());
    if (trip.cancelled) {
      settlement = {};
      settlement.outcome = core::Settlement::Outcome::release;
    }
    settlement.id = trip.job.id;
    settlement.lease = trip.job.lease;
    using Outcome = core::Settlement::Outcome;
    auto& count = settlement.outcome == Outcome::complete       ? completed_
                  : settlement.outcome == Outcome::rate_limited ? rate_limited_
                  : settlement.outcome == Outcome::release      ? abandoned_
                                                                : failed_;
    ++count;
    core::Settle settle;
    settle.settlements.push_back(std::move(settlement));
    ask(std::move(settle), [](core::Reply&&) {});
  }

  struct Known {
    Handler run;
    bool stays = false;
  };

  engine::Engine& engine_;
  const PusherOptions options_;
  Network network_;
  net::io_context context_{1};
  net::executor_work_guard<net::io_context::executor_type> work_ = net::make_work_guard(context_);
  net::steady_timer timer_{context_};
  std::map<std::string, std::shared_ptr<Lane>> lanes_;
  std::map<std::uint64_t, Known> handlers_;
  std::uint64_t tags_ = 0;
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
