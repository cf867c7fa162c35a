#include "broker/push/dispatcher.h"

#include <algorithm>
#include <utility>

namespace pawl::push {

namespace {
// What is under way when its queue is not pushed any more may end: leases go on by heartbeats, without the
// connection.
constexpr core::Millis grace_ms = 60'000;
}  // namespace

Dispatcher::Dispatcher(Ways& ways, std::shared_ptr<const core::Push> callbacks)
    : ways_(ways), callbacks_(std::move(callbacks)) {}

bool Dispatcher::compare(const core::QueueList& list) {
  std::map<std::string, std::shared_ptr<const core::Push>> pushed;
  pushed[core::callbacks_queue] = callbacks_;  // it may come into being at any time
  for (const core::QueueView& queue : list.queues) {
    if (queue.settings.push) pushed[queue.name] = queue.settings.push;
  }
  std::erase_if(lanes_, [&](const auto& item) {
    if (pushed.contains(item.first)) return false;
    close(item.second);
    return true;
  });
  bool all = true;
  for (auto& [queue, push] : pushed) {
    const auto lane = lanes_.find(queue);
    if (lane == lanes_.end()) {
      all = open(queue, push) && all;
      continue;
    }
    if (lane->second.push->max_concurrency != push->max_concurrency)
      ways_.post(core::SetCredit{lane->second.ticket, push->max_concurrency});
    lane->second.push = push;
  }
  return all;
}

bool Dispatcher::open(const std::string& queue, std::shared_ptr<const core::Push> push) {
  Lane lane{++lane_numbers_, std::move(push)};
  core::OpenWorker open;
  open.worker_id = "push:" + queue;
  open.queues = {{queue, 1}};
  open.credit = lane.push->max_concurrency;
  lane.ticket = ways_.open(lane.number, std::move(open));
  if (lane.ticket == core::Ticket::none) return false;
  lanes_[queue] = std::move(lane);
  return true;
}

void Dispatcher::close(const Lane& lane) {
  // Also when nothing is under way: what is granted meanwhile is to be given back, not lost.
  ways_.post(core::CloseWorker{lane.ticket, grace_ms});
  ways_.closed(lane.number);
}

// They were on their way when the queue was not to be pushed any more.
void Dispatcher::give_back(const core::Granted& granted) {
  core::Settle settle;
  for (const core::GrantedJob& job : granted.jobs) {
    core::Settlement& settlement = settle.settlements.emplace_back();
    settlement.id = job.id;
    settlement.lease = job.lease;
    settlement.outcome = core::Settlement::Outcome::release;
  }
  ways_.post(std::move(settle));
}

void Dispatcher::heard(std::uint64_t number, core::Reply&& reply) {
  if (auto* granted = std::get_if<core::Granted>(&reply)) {
    const auto lane =
        std::ranges::find_if(lanes_, [&](const auto& item) { return item.second.number == number; });
    if (lane == lanes_.end()) return give_back(*granted);
    for (core::GrantedJob& job : granted->jobs) {
      const core::LeaseNumber lease = job.lease;
      const auto [sent, fresh] =
          trips_.try_emplace(lease, Sent{Trip{std::move(job), lane->second.push}, number});
      if (fresh) ways_.send(sent->second.trip);
    }
  } else if (const auto* notice = std::get_if<core::Notice>(&reply)) {
    const auto sent = trips_.find(notice->lease);
    if (sent == trips_.end()) return;
    Trip& trip = sent->second.trip;
    if (notice->kind == core::Notice::Kind::lease_lost) trip.abandoned = true;
    if (notice->kind == core::Notice::Kind::cancel) trip.cancelled = true;
    if (trip.abandoned || trip.cancelled) ways_.abort(notice->lease);
  }
}

bool Dispatcher::beat(core::LeaseNumber lease) {
  const auto sent = trips_.find(lease);
  if (sent == trips_.end()) return false;
  core::Heartbeat heartbeat;
  heartbeat.beats.push_back({sent->second.trip.job.id, lease, {}, {}, {}});
  ways_.post(std::move(heartbeat));
  return true;
}

Dispatcher::Outcome Dispatcher::arrived(core::LeaseNumber lease, const Result& result, core::Millis now) {
  const auto sent = trips_.find(lease);
  const Trip trip = std::move(sent->second.trip);
  trips_.erase(sent);
  if (trip.abandoned) return Outcome::abandoned;
  core::Settlement settlement;
  if (trip.cancelled)
    settlement.outcome = core::Settlement::Outcome::release;
  else
    settlement = verdict(result, *trip.push,
                         trip.job.queue == core::callbacks_queue ? Receivers::many : Receivers::one, now);
  settlement.id = trip.job.id;
  settlement.lease = lease;
  const core::Settlement::Outcome outcome = settlement.outcome;
  core::Settle settle;
  settle.settlements.push_back(std::move(settlement));
  ways_.post(std::move(settle));
  switch (outcome) {
    case core::Settlement::Outcome::complete:
      return Outcome::completed;
    case core::Settlement::Outcome::rate_limited:
      return Outcome::rate_limited;
    case core::Settlement::Outcome::release:
      return Outcome::abandoned;
    default:
      return Outcome::failed;
  }
}

}  // namespace pawl::push
