// The events of late, and who listens.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "broker/engine/events.h"

namespace pawl::engine {

/// Nobody need make events while nobody has listened for a while: most installations never open a stream, and
/// an event costs about as much as the change that it tells of.
///
/// Thread: any; publish: one at a time. The mutex is held for look-ups and appends only; targets are called
/// without it.
class EventRing final : public EventHub {
 public:
  /// epoch: of the partition, so that ids grow over restarts. kept: most events that Last-Event-ID can go
  /// back. kept_unheard: how long after the last listener left, should a broken stream come back.
  EventRing(std::uint64_t epoch, std::size_t kept,
            std::chrono::milliseconds kept_unheard = std::chrono::minutes(10));

  Subscription subscribe(std::weak_ptr<EventTarget> target, EventFilter filter,
                         std::optional<std::uint64_t> after) override;
  void unsubscribe(std::uint64_t token) override;

  /// Somebody listens, or may come back with a Last-Event-ID. A change that the engine begins after this is
  /// true must be published.
  bool wanted() const { return wanted_.load(std::memory_order_acquire); }
  /// Numbers the events, keeps them and tells the subscribers.
  void publish(std::vector<std::shared_ptr<JobEvent>>&& events);

 private:
  struct Subscriber {
    std::weak_ptr<EventTarget> target;
    EventFilter filter;
  };
  using Told = std::vector<std::shared_ptr<const JobEvent>>;

  void tell(std::uint64_t token, const std::shared_ptr<const JobEvent>& event);
  void drop(std::uint64_t token);
  void rest_if_unheard();
  static bool wants(const EventFilter& filter, const JobEvent& event);

  std::atomic<bool> wanted_ = false;
  std::mutex mutex_;
  const std::size_t kept_;
  const std::chrono::milliseconds kept_unheard_;
  std::chrono::steady_clock::time_point heard_at_{};  // somebody listened
  std::uint64_t newest_;
  std::deque<std::shared_ptr<const JobEvent>> ring_;
  std::uint64_t next_token_ = 1;
  std::unordered_map<std::uint64_t, Subscriber> subscribers_;
  // By what they listen to, so that an event costs no look at those who wait for others.
  std::unordered_map<core::JobId, std::vector<std::uint64_t>, core::JobIdHash> by_job_;
  std::unordered_map<std::string, std::vector<std::uint64_t>> by_queue_;
  std::vector<std::uint64_t> of_all_;
  std::unordered_map<std::uint64_t, Told> told_;  // of the publish under way
};

}  // namespace pawl::engine
