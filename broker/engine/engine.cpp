#include "broker/engine/engine.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <utility>

#include "broker/engine/event_ring.h"
#include "broker/engine/gate.h"
#include "broker/engine/history_keeper.h"
#include "broker/engine/inbox.h"
#include "broker/engine/job_lister.h"
#include "broker/engine/loop.h"
#include "broker/engine/operation_runner.h"
#include "broker/engine/port.h"

namespace pawl::engine {

// Order matters: what is declared later uses what is declared earlier, and goes first.
struct Engine::State {
  State(EngineOptions given, std::unique_ptr<storage::Partition> acquired)
      : options(std::move(given)),
        inbox(options.inbox_commands, options.inbox_bytes),
        events(acquired->epoch(), options.events_kept),
        gate(events, meters, failures, [this](const std::string& why) { fail(why); }),
        partition(std::move(acquired)),
        port(inbox, *partition, [this] { return wall(); }) {}

  void fail(const std::string& why) {
    inbox.close(Busy::failed);
    const std::lock_guard lock(failure_mutex);
    failure = why;
    if (recovered && options.on_fatal) options.on_fatal(why);
  }

  // Not behind what the engine saw, nor behind the clock while the engine sleeps.
  core::Millis wall() const { return std::max(pressure.wall.load(), wall_of(options.clock)); }

  EngineOptions options;
  Inbox inbox;
  EventRing events;
  Meters meters;
  FailureGroups failures;
  Gate gate;
  Pressure pressure;
  SearchIndex search;
  // Its own threads may still be inside a done or an answer: they are joined before what those touch goes.
  std::unique_ptr<storage::Partition> partition;
  InboxPort port;

  std::mutex failure_mutex;
  std::string failure;
  std::atomic<bool> recovered{false};
  std::atomic<bool> serving{false};
  std::mutex stop_mutex;
  std::thread thread;
  std::unique_ptr<SnapshotLister> lister;
  std::unique_ptr<OperationRunner> operations;
  std::unique_ptr<HistoryKeeper> history;
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() { stop(); }

storage::Result<std::unique_ptr<Engine>> Engine::start(storage::Store& store, EngineOptions options) {
  auto partition = store.acquire(0);
  if (!partition) return std::unexpected(partition.error());
  auto made = std::make_unique<State>(std::move(options), std::move(*partition));
  State& state = *made;
  // Before the engine's thread changes anything.
  state.failures.build(state.partition->snapshot(), state.wall(), state.options.log_warn);
  std::promise<bool> recovered;
  std::future<bool> outcome = recovered.get_future();
  state.thread = std::thread([&state, recovered = std::move(recovered)]() mutable {
    pthread_setname_np(pthread_self(), "pawl-engine");  // for top -H and perf
    Loop loop({*state.partition, state.inbox, state.gate, state.pressure, state.search}, state.options);
    const bool good = loop.recover();
    state.recovered = good;
    state.serving = good;
    recovered.set_value(good);
    if (good) loop.run();
    state.serving = false;
  });
  if (!outcome.get()) {
    state.thread.join();
    return std::unexpected(storage::Error{
        storage::Errc::corrupt,
        "the store cannot be used: " + state.failure + ". Run `pawld check DIR`, or restore a backup."});
  }
  state.lister =
      std::make_unique<SnapshotLister>(state.port, state.search, state.failures, state.options.payload_value);
  state.operations = std::make_unique<OperationRunner>(
      state.port, OperationRunner::Options{state.options.sweep_every, state.options.payload_value,
                                           state.options.log_warn});
  state.history = std::make_unique<HistoryKeeper>(state.port, state.meters, state.options.log_warn,
                                                  state.options.history);
  return std::unique_ptr<Engine>(new Engine(std::move(made)));
}

namespace {
// Or keeps a payload for jobs to come: what is refused first when the disk is full. What a job that runs
// keeps for itself (a step, its result) is not.
bool makes_jobs(const core::CommandBody& body) {
  return std::visit(
      []<typename Body>(const Body&) {
        return std::is_same_v<Body, core::Submit> || std::is_same_v<Body, core::SubmitWorkflow> ||
               std::is_same_v<Body, core::AddChildren> || std::is_same_v<Body, core::RaiseEvent> ||
               std::is_same_v<Body, core::PutTrigger> || std::is_same_v<Body, core::PutSchedule> ||
               std::is_same_v<Body, core::RunSchedule>;
      },
      body);
}
}  // namespace

std::expected<core::Ticket, Busy> Engine::post(core::CommandBody body, std::shared_ptr<ReplyTarget> target,
                                               std::uint64_t tag, std::unique_ptr<Actor> actor) {
  if (makes_jobs(body)) {
    if (state_->pressure.no_space) return std::unexpected(Busy::no_space);
    if (state_->pressure.slow) return std::unexpected(Busy::store_slow);
  }
  Item item;
  item.bytes = bytes_of(body);
  item.command.body = std::move(body);
  item.target = std::move(target);
  item.tag = tag;
  item.actor = std::move(actor);
  return state_->inbox.push(std::move(item), true);
}

std::expected<void, Busy> Engine::post_as(core::Ticket ticket, core::CommandBody body) {
  Item item;
  item.bytes = bytes_of(body);
  item.command = {ticket, std::move(body)};
  const auto pushed = state_->inbox.push(std::move(item), true);
  if (!pushed) return std::unexpected(pushed.error());
  return {};
}

EventHub& Engine::events() { return state_->events; }
JobLister& Engine::lists() { return *state_->lister; }
AuditLog& Engine::audit_log() { return *state_->lister; }
Operations& Engine::operations() { return *state_->operations; }
Meters& Engine::meters() { return state_->meters; }
History& Engine::history() { return *state_->history; }
core::Millis Engine::wall() const { return state_->wall(); }
storage::Counters Engine::store_counters() const { return state_->partition->counters(); }
std::size_t Engine::inbox_size() const { return state_->inbox.size(); }
bool Engine::ready() const { return state_->serving && !state_->gate.failed(); }

void Engine::stop_leasing() {
  Item item;
  item.command.body = core::StopLeasing{};
  // Refused only when the engine is stopping or has failed: nothing is leased then either.
  (void)state_->inbox.push(std::move(item), false);
}

void Engine::stop() {
  const std::lock_guard lock(state_->stop_mutex);
  state_->operations->stop();
  state_->lister->stop();
  state_->history->stop();
  state_->failures.stop();
  stop_leasing();
  state_->inbox.close(Busy::stopping);
  if (state_->thread.joinable()) state_->thread.join();
}

}  // namespace pawl::engine
