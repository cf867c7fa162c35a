// Those who let jobs be made by a timetable.
#include <fmt/core.h>

#include "tests/simulation/world.h"

namespace pawl::sim {

using namespace core;

namespace {
constexpr std::uint64_t schedule_ids = 6;
}  // namespace

std::string World::schedule_id() { return fmt::format("s{}", random_.below(schedule_ids)); }

// Where every missed run takes place, a clock that is set forward by days must not make a million jobs: the
// runs are rare then, or soon over.
Timetable World::new_timetable(Missed missed) {
  constexpr std::array<Millis, 7> longest{2'000, 4'000, 8'000, 15'000, 60'000, 120'000, 900'000};
  Timetable timetable;
  const Millis most = longest[random_.below(longest.size())];
  timetable.every_ms = random_.between(1'000, most);
  const bool soon_over = random_.one_in(3);
  if (missed == Missed::all && !soon_over) timetable.every_ms = random_.between(20, 240) * 60'000;
  if (random_.percent(30)) {
    timetable.cron = fmt::format("{}{}", timetable.every_ms / 1'000, random_.one_in(2) ? "!" : "");
    timetable.every_ms = 0;
    if (random_.one_in(3)) timetable.timezone = "Sim/Half";
  }
  const Millis now = broker_->now().wall;
  if (random_.percent(30)) timetable.start_at = now + random_.between(-30'000, 90'000);
  if (random_.percent(20) || (missed == Missed::all && soon_over))
    timetable.end_at = now + random_.between(5'000, 300'000);
  if (random_.percent(20)) timetable.max_runs = random_.below(20) + 1;
  return timetable;
}

Schedule World::new_schedule() {
  Schedule schedule;
  schedule.id = schedule_id();
  schedule.job = new_job();
  schedule.job.run_at.reset();
  if (random_.one_in(4)) schedule.job.tags = {"nightly"};
  if (random_.one_in(8)) schedule.job.queue = fmt::format("made-by-{}", schedule.id);
  schedule.missed = static_cast<Missed>(random_.below(3));
  schedule.overlap = static_cast<Overlap>(random_.below(3));
  schedule.paused = random_.one_in(12);
  const auto before = put_schedules_.find(schedule.id);
  if (before != put_schedules_.end() && before->second.missed == schedule.missed)
    schedule.timetable = before->second.timetable;
  else
    schedule.timetable = new_timetable(schedule.missed);
  return schedule;
}

void World::scheduler_acts() {
  if (model_.jobs().size() > options_.jobs_max && random_.one_in(2)) {
    post(PauseSchedule{schedule_id(), true}, Who::nobody, 0);
    return;
  }
  switch (random_.weighted(std::array<std::uint32_t, 7>{30, 16, 10, 16, 5, 16, 6})) {
    case 0: {
      Schedule schedule = new_schedule();
      put_schedules_[schedule.id] = schedule;
      post(PutSchedule{std::move(schedule)}, Who::nobody, 0);
      break;
    }
    case 1:
      post(RunSchedule{schedule_id()}, Who::nobody, 0);
      break;
    case 2:
      post(PauseSchedule{schedule_id(), true}, Who::nobody, 0);
      break;
    case 3:
      post(PauseSchedule{schedule_id(), false}, Who::nobody, 0);
      break;
    case 4:
      post(DeleteSchedule{schedule_id(), !random_.one_in(4)}, Who::nobody, 0);
      break;
    case 5:
      post(GetSchedule{schedule_id()}, Who::nobody, 0);
      break;
    default:
      post(ListSchedules{}, Who::nobody, 0);
      break;
  }
}

// Jobs that schedules made become known to those who cancel, retry and delete.
void World::operator_hears(const Reply& reply) {
  if (const auto* view = std::get_if<ScheduleView>(&reply)) {
    if (view->row.last_job != JobId{}) remember(view->row.last_job);
  } else if (const auto* graph = std::get_if<WorkflowSubmitted>(&reply)) {
    for (const auto& item : graph->jobs) remember(item.id);
    workflows_.push_back(graph->workflow);
    if (workflows_.size() > 12) workflows_.erase(workflows_.begin());
  } else if (const auto* submitted = std::get_if<Submitted>(&reply)) {
    for (const auto& item : submitted->jobs) remember(item.id);
  }
}

}  // namespace pawl::sim
