#include "tests/simulation/runner.h"

#include <fmt/core.h>

#include <utility>

namespace pawl::sim {

using namespace core;
using engine::OperationSpec;
using engine::OperationView;
using Action = OperationSpec::Action;
using Instant = engine::OperationDriver::Instant;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t running_max = 4;

engine::OperationDriver::Options driver_options(const Runner::Parts& parts, const Options& options,
                                                std::function<Instant()> now) {
  engine::OperationDriver::Options out;
  out.now = std::move(now);
  out.random = [&random = parts.random] { return random.word(); };
  out.slice_jobs = options.operation_slice;
  out.slice_rows = options.operation_rows;
  out.count_jobs = options.operation_count;
  out.read_most = std::chrono::hours(1);  // of real time, which must not show
  return out;
}

}  // namespace

Runner::Runner(Parts parts, const Options& options)
    : parts_(parts),
      options_(options),
      driver_(*this, driver_options(parts, options, [this] { return now(); })) {}

void Runner::restart() {
  if (!is(Canary::operation_forgotten)) driver_.load();
  parts_.model.restarted(driver_.list());
}

Instant Runner::now() const {
  const int speed = is(Canary::operation_hurries) ? 3 : 1;
  return Instant(milliseconds(speed * parts_.around.true_time()));
}

Millis Runner::wall() const {
  const Millis now = parts_.around.wall();
  parts_.model.saw_wall(now);
  return now;
}

// Now and then the engine has no room.
bool Runner::is_refused() {
  const bool refused = !settling_ && parts_.random.one_in(20);
  if (refused) parts_.rare.add(Rare::operation_found_no_room);
  return refused;
}

std::expected<Reply, engine::ListError> Runner::ask(CommandBody body) {
  if (is_refused()) return std::unexpected(engine::ListError::busy);
  return parts_.around.ask(std::move(body));
}

// Broken ones falsify what goes to the batch, and what is written there.
bool Runner::run(std::function<void(Machine&, engine::BatchOutbox&, Now)> task,
                 std::shared_ptr<engine::Together> before) {
  if (is_refused()) return false;
  if (before && is(Canary::operation_skips) && !before->jobs.empty() && parts_.random.one_in(4)) {
    before->jobs.pop_back();
    before->commands.pop_back();
  }
  if (before && is(Canary::operation_grasps)) before->wanted = nullptr;
  if (before && is(Canary::operation_row_apart)) {
    Work changes{before.get(), [](Machine&, engine::BatchOutbox&, Now) {}};
    parts_.around.carry_out(changes);
    before = nullptr;
  }
  Work work{before.get(), nullptr};
  work.run = [&](Machine& machine, engine::BatchOutbox& outbox, Now now) {
    if (is(Canary::operation_circles)) now.wall += 600'000;
    task(machine, outbox, now);
  };
  parts_.around.carry_out(work);
  return true;
}

void Runner::act() {
  const std::size_t running = parts_.model.running();
  if (running < running_max && parts_.random.one_in(4)) return start();
  if (running > 0 && parts_.random.one_in(8)) return change();
  if (parts_.random.one_in(40)) return driver_.forget_old();
  step();
}

void Runner::step() {
  if (!is(Canary::operation_stuck)) driver_.drive();
}

void Runner::settle_down() {
  settling_ = true;
  for (int steps = 0; steps < 2'000; ++steps) {
    const auto next = driver_.next();
    if (!next || *next > now()) break;
    step();
  }
  settling_ = false;
  parts_.model.audit_quiet();
}

OperationSpec Runner::new_spec() {
  Random& random = parts_.random;
  OperationSpec spec;
  spec.action = static_cast<Action>(random.weighted(std::array<std::uint32_t, 7>{30, 8, 12, 14, 14, 12, 10}));
  const bool bulk = spec.is_bulk();
  if (!bulk || random.percent(70)) spec.queue = fmt::format("q{}", random.below(options_.queues));
  if (random.percent(25)) spec.filter.name = fmt::format("n{}", random.below(3));
  if (spec.action == Action::replay || spec.action == Action::purge) {
    if (random.percent(25)) spec.filter.error_type = fmt::format("e{}", random.below(4));
  }
  if (bulk) {
    constexpr std::array all{Status::pending, Status::active,  Status::completed, Status::failed,
                             Status::delayed, Status::stalled, Status::blocked,   Status::cancelled};
    for (const Status status : all) {
      if (random.percent(35)) spec.filter.status.push_back(status);
    }
    if (spec.action == Action::promote) spec.filter.status = {Status::delayed};
  }
  if (random.percent(35))
    spec.per_second = random.one_in(4) ? 0.5 : static_cast<double>(random.between(1, 30));
  if (spec.action != Action::replay) return spec;
  if (random.percent(30)) spec.into = fmt::format("q{}", random.below(options_.queues));
  if (random.percent(30)) spec.canary = static_cast<std::uint32_t>(random.between(1, 4));
  if (random.percent(30)) spec.stop_on_failure_rate = static_cast<double>(random.below(5)) / 4;
  return spec;
}

void Runner::start() {
  const OperationSpec spec = new_spec();
  const auto started = driver_.start(spec);
  if (started) parts_.model.told_started(*started, spec);
}

void Runner::change() {
  for (const OperationView& view : driver_.list()) {
    if (engine::has_ended(view) || !parts_.random.one_in(2)) continue;
    if (parts_.random.one_in(6)) {
      driver_.cancel(view.id, {});
    } else {
      const bool pause = view.state == OperationView::State::running && parts_.random.one_in(2);
      // Its word is given when it is on disk; until then it may go on.
      if (!pause) parts_.model.told_paused(view.id, false);
      const bool said = is(Canary::operation_never_pauses) || driver_.pause(view.id, pause, {}).has_value();
      if (pause && said) parts_.model.told_paused(view.id, true);
    }
    return;
  }
}

}  // namespace pawl::sim
