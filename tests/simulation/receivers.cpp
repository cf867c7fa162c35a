#include "tests/simulation/receivers.h"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace pawl::sim {

using namespace core;
using Outcome = Settlement::Outcome;

namespace {

constexpr std::uint64_t look_tag = 0;  // lanes count from 1

std::shared_ptr<const Push> for_callbacks() {
  auto push = std::make_shared<Push>();
  push->max_concurrency = 3;
  push->permanent_on = {410};
  return push;
}

// RFC 9110 5.6.7
std::string http_date(Millis wall) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(static_cast<std::time_t>(wall / 1000)));
}

}  // namespace

Receivers::Receivers(Parts parts, Canary canary)
    : parts_(parts), canary_(canary), dispatcher_(*this, for_callbacks()) {}

std::shared_ptr<const Push> Receivers::new_push(Random& random) {
  auto push = std::make_shared<Push>();
  push->url = "https://service";
  push->max_concurrency = static_cast<std::uint32_t>(random.between(1, 4));
  if (random.one_in(2)) push->permanent_on = {404, 410};
  if (random.one_in(8)) push->permanent_on.push_back(429);
  if (random.one_in(3)) push->body = core::PushBody::job;
  return push;
}

void Receivers::act() {
  if (parts_.random.one_in(8)) return look();
  if (calls_.empty()) return;
  auto call = calls_.begin();
  std::advance(call, static_cast<std::ptrdiff_t>(parts_.random.below(calls_.size())));
  answer(call->first);
}

void Receivers::look() { parts_.around.send(ListQueues{}, look_tag, false); }

void Receivers::heard(std::uint64_t tag, Reply&& reply) {
  auto* list = std::get_if<QueueList>(&reply);
  if (list == nullptr) {
    const auto* notice = std::get_if<Notice>(&reply);
    const bool lost = notice != nullptr && notice->kind == Notice::Kind::lease_lost;
    if (lost) {
      const auto call = calls_.find(notice->lease);
      if (call != calls_.end()) call->second.lease_lost = true;
      if (call != calls_.end()) parts_.rare.add(Rare::push_lost_its_lease);
      if (is(Canary::push_deaf_to_losses)) return;
    }
    return dispatcher_.heard(tag, std::move(reply));
  }
  if (!first_list_) first_list_ = *list;
  if (!dispatcher_.compare(is(Canary::push_deaf_to_settings) ? *first_list_ : *list)) look();
}

Ticket Receivers::open(std::uint64_t number, OpenWorker open) {
  if (parts_.random.one_in(20)) {
    parts_.rare.add(Rare::push_found_no_room);
    return Ticket::none;
  }
  const std::string queue = open.queues.front().name;
  const std::uint32_t credit = open.credit;
  const Ticket ticket = parts_.around.send(std::move(open), number, true);
  lanes_[queue] = {number, ticket, credit};
  return ticket;
}

void Receivers::closed(std::uint64_t number) {
  std::erase_if(lanes_, [&](const auto& item) { return item.second.number == number; });
  parts_.rare.add(Rare::push_of_a_queue_ended);
}

void Receivers::post(CommandBody body) {
  if (const auto* credit = std::get_if<SetCredit>(&body)) {
    for (auto& [queue, lane] : lanes_) {
      if (lane.ticket == credit->worker) lane.credit = credit->credit;
    }
  }
  if (const auto* settle = std::get_if<Settle>(&body)) {
    for (const Settlement& settlement : settle->settlements) check(settlement);
  }
  parts_.around.send(std::move(body), look_tag, false);
}

