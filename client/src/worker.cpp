#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <pawl/client.hpp>
#include <pawl/worker.hpp>
#include <random>
#include <thread>

#include "client/src/outbox.h"
#include "client/src/pool.h"
#include "client/src/problem.h"
#include "client/src/url.h"
#include "client/src/worker_session.h"
#include "client/src/ws_link.h"
#include "client/wire/protocol.h"

namespace pawl {
namespace {

std::string host_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return {};
  return host.data();
}

std::string made_up_id() {
  const std::string host = host_name();
  return (host.empty() ? "worker" : host) + "-" + std::to_string(::getpid()) + "-" +
         std::to_string(std::random_device{}() % 100'000);
}

/// Keeps steps, invokes jobs and adds children over a client of its own, which is made when the first is.
/// Handles outlive the worker, and so does this.
class StepKeeper {
 public:
  explicit StepKeeper(ClientOptions options) : state_(std::make_shared<State>(std::move(options))) {}

  Result<JsonText> operator()(const client::HeldJob& job, std::string_view step,
                              const JsonText& result) const {
    std::call_once(state_->once, [&] { state_->client.emplace(state_->options); });
    return state_->client->try_keep_step(job.id, job.lease_id, step, result);
  }
  Result<void> operator()(const client::HeldJob& job, std::string_view as, const JobSpec& spec) const {
    std::call_once(state_->once, [&] { state_->client.emplace(state_->options); });
    return state_->client->try_invoke(job.id, job.lease_id, as, spec);
  }
  Result<void> operator()(const client::HeldJob& job, const std::vector<WorkflowJob>& children) const {
    std::call_once(state_->once, [&] { state_->client.emplace(state_->options); });
    const auto made = state_->client->try_add_children(job.id, job.lease_id, children);
    if (!made) return std::unexpected(made.error());
    return {};
  }

 private:
  struct State {
    explicit State(ClientOptions given) : options(std::move(given)) {}
    ClientOptions options;
    std::once_flag once;
    std::optional<Client> client;
  };
  std::shared_ptr<State> state_;
};

void check(const WorkerOptions& options) {
  const auto refuse = [](std::string detail) {
    throw Exception(client::local_error(ErrorKind::usage, std::move(detail)));
  };
  if (options.queues.empty()) refuse("a worker needs at least one queue");
  for (const WorkerQueue& queue : options.queues) {
    if (!wire::is_name(queue.name)) {
      refuse("\"" + queue.name + "\" is no queue name: 1 to 128 of A-Z a-z 0-9 . _ : - are");
    }
    if (queue.weight < 1 || queue.weight > 1000) refuse("a queue's weight is 1 to 1000");
  }
  if (options.concurrency > 1000) refuse("a worker's concurrency is at most 1000");
  for (const std::string* text : {&options.worker_id, &options.host, &options.version}) {
    const bool plain = std::ranges::none_of(*text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (text->size() > wire::text_bytes_max || !plain)
      refuse("a worker's id, host and version have at most " + std::to_string(wire::text_bytes_max) +
             " bytes, without control characters");
  }
}

}  // namespace

struct Worker::State {
  explicit State(WorkerOptions given) : options(std::move(given)) {
    check(options);
    url = value_or_throw(client::parse_url(options.url));
    if (options.worker_id.empty()) options.worker_id = made_up_id();
    if (options.host.empty()) options.host = host_name();
    if (options.version.empty()) options.version = "libpawl " PAWL_VERSION;
    if (options.concurrency == 0) options.concurrency = std::max(1u, std::thread::hardware_concurrency());
  }

  WorkerOptions options;
  client::Url url;
  std::map<std::string, Handler, std::less<>> handlers;
  Handler any;

  // What exists while it runs. The outbox is kept by late handles of jobs beyond that.
  struct Running {
    std::shared_ptr<client::Outbox> outbox;
    std::unique_ptr<client::WsLink> link;
    std::unique_ptr<client::Pool> pool;
    std::unique_ptr<client::WorkerSession> session;
  };
  mutable std::mutex mutex;  // drain, stop and counts come from any thread
  std::unique_ptr<Running> running;
  bool drain_asked = false;
  bool stop_asked = false;
  WorkerCounts ended_counts;
  std::jthread background;
  Result<void> background_result;

  void dispatch(std::shared_ptr<client::HeldJob> held) {
    Job job(std::move(held));
    if (job.stop_reason() == StopReason::cancelled) {
      return job.fail({.type = "cancelled", .message = "cancelled before it began"});
    }
    const auto at = handlers.find(job.name());
    Handler& handler = at != handlers.end() ? at->second : any;
    if (!handler) return job.release();  // the broker was asked for other names
    handler(std::move(job));
  }

  Running* set_up(bool signals);
  void tear_down();
  Result<void> run(bool signals);
};

Worker::State::Running* Worker::State::set_up(bool signals) {
  auto fresh = std::make_unique<Running>();
  Running* raw = fresh.get();
  // By itself, since handles outlive the worker.
  const StepKeeper steps(ClientOptions{.url = options.url, .token = options.token});
  fresh->outbox = std::make_shared<client::Outbox>([raw] { raw->link->wake(); }, steps, steps, steps);
  fresh->pool = std::make_unique<client::Pool>(
      options.concurrency, [this](std::shared_ptr<client::HeldJob> job) { dispatch(std::move(job)); });
  client::WorkerSession::Setup setup{options, {}};
  if (!any) {
    for (const auto& [name, handler] : handlers) setup.names.push_back(name);
  }
  fresh->session = std::make_unique<client::WorkerSession>(std::move(setup), fresh->outbox, *fresh->pool);
  client::LinkOptions link;
  link.url = url;
  link.token = options.token;
  link.path = wire::worker_path;
  link.subprotocol = wire::worker_subprotocol;
  link.connect_timeout = options.connect_timeout;
  link.signals = signals;
  fresh->link = std::make_unique<client::WsLink>(std::move(link), *fresh->session);

  const std::lock_guard lock(mutex);
  if (drain_asked) raw->session->drain();
  if (stop_asked) raw->session->stop();
  running = std::move(fresh);
  return raw;
}

void Worker::State::tear_down() {
  running->outbox->close();
  running->pool.reset();  // waits for handlers
  const std::lock_guard lock(mutex);
  ended_counts = running->session->counts();
  running.reset();
}

Result<void> Worker::State::run(bool signals) {
  if (handlers.empty() && !any) {
    return std::unexpected(client::local_error(ErrorKind::usage, "a worker needs at least one handler"));
  }
  Running* now = set_up(signals);
  now->link->run();
  auto fatal = now->session->fatal();
  tear_down();
  if (fatal) return std::unexpected(std::move(*fatal));
  return {};
}

Worker::Worker(WorkerOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Worker::~Worker() {
  stop();
  (void)wait();
}

void Worker::add_handler(std::string name, Handler handler) {
  state_->handlers.insert_or_assign(std::move(name), std::move(handler));
}
void Worker::add_default(Handler handler) { state_->any = std::move(handler); }

Result<void> Worker::try_run() { return state_->run(false); }
Result<void> Worker::try_run_until_signal() { return state_->run(true); }

void Worker::start() {
  state_->background = std::jthread([state = state_.get()] { state->background_result = state->run(false); });
}

Result<void> Worker::wait() {
  if (state_->background.joinable()) state_->background.join();
  return state_->background_result;
}

void Worker::drain() {
  const std::lock_guard lock(state_->mutex);
  state_->drain_asked = true;
  if (!state_->running) return;
  state_->running->session->drain();
  state_->running->link->wake();
}

void Worker::stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stop_asked = true;
  if (!state_->running) return;
  state_->running->session->stop();
  state_->running->link->wake();
}

WorkerCounts Worker::counts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->running ? state_->running->session->counts() : state_->ended_counts;
}

const std::string& Worker::worker_id() const { return state_->options.worker_id; }

}  // namespace pawl
