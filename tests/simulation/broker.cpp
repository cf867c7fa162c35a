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
      machine_(with_ends(options_, &ends_), options_.seed, &calendar_),
      failures_(options_.failure_groups),
      uncounted_(parts_.disk.snapshot()) {
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

std::vector<QueueView> Broker::queues() const {
  std::vector<QueueView> views = machine_.queue_views(now_);
  for (QueueView& view : views) hide_limits(view);
  return views;
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

void Broker::read_clock() {
  now_ = clock_->read();
  if (is(Canary::wall_goes_back)) now_.wall = options_.clock.wall();
}

bool Broker::turn(std::deque<Command>& inbox, std::optional<std::size_t> crash_after, Work* work) {
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
  if (work != nullptr) carry_out(*work);
  if (crash_after) return false;
  pay();
  parts_.model.before_match(now_);
  if (!is(Canary::lost_wakeup) || !parts_.random.one_in(2)) machine_.match(now_, *this);
  parts_.model.after_match();
  machine_.flush(now_, *this);
  // A batch without rows is told with the one before it.
  std::vector<engine::FailureChange> failures = parts_.disk.outbox().failures;
  const std::uint64_t batch = wrote_ ? parts_.disk.commit(now_.wall) : parts_.disk.committed();
  parts_.model.close_batch(batch);
  parts_.operations.close_batch(batch, now_);
  owed_.push_back({batch, std::exchange(replies_, {}), std::move(failures)});
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
  for (int round = 0; round < 5; ++round) {
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
      for (auto& join : joins) {
        if (join) join->left = 1;
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
  Needs soon;
  soon.jobs = machine_.due_soon(now_);
  if (soon.empty()) return;
  again_ = again_ || soon.jobs.size() == options_.machine.soon_slice;
  parts_.rare.add(Rare::read_before_it_was_due);
  load(soon);
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
    tell_failures(std::move(owed_.front().failures));
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

}  // namespace pawl::sim
