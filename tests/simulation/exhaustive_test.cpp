// The small model in full: two workers, one job, two attempts, one stall to spare, one power cut, every order
// of what can happen. States that look alike from outside are explored once.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/broker.h"

namespace pawl::sim {
namespace {

using namespace core;

enum class Act : std::uint8_t {
  poll_1,
  poll_2,
  complete_1,
  complete_2,
  fail_1,
  fail_2,
  release_1,
  release_2,
  lease_runs_out,
  cancel,
  retry,
  sync,
  power_cut,
  power_cut_that_keeps,
};
constexpr std::size_t act_count = 14;

/// One path: everything is done anew from the start, since a machine cannot be copied.
class SmallWorld {
 public:
  SmallWorld()
      : random_(1),
        model_({4, 1u << 20}, trace_, rare_),
        operations_(model_, rare_),
        disk_(Disk::Fault::none) {
    start();
    NewJob job;
    job.queue = "q";
    job.max_attempts = 2;
    job.max_stalls = 1;
    job.lease_ms = 1'000;
    job.backoff = Backoff{Backoff::Type::fixed, 0, 1, 0, 0};
    post(Submit{{job}, {}});
    disk_.sync(disk_.committed());
    deliver();
  }

  /// False when it cannot happen here.
  bool act(Act what) {
    const auto number = static_cast<std::size_t>(what);
    switch (what) {
      case Act::poll_1:
      case Act::poll_2:
        return poll(number - static_cast<std::size_t>(Act::poll_1));
      case Act::complete_1:
      case Act::complete_2:
        return settle(number - static_cast<std::size_t>(Act::complete_1), Settlement::Outcome::complete);
      case Act::fail_1:
      case Act::fail_2:
        return settle(number - static_cast<std::size_t>(Act::fail_1), Settlement::Outcome::fail);
      case Act::release_1:
      case Act::release_2:
        return settle(number - static_cast<std::size_t>(Act::release_1), Settlement::Outcome::release);
      case Act::lease_runs_out:
        return run_out();
      case Act::cancel:
        if (cancelled_) return false;
        cancelled_ = true;
        post(Cancel{id_});
        return true;
      case Act::retry:
        if (retried_) return false;
        retried_ = true;
        post(Retry{id_, std::nullopt});
        return true;
      case Act::sync:
        if (disk_.synced() == disk_.committed()) return false;
        disk_.sync(disk_.synced() + 1);
        deliver();
        return true;
      case Act::power_cut:
        return power_cut(disk_.synced());
      case Act::power_cut_that_keeps:
        return disk_.committed() > disk_.synced() && power_cut(disk_.synced() + 1);
    }
    return false;
  }

  void audit() {
    broker_->settle_down();
    model_.audit_machine(broker_->machine(), broker_->queues(), broker_->now());
    model_.audit_image(disk_.image(broker_->now().wall), broker_->now());
  }

  /// What can be told apart from outside, lease numbers relative to the job's newest.
  std::string key() const {
    const ModelJob& job = model_.jobs().at(id_);
    const auto relative = [&](LeaseNumber lease) {
      if (lease == LeaseNumber::none) return std::string("-");
      if (lease == job.lease) return std::string("held");
      return lease == job.settled ? fmt::format("settled{}", job.settled_by_worker) : std::string("old");
    };
    return fmt::format("{} {} {} {} {} | {} {} {} {} | {} {} {} | {}", name_of(job.status), job.attempts,
                       job.stalls, job.cancel_requested, name_of(job.settled_status), relative(held_[0]),
                       relative(held_[1]), static_cast<std::uint64_t>(polls_[0]) != 0,
                       static_cast<std::uint64_t>(polls_[1]) != 0, cut_, cancelled_, retried_, unsynced());
  }
  Status status() const { return model_.jobs().at(id_).status; }