void Receivers::send(const push::Dispatcher::Trip& trip) {
  for (int times = is(Canary::push_posted_twice) && parts_.random.one_in(20) ? 2 : 1; times > 0; --times) {
    if (!sent_.insert(trip.job.lease).second)
      violated("H1", fmt::format("job {} is posted twice under one lease", short_id(trip.job.id)));
  }
  const auto known = parts_.model.jobs().find(trip.job.id);
  if (known != parts_.model.jobs().end() && known->second.newest_lease < trip.job.lease)
    violated("H1", fmt::format("job {} is posted without a lease", short_id(trip.job.id)));
  const Millis every = std::max<Millis>(trip.job.lease_ms / 3, 300);
  const bool of_callback = trip.job.queue == callbacks_queue;
  Call& call = calls_[trip.job.lease] = {trip.job.id, trip.push, every, parts_.around.true_time() + every};
  call.of_callback = of_callback;
  parts_.rare.add(of_callback ? Rare::push_of_a_callback : Rare::push_sent);
}

void Receivers::abort(LeaseNumber lease) {
  const auto call = calls_.find(lease);
  if (call != calls_.end()) call->second.aborted = true;
}

void Receivers::beat() {
  for (auto& [lease, call] : calls_) {
    if (call.beat_at > parts_.around.true_time()) continue;
    call.beat_at = parts_.around.true_time() + call.beat_every;
    dispatcher_.beat(lease);
  }
}

push::Answer Receivers::new_success(Expected& expected) {
  push::Answer answer;
  answer.status = static_cast<unsigned>(parts_.random.between(200, 206));
  expected.outcome = Outcome::complete;
  answer.body = fmt::format(R"({{"n":{}}})", parts_.random.below(1000));
  switch (parts_.random.below(4)) {
    case 0:
      answer.content_type = "application/json; charset=utf-8";
      expected.result = answer.body;
      break;
    case 1:
      answer.content_type = "application/problem+json";
      expected.result = answer.body;
      break;
    case 2:
      answer.content_type = "application/json";
      answer.body += "}";  // is none
      break;
    default:
      answer.content_type = "text/plain";
      break;
  }
  return answer;
}

// Too many requests, or out of service, with or without word of how long.
push::Answer Receivers::new_limit(Expected& expected, bool permanent, bool of_callback) {
  push::Answer answer;
  answer.status = permanent || parts_.random.one_in(2) ? 429 : 503;
  const Millis seconds = parts_.random.between(0, parts_.random.one_in(4) ? 60 : 3);
  const std::uint64_t said = parts_.random.below(4);
  if (said == 0) answer.retry_after = fmt::format("{}", seconds);
  if (said == 1) answer.retry_after = http_date(parts_.around.wall() + seconds * 1000);
  if (said == 2) answer.retry_after = "soon";
  if (said > 1 || permanent) {
    expected.outcome = Outcome::fail;
    expected.error_type = fmt::format("http-{}", answer.status);
    expected.permanent = permanent;
    return answer;
  }
  if (of_callback) {  // one of many receivers: it alone waits
    expected.outcome = Outcome::fail;
    expected.error_type = fmt::format("http-{}", answer.status);
    expected.retry_delay_ms = 60'000;  // as much as any of these waits
    return answer;
  }
  const Millis at = (parts_.around.wall() + seconds * 1000) / 1000 * 1000;
  expected.outcome = Outcome::rate_limited;
  expected.retry_after_ms = std::max<Millis>(said == 0 ? seconds * 1000 : at - parts_.around.wall(), 1);
  parts_.rare.add(Rare::push_was_limited);
  return answer;
}

push::Result Receivers::new_answer(const Push& push, bool of_callback, Expected& expected) {
  const auto permanent_on = [&](unsigned status) {
    return std::ranges::find(push.permanent_on, status) != push.permanent_on.end();
  };
  switch (parts_.random.weighted(std::array<std::uint32_t, 4>{50, 20, 20, 10})) {
    case 0:
      return new_success(expected);
    case 1:
      if (permanent_on(429)) return new_limit(expected, true, of_callback);
      return new_limit(expected, false, of_callback);
    case 2: {
      constexpr std::array<unsigned, 6> statuses{500, 502, 404, 410, 302, 400};
      push::Answer answer;
      answer.status = statuses[parts_.random.below(statuses.size())];
      answer.retry_after = "1";  // says nothing beside these
      expected.outcome = Outcome::fail;
      expected.error_type = fmt::format("http-{}", answer.status);
      expected.permanent = permanent_on(answer.status);
      if (expected.permanent) parts_.rare.add(Rare::push_failed_for_good);
      return answer;
    }
    default:
      expected.outcome = Outcome::fail;
      expected.error_type = "timeout";
      return push::Failure{"timeout", "no answer"};
  }
}

