// Those who keep steps, suspend, raise events and put triggers.
#include <fmt/core.h>

#include "tests/simulation/world.h"

namespace pawl::sim {

using namespace core;

namespace {

/// Data as "{"a":N,"b":M}", of which the paths a and b can be seen.
class SimData final : public EventData {
 public:
  SimData(std::uint64_t a, std::uint64_t b) : a_(fmt::to_string(a)), b_(fmt::to_string(b)) {}
  std::optional<std::string> value_at(const std::string& path) const override {
    if (path == "a") return a_;
    if (path == "b") return b_;
    return std::nullopt;
  }
  std::string json() const { return fmt::format(R"({{"a":{},"b":{}}})", a_, b_); }

 private:
  std::string a_;
  std::string b_;
};

}  // namespace

std::string World::event_name() { return fmt::format("e{}", random_.below(3)); }

Match World::new_match() {
  Match match;
  if (random_.percent(50)) match.emplace_back("a", fmt::to_string(random_.below(3)));
  if (random_.percent(25)) match.emplace_back("b", fmt::to_string(random_.below(2)));
  return match;
}

void World::keep_step(Worker& worker, std::size_t index) {
  std::vector<Held>& from = random_.one_in(8) && !worker.stale.empty() ? worker.stale : worker.held;
  if (from.empty()) return;
  const Held held = random_.pick(from);
  KeepStep keep{held.id, held.lease, {fmt::format("step{}", random_.below(4)), nullptr}};
  if (!random_.one_in(4))
    keep.step.result = std::make_shared<const std::string>(fmt::to_string(random_.below(1'000'000)));
  post(std::move(keep), Who::worker, index);
}

std::shared_ptr<const Suspension> World::new_suspension() {
  auto made = std::make_shared<Suspension>();
  if (!random_.one_in(4)) made->as = fmt::format("step{}", random_.below(6));
  if (random_.percent(50)) {
    made->event = event_name();
    if (made->as.empty()) made->as = made->event;
    made->match = new_match();
    if (random_.percent(60)) made->timeout_ms = random_.between(1, 20'000);
  } else if (random_.percent(70)) {
    made->sleep_ms = random_.between(0, 8'000);
  } else {
    made->until = raw_wall_ + random_.between(-3'000, 8'000);
  }
  return made;
}

void World::raise_event() {
  RaiseEvent event;
  event.name = event_name();
  const auto data = std::make_shared<const SimData>(random_.below(3), random_.below(2));
  event.data = std::make_shared<const std::string>(data->json());
  event.values = data;
  post(std::move(event), Who::nobody, 0);
}

void World::trigger_acts() {
  const std::string id = fmt::format("t{}", random_.below(5));
  switch (random_.weighted(std::array<std::uint32_t, 3>{10, 4, 3})) {
    case 0: {
      PutTrigger put;
      put.trigger.id = id;
      put.trigger.event = event_name();
      put.trigger.match = new_match();
      put.trigger.job = new_job();
      put.trigger.job.payload = nullptr;
      put.trigger.job.run_at.reset();
      put.trigger.job.unique_key.clear();
      put.trigger.job.unique_for_ms = 0;
      if (random_.percent(60)) {
        put.trigger.batch_max = static_cast<std::uint32_t>(random_.between(1, 5));
        put.trigger.batch_timeout_ms = random_.between(1, 15'000);
      }
      post(std::move(put), Who::nobody, 0);
      break;
    }
    case 1:
      post(GetTrigger{id}, Who::nobody, 0);
      break;
    default:
      post(DeleteTrigger{id}, Who::nobody, 0);
      break;
  }
}

std::vector<NewMember> World::new_graph(std::size_t most) {
  std::vector<NewMember> members(
      static_cast<std::size_t>(random_.between(1, static_cast<std::int64_t>(most))));
  for (std::size_t i = 0; i < members.size(); ++i) {
    NewMember& member = members[i];
    member.ref = fmt::format("r{}", i + 10 * random_.below(3));
    member.job = new_job();
    if (random_.percent(30)) member.job.group = fmt::format("t{}", random_.below(4));
    member.job.unique_key.clear();
    member.job.unique_for_ms = 0;
    member.on_parent_failure = static_cast<OnParentFailure>(random_.below(3));
    for (std::uint32_t parent = 0; parent < i; ++parent) {
      if (random_.percent(40)) member.depends_on.push_back(parent);
    }
  }
  return members;
}

void World::submit_workflow() { post(SubmitWorkflow{"w", new_graph(7)}, Who::nobody, 0); }

void World::add_children(Worker& worker, std::size_t index) {
  const std::vector<Held>& from = random_.one_in(8) && !worker.stale.empty() ? worker.stale : worker.held;
  if (from.empty()) return;
  Held held = from[static_cast<std::size_t>(random_.below(from.size()))];
  for (const Held& other : from) {  // better one of a graph
    const ModelJob* known = model_.find(other.id, broker_->now().wall);
    if (known != nullptr && known->member && random_.one_in(2)) held = other;
  }
  AddChildren add{held.id, held.lease, new_graph(3)};
  if (random_.one_in(2)) {
    add.invoked = true;
    add.members.resize(1);
    add.members.front().depends_on.clear();
  }
  const ModelJob* adder = model_.find(held.id, broker_->now().wall);
  if (adder != nullptr && adder->spec->ordered && random_.one_in(3)) {
    NewJob& behind = add.members.front().job;
    behind.queue = adder->spec->queue;
    behind.group = adder->spec->group;
    behind.ordered = true;
  }
  const Ticket ticket = post(std::move(add), Who::worker, index);
  asked_[static_cast<std::uint64_t>(ticket)].settles = {held};
}

void World::workflow_acts() {
  if (workflows_.empty() || random_.percent(50)) return submit_workflow();
  const WorkflowId id = random_.pick(workflows_);
  if (random_.percent(35))
    post(CancelWorkflow{id}, Who::nobody, 0);
  else
    post(RetryWorkflow{id}, Who::nobody, 0);
}

}  // namespace pawl::sim
