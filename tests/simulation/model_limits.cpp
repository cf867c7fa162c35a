// Limits of queues: what they forbid, and for how long at most. Starts are counted one by one, by exact
// times.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

namespace {

constexpr std::size_t starts_kept = 48;  // of those that count no more, for the rule of bursts

std::int64_t burst_of(const RateLimit& limit) { return limit.burst > 0 ? limit.burst : limit.max; }

/// How long a token takes to come back; kept to the microsecond, and may be one shorter.
std::int64_t turn_us(const RateLimit& limit) { return limit.per_ms * 1000 / limit.max; }

}  // namespace

std::size_t Model::active_in(QueueNumber queue) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(active_, [&](const JobId& id) { return jobs_.at(id).queue == queue; }));
}

// Whether the job may become active now.
void Model::check_limits(const JobId& id, const ModelJob& known) {
  const ModelQueue& queue = queues_.at(known.spec->queue);
  if (queue.held_until > now_.wall)
    bad("Q3", id, fmt::format("was delivered and its queue is held until {}", queue.held_until));
  if (now_.wall - queue.held_until < 1'000) rare_.add(Rare::hold_ran_out);
  const std::size_t active = active_in(known.queue);
  if (queue.settings.max_concurrency && active >= *queue.settings.max_concurrency) {
    bad("Q1", id,
        fmt::format("was delivered while {} of its queue are active and {} may be", active,
                    *queue.settings.max_concurrency));
  }
  if (queue.settings.rate_limit) check_rate(id, queue);
}

// Windows: a start counts until it is per_ms old; with this one, no more than `max` count. A window that ends
// at any start has no more then, and so has every other.
//
// Bursts: `burst` may start together, and from then on one each per_ms / max. So for every start of before,
// with it and this one there are n starts in d ms, and n - burst of them have waited their turn:
// (n - burst) * per_ms / max <= d. A turn is kept to the microsecond, and may be one shorter;
// and a token may be used in the millisecond in which it comes.
void Model::check_rate(const JobId& id, const ModelQueue& queue) {
  const RateLimit& limit = *queue.settings.rate_limit;
  const auto counting = std::ranges::count_if(
      queue.starts, [&](const ModelStart& start) { return start.counts_until > now_.wall; });
  if (counting >= std::int64_t{limit.max}) {
    bad("Q2", id,
        fmt::format("was delivered after {} starts within {} ms of which {} are allowed", counting,
                    limit.per_ms, limit.max));
  }
  if (queue.tokens_back_least_us - (burst_of(limit) - 1) * turn_us(limit) >= (now_.wall + 1) * 1000)
    bad("Q2", id, "was delivered while the limit is short of tokens, also for starts under the one before");
  std::int64_t count = 1;
  for (auto start = queue.starts.rbegin(); start != queue.starts.rend() && start->of_this_limit; ++start) {
    const std::int64_t late = ++count - burst_of(limit);
    if (late <= 0) continue;
    if (late * limit.per_ms * 1000 > ((now_.wall + 1 - start->at) * 1000 + late) * limit.max) {
      bad("Q2", id,
          fmt::format("is one of {} starts in {} ms: a burst is {}, then come {} per {} ms", count,
                      now_.wall - start->at, burst_of(limit), limit.max, limit.per_ms));
    }
  }
}

void Model::note_start(const std::string& name) {
  const ModelQueue& known = queues_.at(name);
  if (!known.settings.rate_limit) return;
  ModelQueue queue = known;
  const RateLimit& limit = *queue.settings.rate_limit;
  // A hundredth of the time may be lost to a window, and a microsecond to a turn.
  const Millis grain = std::max<Millis>(limit.per_ms / 100, 1);
  queue.starts.push_back({now_.wall, now_.wall + limit.per_ms, now_.wall + limit.per_ms + grain, true, run_});
  queue.tokens_back_us =
      std::max(queue.tokens_back_us, now_.wall * 1000) + (limit.per_ms * 1000 + limit.max - 1) / limit.max;
  queue.tokens_back_least_us = std::max(queue.tokens_back_least_us, now_.wall * 1000) + turn_us(limit);
  while (queue.starts.size() > starts_kept && queue.starts.front().counts_until_most <= now_.wall)
    queue.starts.pop_front();
  set_queue(name, std::move(queue));
}

// The starts of before count on, for the new time at most; without a limit none is remembered.
void Model::change_rate(ModelQueue& queue, const std::optional<RateLimit>& limit) {
  if (!limit) {
    queue.starts.clear();
    queue.tokens_back_us = queue.tokens_back_least_us = 0;
  } else {
    const Millis most = now_.wall + limit->per_ms;
    const bool same = queue.settings.rate_limit == limit;
    for (ModelStart& start : queue.starts) {
      if (!same && start.counts_until > now_.wall) rare_.add(Rare::rate_limit_changed_with_starts);
      start.counts_until = std::min(start.counts_until, most);
      start.counts_until_most = std::min(start.counts_until_most, most);
      start.of_this_limit = start.of_this_limit && same;
    }
    if (queue.settings.rate_limit) {
      // As many tokens are missing as before. Two microseconds for the rounding.
      const std::int64_t now_us = now_.wall * 1000;
      const auto anew = [&](std::int64_t back_us, std::int64_t rounding) {
        if (back_us <= now_us) return std::int64_t{0};
        const auto missing = static_cast<long double>(back_us - now_us) /
                             static_cast<long double>(turn_us(*queue.settings.rate_limit));
        const long double wait = missing * static_cast<long double>(turn_us(*limit));
        return std::min(now_us + static_cast<std::int64_t>(wait) + rounding, most * 1000);
      };
      queue.tokens_back_us = anew(queue.tokens_back_us, 2);
      queue.tokens_back_least_us = anew(queue.tokens_back_least_us, -2);
    }
  }
  queue.settings.rate_limit = limit;
}

void Model::hold(const std::string& name, Millis until) {
  ModelQueue queue = queues_.at(name);
  if (queue.held_until > now_.wall) rare_.add(Rare::queue_held_twice);
  if (queue.held_until >= until) return;
  queue.held_until = until;
  queue.held_in_run = run_;
  set_queue(name, std::move(queue));
}

void Model::clear_hold(ModelQueue& queue) {
  if (queue.held_until > now_.wall) rare_.add(Rare::hold_ended_by_resume);
  queue.held_until = 0;
}

std::optional<Rare> Model::kept_by_limits(const ModelQueue& queue) {
  if (queue.held_until > now_.wall) {
    if (queue.held_in_run != run_) rare_.add(Rare::hold_survived_a_restart);
    return Rare::queue_held;
  }
  if (queue.settings.max_concurrency && active_in(queue.number) >= *queue.settings.max_concurrency)
    return Rare::concurrency_limit_full;
  if (!queue.settings.rate_limit) return std::nullopt;
  const RateLimit& limit = *queue.settings.rate_limit;
  std::int64_t counting = 0;
  bool of_before = false;
  for (const ModelStart& start : queue.starts) {
    if (start.counts_until_most <= now_.wall) continue;
    ++counting;
    of_before = of_before || start.in_run != run_;
  }
  if (counting >= std::int64_t{limit.max}) {
    if (of_before) rare_.add(Rare::rate_limit_survived_a_restart);
    return Rare::rate_limit_full;
  }
  if (queue.tokens_back_us - (burst_of(limit) - 1) * turn_us(limit) > now_.wall * 1000)
    return Rare::burst_used_up;
  return std::nullopt;
}

void Model::check_view(const QueueView& view) const {
  const auto known = queues_.find(view.name);
  if (known == queues_.end()) violated("C1", "queue " + view.name + " is shown and is not known");
  const ModelQueue& queue = known->second;
  if (!same_settings(view.settings, queue.settings))
    violated("O3", "other settings of queue " + view.name + " are shown");
  if (!same_limits(view.settings, queue.settings))
    violated("Q4", "other limits of queue " + view.name + " are shown");
  const Millis held_until = queue.held_until > now_.wall ? queue.held_until : 0;
  if (view.held_until != held_until)
    violated("Q4",
             fmt::format("queue {} is shown held until {}, not {}", view.name, view.held_until, held_until));
}

void Model::audit_limits(const std::vector<QueueView>& views, Now now) const {
  for (const QueueView& view : views) {
    const auto known = queues_.find(view.name);
    if (known == queues_.end()) violated("C1", "the machine has an unknown queue " + view.name);
    const ModelQueue& queue = known->second;
    if (!same_limits(view.settings, queue.settings))
      violated("Q4", "the machine has other limits of queue " + view.name);
    if (view.held_until != (queue.held_until > now.wall ? queue.held_until : 0))
      violated("Q4", fmt::format("the machine holds queue {} until {}, not {}", view.name, view.held_until,
                                 queue.held_until));
  }
}

// An answer to "why does it not run" that names a limit must be true.
void Model::check_reason(const Reason& reason) const {
  const auto known = queues_.find(reason.queue);
  if (known == queues_.end()) violated("C1", "a reason names queue " + reason.queue + ", which is not known");
  const ModelQueue& queue = known->second;
  const QueueSettings& settings = queue.settings;
  const auto untrue = [&](std::string_view what) {
    violated("Q4", fmt::format("why a job of queue {} does not run: {}, until {}, limit {}", reason.queue,
                               what, reason.until, reason.limit));
  };
  if (reason.code == Reason::Code::concurrency_limit) {
    if (settings.max_concurrency != reason.limit) untrue("another limit is told");
    if (active_in(queue.number) < reason.limit) untrue("fewer are active than may be");
  }
  if (reason.code == Reason::Code::held && (queue.held_until != reason.until || reason.until <= now_.wall))
    untrue("it is not held until then");
  if (reason.code == Reason::Code::rate_limit) {
    if (!settings.rate_limit || settings.rate_limit->max != reason.limit) untrue("it has no such limit");
    if (reason.until <= now_.wall || reason.until <= queue.held_until) untrue("the time is over");
    const Millis grain = std::max<Millis>(settings.rate_limit->per_ms / 100, 1);
    if (reason.until > now_.wall + settings.rate_limit->per_ms + grain) untrue("no limit takes so long");
  }
  const bool other = reason.code == Reason::Code::starting || reason.code == Reason::Code::behind;
  if (other && queue.held_until > now_.wall) untrue("its queue is held and that is not told");
}

}  // namespace pawl::sim
