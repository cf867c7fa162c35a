// Push queues in the world: the real dispatcher, and the services that its requests reach, which answer late,
// wrongly, or not at all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "broker/push/dispatcher.h"
#include "tests/simulation/canary.h"
#include "tests/simulation/model.h"
#include "tests/simulation/random.h"
#include "tests/simulation/surroundings.h"

namespace pawl::sim {

/// Lives as long as the broker. Invariants H1 to H4 of docs/simulation.md.
class Receivers final : private push::Dispatcher::Ways {
 public:
  struct Parts {
    Surroundings& around;
    const Model& model;
    Random& random;
    RareCounts& rare;
  };
  Receivers(Parts parts, Canary canary);

  /// A service answers, or the thread of pushes looks after the settings of queues.
  void act();
  /// Heartbeats that are due.
  void beat();
  void heard(std::uint64_t tag, core::Reply&& reply);
  /// Settings are looked after, and nothing is on its way between the dispatcher and the core.
  void audit_quiet() const;
  void look();

  static std::shared_ptr<const core::Push> new_push(Random& random);

 private:
  /// One request that has not been answered.
  struct Call {
    core::JobId id;
    std::shared_ptr<const core::Push> push;
    core::Millis beat_every = 0;
    core::Millis beat_at = 0;  // true time
    bool aborted = false;
    bool lease_lost = false;
    bool of_callback = false;
  };
  /// What an answer must come to.
  struct Expected {
    core::LeaseNumber lease{};
    core::Settlement::Outcome outcome{};
    std::optional<std::string> result{};
    std::string error_type{};
    bool permanent = false;
    core::Millis retry_after_ms = 0;
    std::optional<core::Millis> retry_delay_ms{};
  };
  /// What the core was asked for, for one queue.
  struct Lane {
    std::uint64_t number = 0;
    core::Ticket ticket{};
    std::uint32_t credit = 0;
  };

  core::Ticket open(std::uint64_t lane, core::OpenWorker open) override;
  void closed(std::uint64_t lane) override;
  void post(core::CommandBody body) override;
  void send(const push::Dispatcher::Trip& trip) override;
  void abort(core::LeaseNumber lease) override;

  void answer(core::LeaseNumber lease);
  push::Result new_answer(const core::Push& push, bool of_callback, Expected& expected);
  push::Answer new_success(Expected& expected);
  push::Answer new_limit(Expected& expected, bool permanent, bool of_callback);
  void check(const core::Settlement& settlement);
  bool is(Canary canary) const { return canary_ == canary; }

  Parts parts_;
  const Canary canary_;
  push::Dispatcher dispatcher_;
  std::map<core::LeaseNumber, Call> calls_;
  std::set<core::LeaseNumber> sent_;
  std::map<std::string, Lane> lanes_;
  std::optional<Expected> expected_;
  std::optional<core::QueueList> first_list_;
};

}  // namespace pawl::sim
