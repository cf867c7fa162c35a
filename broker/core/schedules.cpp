// Jobs that are made by a timetable. A run's job and the schedule's row with the run after it are one batch:
// that is what makes each run take place once.
#include <algorithm>
#include <utility>

#include "broker/core/machine_state.h"

namespace pawl::core {
namespace {

Refused no_such_schedule(const std::string& id) {
  return {Refusal::unknown_schedule, "there is no schedule named " + id, {}, {}};
}

constexpr const char* no_room_for_queue =
    "the broker holds its limit of queues; delete one that is not needed";

bool runs_out(const ScheduleRow& row) {
  const std::uint64_t most = row.schedule.timetable.max_runs;
  return most > 0 && row.runs >= most;
}

}  // namespace

Millis next_run(const Timetable& timetable, Millis anchor, Millis after, const Calendar* calendar) {
  if (timetable.start_at > 0) after = std::max(after, timetable.start_at - 1);
  Millis next = never;
  if (!timetable.cron.empty()) {
    if (calendar != nullptr) next = calendar->next(timetable.cron, timetable.timezone, after);
  } else if (timetable.every_ms > 0) {
    next =
        after < anchor ? anchor : anchor + ((after - anchor) / timetable.every_ms + 1) * timetable.every_ms;
  }
  return next > timetable.end_at ? never : next;
}

Millis last_run(const Timetable& timetable, Millis anchor, Millis known, Millis until,
                const Calendar* calendar) {
  const auto next = [&](Millis after) { return next_run(timetable, anchor, after, calendar); };
  // Between low, after which a run comes in time, and high, after which none does.
  Millis low = known - 1;
  Millis high = until;
  if (next(known) > until) return known;
  while (high - low > 1) {
    const Millis middle = low + (high - low) / 2;
    const Millis run = next(middle);
    if (run > until)
      high = middle;
    else
      low = std::max(middle, run - 1);
  }
  return next(low);
}

void Machine::State::set_next_run(ScheduleRow& row, Millis after) {
  row.next_at = runs_out(row) ? never : next_run(row.schedule.timetable, row.anchor, after, calendar);
}

void Machine::State::arm(const ScheduleRow& row) {
  if (!row.schedule.paused && row.next_at != never) schedules_due.emplace(row.next_at, row.schedule.id);
}

void Machine::State::disarm(const ScheduleRow& row) { schedules_due.erase({row.next_at, row.schedule.id}); }

void Machine::restore_schedule(ScheduleRow row) {
  State& state = *state_;
  const std::string id = row.schedule.id;
  state.arm(state.schedules[id] = std::move(row));
}

// What one run of it looks at.
void Machine::State::schedule_needs(const ScheduleRow& row, Needs& needs) const {
  if (row.last_job != JobId{}) need_job(row.last_job, needs);
  submit_needs(row.schedule.job, needs);
}

void Machine::hold_schedules(bool held) { state_->schedules_held = held; }

std::vector<std::string> Machine::State::due_schedules(Now now) const {
  std::vector<std::string> due;
  if (schedules_held) return due;
  for (const auto& [at, id] : schedules_due) {
    if (at > now.wall || due.size() == options.schedule_slice) break;
    due.push_back(id);
  }
  return due;
}

// In turn: one that makes up for a thousand runs does not keep the others waiting.
void Machine::State::run_schedules(Now now, Outbox& outbox) {
  std::size_t left = options.schedule_slice;
  for (std::vector<std::string> due = due_schedules(now); !due.empty(); due = due_schedules(now)) {
    for (const std::string& id : due) {
      if (left-- == 0) return;
      fire_schedule(schedules.at(id), now, outbox);
    }
  }
}

void Machine::State::fire_schedule(ScheduleRow& row, Now now, Outbox& outbox) {
  disarm(row);
  const Schedule& schedule = row.schedule;
  Millis due = row.next_at;
  if (schedule.missed != Missed::all)
    due = last_run(schedule.timetable, row.anchor, row.next_at, now.wall, calendar);
  if (due != row.next_at) ++row.skipped;
  if (schedule.missed == Missed::skip && now.wall - due > misfire_ms)
    ++row.skipped;
  else
    make_run(row, due, now, outbox);
  set_next_run(row, due);
  arm(row);
  outbox.put_schedule(row);
  marks_dirty = true;
}

// By the timetable. It may be left out; the row says why.
void Machine::State::make_run(ScheduleRow& row, Millis due, Now now, Outbox& outbox) {
  const Schedule& schedule = row.schedule;
  if (schedule.overlap != Overlap::allow) {
    const Entry* last = find(row.last_job, now);
    const bool lives = last != nullptr && !is_end(last->job.status);
    if (lives && schedule.overlap == Overlap::skip) {
      ++row.skipped;
      return;
    }
    if (lives) apply(Ticket::none, Cancel{row.last_job}, now, outbox);
  }
  if (lacks_queue(row)) {
    row.last_at = due;
    row.last_error = no_room_for_queue;
    ++row.skipped;
    return;
  }
  make_job_of(row, due, now, outbox);
  ++row.runs;
}

bool Machine::State::lacks_queue(const ScheduleRow& row) const {
  return !queues.contains(row.schedule.job.queue) && !has_room_for_queues(1);
}

// REQUIRES: it does not lack its queue.
Submitted::Item Machine::State::make_job_of(ScheduleRow& row, Millis due, Now now, Outbox& outbox) {
  NewJob job = row.schedule.job;
  job.tags.push_back(std::string(schedule_tag) + row.schedule.id);
  Submitted::Item made = submit_one(job, now, outbox);
  row.last_at = due;
  row.last_error.clear();
  row.last_job = made.id;
  return made;
}

ScheduleView Machine::State::view(const ScheduleRow& row, bool with_status) const {
  ScheduleView view{row, {}, {}};
  const Timetable& timetable = row.schedule.timetable;
  std::uint64_t left = next_runs_told;
  if (timetable.max_runs > 0)
    left = std::min(left, timetable.max_runs - std::min(timetable.max_runs, row.runs));
  Millis next = row.schedule.paused ? never : row.next_at;
  while (next != never && view.next_runs.size() < left) {
    view.next_runs.push_back(next);
    if (view.next_runs.size() < left) next = next_run(timetable, row.anchor, next, calendar);
  }
  const Entry* last = with_status ? find(row.last_job) : nullptr;
  if (last != nullptr) view.last_status = last->job.status;
  return view;
}

void Machine::State::apply(Ticket to, const PutSchedule& put, Now now, Outbox& outbox) {
  const auto known_row = schedules.find(put.schedule.id);
  const bool fresh = known_row == schedules.end();
  if (fresh && schedules.size() >= options.schedules_max) {
    return outbox.reply(
        to, Refused{Refusal::too_many_schedules, "the broker holds its limit of schedules", {}, {}});
  }
  if (auto refused = check_terms(put.schedule.job)) return outbox.reply(to, *std::move(refused));
  ScheduleRow& row = fresh ? schedules[put.schedule.id] : known_row->second;
  const bool same = !fresh && row.schedule.timetable == put.schedule.timetable;
  const bool was_paused = !fresh && row.schedule.paused;
  // One that has no next run is asked again: perhaps its time zone could not be read when it ran last.
  const bool goes_on = same && !was_paused && row.next_at != never;
  if (fresh)
    row.created_at = now.wall;
  else
    disarm(row);
  row.schedule = put.schedule;
  if (put.keep_pause && !fresh) row.schedule.paused = was_paused;
  row.updated_at = now.wall;
  if (!same) {
    const Millis start = put.schedule.timetable.start_at;
    row.anchor = start > 0 ? start : now.wall;
  }
  if (!goes_on) set_next_run(row, now.wall);
  arm(row);
  outbox.put_schedule(row);
  marks_dirty = true;
  outbox.reply(to, view(row, true));
}

void Machine::State::apply(Ticket to, const GetSchedule& get, Now, Outbox& outbox) {
  const auto row = schedules.find(get.schedule);
  if (row == schedules.end()) return outbox.reply(to, no_such_schedule(get.schedule));
  outbox.reply(to, view(row->second, true));
}

void Machine::State::apply(Ticket to, const ListSchedules&, Now, Outbox& outbox) {
  ScheduleList list;
  list.schedules.reserve(schedules.size());
  for (const auto& [id, row] : schedules) list.schedules.push_back(view(row, false));
  outbox.reply(to, std::move(list));
}

void Machine::State::apply(Ticket to, const DeleteSchedule& remove, Now now, Outbox& outbox) {
  const auto row = schedules.find(remove.schedule);
  if (row == schedules.end()) return outbox.reply(to, no_such_schedule(remove.schedule));
  const Entry* last = find(row->second.last_job, now);
  if (last != nullptr && !is_end(last->job.status) && !remove.force) {
    return outbox.reply(to, Refused{Refusal::schedule_in_use,
                                    "its last job is " + std::string(name_of(last->job.status)) +
                                        "; let it end or cancel it, or delete the schedule by force",
                                    last->job.id, last->job.status});
  }
  disarm(row->second);
  schedules.erase(row);
  outbox.erase_schedule(remove.schedule);
  outbox.reply(to, ScheduleDeleted{remove.schedule});
}

void Machine::State::apply(Ticket to, const RunSchedule& run, Now now, Outbox& outbox) {
  const auto found = schedules.find(run.schedule);
  if (found == schedules.end()) return outbox.reply(to, no_such_schedule(run.schedule));
  ScheduleRow& row = found->second;
  if (lacks_queue(row)) return outbox.reply(to, Refused{Refusal::too_many_queues, no_room_for_queue, {}, {}});
  Submitted answer;
  answer.jobs.push_back(make_job_of(row, now.wall, now, outbox));
  outbox.put_schedule(row);
  marks_dirty = true;
  outbox.reply(to, std::move(answer));
}

void Machine::State::apply(Ticket to, const PauseSchedule& pause, Now now, Outbox& outbox) {
  const auto found = schedules.find(pause.schedule);
  if (found == schedules.end()) return outbox.reply(to, no_such_schedule(pause.schedule));
  ScheduleRow& row = found->second;
  if (row.schedule.paused != pause.paused) {
    disarm(row);
    row.schedule.paused = pause.paused;
    row.updated_at = now.wall;
    if (!pause.paused) set_next_run(row, now.wall);
    arm(row);
    outbox.put_schedule(row);
    marks_dirty = true;
  }
  outbox.reply(to, view(row, true));
}

}  // namespace pawl::core
