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
  if (queue.settings.rate_limit) check_rate(id, "Q2", *queue.settings.rate_limit, queue.pace);
}

// Windows: a start counts until it is per_ms old; with this one, no more than `max` count. A window that ends
// at any start has no more then, and so has every other.
//
// Bursts: `burst` may start together, and from then on one each per_ms / max. So for every start of before,
// with it and this one there are n starts in d ms, and n - burst of them have waited their turn:
// (n - burst) * per_ms / max <= d. A turn is kept to the microsecond, and may be one shorter;
// and a token may be used in the millisecond in which it comes.
void Model::check_rate(const JobId& id, std::string_view invariant, const RateLimit& limit,
                       const ModelPace& pace) const {
  const auto counting = std::ranges::count_if(
      pace.starts, [&](const ModelStart& start) { return start.counts_until > now_.wall; });
  if (counting >= std::int64_t{limit.max}) {
    bad(invariant, id,
        fmt::format("was delivered after {} starts within {} ms of which {} are allowed", counting,
                    limit.per_ms, limit.max));
  }
  if (pace.tokens_back_least_us - (burst_of(limit) - 1) * turn_us(limit) >= (now_.wall + 1) * 1000)
    bad(invariant, id,
        "was delivered while the limit is short of tokens, also for starts under the one before");
  std::int64_t count = 1;
  for (auto start = pace.starts.rbegin(); start != pace.starts.rend() && start->of_this_limit; ++start) {
    const std::int64_t late = ++count - burst_of(limit);
    if (late <= 0) continue;
    if (late * limit.per_ms * 1000 > ((now_.wall + 1 - start->at) * 1000 + late) * limit.max) {
      bad(invariant, id,
          fmt::format("is one of {} starts in {} ms: a burst is {}, then come {} per {} ms", count,
                      now_.wall - start->at, burst_of(limit), limit.max, limit.per_ms));
    }
  }
}

void Model::add_start(ModelPace& pace, const RateLimit& limit) const {
  // A hundredth of the time may be lost to a window, and a microsecond to a turn.
  const Millis grain = std::max<Millis>(limit.per_ms / 100, 1);
  pace.starts.push_back({now_.wall, now_.wall + limit.per_ms, now_.wall + limit.per_ms + grain, true, run_});
  pace.tokens_back_us =
      std::max(pace.tokens_back_us, now_.wall * 1000) + (limit.per_ms * 1000 + limit.max - 1) / limit.max;
  pace.tokens_back_least_us = std::max(pace.tokens_back_least_us, now_.wall * 1000) + turn_us(limit);
  while (pace.starts.size() > starts_kept && pace.starts.front().counts_until_most <= now_.wall)
    pace.starts.pop_front();
}

void Model::note_start(const ModelJob& job) {
  const ModelQueue& known = queues_.at(job.spec->queue);
  const bool grouped = !job.spec->group.empty() && known.settings.group_rate_limit;
  if (known.settings.rate_limit || grouped) {
    ModelQueue queue = known;
    if (known.settings.rate_limit) add_start(queue.pace, *known.settings.rate_limit);
    if (grouped) add_start(queue.group_paces[job.spec->group], *known.settings.group_rate_limit);
    set_queue(job.spec->queue, std::move(queue));
  }
  for (const std::string& name : job.spec->limits) {
    const auto limit = limits_named_.find(name);
    if (limit == limits_named_.end() || !limit->second.rate) continue;
    ModelLimit changed = limit->second;
    add_start(changed.pace, *changed.rate);
    set_limit(name, std::move(changed));
  }
}

// The starts of before count on, for the new time at most; without a limit none is remembered.
void Model::change_rate(ModelPace& pace, const std::optional<RateLimit>& from,
                        const std::optional<RateLimit>& limit) {
  if (!limit) {
    pace.starts.clear();
    pace.tokens_back_us = pace.tokens_back_least_us = 0;
  } else {
    const Millis most = now_.wall + limit->per_ms;
    const bool same = from == limit;
    for (ModelStart& start : pace.starts) {
      if (!same && start.counts_until > now_.wall) rare_.add(Rare::rate_limit_changed_with_starts);
      start.counts_until = std::min(start.counts_until, most);
      start.counts_until_most = std::min(start.counts_until_most, most);
      start.of_this_limit = start.of_this_limit && same;
    }
    if (from) {
      // As many tokens are missing as before. Two microseconds for the rounding.
      const std::int64_t now_us = now_.wall * 1000;
      const auto anew = [&](std::int64_t back_us, std::int64_t rounding) {
        if (back_us <= now_us) return std::int64_t{0};
        const auto missing =
            static_cast<long double>(back_us - now_us) / static_cast<long double>(turn_us(*from));
        const long double wait = missing * static_cast<long double>(turn_us(*limit));
        return std::min(now_us + static_cast<std::int64_t>(wait) + rounding, most * 1000);
      };
      pace.tokens_back_us = anew(pace.tokens_back_us, 2);
      pace.tokens_back_least_us = anew(pace.tokens_back_least_us, -2);
    }
  }
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
  bool of_before = false;
  const auto full = rate_full(*queue.settings.rate_limit, queue.pace, of_before);
  if (!full) return std::nullopt;
  if (of_before) rare_.add(Rare::rate_limit_survived_a_restart);
  return *full ? Rare::rate_limit_full : Rare::burst_used_up;
}

// Nothing: one more must be let start. Else whether the window is full, or the bucket is empty.
std::optional<bool> Model::rate_full(const RateLimit& limit, const ModelPace& pace, bool& of_before) const {
  std::int64_t counting = 0;
  of_before = false;
  bool any_of_before = false;
  for (const ModelStart& start : pace.starts) {
    if (start.counts_until_most <= now_.wall) continue;
    ++counting;
    any_of_before = any_of_before || start.in_run != run_;
  }
  if (counting >= std::int64_t{limit.max}) {
    of_before = any_of_before;
    return true;
  }
  if (pace.tokens_back_us - (burst_of(limit) - 1) * turn_us(limit) > now_.wall * 1000) return false;
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
  if (check_named_reason(reason)) return;
  const bool other = reason.code == Reason::Code::starting || reason.code == Reason::Code::behind ||
                     reason.code == Reason::Code::workers_busy || reason.code == Reason::Code::group_turn;
  if (other && queue.held_until > now_.wall) untrue("its queue is held and that is not told");
}

}  // namespace pawl::sim
