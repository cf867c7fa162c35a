#include "broker/engine/event_ring.h"

#include <algorithm>
#include <utility>

namespace pawl::engine {

namespace {
constexpr unsigned epoch_shift = 40;
constexpr std::uint64_t epoch_mask = (1u << 24) - 1;
}  // namespace

EventRing::EventRing(std::uint64_t epoch, std::size_t kept, std::chrono::milliseconds kept_unheard)
    : kept_(std::max<std::size_t>(kept, 1)),
      kept_unheard_(kept_unheard),
      newest_((epoch & epoch_mask) << epoch_shift) {}

bool EventRing::wants(const EventFilter& filter, const JobEvent& event) {
  return (!filter.job || *filter.job == event.job) && (!filter.queue || *filter.queue == event.queue);
}

EventHub::Subscription EventRing::subscribe(std::weak_ptr<EventTarget> target, EventFilter filter,
                                            std::optional<std::uint64_t> after) {
  const std::lock_guard lock(mutex_);
  wanted_.store(true, std::memory_order_release);
  Subscription subscription;
  subscription.token = next_token_++;
  subscription.newest = newest_;
  if (after && *after != newest_) {
    const std::uint64_t oldest = newest_ - ring_.size();  // the newest one that is not kept any more
    subscription.gap = *after < oldest || *after > newest_;
    for (const auto& event : ring_) {
      if (!subscription.gap && event->id <= *after) continue;
      if (wants(filter, *event)) subscription.backlog.push_back(event);
    }
  }
  if (filter.job)
    by_job_[*filter.job].push_back(subscription.token);
  else if (filter.queue)
    by_queue_[*filter.queue].push_back(subscription.token);
  else
    of_all_.push_back(subscription.token);
  subscribers_.emplace(subscription.token, Subscriber{std::move(target), std::move(filter)});
  return subscription;
}

void EventRing::unsubscribe(std::uint64_t token) {
  const std::lock_guard lock(mutex_);
  drop(token);
}

void EventRing::drop(std::uint64_t token) {
  const auto it = subscribers_.find(token);
  if (it == subscribers_.end()) return;
  const EventFilter& filter = it->second.filter;
  if (filter.job) {
    std::vector<std::uint64_t>& tokens = by_job_[*filter.job];
    std::erase(tokens, token);
    if (tokens.empty()) by_job_.erase(*filter.job);
  } else if (filter.queue) {
    std::vector<std::uint64_t>& tokens = by_queue_[*filter.queue];
    std::erase(tokens, token);
    if (tokens.empty()) by_queue_.erase(*filter.queue);
  } else {
    std::erase(of_all_, token);
  }
  subscribers_.erase(it);
  heard_at_ = std::chrono::steady_clock::now();
}

// Whoever comes back later finds a gap: an id is left out.
void EventRing::rest_if_unheard() {
  if (!subscribers_.empty() || std::chrono::steady_clock::now() - heard_at_ < kept_unheard_) return;
  wanted_.store(false, std::memory_order_release);
  ring_.clear();
  ++newest_;
}

void EventRing::tell(std::uint64_t token, const std::shared_ptr<const JobEvent>& event) {
  if (wants(subscribers_.at(token).filter, *event)) told_[token].push_back(event);
}

void EventRing::publish(std::vector<std::shared_ptr<JobEvent>>&& events) {
  if (events.empty()) return;
  std::vector<std::pair<std::shared_ptr<EventTarget>, Told>> calls;
  {
    const std::lock_guard lock(mutex_);
    for (std::shared_ptr<JobEvent>& numbered : events) {
      numbered->id = ++newest_;
      const std::shared_ptr<const JobEvent> event = std::move(numbered);
      ring_.push_back(event);
      if (ring_.size() > kept_) ring_.pop_front();
      if (subscribers_.empty()) continue;
      if (const auto it = by_job_.find(event->job); it != by_job_.end()) {
        for (const std::uint64_t token : it->second) tell(token, event);
      }
      if (const auto it = by_queue_.find(event->queue); it != by_queue_.end()) {
        for (const std::uint64_t token : it->second) tell(token, event);
      }
      for (const std::uint64_t token : of_all_) tell(token, event);
    }
    for (auto& [token, told] : told_) {
      if (auto target = subscribers_.at(token).target.lock())
        calls.emplace_back(std::move(target), std::move(told));
      else
        drop(token);
    }
    told_.clear();
    rest_if_unheard();
  }
  events.clear();
  for (const auto& [target, told] : calls) target->on_events(told);
}

}  // namespace pawl::engine
