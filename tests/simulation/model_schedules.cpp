// Schedules: which ticks there are, by plain stepping; what a run does; and what the machine says of them.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/calendar.h"
#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

namespace {

constexpr Millis late_ms = 60'000;  // a run that is later was missed

bool same_template(const NewJob& a, const NewJob& b) {
  return a.queue == b.queue && a.name == b.name && same_bytes(a.payload, b.payload) &&
         a.priority == b.priority && a.delay_ms == b.delay_ms && a.run_at == b.run_at &&
         a.max_attempts == b.max_attempts && a.max_stalls == b.max_stalls && a.backoff == b.backoff &&
         a.lease_ms == b.lease_ms && a.timeout_ms == b.timeout_ms && a.unique_key == b.unique_key &&
         a.unique_for_ms == b.unique_for_ms && a.group == b.group && a.retention == b.retention &&
         a.tags == b.tags && a.traceparent == b.traceparent;
}

bool same_timetable(const Timetable& a, const Timetable& b) {
  return a.cron == b.cron && a.timezone == b.timezone && a.every_ms == b.every_ms &&
         a.start_at == b.start_at && a.end_at == b.end_at && a.max_runs == b.max_runs;
}

/// Of what differs: when it runs and ran, or the schedule itself.
std::string_view invariant_of(std::string_view wrong) {
  for (const std::string_view field : {"the next run", "runs", "skipped", "last_at", "the last job"}) {
    if (wrong.starts_with(field)) return "T2";
  }
  return "T4";
}

}  // namespace

/// The tick after a tick; for cron, the first after any moment.
Millis Model::step(const ModelSchedule& schedule, Millis tick) {
  const Timetable& timetable = schedule.said.timetable;
  Millis next = tick + timetable.every_ms;
  if (!timetable.cron.empty()) {
    const Cron cron = Cron::parse(timetable.cron, timetable.timezone);
    next = tick - (tick - cron.shift) % 1'000 + 1'000;
    while (!cron.runs_at(next)) next += 1'000;
  }
  return next > timetable.end_at ? never : next;
}

/// The first tick after a moment, unless its runs are used up. Every step is taken, from the last one known.
Millis Model::tick_after(ModelSchedule& schedule, Millis after) const {
  const Timetable& timetable = schedule.said.timetable;
  if (timetable.max_runs > 0 && schedule.runs >= timetable.max_runs) return never;
  if (!timetable.cron.empty()) return step(schedule, std::max(after, timetable.start_at - 1));
  while (schedule.grid <= after) schedule.grid += timetable.every_ms;
  return schedule.grid > timetable.end_at ? never : schedule.grid;
}

Millis Model::last_tick(const ModelSchedule& schedule, Millis until) {
  Millis last = schedule.next;
  for (Millis next = step(schedule, last); next <= until; next = step(schedule, next)) last = next;
  return last;
}

const std::pair<const std::string, ModelSchedule>* Model::first_due() const {
  const std::pair<const std::string, ModelSchedule>* first = nullptr;
  for (const auto& known : schedules_) {
    if (known.second.said.paused || known.second.next > now_.wall || had_their_turn_.contains(known.first))
      continue;
    if (first == nullptr || known.second.next < first->second.next) first = &known;
  }
  return first;
}