 private:
  std::string unsynced() const {
    std::string text;
    for (const std::string& what : pending_) text += what + ",";
    return text;
  }
  void start() {
    Broker::Options options;
    options.machine.due_slice = 4;
    options.seed = 5;
    options.clock = {[this] { return wall_; }, [this] { return mono_; }};
    broker_ =
        std::make_unique<Broker>(Broker::Parts{disk_, model_, operations_, trace_, rare_, random_}, options);
  }
  Ticket post(CommandBody body) {
    const Ticket ticket{++tickets_};
    inbox_.push_back({ticket, std::move(body)});
    turn();
    return ticket;
  }
  void turn() {
    const std::uint64_t before = disk_.committed();
    broker_->turn(inbox_, std::nullopt);
    const auto job = model_.jobs().find(id_);
    if (disk_.committed() > before && job != model_.jobs().end())
      pending_.emplace_back(name_of(job->second.status));
    deliver();
  }
  bool poll(std::size_t worker) {
    if (polls_[worker] != Ticket::none) return false;
    polls_[worker] = Ticket{tickets_ + 1};
    post(Lease{"q", fmt::format("w{}", worker), 1, 60'000, {}});
    return true;
  }
  bool settle(std::size_t worker, Settlement::Outcome outcome) {
    if (held_[worker] == LeaseNumber::none || settles_ >= 5) return false;
    ++settles_;
    Settlement settlement;
    settlement.id = id_;
    settlement.lease = held_[worker];
    settlement.outcome = outcome;
    post(Settle{{settlement}});
    return true;
  }
  bool run_out() {
    if (model_.active_count() == 0) return false;
    mono_ += 1'100;
    wall_ += 1'100;
    turn();
    return true;
  }
  bool power_cut(std::uint64_t keep) {
    if (cut_) return false;
    cut_ = true;
    broker_.reset();
    disk_.crash(keep);
    model_.recover(disk_, disk_.durable_wall());
    operations_.recover(keep, {});
    pending_.clear();
    polls_ = {Ticket::none, Ticket::none};
    start();
    return true;
  }
  void deliver() {
    while (pending_.size() > disk_.committed() - disk_.synced()) pending_.pop_front();
    for (Broker::Owed& owed : broker_->release(disk_.synced())) {
      for (auto& [to, reply] : owed.replies) hear(to, reply);
    }
    model_.told(disk_.synced());
  }
  void hear(Ticket to, const Reply& reply) {
    if (const auto* submitted = std::get_if<Submitted>(&reply)) id_ = submitted->jobs.at(0).id;
    const auto* granted = std::get_if<Granted>(&reply);
    for (std::size_t worker = 0; worker < 2 && granted != nullptr; ++worker) {
      if (polls_[worker] != to) continue;
      polls_[worker] = Ticket::none;
      if (!granted->jobs.empty()) held_[worker] = granted->jobs.front().lease;
    }
  }

  Random random_;
  Trace trace_;
  RareCounts rare_;
  Model model_;
  OperationsModel operations_;
  Disk disk_;
  std::unique_ptr<Broker> broker_;
  std::deque<Command> inbox_;
  std::deque<std::string> pending_;  // the job's status after each batch that is not synced
  Millis wall_ = 1'700'000'000'000;
  Millis mono_ = 1'000;
  std::uint64_t tickets_ = 0;
  JobId id_;
  std::array<Ticket, 2> polls_{};
  std::array<LeaseNumber, 2> held_{};
  int settles_ = 0;
  bool cut_ = false;
  bool cancelled_ = false;
  bool retried_ = false;
};

std::unique_ptr<SmallWorld> replay(const std::vector<Act>& path) {
  auto world = std::make_unique<SmallWorld>();
  for (const Act act : path) world->act(act);
  return world;
}

std::string text_of(const std::vector<Act>& path) {
  std::string text;
  for (const Act act : path) text += fmt::format(" {}", static_cast<int>(act));
  return text;
}

TEST(ExhaustiveTest, EveryOrderOfTwoWorkersOneJobTwoAttemptsAndOnePowerCutKeepsThePromises) {
  constexpr std::size_t depth_max = 9;
  std::set<std::string> seen;
  std::set<Status> statuses;
  std::deque<std::vector<Act>> open{{}};
  std::size_t paths = 0;
  while (!open.empty()) {
    const std::vector<Act> path = std::move(open.front());
    open.pop_front();
    for (std::size_t i = 0; i < act_count; ++i) {
      std::vector<Act> next = path;
      next.push_back(static_cast<Act>(i));
      try {
        const auto world = replay(path);
        if (!world->act(next.back())) continue;
        ++paths;
        const std::string key = world->key();
        statuses.insert(world->status());
        world->audit();
        if (next.size() < depth_max && seen.insert(key).second) open.push_back(std::move(next));
      } catch (const Violation& found) {
        FAIL() << found.what() << "\nafter" << text_of(next);
      }
    }
  }
  EXPECT_GT(seen.size(), 1'000u);
  EXPECT_EQ(statuses, (std::set{Status::pending, Status::active, Status::completed, Status::failed,
                                Status::stalled, Status::cancelled}));
  RecordProperty("paths", static_cast<int>(paths));
  RecordProperty("states", static_cast<int>(seen.size()));
  fmt::print("{} paths, {} states\n", paths, seen.size());
}

}  // namespace
}  // namespace pawl::sim
