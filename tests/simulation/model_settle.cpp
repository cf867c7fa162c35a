// What a settlement must do: the end of an attempt, and when the next one may begin.
#include <algorithm>
#include <cmath>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

namespace {

/// The wait after failed attempt `attempt`, without and with all of the jitter.
std::pair<Millis, Millis> wait_band(const Backoff& backoff, std::uint32_t attempt) {
  long double wait = static_cast<long double>(backoff.delay_ms);
  if (backoff.type == Backoff::Type::linear) wait *= attempt;
  if (backoff.type == Backoff::Type::exponential) {
    for (std::uint32_t i = 1; i < attempt && wait < 1e18L; ++i)
      wait *= static_cast<long double>(backoff.factor);
  }
  wait = std::min(wait, static_cast<long double>(backoff.max_delay_ms));
  const long double most = wait * (1 + static_cast<long double>(backoff.jitter));
  constexpr long double ceiling = 1e15L;
  return {static_cast<Millis>(std::min(std::floor(wait), ceiling)),
          static_cast<Millis>(std::min(std::ceil(most), ceiling)) + 1};
}

}  // namespace

void Model::expect_fail(const ModelJob& job, const Settlement& settlement, Expected& move,
                        ModelJob& then) const {
  move.error_type = settlement.error_type;
  ++then.attempts;
  if (job.cancel_requested) {
    move.event = Event::cancel;
    return;
  }
  if (settlement.permanent || then.attempts >= job.spec->max_attempts) {
    move.event = Event::fail;
    return;
  }
  auto [least, most] = wait_band(job.spec->backoff, then.attempts);
  if (settlement.retry_delay_ms) least = most = *settlement.retry_delay_ms;
  move.event = most <= 1 && least == 0 ? Event::retry_now : Event::retry_later;
  if (settlement.retry_delay_ms && *settlement.retry_delay_ms <= 0) move.event = Event::retry_now;
  if (settlement.retry_delay_ms && *settlement.retry_delay_ms == 1) move.event = Event::retry_later;
  if (move.event == Event::retry_now) return;
  move.run_at_min = now_.wall + least;
  move.run_at_max = now_.wall + most;
}

Model::ExpectedSettle Model::predict_settle(const Settlement& settlement, std::map<JobId, ModelJob>& ahead) {
  ExpectedSettle result;
  result.id = settlement.id;
  auto seen = ahead.find(settlement.id);
  if (seen == ahead.end()) {
    const ModelJob* known = find(settlement.id, now_.wall);
    if (known == nullptr) {
      result.refused = Refusal::unknown_job;
      return result;
    }
    seen = ahead.emplace(settlement.id, *known).first;
  }
  ModelJob& job = seen->second;
  if (job.expires_at != 0 && job.expires_at <= now_.wall) {  // ended a moment ago, and nothing is kept
    result.refused = Refusal::unknown_job;
    return result;
  }
  if (job.status != Status::active || settlement.lease != job.lease || job.lease == LeaseNumber::none) {
    if (job.settled_by_worker && settlement.lease != LeaseNumber::none && job.settled == settlement.lease) {
      rare_.add(Rare::settle_repeated);
      if (settlement.outcome == Settlement::Outcome::rate_limited) rare_.add(Rare::repeated_hold_left_out);
      if (job.settled_in_run != run_) rare_.add(Rare::settle_repeated_after_restart);
      result.status = job.settled_status;
      result.repeated = true;
      result.run_at = job.settled_run_at;
    } else {
      rare_.add(Rare::stale_settle_refused);
      const bool just_lost =
          job.settled == settlement.lease && !job.settled_by_worker && job.moved_at == now_.wall;
      if (just_lost) rare_.add(Rare::lease_lost_while_settle_waited);
      result.refused = Refusal::lease_lost;
    }
    return result;
  }
  Expected move;
  move.id = settlement.id;
  move.by_worker = true;
  switch (settlement.outcome) {
    case Settlement::Outcome::suspend:
      result.refused = predict_suspension(job, *settlement.suspension, waits_ahead(ahead), move);
      if (result.refused) return result;
      for (const Step& step : move.steps) job.steps.push_back(step);
      if (move.wait) job.wait = *move.wait;
      break;
    case Settlement::Outcome::complete:
      move.event = Event::complete;
      move.result = settlement.result;
      if (job.cancel_requested) rare_.add(Rare::complete_beat_cancel);
      break;
    case Settlement::Outcome::fail:
      expect_fail(job, settlement, move, job);
      if (move.event == Event::cancel) rare_.add(Rare::cancel_beat_fail);
      if (move.event == Event::retry_now) rare_.add(Rare::retried_at_once);
      if (move.event == Event::fail) {
        rare_.add(settlement.permanent ? Rare::failed_for_good : Rare::attempts_exhausted);
      }
      break;
    case Settlement::Outcome::rate_limited:  // back to its place, and all others wait with it
      move.event = job.cancel_requested ? Event::cancel : Event::release;
      if (move.event == Event::cancel) rare_.add(Rare::cancel_beat_rate_limited);
      if (!hold_limits(job, now_.wall + settlement.retry_after_ms))
        hold(job.spec->queue, now_.wall + settlement.retry_after_ms);
      break;
    case Settlement::Outcome::release:
      move.event = settlement.delay_ms > 0 ? Event::release_later : Event::release;
      if (job.cancel_requested) move.event = Event::cancel;
      if (move.event == Event::cancel) rare_.add(Rare::cancel_beat_release);
      if (move.event == Event::release_later) {
        rare_.add(Rare::released_for_later);
        move.run_at_min = move.run_at_max = now_.wall + settlement.delay_ms;
      }
      break;
  }
  const auto to = [&] {
    switch (move.event) {
      case Event::complete:
        return Status::completed;
      case Event::fail:
        return Status::failed;
      case Event::cancel:
        return Status::cancelled;
      case Event::retry_later:
      case Event::release_later:
        return Status::delayed;
      case Event::suspend:
        return Status::blocked;
      default:
        return Status::pending;
    }
  }();
  result.status = to;
  job.status = to;
  job.settled = settlement.lease;
  job.settled_by_worker = true;
  job.settled_status = to;
  job.settled_run_at = -1;  // the first answer says
  job.settled_in_run = run_;
  const Millis keep = to == Status::failed ? job.spec->retention.failed_ms : job.spec->retention.completed_ms;
  if (is_end(to) && keep == 0) job.expires_at = now_.wall;
  expected_.push_back(std::move(move));
  return result;
}

void Model::predict(const Settle& settle) {
  std::map<JobId, ModelJob> ahead;
  std::vector<ExpectedSettle> results;
  for (const Settlement& settlement : settle.settlements)
    results.push_back(predict_settle(settlement, ahead));
  answer_ = std::move(results);
}

}  // namespace pawl::sim
