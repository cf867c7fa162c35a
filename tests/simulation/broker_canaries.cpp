// How brokers that are broken on purpose (canary.h) get what they are to get wrong, and what is hidden of it
// so that it shows by what it does.
#include <algorithm>
#include <array>

#include "tests/simulation/broker.h"

namespace pawl::sim {

using namespace core;

QueueRow Broker::restored(const QueueRow& row) const {
  QueueRow changed = row;
  if (is(Canary::changed_by_restart)) changed.lifetime_completed = 0;
  if (is(Canary::concurrency_ignored)) changed.settings.max_concurrency.reset();
  if (is(Canary::rate_ignored)) changed.settings.rate_limit.reset();
  if (is(Canary::hold_ignored) || is(Canary::forgotten_hold)) changed.held_until = 0;
  if (is(Canary::forgotten_starts)) changed.pace = {};
  if (is(Canary::slow_rate) && changed.settings.rate_limit) changed.settings.rate_limit->per_ms *= 2;
  if (is(Canary::group_concurrency_ignored)) changed.settings.group_concurrency.reset();
  if (is(Canary::group_rate_ignored)) changed.settings.group_rate_limit.reset();
  if (is(Canary::failed_skipped)) changed.settings.skip_failed = true;
  return changed;
}

LimitRow Broker::falsified(LimitRow row) const {
  if (is(Canary::named_limit_ignored)) row.concurrency.reset(), row.rate.reset();
  if (is(Canary::forgotten_limit_starts)) row.pace = {};
  if (is(Canary::named_hold_ignored)) row.held_until = 0;
  return row;
}

// The canaries that break a limit are to be caught by what they do.
void Broker::hide_limits(const std::string& name, QueueSettings& settings, Millis& held_until) const {
  constexpr std::array broken{Canary::concurrency_ignored, Canary::rate_ignored,
                              Canary::hold_ignored,        Canary::forgotten_hold,
                              Canary::slow_rate,           Canary::group_concurrency_ignored,
                              Canary::group_rate_ignored,  Canary::failed_skipped};
  if (std::ranges::find(broken, options_.canary) == broken.end()) return;
  const auto known = parts_.model.queues().find(name);
  if (known == parts_.model.queues().end()) return;
  settings.max_concurrency = known->second.settings.max_concurrency;
  settings.rate_limit = known->second.settings.rate_limit;
  settings.group_concurrency = known->second.settings.group_concurrency;
  settings.group_rate_limit = known->second.settings.group_rate_limit;
  settings.skip_failed = known->second.settings.skip_failed;
  held_until = known->second.held_until;
}

void Broker::hide_limits(QueueView& view) const {
  hide_limits(view.name, view.settings, view.held_until);
  if (view.held_until <= now_.wall) view.held_until = 0;
}

// The canaries that let a paused group go on are to be caught by that.
void Broker::hide_pause(GroupView& view) const {
  if (!is(Canary::group_pause_ignored) && !is(Canary::group_pause_forgotten)) return;
  const auto known = parts_.model.queues().find(view.queue);
  if (known == parts_.model.queues().end()) return;
  const auto paused = known->second.paused_groups.find(view.group);
  view.pause.reset();
  if (paused != known->second.paused_groups.end()) view.pause = paused->second.said;
}

void Broker::hide_limit(LimitView& view) const {
  if (!is(Canary::named_limit_ignored) && !is(Canary::named_hold_ignored)) return;
  const auto known = parts_.model.limits().find(view.row.name);
  if (known == parts_.model.limits().end()) return;
  view.row.concurrency = known->second.concurrency;
  view.row.rate = known->second.rate;
  view.row.held_until = known->second.held_until > now_.wall ? known->second.held_until : 0;
}

// The canaries that ignore a rule are to be caught by what they do.
void Broker::hide_rules(ScheduleRow& row) const {
  if (!is(Canary::overlap_ignored) && !is(Canary::missed_ignored)) return;
  const auto known = parts_.model.schedules().find(row.schedule.id);
  if (known == parts_.model.schedules().end()) return;
  row.schedule.overlap = known->second.said.overlap;
  row.schedule.missed = known->second.said.missed;
}

// Nothing else is due by the wall clock, as far as the model knows.
bool Broker::only_a_limit_wakes() const {
  const auto runs = [&](const auto& known) {
    return !known.second.said.paused && known.second.next <= now_.wall;
  };
  const auto leaves = [&](const auto& known) {
    return known.second.expires_at != 0 && known.second.expires_at <= now_.wall;
  };
  return parts_.model.nearest_delayed() > now_.wall && std::ranges::none_of(parts_.model.schedules(), runs) &&
         std::ranges::none_of(parts_.model.jobs(), leaves);
}

Command Broker::falsified(const Command& command) {
  if (options_.canary == Canary::none) return command;
  Command given = command;
  if (auto* settle = std::get_if<Settle>(&given.body)) {
    for (Settlement& settlement : settle->settlements) {
      const ModelJob* known = parts_.model.find(settlement.id, now_.wall);
      if (is(Canary::taken_stale_settle) && known != nullptr && known->status == Status::active)
        settlement.lease = known->lease;
      if (is(Canary::early_retry) && !settlement.retry_delay_ms) settlement.retry_delay_ms = 1;
    }
  }
  changing_ = std::holds_alternative<ChangeJob>(given.body);
  moving_ = std::holds_alternative<Move>(given.body);
  if (auto* change = std::get_if<ChangeJob>(&given.body); change && is(Canary::change_halved))
    change->priority.reset();
  if (auto* retry = std::get_if<Retry>(&given.body); retry && is(Canary::replayed_twice))
    retry->only_from.reset();
  if (auto* close = std::get_if<CloseWorker>(&given.body); close && is(Canary::no_grace)) close->grace_ms = 0;
  if (auto* put = std::get_if<PutQueue>(&given.body); put && is(Canary::pause_ignored)) put->paused.reset();
  if (auto* pause = std::get_if<PauseGroup>(&given.body); pause && is(Canary::group_pause_ignored))
    pause->paused = false;
  if (auto* event = std::get_if<RaiseEvent>(&given.body); event && is(Canary::deaf_event))
    event->name = "nobody";
  falsify_limits(given);
  return given;
}

void Broker::falsify_limits(Command& command) const {
  if (auto* submit = std::get_if<Submit>(&command.body); submit && is(Canary::callback_unasked)) {
    for (NewJob& job : submit->jobs) {
      if (!job.callback) continue;
      auto all = std::make_shared<Callback>(*job.callback);
      all->on = Callback::any;
      job.callback = std::move(all);
    }
  }
  if (auto* submit = std::get_if<Submit>(&command.body); submit && is(Canary::latest_ignored)) {
    for (NewJob& job : submit->jobs) {
      if (job.gathering && job.gathering->mode == Gathering::Mode::latest) job.gathering.reset();
    }
  }
  if (auto* put = std::get_if<PutQueue>(&command.body)) {
    if (is(Canary::concurrency_ignored)) put->max_concurrency.reset();
    if (is(Canary::rate_ignored)) put->rate_limit.reset();
    if (is(Canary::slow_rate) && put->rate_limit && *put->rate_limit) (*put->rate_limit)->per_ms *= 2;
    if (is(Canary::group_concurrency_ignored)) put->group_concurrency.reset();
    if (is(Canary::group_rate_ignored)) put->group_rate_limit.reset();
    if (is(Canary::failed_skipped)) put->skip_failed = true;
  }
  if (auto* put = std::get_if<PutLimit>(&command.body); put && is(Canary::named_limit_ignored))
    put->concurrency.reset(), put->rate.reset();
  auto* settle = std::get_if<Settle>(&command.body);
  if (settle == nullptr || (!is(Canary::hold_ignored) && !is(Canary::named_hold_ignored))) return;
  for (Settlement& settlement : settle->settlements) {
    const ModelJob* job = parts_.model.find(settlement.id, now_.wall);
    const bool named = job != nullptr && !job->spec->limits.empty();
    if (named == is(Canary::named_hold_ignored)) settlement.retry_after_ms = 0;
  }
}

void Broker::falsify_window(const WindowRequest& request, Disk::Window& window) {
  if (is(Canary::last_in_first_out) || is(Canary::priority_ignored)) {
    if (window.jobs.size() < 2) return;
    const bool same = window.jobs[0].priority == window.jobs[1].priority;
    if (same == is(Canary::last_in_first_out)) window.jobs.erase(window.jobs.begin());
  }
  if (is(Canary::lost_attempt)) {
    for (Job& job : window.jobs) job.attempts_made -= job.attempts_made > 0 ? 1 : 0;
  }
  if (!is(Canary::cancelled_again)) return;
  for (const auto& [id, known] : parts_.model.jobs()) {
    if (known.status != Status::cancelled || known.queue != request.queue || !parts_.random.one_in(8))
      continue;
    std::optional<Job> job = parts_.disk.job(id, now_.wall);
    if (!job || job->lane != request.lane || (request.after && job->ready_key() <= *request.after)) continue;
    job->status = Status::pending;
    job->expires_at = 0;
    const auto place = std::ranges::lower_bound(window.jobs, job->ready_key(), {}, &Job::ready_key);
    if (place == window.jobs.end()) continue;
    window.jobs.insert(place, std::move(*job));
    return;
  }
}

}  // namespace pawl::sim
