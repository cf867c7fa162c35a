// Which jobs of push queues are under way, and what becomes of each.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/command.h"
#include "broker/core/push.h"
#include "broker/core/reply.h"
#include "broker/push/verdict.h"

namespace pawl::push {

/// A worker of the core's for each push queue: it takes as many jobs as may be under way, hands each on to be
/// sent, and settles it by the answer. It does no I/O and has no thread and no clock, so that the simulation
/// drives it as the pusher does. Thread: one.
class Dispatcher {
 public:
  /// One job on its way.
  struct Trip {
    core::GrantedJob job;
    std::shared_ptr<const core::Push> push;  // as it stood when the job set out
    bool abandoned = false;                  // the lease is lost: nothing is settled
    bool cancelled = false;                  // somebody cancelled the job
  };
  /// What it works with.
  class Ways {
   public:
    virtual ~Ways() = default;
    /// Opens a worker; what it hears goes to heard(lane, …). Ticket::none: not now.
    virtual core::Ticket open(std::uint64_t lane, core::OpenWorker open) = 0;
    /// Nothing is to be heard for the lane any more, but what was on its way when this was called.
    virtual void closed(std::uint64_t lane) = 0;
    /// Reaches the engine, if need be later; the answer is not needed.
    virtual void post(core::CommandBody body) = 0;
    /// Sends the request; ends in arrived(), also after abort(). The trip stays where it is until then.
    virtual void send(const Trip& trip) = 0;
    virtual void abort(core::LeaseNumber lease) = 0;
  };
  enum class Outcome : std::uint8_t {
    completed,
    failed,        // an attempt
    rate_limited,  // given back as the answer asked
    abandoned      // the lease was lost, or the job cancelled
  };

  /// ways must outlive it. callbacks: how callbacks are sent when their queue does not say otherwise.
  Dispatcher(Ways& ways, std::shared_ptr<const core::Push> callbacks);

  /// Opens, changes and closes workers by the settings of queues. False: one could not be opened; look again.
  bool compare(const core::QueueList& list);
  void heard(std::uint64_t lane, core::Reply&& reply);
  /// So that a job's lease goes on: due at a third of it, while it is under way. False: it is not any more.
  bool beat(core::LeaseNumber lease);
  /// `now`: wall clock. REQUIRES: it was sent, and has not arrived.
  Outcome arrived(core::LeaseNumber lease, const Result& result, core::Millis now);

 private:
  /// One push queue.
  struct Lane {
    std::uint64_t number = 0;
    std::shared_ptr<const core::Push> push;
    core::Ticket ticket = core::Ticket::none;
  };
  struct Sent {
    Trip trip;
    std::uint64_t lane = 0;
  };

  bool open(const std::string& queue, std::shared_ptr<const core::Push> push);
  void close(const Lane& lane);
  void give_back(const core::Granted& granted);

  Ways& ways_;
  const std::shared_ptr<const core::Push> callbacks_;
  std::map<std::string, Lane> lanes_;  // by queue
  std::map<core::LeaseNumber, Sent> trips_;
  std::uint64_t lane_numbers_ = 0;
};

}  // namespace pawl::push