// The machine makes a run in a tick: it must be that of the schedule that is due first, of those that had no
// run in this round.
void Model::begin_run() {
  if (under_way_) return;
  const std::pair<const std::string, ModelSchedule>* first = first_due();
  if (first == nullptr) {
    had_their_turn_.clear();
    first = first_due();
  }
  if (first == nullptr) violated("T2", fmt::format("a schedule runs and none is due at {}", now_.wall));
  had_their_turn_.insert(first->first);
  Run run{first->first, first->second, first->second.next};
  ModelSchedule& then = run.then;
  const Schedule& said = then.said;
  if (said.missed != Missed::all) run.due = last_tick(then, now_.wall);
  if (run.due != then.next) {
    ++then.skipped;
    rare_.add(Rare::schedule_missed_runs_left_out);
  }
  const bool late = now_.wall - run.due > late_ms;
  run.makes_job = !(said.missed == Missed::skip && late);
  run.planned = true;
  const ModelJob* last = find(then.last_job, now_.wall);
  if (last != nullptr && is_end(last->status)) last = nullptr;
  if (!run.makes_job) {
    ++then.skipped;
    rare_.add(Rare::schedule_late_run_left_out);
  } else if (last != nullptr && said.overlap == Overlap::skip) {
    run.makes_job = false;
    ++then.skipped;
    rare_.add(Rare::schedule_overlap_skipped);
  } else {
    if (late || run.due != first->second.next) rare_.add(Rare::schedule_made_up_for_missed_runs);
    if (last != nullptr && said.overlap == Overlap::replace) {
      if (last->status == Status::active) {
        rare_.add(Rare::schedule_overlap_replaced_an_active_job);
        ModelJob job = *last;
        job.cancel_requested = true;
        put(then.last_job, std::move(job));
      } else {
        rare_.add(Rare::schedule_overlap_replaced);
        expected_.push_back({then.last_job, Event::cancel, 0, 0, {}, {}, {}, false});
        run.planned = false;
      }
    }
  }
  under_way_ = std::move(run);
  if (under_way_->makes_job && under_way_->planned) plan_job(*under_way_);
}

// What a run submits. The job that it replaces is cancelled by now: that may free its unique key.
void Model::plan_job(Run& run) {
  run.planned = true;
  ModelSchedule& then = run.then;
  const NewJob& job = then.said.job;
  then.last_at = run.due;
  then.failed = !queues_.contains(job.queue) && queues_.size() >= limits_.queues_max;
  if (then.failed) {
    rare_.add(Rare::schedule_found_no_room_for_its_queue);
    ++then.skipped;
    return;
  }
  if (!run.by_hand) {
    ++then.runs;
    rare_.add(Rare::schedule_ran);
    if (then.in_run != run_) rare_.add(Rare::schedule_ran_after_restart);
  }
  const ModelKey* held = job.unique_key.empty() ? nullptr : key_holder(job.queue, job.unique_key, now_.wall);
  if (held != nullptr) {
    rare_.add(Rare::schedule_deduplicated);
    then.last_job = held->id;
    return;
  }
  Spec spec = spec_of(job);
  spec.tags.push_back("schedule:" + run.id);
  Expected move;
  move.spec = std::make_shared<const Spec>(std::move(spec));
  move.run_at_min = move.run_at_max = now_.wall + job.delay_ms.value_or(0);
  expected_.push_back(std::move(move));
  expect_queue(job.queue);
}

void Model::end_run(const ScheduleRow& row) {
  if (row.schedule.id != under_way_->id)
    violated("T2", fmt::format("schedule {} runs before {}", row.schedule.id, under_way_->id));
  if (!expected_.empty()) {
    const Expected& missing = expected_.front();
    violated("T2", fmt::format("schedule {} ran at {} and did not {}", row.schedule.id, under_way_->due,
                               missing.id ? "cancel the job that it replaces" : "make its job"));
  }
  ModelSchedule& then = under_way_->then;
  if (!under_way_->by_hand) {
    then.next = tick_after(then, under_way_->due);
    if (then.next == never) rare_.add(Rare::schedule_ended);
  }
  const std::string wrong = difference(row, then);
  if (!wrong.empty())
    violated("T2",
             fmt::format("schedule {} after its run at {}: {}", row.schedule.id, under_way_->due, wrong));
  trace_.add("schedule ran", then.last_job, under_way_->due, then.next);
  set_schedule(row.schedule.id, std::move(then));
  under_way_.reset();
}

