// What waits for the engine thread: commands, tasks of the engine's own parts, answers of a slow store.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "broker/core/command.h"
#include "broker/core/machine.h"
#include "broker/engine/batch_outbox.h"
#include "broker/engine/engine.h"
#include "broker/engine/tickets.h"

namespace pawl::engine {

/// Commands that are carried out one after the other, in the batch of the task that they belong to.
struct Together {
  std::vector<core::CommandBody> commands;
  std::vector<core::JobId> jobs;                    // that each is about
  std::function<bool(const core::Job&)> wanted;     // asked of the job as it stands; null: all are
  std::vector<std::optional<core::Reply>> replies;  // absent: not wanted, or the job is gone
};

/// Something of the engine's own parts that runs on the engine thread, within a batch.
struct Task {
  std::shared_ptr<Together> before;  // carried out before run(); may be null
  std::function<void(core::Machine&, BatchOutbox&, core::Now)> run;
  std::function<void()>
      durable;  // when what run() put is durable; may be null. Never called after a failure.
};

/// One thing that waits.
struct Item {
  core::Command command;
  std::shared_ptr<ReplyTarget> target;
  std::uint64_t tag = 0;
  std::size_t bytes = 0;
  std::unique_ptr<Task> task;    // instead of the command
  std::unique_ptr<Actor> actor;  // whose action it is, when it shall be audited
};

/// Payload bytes that a command holds, for the bound.
std::size_t bytes_of(const core::CommandBody& body);
/// Whether a reply follows, so that the poster needs a ticket.
bool is_answered(const core::CommandBody& body);

/// Bounded by count and bytes of what the engine has not carried out yet. Thread: any, but for take() and
/// arrivals.
class Inbox {
 public:
  Inbox(std::size_t commands_max, std::size_t bytes_max)
      : commands_max_(commands_max), bytes_max_(bytes_max) {}

  /// Adds a command; names its waiter unless it has a name or needs none. bounded: refused when full.
  std::expected<core::Ticket, Busy> push(Item item, bool bounded);
  /// Hands something over that a read brought in on another thread. It is not bounded: reads are.
  void arrive(std::function<void()> call);
  /// From now on push() refuses, and take() does not wait.
  void close(Busy why);
  std::size_t size() const;

  // Thread: engine.
  /// Gives names back, counts `done` items as carried out, and waits until something is there, `until` has
  /// come or the inbox is closed. Swaps what waits into `into` (which must be empty to get any). False:
  /// closed and empty.
  bool take(std::vector<Item>& into, std::vector<core::Ticket>& released, std::size_t done,
            std::size_t done_bytes, std::optional<std::chrono::steady_clock::time_point> until);
  /// Waits for at least one arrival and runs all that are there.
  void run_arrivals();
  /// Forgets everything that waits.
  void clear();

 private:
  const std::size_t commands_max_;
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Item> items_;
  std::vector<std::function<void()>> arrivals_;
  TicketNames names_;
  std::size_t held_ = 0;
  std::size_t held_bytes_ = 0;
  std::optional<Busy> closed_;
};

}  // namespace pawl::engine
