// The engine thread's work: take what waits, apply it, match, flush, commit, refill the windows, sleep.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/machine.h"
#include "broker/engine/batch_outbox.h"
#include "broker/engine/clock.h"
#include "broker/engine/engine.h"
#include "broker/engine/gate.h"
#include "broker/engine/inbox.h"
#include "broker/engine/loader.h"
#include "broker/engine/search_index.h"
#include "broker/engine/tickets.h"

namespace pawl::engine {

/// What the engine thread lets others see without asking.
struct Pressure {
  std::atomic<bool> slow{false};      // the store wants less work
  std::atomic<bool> no_space{false};  // the disk is nearly full
  std::atomic<core::Millis> wall{0};  // the time of the last turn
};

/// Owned by the engine; made, run and destroyed on the engine thread.
class Loop {
 public:
  struct Parts {
    storage::Partition& partition;
    Inbox& inbox;
    Gate& gate;
    Pressure& pressure;
    SearchIndex& search;
  };
  Loop(Parts parts, const EngineOptions& options);

  /// Reads what is needed from the store. False when a row was unreadable; the gate has failed then.
  bool recover();
  /// Until the inbox is closed and everything in it is carried out and durable, or something failed.
  void run();

 private:
  using Instant = std::chrono::steady_clock::time_point;

  std::optional<Instant> sleep_until() const;
  void turn();
  void serve(Item& item, core::Now now);
  void write_audit(const Item& item, std::size_t first_reply, core::Now now);
  std::optional<core::Job> look(const core::JobId& id, core::Now now);
  void carry_out(Together& together, core::Now now);
  void load_for(const core::Command& command, core::Now now);
  void pay(core::Now now);
  void prefetch(std::size_t from, std::size_t to, core::Now now);
  void tick_if_due(core::Now now);
  void erase_old_logs();
  void hand_over();
  Owed collect_owed();
  void refill();
  void read_ahead();
  void read_pressure();
  void restore_grants(core::Now now);
  void restore_events();
  void restore_limits(core::Now now);
  void restore_lanes(core::QueueNumber queue);

  storage::Partition& partition_;
  Inbox& inbox_;
  Gate& gate_;
  Pressure& pressure_;
  SearchIndex& search_;
  const EngineOptions& options_;

  core::Machine machine_;
  Loader loader_;
  std::optional<SteadyNow> clock_;
  Waiters waiters_;
  BatchOutbox outbox_;
  BatchOutbox aside_;  // for looking without telling
  core::Needs needs_;

  std::vector<Item> taken_;
  std::size_t next_ = 0;  // of taken_
  std::size_t done_bytes_ = 0;
  std::size_t done_ = 0;
  std::vector<std::function<void()>> calls_;  // of this batch's tasks
  std::vector<core::JobId> old_logs_;         // to erase with the next batch
  bool again_ = false;                        // something can be matched at once
  std::size_t served_ = 0;                    // commands of this batch
  std::vector<core::Ticket> closing_;         // waiters that the batch's commands end
  Instant turn_began_{};                      // when the machine's time was read last
  Instant pressure_read_{};
};

}  // namespace pawl::engine