void Model::schedule_kept(const ScheduleRow& row) {
  if (doing_ == Doing::tick) begin_run();
  if (doing_ != Doing::tick && row_due_ != row.schedule.id)
    violated("T4", "the row of schedule " + row.schedule.id + " is written without reason");
  row_due_.reset();
  if (under_way_) return end_run(row);
  const auto known = schedules_.find(row.schedule.id);
  if (known == schedules_.end()) violated("T4", "schedule " + row.schedule.id + " is kept and was deleted");
  const std::string wrong = difference(row, known->second);
  if (!wrong.empty())
    violated(invariant_of(wrong), fmt::format("schedule {} as it is kept: {}", row.schedule.id, wrong));
}

void Model::schedule_erased(const std::string& id) {
  if (row_due_ != id || schedules_.contains(id))
    violated("T4", "schedule " + id + " is erased without reason");
  row_due_.reset();
}

void Model::after_command_on_schedules() const {
  if (row_due_) violated("T4", "what was done to schedule " + *row_due_ + " is not kept");
}

void Model::after_tick_of_schedules() {
  if (under_way_) {
    violated("T2", fmt::format("the run of schedule {} at {} is not kept with its job", under_way_->id,
                               under_way_->due));
  }
  for (const auto& [id, known] : schedules_) {
    if (!known.said.paused && known.next <= now_.wall) rare_.add(Rare::schedule_slice_full);
  }
}

const ModelSchedule* Model::known_schedule(const std::string& id) {
  const auto known = schedules_.find(id);
  if (known != schedules_.end()) return &known->second;
  answer_ = Refusal::unknown_schedule;
  return nullptr;
}

void Model::predict(const PutSchedule& put_schedule) {
  const Schedule& said = put_schedule.schedule;
  const auto known = schedules_.find(said.id);
  const bool fresh = known == schedules_.end();
  if (fresh && schedules_.size() >= limits_.schedules_max) {
    rare_.add(Rare::schedules_full);
    answer_ = Refusal::too_many_schedules;
    return;
  }
  ModelSchedule then = fresh ? ModelSchedule{} : known->second;
  const bool same = !fresh && same_timetable(then.said.timetable, said.timetable);
  const bool was_paused = then.said.paused;
  if (fresh) then.created_at = now_.wall;
  if (!same) then.grid = said.timetable.start_at > 0 ? said.timetable.start_at : now_.wall;
  then.said = said;
  then.updated_at = now_.wall;
  then.in_run = run_;
  if (same && !was_paused)
    rare_.add(Rare::schedule_kept_its_next_run);
  else
    then.next = tick_after(then, now_.wall);
  set_schedule(said.id, std::move(then));
  row_due_ = said.id;
  answer_ = ExpectedSchedule{said.id};
}

void Model::predict(const GetSchedule& get) {
  if (known_schedule(get.schedule) != nullptr) answer_ = ExpectedSchedule{get.schedule};
}

void Model::predict(const ListSchedules&) { answer_ = ExpectedSchedules{}; }

void Model::predict(const DeleteSchedule& remove) {
  const ModelSchedule* known = known_schedule(remove.schedule);
  if (known == nullptr) return;
  const ModelJob* last = find(known->last_job, now_.wall);
  if (last != nullptr && !is_end(last->status)) {
    rare_.add(remove.force ? Rare::schedule_in_use_deleted : Rare::schedule_in_use);
    if (!remove.force) {
      answer_ = Refusal::schedule_in_use;
      return;
    }
  }
  set_schedule(remove.schedule, std::nullopt);
  row_due_ = remove.schedule;
  answer_ = ExpectedScheduleGone{remove.schedule};
}

void Model::predict(const PauseSchedule& pause) {
  const ModelSchedule* known = known_schedule(pause.schedule);
  if (known == nullptr) return;
  answer_ = ExpectedSchedule{pause.schedule};
  if (known->said.paused == pause.paused) return;
  ModelSchedule then = *known;
  then.said.paused = pause.paused;
  then.updated_at = now_.wall;
  if (!pause.paused) {
    if (then.next <= now_.wall) rare_.add(Rare::schedule_resumed_after_its_runs);
    then.next = tick_after(then, now_.wall);
  }
  set_schedule(pause.schedule, std::move(then));
  row_due_ = pause.schedule;
}