void Receivers::answer(LeaseNumber lease) {
  const Call call = calls_.at(lease);
  calls_.erase(lease);
  if (is(Canary::push_forgets_an_answer) && parts_.random.one_in(8)) return;
  Expected expected{lease, Outcome::complete};
  push::Result result = new_answer(*call.push, call.of_callback, expected);
  if (call.aborted && parts_.random.one_in(2)) result = push::Failure{"push", "cancelled"};
  auto* answer = std::get_if<push::Answer>(&result);
  if (answer != nullptr && is(Canary::push_deaf_to_limits)) answer->retry_after.clear();
  if (call.aborted) expected = {lease, Outcome::release};
  expected_.reset();
  if (!call.lease_lost) expected_ = expected;
  dispatcher_.arrived(lease, result, parts_.around.wall());
  if (expected_) violated("H2", fmt::format("the answer for job {} is not settled", short_id(call.id)));
}

void Receivers::check(const Settlement& settlement) {
  if (!sent_.contains(settlement.lease)) {  // it was granted while its queue was closed
    if (settlement.outcome != Outcome::release)
      violated("H2", fmt::format("job {} is settled and was not posted", short_id(settlement.id)));
    parts_.rare.add(Rare::push_gave_back_what_came_late);
    return;
  }
  if (!expected_ || settlement.lease != expected_->lease)
    violated("H2", fmt::format("job {} is settled and should not be", short_id(settlement.id)));
  const Expected wanted = *std::exchange(expected_, std::nullopt);
  const bool same_result = settlement.result ? wanted.result == *settlement.result : !wanted.result;
  if (settlement.outcome != wanted.outcome || !same_result || settlement.error_type != wanted.error_type ||
      settlement.permanent != wanted.permanent || settlement.retry_after_ms != wanted.retry_after_ms ||
      settlement.retry_delay_ms != wanted.retry_delay_ms) {
    violated("H2", fmt::format("job {} is settled by outcome {} ({}, {} ms), not by {} ({}, {} ms)",
                               short_id(settlement.id), static_cast<int>(settlement.outcome),
                               settlement.error_type, settlement.retry_after_ms,
                               static_cast<int>(wanted.outcome), wanted.error_type, wanted.retry_after_ms));
  }
}

void Receivers::audit_quiet() const {
  for (const auto& [id, job] : parts_.model.jobs()) {
    if (job.status != Status::active) continue;
    for (const auto& [queue, lane] : lanes_) {
      if (job.connection == lane.ticket && !calls_.contains(job.lease))
        violated("H3", fmt::format("job {} is held and not posted", short_id(id)));
    }
  }
  std::map<std::string, std::uint32_t> wanted{{callbacks_queue, for_callbacks()->max_concurrency}};
  for (const auto& [name, queue] : parts_.model.queues()) {
    if (queue.settings.push) wanted[name] = queue.settings.push->max_concurrency;
  }
  for (const auto& [queue, lane] : lanes_) {
    if (!wanted.contains(queue)) violated("H4", "queue " + queue + " is pushed and should not be");
    if (wanted.at(queue) != lane.credit)
      violated("H4",
               fmt::format("queue {} is pushed {} at once, not {}", queue, lane.credit, wanted.at(queue)));
  }
  for (const auto& [queue, most] : wanted) {
    if (!lanes_.contains(queue)) violated("H4", "queue " + queue + " is not pushed");
  }
}

}  // namespace pawl::sim
