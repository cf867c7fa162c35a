#include "tests/simulation/world.h"

#include <fmt/core.h>

#include <algorithm>

namespace pawl::sim {

using namespace core;

namespace {

Disk::Fault fault_of(Canary canary) {
  if (canary == Canary::lying_disk) return Disk::Fault::lies_about_sync;
  return canary == Canary::torn_batch ? Disk::Fault::tears_batches : Disk::Fault::none;
}

}  // namespace

World::World(const Options& options)
    : options_(options),
      random_(options.seed ^ 0x7061776cull),
      model_({options.machine.queues_max, options.machine.active_bytes, options.machine.schedules_max,
              options.machine.waits_max, options.machine.triggers_max},
             trace_, rare_),
      operations_(model_, rare_),
      disk_(fault_of(options.canary), options.canary != Canary::none),
      clients_(options.clients) {
  for (std::size_t i = 0; i < options_.pollers + options_.connections; ++i) {
    Worker worker;
    worker.connection = i >= options_.pollers;
    name_worker(worker);
    workers_.push_back(std::move(worker));
  }
  restart();
}

void World::run() {
  for (step_ = 1; step_ <= options_.steps; ++step_) {
    trace_.at(step_, broker_->now().wall);
    act();
    if (random_.percent(60)) turn();
    late_runner_.reset();
    receivers_->beat();
    if (step_ % options_.audit_every == 0) audit();
    if (stop_at_ != 0 && step_ >= stop_at_) stop_and_restart();
  }
  audit();
}

void World::act() {
  if (random_.one_in(options_.crash_one_in)) return power_fails(random_.one_in(3));
  if (random_.one_in(options_.clock_set_one_in)) return set_clock();
  if (random_.one_in(options_.disk_fails_one_in)) disk_fails_ = true;
  if (stop_at_ == 0 && random_.one_in(4 * options_.crash_one_in)) {
    post(StopLeasing{}, Who::nobody, 0);
    stop_at_ = step_ + 50;
    return;
  }
  switch (random_.weighted(std::array<std::uint32_t, 6>{30, 45, 5, 14, 6, 6})) {
    case 0:
      return client_acts(static_cast<std::size_t>(random_.below(clients_.size())));
    case 1:
      return worker_acts(static_cast<std::size_t>(random_.below(workers_.size())));
    case 2:
      return operator_acts();
    case 3:
      return time_acts();
    case 4:
      if (disk_.committed() > disk_.synced()) disk_.sync(disk_.synced() + 1);
      return deliver();
    default:
      return parts_act();
  }
}

Ticket World::post(CommandBody body, Who who, std::size_t index, bool stays) {
  const Ticket ticket{next_ticket_++};
  asked_[static_cast<std::uint64_t>(ticket)] = {who, index, stays, {}};
  inbox_.push_back({ticket, std::move(body)});
  return ticket;
}

void World::turn() {
  if (random_.one_in(4 * options_.crash_one_in) && !inbox_.empty()) {
    rare_.add(Rare::crash_inside_a_batch);
    broker_->turn(inbox_, static_cast<std::size_t>(random_.below(inbox_.size() + 1)));
    return power_fails(false);
  }
  broker_->turn(inbox_, std::nullopt);
  after_turn();
}

void World::after_turn() {
  if (disk_fails_ &&
      disk_.committed() > disk_.synced()) {  // the commit's outcome is unknown: stop and recover
    disk_fails_ = false;
    rare_.add(Rare::disk_failed);
    return power_fails(false);
  }
  const std::uint64_t waiting = disk_.committed() - disk_.synced();
  if (waiting > 1) rare_.add(Rare::slow_disk_batches_in_flight);
  if (random_.percent(options_.sync_percent)) {
    disk_.sync(disk_.synced() +
               static_cast<std::uint64_t>(random_.between(0, static_cast<std::int64_t>(waiting))));
  }
  if (disk_.committed() - disk_.synced() >= options_.batches_in_flight) disk_.sync(disk_.synced() + 1);
  deliver();
}

void World::deliver() {
  const std::uint64_t upto = options_.canary == Canary::early_reply ? disk_.committed() : disk_.synced();
  for (Broker::Owed& owed : broker_->release(upto)) {
    for (auto& [to, reply] : owed.replies) deliver_one(to, std::move(reply));
  }
  model_.told(upto);
}

void World::deliver_one(Ticket to, Reply&& reply) {
  const auto found = asked_.find(static_cast<std::uint64_t>(to));
  if (found == asked_.end()) return;
  const Asked asked = found->second.stays ? found->second : std::move(found->second);
  if (asked.who == Who::receivers) {
    if (!asked.stays) asked_.erase(found);
    receivers_->heard(asked.index, std::move(reply));
    return;
  }
  if (asked.who == Who::part) {
    asked_.erase(found);
    heard_ = std::move(reply);
    return;
  }
  if (!asked.stays) {
    asked_.erase(found);
    if (random_.percent(options_.reply_lost_percent)) {
      rare_.add(Rare::reply_lost);
      return;
    }
  }
  trace_.add("told", {}, static_cast<std::int64_t>(to), static_cast<std::int64_t>(reply.index()));
  if (asked.who == Who::client) {
    Client& client = clients_[asked.index];
    if (client.waits == to) client.waits = Ticket::none;
    client_hears(client, reply);
  } else if (asked.who == Who::worker) {
    Worker& worker = workers_[asked.index];
    if (worker.ticket == to && !asked.stays) worker.ticket = Ticket::none;
    worker_hears(worker, asked, std::move(reply));
  } else {
    operator_hears(reply);
  }
}

void World::advance(Millis by) {
  raw_mono_ += by;
  raw_wall_ += by;
  true_time_ += by;
}

// The broker wakes at its deadlines, at most a few hundred milliseconds late.
void World::pass_time(Millis delta) {
  const Millis end = raw_mono_ + delta;
  for (int wakes = 0; wakes < 1000 && raw_mono_ < end; ++wakes) {
    const auto deadline = broker_->deadline();
    Millis wait = end - raw_mono_;
    if (deadline.mono != never)
      wait =
          std::min(wait, std::max<Millis>(deadline.mono - broker_->now().mono, 0) + random_.between(0, 200));
    if (deadline.wall != never)
      wait =
          std::min(wait, std::max<Millis>(deadline.wall - broker_->now().wall, 0) + random_.between(0, 200));
    wait = std::clamp<Millis>(wait, 1, 1'000);
    advance(wait);
    if (raw_mono_ < end) turn();
  }
}

void World::time_acts() {
  switch (random_.weighted(std::array<std::uint32_t, 4>{900, 80, 15, 5})) {
    case 0:
      return pass_time(random_.between(1, options_.pace_ms));
    case 1:
      pass_time(random_.between(1, 40 * options_.pace_ms));
      break;
    case 2:
      pass_time(random_.between(1'000, 20'000));
      break;
    default:  // the process is stopped: time passes and nobody looks
      advance(2'000 + random_.between(0, 60'000));
      trace_.add("stopped", {}, raw_mono_, raw_wall_);
      return turn();
  }
  // A wake-up that was missed shows only until something else wakes its queue.
  if (!random_.one_in(2)) return;
  if (options_.canary == Canary::late_expiry) return;  // polls that never end would be met before leases
  broker_->settle_down();
  deliver();
}

// More often forward than back, so that days pass and what is kept for a day leaves.
void World::set_clock() {
  constexpr Millis hour = 3'600'000;
  const bool back = random_.one_in(3);
  rare_.add(back ? Rare::wall_clock_set_back : Rare::wall_clock_set_forward);
  // One draw a statement: the order of two in one expression is the compiler's, and a seed means the same to
  // all.
  Millis by = random_.between(0, 2 * hour);
  by /= random_.between(1, 1'000);
  if (random_.one_in(3)) by = random_.between(0, back ? 3 * hour : 50 * hour);
  raw_wall_ += back ? -by : by;
  trace_.add("clock set", {}, back ? -by : by, raw_wall_);
}

void World::power_fails(bool all_durable) {
  std::vector<std::string> before;
  if (all_durable) {
    inbox_.clear();
    broker_->settle_down();
    disk_.sync(disk_.committed());
    deliver();
    before = broker_->memory();
  }
  const Millis wall_before = broker_->now().wall;
  if (disk_.committed() > disk_.synced()) rare_.add(Rare::crash_with_unsynced_batches);
  const std::uint64_t keep = disk_.synced() + random_.below(disk_.committed() - disk_.synced() + 1);
  trace_.add("crash", {}, static_cast<std::int64_t>(disk_.synced()), static_cast<std::int64_t>(keep));
  if (part_waits_ && !late_runner_) late_runner_ = std::move(runner_);
  runner_.reset();
  broker_.reset();
  disk_.crash(keep);
  model_.recover(disk_, disk_.durable_wall());
  operations_.recover(keep, disk_.operations());
  inbox_.clear();
  asked_.clear();
  for (Client& client : clients_) client.waits = Ticket::none;
  for (Worker& worker : workers_) worker.ticket = Ticket::none;
  stop_at_ = 0;
  disk_fails_ = false;
  if (!all_durable) {
    const Millis down = random_.between(0, 3'000);
    advance(down);
    if (random_.one_in(4)) raw_mono_ = random_.between(0, 10'000);  // the machine itself was started anew
    if (random_.one_in(8)) set_clock();
  }
  restart();
  // Other canaries are to be caught by the promise that they break.
  const bool compare = options_.canary == Canary::none || options_.canary == Canary::changed_by_restart;
  if (before.empty() || broker_->now().wall != wall_before || !compare) return;
  rare_.add(Rare::restart_equals_memory);
  const std::vector<std::string> after = broker_->memory();
  if (after == before) return;
  std::string differences;
  for (const std::string& line : before) {
    if (!std::ranges::binary_search(after, line)) differences += "\n  before: " + line;
  }
  for (const std::string& line : after) {
    if (!std::ranges::binary_search(before, line)) differences += "\n  after:  " + line;
  }
  violated("R1", "memory after a restart differs from memory before" + differences);
}

void World::restart() {
  ++restarts_;
  Broker::Options options{options_.machine,
                          random_.word(),
                          options_.batch_commands,
                          options_.canary,
                          {[this] { return raw_wall_; }, [this] { return raw_mono_; }},
                          options_.pay_rounds,
                          [this] { return true_time_; },
                          options_.failure_groups};
  broker_ = std::make_unique<Broker>(Broker::Parts{disk_, model_, operations_, trace_, rare_, random_},
                                     std::move(options));
  try {
    model_.audit_places(disk_.image(broker_->now().wall), broker_->now());
  } catch (const Violation& found) {
    violated("D1", fmt::format("after a restart: {}", found.what()));
  }
  model_.audit_leases(broker_->machine());
  if (options_.canary == Canary::none) model_.audit_limits(broker_->queues(), broker_->now());
  if (options_.canary == Canary::none || options_.canary == Canary::forgotten_schedule)
    model_.audit_schedules(broker_->schedules());
  receivers_ = std::make_unique<Receivers>(Receivers::Parts{*this, model_, random_, rare_}, options_.canary);
  receivers_->look();
  runner_ = std::make_unique<Runner>(Runner::Parts{*this, disk_, operations_, random_, rare_}, options_);
  runner_->restart();
  trace_.add("restart", {}, broker_->now().wall, broker_->now().mono);
}

void World::stop_and_restart() {
  broker_->settle_down();
  disk_.sync(disk_.committed());
  deliver();
  power_fails(true);
}

void World::audit() {
  broker_->settle_down();
  deliver();
  model_.forget_expired(disk_.durable_wall());
  model_.audit_machine(broker_->machine(), broker_->queues(), broker_->now());
  model_.audit_schedules(broker_->schedules());
  model_.audit_image(disk_.image(broker_->now().wall), broker_->now());
  audit_parts();
}

RunResult simulate(const Options& options) {
  RunResult result;
  World world(options);
  try {
    world.run();
  } catch (const Violation& found) {
    result.held = false;
    result.invariant = found.invariant();
    result.report = fmt::format("step {}: {}\nthe last lines of the trace:\n", world.step(), found.what());
    for (const std::string& line : world.trace().last(options.trace_lines))
      result.report += "  " + line + "\n";
  }
  result.hash = world.trace().hash();
  result.rare = world.rare();
  result.restarts = world.restarts();
  return result;
}

}  // namespace pawl::sim