void Model::predict(const RunSchedule& by_hand) {
  const ModelSchedule* known = known_schedule(by_hand.schedule);
  if (known == nullptr) return;
  const NewJob& job = known->said.job;
  if (!queues_.contains(job.queue) && queues_.size() >= limits_.queues_max) {
    answer_ = Refusal::too_many_queues;
    return;
  }
  rare_.add(Rare::schedule_run_by_hand);
  under_way_ = Run{by_hand.schedule, *known, now_.wall, true, true};
  const std::size_t before = expected_.size();
  plan_job(*under_way_);
  ExpectedItem item;
  if (expected_.size() == before) {
    item.id = under_way_->then.last_job;
    item.same_as = 0;
  }
  answer_ = ExpectedSubmit{{item}, std::nullopt};
  row_due_ = by_hand.schedule;
}

std::string Model::difference(const ScheduleRow& row, const ModelSchedule& known) const {
  const auto differs = [](std::string_view field, auto got, auto must) {
    return fmt::format("{} is {}, not {}", field, got, must);
  };
  const Schedule& said = row.schedule;
  if (!same_template(said.job, known.said.job)) return "its template changed";
  if (!same_timetable(said.timetable, known.said.timetable)) return "its timetable changed";
  if (said.missed != known.said.missed || said.overlap != known.said.overlap) return "its rules changed";
  if (said.paused != known.said.paused) return differs("paused", said.paused, known.said.paused);
  if (row.created_at != known.created_at) return differs("created_at", row.created_at, known.created_at);
  if (row.updated_at != known.updated_at) return differs("updated_at", row.updated_at, known.updated_at);
  if (!said.paused && row.next_at != known.next) return differs("the next run", row.next_at, known.next);
  if (row.runs != known.runs) return differs("runs", row.runs, known.runs);
  if (row.skipped != known.skipped) return differs("skipped", row.skipped, known.skipped);
  if (row.last_at != known.last_at) return differs("last_at", row.last_at, known.last_at);
  if (row.last_job != known.last_job)
    return differs("the last job", short_id(row.last_job), short_id(known.last_job));
  if (row.last_error.empty() == known.failed) return differs("its last error", row.last_error, known.failed);
  return {};
}

void Model::check_view(const ScheduleView& view, bool with_status) const {
  const std::string& id = view.row.schedule.id;
  const auto it = schedules_.find(id);
  if (it == schedules_.end()) violated("T4", "schedule " + id + " is shown and nobody made it");
  const ModelSchedule& known = it->second;
  const std::string wrong = difference(view.row, known);
  if (!wrong.empty()) violated(invariant_of(wrong), fmt::format("schedule {} as it is shown: {}", id, wrong));
  std::uint64_t left = 5;
  if (known.said.timetable.max_runs > 0)
    left =
        std::min(left, known.said.timetable.max_runs - std::min(known.runs, known.said.timetable.max_runs));
  std::vector<Millis> next_runs;
  Millis tick = known.said.paused ? never : known.next;
  for (; tick != never && next_runs.size() < left; tick = step(known, tick)) next_runs.push_back(tick);
  if (view.next_runs != next_runs)
    violated("T2", "schedule " + id + " will run at other times than are shown");
  const ModelJob* last = with_status ? find(known.last_job, now_.wall) : nullptr;
  if (view.last_status != (last != nullptr ? std::optional(last->status) : std::nullopt))
    violated("T4", "schedule " + id + " shows another status of its last job");
}

void Model::audit_schedules(const std::vector<ScheduleView>& views) const {
  std::string before;
  for (const ScheduleView& view : views) {
    if (view.row.schedule.id <= before) violated("T4", "schedules are not listed by id");
    before = view.row.schedule.id;
    check_view(view, false);
  }
  if (views.size() != schedules_.size())
    violated("T4", fmt::format("{} schedules are listed, {} known", views.size(), schedules_.size()));
}

}  // namespace pawl::sim
