// The worker inside the broker: takes the jobs of push queues under leases, as any worker does, posts each to
// the queue's URL, and settles it by the answer. What is under way when the broker dies is done again when
// its lease has run out.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/push.h"
#include "broker/engine/engine.h"

namespace pawl::push {

struct PusherOptions {
  std::vector<std::string> allow;  // AllowList::parse; empty: nothing is pushed
  std::string ca_file;             // PEM, trusted beside the system's authorities; empty: none
  std::string callback_secret;     // whsec_…; empty: callbacks are not signed
  std::function<void(const std::string&)> log_warn;
};

/// Requests by what became of them, since the start.
struct PushCounts {
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;        // attempts
  std::uint64_t rate_limited = 0;  // given back as the answer asked
  std::uint64_t abandoned = 0;     // the lease was lost, or the job cancelled
  std::uint64_t under_way = 0;
};

class Pusher {
 public:
  /// Reads the allow list and the authorities, and starts the thread; or what is wrong with the options. The
  /// engine must outlive it.
  static std::expected<std::unique_ptr<Pusher>, std::string> start(engine::Engine& engine,
                                                                   PusherOptions options);
  ~Pusher();  // stop()

  /// The settings of queues may have changed. Thread: any.
  void look();
  /// What is wrong with the target: its field, and why. Thread: any.
  std::optional<std::pair<std::string, std::string>> check(const core::Push& push) const;
  PushCounts counts() const;  // Thread: any
  /// Ends what is under way without settling it, and joins. Thread: the owner's. Idempotent.
  void stop();

 private:
  class Desk;
  explicit Pusher(std::shared_ptr<Desk> desk);
  std::shared_ptr<Desk> desk_;
};

}  // namespace pawl::push
