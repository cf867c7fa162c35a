// The broker's parts beside the core, each in a thread of its own in the broker: here the world goes on while
// one of them waits.
#include <algorithm>
#include <utility>

#include "tests/simulation/world.h"

namespace pawl::sim {

using namespace core;

namespace {
constexpr std::uint64_t mingle_max = 4;  // acts of others between two of its steps
constexpr Millis refused_for_ms = 21;    // a part that found no room tries again
}  // namespace

void World::parts_act() {
  if (random_.one_in(10)) return broker_->count_failures();
  if (random_.percent(60)) return receivers_->act();
  if (part_waits_) return;
  with_parts([this] { runner_->act(); });
}

void World::with_parts(const std::function<void()>& call) {
  part_waits_ = true;
  try {
    call();
  } catch (const LifeOver&) {  // the part's; there is a new one
  }
  part_waits_ = false;
}

Millis World::wall() const { return std::max(broker_->now().wall, raw_wall_); }

void World::mingle(std::uint64_t acts) {
  const std::uint64_t life = restarts_;
  for (std::uint64_t i = 0; !calm_ && i < acts; ++i) {
    act();
    if (restarts_ == life && random_.percent(60)) turn();
    if (restarts_ != life) throw LifeOver{};
  }
}

Ticket World::send(CommandBody body, std::uint64_t tag, bool stays) {
  return post(std::move(body), Who::receivers, static_cast<std::size_t>(tag), stays);
}

void World::empty_inbox() {
  while (!inbox_.empty()) broker_->turn(inbox_, std::nullopt);
  disk_.sync(disk_.committed());
  deliver();
}

// Nobody else acts now: what could go on by itself must, and what was told must have arrived.
void World::audit_parts() {
  calm_ = true;
  advance(refused_for_ms);
  with_parts([this] { runner_->settle_down(); });
  receivers_->look();
  while (!inbox_.empty()) empty_inbox();
  receivers_->audit_quiet();
  broker_->audit_failures();
  calm_ = false;
}

Reply World::ask(CommandBody body) {
  const std::uint64_t life = restarts_;
  heard_.reset();
  post(std::move(body), Who::part, 0);
  while (!heard_) {
    turn();
    if (restarts_ != life) throw LifeOver{};
    await(disk_.committed(), life);
    deliver();
  }
  return std::move(*heard_);
}

void World::carry_out(Work& work) {
  const std::uint64_t life = restarts_;
  mingle(random_.below(mingle_max));
  if (!calm_ && random_.one_in(2 * options_.crash_one_in)) {
    rare_.add(Rare::crash_inside_a_batch);
    broker_->turn(inbox_, options_.batch_commands, &work);
    power_fails(false);
    throw LifeOver{};
  }
  broker_->turn(inbox_, std::nullopt, &work);
  const std::uint64_t batch = disk_.committed();
  after_turn();
  if (restarts_ != life) throw LifeOver{};
  await(batch, life);
}

// Until it is on disk.
void World::await(std::uint64_t batch, std::uint64_t life) {
  while (disk_.synced() < batch) {
    mingle(1);
    if (disk_.synced() < batch && (calm_ || random_.one_in(3))) disk_.sync(disk_.synced() + 1);
  }
  deliver();
  if (restarts_ != life) throw LifeOver{};
}

}  // namespace pawl::sim
