// What the broker's parts beside the core see of the world.
#pragma once

#include <cstdint>
#include <functional>

#include "broker/core/command.h"
#include "broker/core/reply.h"
#include "broker/engine/batch_outbox.h"
#include "broker/engine/inbox.h"

namespace pawl::sim {

/// The broker's life ended while one of its parts waited: unwinds that part, which has died with it.
struct LifeOver {};

/// Something of the broker's own parts that runs within a batch (engine::Task).
struct Work {
  engine::Together* before = nullptr;
  std::function<void(core::Machine&, engine::BatchOutbox&, core::Now)> run;
};

class Surroundings {
 public:
  virtual ~Surroundings() = default;
  /// Others act meanwhile; comes back with the answer when it is durable. Throws LifeOver.
  virtual core::Reply ask(core::CommandBody body) = 0;
  /// Others act, the work is done, others act; comes back when it is durable. Throws LifeOver.
  virtual void carry_out(Work& work) = 0;
  /// Comes back at once; replies are heard by the receivers, under the tag.
  virtual core::Ticket send(core::CommandBody body, std::uint64_t tag, bool stays) = 0;
  virtual core::Millis wall() const = 0;
  /// Runs on over restarts and clocks that are set.
  virtual core::Millis true_time() const = 0;
};

}  // namespace pawl::sim
