// The events of late, and who listens.
#pragma once

#include <deque>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "broker/engine/events.h"

namespace pawl::engine {

/// Thread: any; publish: one at a time. The mutex is held for look-ups and appends only; targets are called
/// without it.
class EventRing final : public EventHub {
 public:
  /// epoch: of the partition, so that ids grow over restarts. kept: most events that Last-Event-ID can go
  /// back.
  EventRing(std::uint64_t epoch, std::size_t kept);

  Subscription subscribe(std::weak_ptr<EventTarget> target, EventFilter filter,
                         std::optional<std::uint64_t> after) override;
  void unsubscribe(std::uint64_t token) override;

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
  static bool wants(const EventFilter& filter, const JobEvent& event);

  std::mutex mutex_;
  const std::size_t kept_;
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
