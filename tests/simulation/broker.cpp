#include "tests/simulation/broker.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/engine/codec.h"

namespace pawl::sim {

using namespace core;

namespace {

MachineOptions with_ends(const Broker::Options& options, const EndWriter* ends) {
  MachineOptions machine = options.machine;
  machine.ends = options.canary == Canary::callback_lost ? nullptr : ends;
  return machine;
}

}  // namespace

std::string end_text(const Job& job) {
  return fmt::format("\"{} {} {}\"", short_id(job.id), name_of(job.status), job.replays);
}

std::string EndText::write(const Job& job, const std::string&) const { return end_text(job); }

Broker::Broker(Parts parts, Options options)
    : parts_(parts),
      options_(std::move(options)),
      machine_(with_ends(options_, &ends_), options_.seed, &calendar_) {
  recover();
}

void Broker::recover() {
  const Image image = parts_.disk.image(0);
  Marks marks = image.marks;
  if (is(Canary::same_lease_numbers)) marks.next_lease -= std::min<std::uint64_t>(marks.next_lease - 1, 3);
  machine_.restore_marks(marks);
  clock_.emplace(options_.clock, image.marks.wall);
  if (options_.clock.wall() < image.marks.wall) parts_.rare.add(Rare::restart_with_wall_clock_behind);
  now_ = clock_->read();
  frozen_mono_ = now_.mono;
  frozen_wall_ = now_.wall;
  for (const auto& [number, row] : image.queues) {
    machine_.restore_queue(restored(row));
  }
  for (const auto& [key, count] : image.retained) {
    machine_.restore_retained({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  }
  restore_schedules(image);
  restore_events(image);
  restore_lanes(image);
  for (const auto& [number, grant] : image.grants) {
    if (is(Canary::forgotten_lease)) continue;
    std::vector<Job> jobs;
    for (const Grant::Entry& entry : grant.entries) {
      const auto row = image.ready.find({entry.id.queue(), {entry.priority, entry.id}});
      const auto parked = image.parked.find({entry.id.queue(), entry.id});
      if (row != image.ready.end()) {
        jobs.push_back(*row->second);
      } else if (parked != image.parked.end()) {
        if (parked->second->last_lease < entry.lease) parts_.rare.add(Rare::restored_from_a_parked_row);
        jobs.push_back(*parked->second);
      }
    }
    machine_.restore_grant(grant, std::move(jobs), now_);
  }
  machine_.after_commit();
  parts_.model.restarted(now_);
  load_windows();
}

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

void Broker::restore_lanes(const Image& image) {
  for (const auto& [name, row] : image.limits) {
    if (!is(Canary::forgotten_limit) || !parts_.random.one_in(2)) machine_.restore_limit(falsified(row));
  }
  for (const auto& [key, row] : image.groups) {
    GroupRow restored = row;
    if (is(Canary::group_pause_forgotten)) restored.pause.reset();
    if (!is(Canary::forgotten_group_starts) || restored.pause) machine_.restore_group(restored, now_);
  }
  for (const auto& [key, row] : image.orders) {
    if (!is(Canary::order_forgotten)) machine_.restore_order(row);
  }
  std::set<std::pair<QueueNumber, std::uint32_t>> seen;
  for (const auto& [key, job] : image.ready) {
    if (job->lane != 0 && seen.insert({job->queue, job->lane}).second) machine_.restore_lane(*job);
  }
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

std::vector<QueueView> Broker::queues() const {
  std::vector<QueueView> views = machine_.queue_views(now_);
  for (QueueView& view : views) hide_limits(view);
  return views;
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

void Broker::restore_schedules(const Image& image) {
  for (const auto& [id, row] : image.schedules) {
    ScheduleRow restored = row;
    const bool runs = !row.schedule.paused && row.next_at != never;
    if (is(Canary::forgotten_schedule) && parts_.random.one_in(2)) continue;
    if (is(Canary::repeated_run) && runs && row.runs > 0) restored.next_at = row.last_at;
    if (is(Canary::lost_run) && runs) restored.next_at += row.schedule.timetable.every_ms;
    if (is(Canary::overlap_ignored) && row.schedule.overlap == Overlap::skip)
      restored.schedule.overlap = Overlap::allow;
    if (is(Canary::missed_ignored)) restored.schedule.missed = Missed::all;
    machine_.restore_schedule(std::move(restored));
  }
}

void Broker::restore_events(const Image& image) {
  for (const auto& [id, row] : image.owed) machine_.restore_owed(row);
  again_ = machine_.owes();
  for (const auto& [id, wait] : image.waits) {
    if (!is(Canary::forgotten_wait)) machine_.restore_wait(id, wait);
  }
  for (const auto& [id, row] : image.triggers) {
    if (!is(Canary::forgotten_trigger)) machine_.restore_trigger(row);
  }
  for (const auto& [key, row] : image.gathered) machine_.restore_gathered(row);
}

// The canaries that ignore a rule are to be caught by what they do.
void Broker::hide_rules(ScheduleRow& row) const {
  if (!is(Canary::overlap_ignored) && !is(Canary::missed_ignored)) return;
  const auto known = parts_.model.schedules().find(row.schedule.id);
  if (known == parts_.model.schedules().end()) return;
  row.schedule.overlap = known->second.said.overlap;
  row.schedule.missed = known->second.said.missed;
}

void Broker::read_clock() {
  now_ = clock_->read();
  if (is(Canary::wall_goes_back)) now_.wall = options_.clock.wall();
}

bool Broker::turn(std::deque<Command>& inbox, std::optional<std::size_t> crash_after) {
  read_clock();
  again_ = false;
  wrote_ = false;
  parts_.model.open_batch();
  tick_if_due();
  for (std::size_t served = 0; !inbox.empty() && served < options_.batch_commands; ++served) {
    if (crash_after && served >= *crash_after) return false;
    const Command command = std::move(inbox.front());
    inbox.pop_front();
    serve(command);
  }
  if (crash_after) return false;
  pay();
  parts_.model.before_match(now_);
  if (!is(Canary::lost_wakeup) || !parts_.random.one_in(2)) machine_.match(now_, *this);
  parts_.model.after_match();
  machine_.flush(now_, *this);
  // A batch without rows is told with the one before it.
  const std::uint64_t batch = wrote_ ? parts_.disk.commit(now_.wall) : parts_.disk.committed();
  parts_.model.close_batch(batch);
  owed_.push_back({batch, std::exchange(replies_, {})});
  machine_.after_commit();
  parts_.model.audit_touched(parts_.disk, now_);
  load_windows();
  return true;
}

bool Broker::tick_if_due() {
  const Machine::Deadline deadline = machine_.next_deadline();
  const bool timers_only = deadline.mono > now_.mono;
  const bool early =
      is(Canary::early_due) && timers_only && deadline.wall > now_.wall && deadline.wall < now_.wall + 5000;
  if (deadline.wall > now_.wall && timers_only && !early) return false;
  Now told = now_;
  if (early) told.wall = deadline.wall;
  if (is(Canary::early_expiry)) told.mono += 2000;
  if (is(Canary::late_expiry)) told.mono = frozen_mono_;
  if (is(Canary::late_due) && timers_only) told.wall = frozen_wall_;
  if (is(Canary::limit_never_wakes) && timers_only && only_a_limit_wakes()) return false;
  for (int round = 0; round < 4; ++round) {
    Needs needs;
    machine_.tick_needs(told, needs);
    if (needs.empty()) break;
    load(needs);
  }
  parts_.model.before_tick(now_);
  machine_.tick(told, *this);
  parts_.model.after_tick(machine_);
  const Machine::Deadline next = machine_.next_deadline();
  if (next.wall <= now_.wall || next.mono <= now_.mono) parts_.rare.add(Rare::due_slice_full);
  return true;
}

void Broker::serve(const Command& command) {
  const Command given = falsified(command);
  load_for(given);
  parts_.trace.add("command", {}, static_cast<std::int64_t>(command.body.index()),
                   static_cast<std::int64_t>(command.ticket));
  parts_.model.before(command, now_);
  machine_.apply(given, now_, *this);
  parts_.model.after(machine_);
}

void Broker::load_for(const Command& command) {
  for (int round = 0; round < 4; ++round) {
    Needs needs;
    machine_.needs(command, needs);
    if (needs.empty()) return;
    load(needs);
  }
  violated("T1", "a command's needs never end");
}

void Broker::load(const Needs& needs) {
  for (const JobId& id : needs.jobs) {
    std::optional<Job> job = parts_.disk.job(id, now_.wall);
    if (job && is(Canary::left_end) && job->status == Status::completed) job->status = Status::pending;
    machine_.load_job(id, std::move(job));
  }
  for (const auto& [queue, key] : needs.unique_keys) {
    const Canary blind = key[0] == '\1'   ? Canary::throttle_ignored
                         : key[0] == '\2' ? Canary::debounce_ignored
                                          : Canary::double_unique;
    machine_.load_unique(queue, key, is(blind) ? std::nullopt : parts_.disk.unique(queue, key));
  }
  load_graphs(needs);
  for (const auto& [queue, key] : needs.lanes) load_lane(queue, key);
  for (const std::string& key : needs.idempotency_keys) {
    machine_.load_idempotency(
        key, is(Canary::forgotten_idempotency) ? std::nullopt : parts_.disk.idempotency(key));
  }
}

void Broker::load_lane(QueueNumber queue, const LaneKey& key) {
  std::optional<std::uint32_t> number = parts_.disk.lane(queue, key);
  if (number) parts_.rare.add(Rare::lane_of_an_idle_group_found_again);
  if (!number && is(Canary::shared_lane)) number = 1;
  machine_.load_lane(queue, key, number);
}

void Broker::load_graphs(const Needs& needs) {
  for (const JobId& id : needs.dependents) {
    auto [rows, joins] = parts_.disk.dependents(id);
    if (is(Canary::early_release)) {
      for (auto& left : joins) {
        if (left) left = 1;
      }
    }
    machine_.load_dependents(id, std::move(rows), joins);
  }
  for (const JobId& id : needs.parents) machine_.load_parents(id, parts_.disk.parents(id));
  for (const WorkflowId& id : needs.workflows) machine_.load_workflow(id, parts_.disk.workflow(id));
  for (const WorkflowId& id : needs.members) machine_.load_members(id, parts_.disk.members(id));
}

// What ended jobs owe to others, as the engine's loop pays it.
void Broker::pay() {
  if (!machine_.owes()) return;
  parts_.model.before_pay(now_);
  int rounds = static_cast<int>(options_.pay_rounds);
  if (is(Canary::lost_debt) && !parts_.random.one_in(30)) rounds = 0;  // so that there is some
  for (int round = 0; round < rounds; ++round) {
    Needs needs;
    machine_.pay_needs(needs);
    load(needs);
    if (!machine_.pay(now_, *this) && needs.empty()) break;
  }
  parts_.model.after_pay();
  if (machine_.owes()) parts_.rare.add(Rare::debt_left_to_a_later_batch);
  again_ = again_ || machine_.owes();
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

void Broker::watch_window(const WindowRequest& request, const Disk::Window& window) {
  parts_.rare.add(Rare::window_refill);
  if (request.lane != 0) parts_.rare.add(Rare::lane_window_refill);
  const std::pair lane{request.queue, request.lane};
  const auto end = window_ends_.find(lane);
  if (end != window_ends_.end() && request.after && *request.after < end->second)
    parts_.rare.add(Rare::window_trimmed);
  if (!window.jobs.empty()) window_ends_[lane] = window.jobs.back().ready_key();
}

void Broker::load_windows() {
  bool loaded = false;
  for (const NamedRequest& request : machine_.named_requests()) {
    Disk::Named named = parts_.disk.named(request);
    if (!named.jobs.empty()) parts_.rare.add(Rare::names_found_beyond_the_window);
    machine_.load_named(request.queue, request.lane, std::move(named.jobs), named.scanned_to,
                        named.exhausted);
    loaded = true;
  }
  constexpr int rounds = 8;
  for (int round = 0; round < rounds; ++round) {
    const std::vector<WindowRequest> requests = machine_.window_requests();
    const std::optional<TimerRequest> timers = machine_.timer_request();
    if (requests.empty() && !timers) break;
    for (const WindowRequest& request : requests) {
      Disk::Window window = parts_.disk.window(request);
      watch_window(request, window);
      falsify_window(request, window);
      machine_.load_window(request.queue, request.lane, std::move(window.jobs), window.exhausted);
      loaded = true;
    }
    if (timers) {
      const Disk::Timers window = parts_.disk.timers(*timers);
      parts_.rare.add(Rare::timer_window_refill);
      timers_end_ = window.timers.empty() ? 0 : window.timers.back().first;
      machine_.load_timers(window.timers, window.exhausted);
    }
    if (round + 1 == rounds) again_ = true;
  }
  if (loaded && machine_.waiter_count() > 0) again_ = true;
}

bool Broker::more_to_do() const {
  const Machine::Deadline deadline = machine_.next_deadline();
  const bool slept = is(Canary::limit_never_wakes) && only_a_limit_wakes();
  return again_ || (deadline.wall <= now_.wall && !slept) || deadline.mono <= now_.mono;
}

void Broker::settle_down() {
  std::deque<Command> none;
  for (int turns = 0; turns < 5000; ++turns) {
    turn(none, std::nullopt);
    if (!more_to_do()) {
      parts_.model.audit_quiet(now_);
      return;
    }
    if (is(Canary::late_due) || is(Canary::late_expiry)) parts_.model.audit_quiet(now_);
  }
  violated("T1", "the broker has something to do for ever");
}

std::vector<Broker::Owed> Broker::release(std::uint64_t synced) {
  std::vector<Owed> out;
  while (!owed_.empty() && owed_.front().batch <= synced) {
    out.push_back(std::move(owed_.front()));
    owed_.pop_front();
  }
  return out;
}

// Asks the machine, and the model is not to know.
void Broker::look(CommandBody body) {
  const Command get{Ticket{1}, std::move(body)};
  load_for(get);
  seen_.reset();
  looking_ = true;
  machine_.apply(get, now_, *this);
  looking_ = false;
  machine_.after_commit();
}

std::vector<ScheduleView> Broker::schedules() {
  look(ListSchedules{});
  return std::get<ScheduleList>(*std::move(seen_)).schedules;
}

std::vector<std::string> Broker::memory() {
  std::vector<std::string> lines;
  for (const QueueView& queue : machine_.queue_views(now_)) {
    std::string counts;
    for (const std::uint64_t count : queue.counts) counts += fmt::format(" {}", count);
    const RateLimit rate = queue.settings.rate_limit.value_or(RateLimit{0, 0, 0});
    lines.push_back(fmt::format(
        "queue {} {} {} paused {} counts{} completed {} failed {} held {} concurrency {} rate {} {} {}",
        queue.name, static_cast<std::uint32_t>(queue.number), queue.created_at, queue.settings.paused, counts,
        queue.lifetime_completed, queue.lifetime_failed, queue.held_until,
        queue.settings.max_concurrency.value_or(0), rate.max, rate.per_ms, rate.burst));
  }
  for (const QueueView& queue : queues()) {
    look(ListGroups{queue.name, 1'000, true});
    for (const GroupView& group : std::get<GroupList>(*std::move(seen_)).groups)
      lines.push_back(fmt::format("group {} of {} paused since {}: {}", group.group, queue.name,
                                  group.pause->since, group.pause->reason));
  }
  for (const auto& [id, lease] : machine_.active_leases()) {
    lines.push_back(fmt::format("lease {} {} {} {}", short_id(id), static_cast<std::uint64_t>(lease.number),
                                lease.worker_id, lease.granted_wall));
  }
  for (const ScheduleView& listed : schedules()) {
    look(GetSchedule{listed.row.schedule.id});
    const auto& view = std::get<ScheduleView>(*seen_);
    std::string record;
    engine::encode_schedule(view.row, record);
    lines.push_back(
        fmt::format("schedule {} next {} runs {} skipped {} last {} {} error '{}' status {} record {:016x}",
                    view.row.schedule.id, fmt::join(view.next_runs, " "), view.row.runs, view.row.skipped,
                    view.row.last_at, short_id(view.row.last_job), view.row.last_error,
                    view.last_status ? name_of(*view.last_status) : std::string_view("none"),
                    std::hash<std::string>{}(record)));
  }
  look(ListLimits{});
  for (const LimitView& view : std::get<LimitList>(*std::move(seen_)).limits) {
    std::string record;
    engine::encode_limit(view.row, record);
    lines.push_back(fmt::format("limit {} active {} record {:016x}", view.row.name, view.active,
                                std::hash<std::string>{}(record)));
  }
  look(ListTriggers{});
  for (const TriggerView& view : std::get<TriggerList>(*std::move(seen_)).triggers) {
    std::string record;
    engine::encode_trigger(view.row, record);
    lines.push_back(fmt::format("trigger {} gathered {} record {:016x}", view.row.trigger.id, view.gathered,
                                std::hash<std::string>{}(record)));
  }
  for (const auto& [id, known] : parts_.model.jobs()) {
    if (parts_.model.find(id, now_.wall) == nullptr) continue;
    look(GetJob{id});
    auto* view = std::get_if<JobView>(&*seen_);
    if (view == nullptr) violated("D1", fmt::format("job {} cannot be read", short_id(id)));
    Job& job = view->job;
    if (job.status == Status::active) {  // heartbeats alone live in memory
      job.progress = -1;
      job.message.clear();
    }
    std::string record;
    engine::encode_job(place_of(job.status), job, record);
    lines.push_back(fmt::format(
        "job {} {} worker {} attempts {} stalls {} errors {} history {} logs {} settled {} record {:016x}",
        short_id(id), name_of(job.status), job.worker_id, job.attempts_made, job.stalls, job.errors.size(),
        job.history.size(), job.log_lines, static_cast<std::uint64_t>(job.last_settle.lease),
        std::hash<std::string>{}(record)));
  }
  std::ranges::sort(lines);
  return lines;
}

// Rows go on to the disk, some of them falsified.

void Broker::put_job(Place place, const Job& job) {
  wrote_ = true;
  Job changed = job;
  if (is(Canary::changed_payload) && job.payload && !job.payload->empty() && parts_.random.one_in(50)) {
    std::string bytes = *job.payload;
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    changed.payload = std::make_shared<const std::string>(std::move(bytes));
  }
  if (is(Canary::debounce_kept_payload) && place == Place::parked && job.started_at == 0) {
    const std::optional<Job> before = parts_.disk.job(job.id, now_.wall);
    if (before) changed.payload = before->payload;
  }
  if (is(Canary::lost_steps)) changed.steps.clear();
  if (is(Canary::lost_errors) && place == Place::dead) changed.errors.clear();
  parts_.disk.rows().put_job(place, changed);
  if (is(Canary::lost_priority)) parts_.disk.lose_priority(changed);
  if (is(Canary::invented_job) && parts_.random.one_in(100)) {
    changed.id.bytes[15] ^= 1;
    parts_.disk.rows().put_job(place, changed);
  }
}

void Broker::erase_job(Place place, const Job& job) {
  wrote_ = true;
  if (is(Canary::kept_row) && parts_.random.one_in(20)) return;
  parts_.disk.rows().erase_job(place, job);
}

void Broker::put_timer(Millis due, const JobId& id) {
  wrote_ = true;
  const bool beyond = parts_.model.delayed_count() > options_.machine.timer_window;
  if (beyond && due < timers_end_) parts_.rare.add(Rare::timer_ahead_of_a_full_window);
  if (is(Canary::lost_timer) && parts_.random.one_in(20)) return;
  parts_.disk.rows().put_timer(due, id);
}
void Broker::erase_timer(Millis due, const JobId& id) {
  wrote_ = true;
  if (is(Canary::postponed_timer_kept) && changing_) return;
  parts_.disk.rows().erase_timer(due, id);
}
void Broker::erase_timers(const Timer& first, const Timer& last) {
  wrote_ = true;
  parts_.rare.add(Rare::timers_erased_together);
  parts_.disk.rows().erase_timers(first, last);
}
void Broker::put_grant(const Grant& grant) {
  wrote_ = true;
  parts_.disk.rows().put_grant(grant);
}
void Broker::erase_grant(std::uint64_t number) {
  wrote_ = true;
  parts_.disk.rows().erase_grant(number);
}
void Broker::put_queue(const QueueRow& row) {
  wrote_ = true;
  QueueRow changed = row;
  if (is(Canary::miscounted) && parts_.random.one_in(100)) ++changed.counts[0];
  hide_limits(changed.name, changed.settings, changed.held_until);
  parts_.disk.rows().put_queue(changed);
}
void Broker::erase_queue(const QueueRow& row) {
  wrote_ = true;
  parts_.disk.rows().erase_queue(row);
}
void Broker::put_retained(const RetainedRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_retained(row);
}
void Broker::put_marks(const Marks& marks) {
  wrote_ = true;
  parts_.disk.rows().put_marks(marks);
}
void Broker::put_unique(QueueNumber queue, std::string_view key, const UniqueRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_unique(queue, key, row);
}
void Broker::erase_unique(QueueNumber queue, std::string_view key) {
  wrote_ = true;
  parts_.disk.rows().erase_unique(queue, key);
}
void Broker::put_idempotency(std::string_view key, const IdempotencyRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_idempotency(key, row);
}
void Broker::put_trigger(const TriggerRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_trigger(row);
}
void Broker::erase_trigger(const std::string& id) {
  wrote_ = true;
  parts_.disk.rows().erase_trigger(id);
}
void Broker::put_gathered(const GatheredRow& row) {
  wrote_ = true;
  if (is(Canary::lost_gathered)) return;
  parts_.disk.rows().put_gathered(row);
}
void Broker::erase_gathered(const std::string& trigger, std::uint64_t number) {
  wrote_ = true;
  parts_.disk.rows().erase_gathered(trigger, number);
}
void Broker::put_workflow(const WorkflowRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_workflow(row);
}
void Broker::put_member(const MemberRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_member(row);
}
void Broker::put_dependent(const JobId& parent, const Dependent& dependent) {
  wrote_ = true;
  if (is(Canary::lost_dependent) && parts_.random.one_in(4)) return;
  parts_.disk.rows().put_dependent(parent, dependent);
}
void Broker::erase_dependent(const JobId& parent, const JobId& child) {
  wrote_ = true;
  parts_.disk.rows().erase_dependent(parent, child);
}
void Broker::put_parent(const JobId& child, const ParentResult& parent) {
  wrote_ = true;
  parts_.disk.rows().put_parent(child, parent);
}
void Broker::erase_parent(const JobId& child, const JobId& parent) {
  wrote_ = true;
  parts_.disk.rows().erase_parent(child, parent);
}
void Broker::erase_parents(const JobId& child) {
  wrote_ = true;
  parts_.disk.rows().erase_parents(child);
}
void Broker::put_join(const JobId& child, std::uint32_t left) {
  wrote_ = true;
  parts_.disk.rows().put_join(child, left);
}
void Broker::erase_join(const JobId& child) {
  wrote_ = true;
  parts_.disk.rows().erase_join(child);
}
void Broker::put_owed(const core::Owed& owed) {
  wrote_ = true;
  if (is(Canary::lost_debt)) return;
  parts_.disk.rows().put_owed(owed);
}
void Broker::erase_owed(std::uint64_t number) {
  wrote_ = true;
  parts_.disk.rows().erase_owed(number);
}
void Broker::put_wait(const JobId& id, const Wait& wait) {
  wrote_ = true;
  parts_.disk.rows().put_wait(id, wait);
}
void Broker::erase_wait(const JobId& id) {
  wrote_ = true;
  parts_.disk.rows().erase_wait(id);
}
void Broker::put_lane(QueueNumber queue, const LaneKey& key, std::uint32_t number) {
  wrote_ = true;
  parts_.disk.rows().put_lane(queue, key, number);
}
void Broker::put_limit(const LimitRow& row) {
  wrote_ = true;
  LimitView view{row, 0};
  if (is(Canary::named_limit_ignored) || is(Canary::named_hold_ignored)) {
    hide_limit(view);
    const auto known = parts_.model.limits().find(row.name);
    if (known != parts_.model.limits().end()) view.row.held_until = known->second.held_until;
  }
  parts_.disk.rows().put_limit(view.row);
}
void Broker::erase_limit(const std::string& name) {
  wrote_ = true;
  parts_.disk.rows().erase_limit(name);
}
void Broker::put_group(const GroupRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_group(row);
}
void Broker::erase_group(QueueNumber queue, const std::string& group) {
  wrote_ = true;
  parts_.disk.rows().erase_group(queue, group);
}
void Broker::put_order(const OrderRow& row) {
  wrote_ = true;
  parts_.disk.rows().put_order(row);
}
void Broker::erase_order(QueueNumber queue, std::uint32_t lane) {
  wrote_ = true;
  parts_.disk.rows().erase_order(queue, lane);
}
void Broker::put_schedule(const ScheduleRow& row) {
  wrote_ = true;
  ScheduleRow kept = row;
  hide_rules(kept);
  parts_.model.schedule_kept(kept);
  parts_.disk.rows().put_schedule(kept);
}
void Broker::erase_schedule(const std::string& id) {
  wrote_ = true;
  parts_.model.schedule_erased(id);
  if (is(Canary::kept_schedule)) return;
  parts_.disk.rows().erase_schedule(id);
}
void Broker::put_logs(const JobId& id, std::uint32_t first_line, Millis at,
                      std::span<const std::string> lines) {
  wrote_ = true;
  parts_.disk.rows().put_logs(id, first_line, at, lines);
}
void Broker::erase_logs(const JobId& id) {
  wrote_ = true;
  parts_.disk.rows().erase_logs(id);
}

void Broker::reply(Ticket to, Reply&& reply) {
  if (to == Ticket::none) return;
  if (auto* view = std::get_if<ScheduleView>(&reply)) hide_rules(view->row);
  if (auto* list = std::get_if<ScheduleList>(&reply)) {
    for (ScheduleView& view : list->schedules) hide_rules(view.row);
  }
  if (auto* view = std::get_if<GroupView>(&reply)) hide_pause(*view);
  if (auto* list = std::get_if<GroupList>(&reply)) {
    for (GroupView& view : list->groups) hide_pause(view);
  }
  if (auto* view = std::get_if<LimitView>(&reply)) hide_limit(*view);
  if (auto* list = std::get_if<LimitList>(&reply)) {
    for (LimitView& view : list->limits) hide_limit(view);
  }
  if (auto* view = std::get_if<QueueView>(&reply)) hide_limits(*view);
  if (auto* list = std::get_if<QueueList>(&reply)) {
    for (QueueView& view : list->queues) hide_limits(view);
  }
  if (looking_) {
    seen_ = std::move(reply);
    return;
  }
  parts_.model.replied(to, reply);
  replies_.emplace_back(to, std::move(reply));
}

void Broker::moved(const Job& job, const std::string& queue, Status from, const Event* cause) {
  parts_.model.moved(job, queue, from, cause);
}
void Broker::changed(const Job& job, const std::string& queue) { parts_.model.changed(job, queue); }
void Broker::progressed(const Job&, const std::string&) {}
void Broker::logged(const Job&, const std::string&, std::span<const std::string>) {}

}  // namespace pawl::sim
