// Everything around the broker, in one thread and from one seed: clients, workers, operators, the clocks, the
// disk, and what befalls them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/simulation/broker.h"
#include "tests/simulation/options.h"
#include "tests/simulation/receivers.h"
#include "tests/simulation/runner.h"
#include "tests/simulation/surroundings.h"

namespace pawl::sim {

class World final : private Surroundings {
 public:
  explicit World(const Options& options);
  /// Throws Violation when a promise is broken.
  void run();

  const Trace& trace() const { return trace_; }
  const RareCounts& rare() const { return rare_; }
  std::uint64_t step() const { return step_; }
  std::uint64_t restarts() const { return restarts_; }

 private:
  struct Held {
    core::JobId id;
    core::LeaseNumber lease;
  };
  /// Sends one request at a time; repeats one that was not answered, if it has an Idempotency-Key.
  struct Client {
    core::Ticket waits = core::Ticket::none;
    std::optional<core::Submit> last;
  };
  struct Worker {
    std::string id;
    bool connection = false;
    std::vector<std::string> names;
    core::Ticket ticket = core::Ticket::none;  // its poll, or its connection
    std::uint32_t credit = 1;
    std::vector<Held> held;
    std::vector<Held> stale;         // settled or lost: the worker may not know
    std::uint64_t silent_until = 0;  // step
  };
  enum class Who : std::uint8_t { client, worker, part, receivers, nobody };
  struct Asked {
    Who who = Who::nobody;
    std::size_t index = 0;
    bool stays = false;  // a connection
    std::vector<Held> settles;
  };

  // world.cpp
  void act();
  void turn();
  void after_turn();
  core::Ticket post(core::CommandBody body, Who who, std::size_t index, bool stays = false);
  void deliver();
  void deliver_one(core::Ticket to, core::Reply&& reply);
  void pass_time(core::Millis delta);
  void time_acts();
  void set_clock();
  void power_fails(bool all_durable);
  void restart();
  void stop_and_restart();
  void audit();
  void advance(core::Millis by);

  // beside.cpp: the broker's parts beside the core
  core::Reply ask(core::CommandBody body) override;
  void carry_out(Work& work) override;
  core::Ticket send(core::CommandBody body, std::uint64_t tag, bool stays) override;
  core::Millis wall() const override;
  core::Millis true_time() const override { return true_time_; }
  void parts_act();
  void mingle(std::uint64_t acts);
  void await(std::uint64_t batch, std::uint64_t life);
  void with_parts(const std::function<void()>& call);
  void empty_inbox();
  void audit_parts();

  // clients.cpp
  void client_acts(std::size_t index);
  void operator_acts();
  core::NewJob new_job();
  /// A throttle, or a debounce, in the place of a unique key.
  void add_terms(core::NewJob& job);
  void limit_acts();
  void group_acts();
  void gather(core::NewJob& job, bool may_debounce);
  void submit(Client& client, std::size_t index);
  void client_hears(Client& client, const core::Reply& reply);
  void remember(const core::JobId& id);
  std::optional<core::JobId> some_job();
  std::optional<core::JobId> some_job(core::Status status);
  std::string queue_name();
  core::ChangeJob new_change();
  core::PutQueue new_settings();
  std::optional<core::RateLimit> new_rate_limit(const std::string& queue);

  // schedulers.cpp
  void scheduler_acts();
  std::string schedule_id();
  core::Schedule new_schedule();
  core::Timetable new_timetable(core::Missed missed);
  void operator_hears(const core::Reply& reply);

  // events.cpp
  std::string event_name();
  core::Match new_match();
  void keep_step(Worker& worker, std::size_t index);
  std::shared_ptr<const core::Suspension> new_suspension();
  void raise_event();
  void trigger_acts();
  std::vector<core::NewMember> new_graph(std::size_t most);
  void submit_workflow();
  void add_children(Worker& worker, std::size_t index);
  void workflow_acts();

  // workers.cpp
  void worker_acts(std::size_t index);
  void ask_for_work(Worker& worker, std::size_t index);
  void open_connection(Worker& worker, std::size_t index);
  void settle(Worker& worker, std::size_t index, bool stale);
  core::Settlement settlement(const Held& held);
  void heartbeat(Worker& worker, std::size_t index);
  void log_lines(Worker& worker, std::size_t index);
  void die(Worker& worker, std::size_t index);
  void worker_hears(Worker& worker, const Asked& asked, core::Reply&& reply);
  void drop_held(Worker& worker, const Held& held);
  void name_worker(Worker& worker);

  Options options_;
  Random random_;
  Trace trace_;
  RareCounts rare_;
  Model model_;
  OperationsModel operations_;
  Disk disk_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<Receivers> receivers_;
  std::unique_ptr<Runner> late_runner_;  // died with the broker while it waited
  core::Millis raw_wall_ = 1'700'000'000'000;
  core::Millis raw_mono_ = 1'000;
  core::Millis true_time_ = 0;

  std::deque<core::Command> inbox_;
  std::unordered_map<std::uint64_t, Asked> asked_;
  std::uint64_t next_ticket_ = 1;
  std::vector<Client> clients_;
  std::vector<Worker> workers_;
  std::uint64_t next_worker_ = 1;
  std::vector<core::JobId> known_;  // told ids, the newest few hundred
  std::size_t known_at_ = 0;
  std::uint64_t next_key_ = 1;
  std::map<std::string, core::Schedule> put_schedules_;  // as they were sent last
  std::vector<core::WorkflowId> workflows_;              // told, the newest few
  std::uint64_t step_ = 0;
  std::uint64_t restarts_ = 0;
  std::uint64_t stop_at_ = 0;  // step; 0: not stopping
  bool disk_fails_ = false;
  bool part_waits_ = false;           // one of the broker's parts is at work: none other begins
  bool calm_ = false;                 // nobody else acts
  std::optional<core::Reply> heard_;  // by that part
};

/// What a run came to.
struct RunResult {
  bool held = true;       // every promise was kept
  std::string invariant;  // else: the one that was not
  std::string report;     // and the last lines of the trace
  std::uint64_t hash = 0;
  std::uint64_t restarts = 0;
  RareCounts rare;
};

RunResult simulate(const Options& options);

}  // namespace pawl::sim
