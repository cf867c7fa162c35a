#include <gtest/gtest.h>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

constexpr Millis minute = 60'000;

/// "N": at every full N minutes of Unix time.
class FullMinutes final : public Calendar {
 public:
  Millis next(const std::string& cron, const std::string&, Millis after) const override {
    const Millis step = std::stoll(cron) * minute;
    return (after / step + 1) * step;
  }
};

class SchedulesTest : public ::testing::Test {
 protected:
  FullMinutes calendar;
  Bench bench{{}, &calendar};

  static Schedule every(Millis ms, Missed missed = Missed::one) {
    Schedule schedule;
    schedule.id = "s";
    schedule.job.queue = "q";
    schedule.timetable.every_ms = ms;
    schedule.missed = missed;
    return schedule;
  }
  ScheduleView put(const Schedule& schedule) { return bench.call<ScheduleView>(PutSchedule{schedule}); }
  ScheduleView get() { return bench.call<ScheduleView>(GetSchedule{"s"}); }
  std::uint64_t pending() { return bench.count("q", Status::pending); }
  /// The clocks go on while the broker is down.
  void down_for(Millis ms) {
    bench.now.wall += ms;
    bench.now.mono += ms;
    bench.restart();
    bench.advance(0);
  }
};

TEST_F(SchedulesTest, RunsAtEveryTickOnce) {
  const Millis begin = bench.now.wall;
  const ScheduleView made = put(every(10'000));
  ASSERT_EQ(made.next_runs.size(), next_runs_told);
  EXPECT_EQ(made.next_runs.front(), begin + 10'000);
  EXPECT_EQ(made.next_runs.back(), begin + 50'000);
  bench.advance(9'999);
  EXPECT_EQ(bench.rows.jobs[Place::ready].size(), 0u);
  bench.advance(1);
  EXPECT_EQ(pending(), 1u);
  bench.advance(20'000);
  EXPECT_EQ(pending(), 3u);
  const ScheduleView view = get();
  EXPECT_EQ(view.row.runs, 3u);
  EXPECT_EQ(view.row.last_at, begin + 30'000);
  EXPECT_EQ(view.last_status, Status::pending);
  EXPECT_EQ(bench.get(view.row.last_job).tags, std::vector<std::string>{"schedule:s"});
}

TEST_F(SchedulesTest, ARestartNeitherRepeatsNorForgetsARun) {
  put(every(10'000));
  bench.advance(10'000);
  bench.restart();
  bench.advance(0);
  EXPECT_EQ(pending(), 1u);
  bench.advance(10'000);
  EXPECT_EQ(pending(), 2u);
}

TEST_F(SchedulesTest, MissedRunsAreSkippedMadeUpForOnceOrAll) {
  struct Case {
    Missed missed;
    std::uint64_t jobs;
    std::uint64_t skipped;
  };
  for (const Case& one : {Case{Missed::skip, 0, 2}, Case{Missed::one, 1, 1}, Case{Missed::all, 10, 0}}) {
    SCOPED_TRACE(missed_names[static_cast<std::size_t>(one.missed)]);
    bench.post(DeleteSchedule{"s", true});
    bench.post(DeleteQueue{"q", true});
    const Millis begin = bench.now.wall;
    put(every(10 * minute, one.missed));
    down_for(108 * minute);  // eight minutes after the last of ten
    EXPECT_EQ(one.jobs, one.jobs == 0 ? 0 : pending());
    const ScheduleView view = get();
    EXPECT_EQ(view.row.runs, one.jobs);
    EXPECT_EQ(view.row.skipped, one.skipped);
    EXPECT_EQ(view.next_runs.front(), begin + 110 * minute);
  }
}

TEST_F(SchedulesTest, MakingUpForManyRunsKeepsNoOtherScheduleWaiting) {
  put(every(1'000, Missed::all));
  Schedule other = every(3'600'000);
  other.id = "other";
  other.job.queue = "r";
  bench.post(PutSchedule{other});
  bench.now.wall += 3'600'000;
  bench.now.mono += 3'600'000;
  bench.tick();
  EXPECT_EQ(bench.count("r", Status::pending), 1u);
  EXPECT_LT(pending(), 100u);
  bench.advance(0);
  EXPECT_EQ(pending(), 3'600u);
}

TEST_F(SchedulesTest, NoneRunsWhileTheyAreHeld) {
  put(every(10'000));
  bench.machine().hold_schedules(true);
  bench.advance(35'000);
  EXPECT_TRUE(bench.rows.jobs[Place::ready].empty());
  EXPECT_EQ(bench.machine().next_deadline().wall, never);
  bench.machine().hold_schedules(false);
  bench.tick();
  EXPECT_EQ(pending(), 1u);
  EXPECT_EQ(get().row.skipped, 1u);
}

TEST_F(SchedulesTest, ARunThatIsALittleLateIsNotMissed) {
  put(every(10 * minute, Missed::skip));
  down_for(30 * minute + misfire_ms);
  EXPECT_EQ(pending(), 1u);
  EXPECT_EQ(get().row.skipped, 1u);
}

TEST_F(SchedulesTest, OverlapSkipsOrReplacesALiveJob) {
  Schedule schedule = every(10'000);
  schedule.overlap = Overlap::skip;
  put(schedule);
  bench.advance(30'000);
  EXPECT_EQ(pending(), 1u);
  EXPECT_EQ(get().row.skipped, 2u);
  const JobId first = get().row.last_job;
  bench.complete(bench.lease("q").at(0));
  bench.advance(10'000);
  EXPECT_EQ(pending(), 1u);
  EXPECT_NE(get().row.last_job, first);

  schedule.overlap = Overlap::replace;
  put(schedule);
  const JobId waits = get().row.last_job;
  bench.advance(10'000);
  EXPECT_EQ(bench.status(waits), Status::cancelled);
  const GrantedJob runs = bench.lease("q").at(0);
  bench.advance(10'000);
  EXPECT_TRUE(bench.get(runs.id).cancel_requested);
  EXPECT_EQ(pending(), 1u);
}

TEST_F(SchedulesTest, BeginsEndsAndCountsItsRuns) {
  const Millis begin = bench.now.wall;
  Schedule schedule = every(10'000);
  schedule.timetable.start_at = begin + 25'000;
  schedule.timetable.end_at = begin + 45'000;
  EXPECT_EQ(put(schedule).next_runs, (std::vector<Millis>{begin + 25'000, begin + 35'000, begin + 45'000}));
  schedule.timetable.max_runs = 2;
  EXPECT_EQ(put(schedule).next_runs, (std::vector<Millis>{begin + 25'000, begin + 35'000}));
  bench.advance(100'000);
  EXPECT_EQ(pending(), 2u);
  EXPECT_TRUE(get().next_runs.empty());
  EXPECT_EQ(bench.machine().next_deadline().wall, never);
}

TEST_F(SchedulesTest, TheSameAgainKeepsTheNextRunAndAnotherTimetableDoesNot) {
  const Millis begin = bench.now.wall;
  Schedule schedule = every(10'000);
  put(schedule);
  bench.advance(7'000);
  schedule.job.name = "other";
  EXPECT_EQ(put(schedule).next_runs.front(), begin + 10'000);
  schedule.timetable.every_ms = 20'000;
  EXPECT_EQ(put(schedule).next_runs.front(), begin + 27'000);
}

TEST_F(SchedulesTest, TheSameAgainWhilePausedGoesOnAtTheTimesOfBefore) {
  const Millis begin = bench.now.wall;
  Schedule schedule = every(10'000);
  put(schedule);
  bench.call<ScheduleView>(PauseSchedule{"s", true});
  bench.advance(27'000);
  schedule.job.name = "other";
  EXPECT_EQ(put(schedule).next_runs.front(), begin + 30'000);
}

TEST_F(SchedulesTest, APausedOneRunsByHandOnlyAndGoesOnFromNow) {
  put(every(10'000));
  EXPECT_TRUE(bench.call<ScheduleView>(PauseSchedule{"s", true}).next_runs.empty());
  bench.advance(35'000);
  EXPECT_EQ(bench.call<Submitted>(RunSchedule{"s"}).jobs.at(0).status, Status::pending);
  EXPECT_EQ(pending(), 1u);
  EXPECT_EQ(get().row.runs, 0u);
  bench.restart();
  const ScheduleView view = bench.call<ScheduleView>(PauseSchedule{"s", false});
  EXPECT_EQ(view.next_runs.front(), bench.now.wall + 5'000);
  bench.advance(5'000);
  EXPECT_EQ(pending(), 2u);
}

TEST_F(SchedulesTest, APutThatDoesNotSpeakOfThePauseLeavesIt) {
  put(every(10'000));
  bench.post(PauseSchedule{"s", true});
  EXPECT_TRUE(bench.call<ScheduleView>(PutSchedule{every(10'000), true}).row.schedule.paused);
  bench.advance(20'000);
  EXPECT_TRUE(bench.rows.jobs[Place::ready].empty());
  EXPECT_FALSE(bench.call<ScheduleView>(PutSchedule{every(10'000), false}).row.schedule.paused);
  bench.advance(10'000);
  EXPECT_EQ(pending(), 1u);
}

TEST_F(SchedulesTest, CronIsTheCalendars) {
  Schedule schedule = every(0);
  schedule.timetable.cron = "5";
  const ScheduleView view = put(schedule);
  EXPECT_EQ(view.next_runs.at(1) - view.next_runs.at(0), 5 * minute);
  EXPECT_EQ(view.next_runs.at(0) % (5 * minute), 0);
  down_for(1'000 * 5 * minute);
  EXPECT_EQ(pending(), 1u);
  EXPECT_EQ(get().row.last_at, bench.now.wall / (5 * minute) * 5 * minute);
}

TEST_F(SchedulesTest, AUniqueKeyOnDiskStillHolds) {
  Schedule schedule = every(10'000);
  schedule.job.unique_key = "one";
  put(schedule);
  bench.advance(10'000);
  const JobId first = get().row.last_job;
  bench.restart();
  bench.advance(10'000);
  EXPECT_EQ(pending(), 1u);
  EXPECT_EQ(get().row.last_job, first);
}

TEST_F(SchedulesTest, RefusesWhatIsNotThereAndGuardsItsQueue) {
  EXPECT_EQ(bench.call<Refused>(GetSchedule{"s"}).why, Refusal::unknown_schedule);
  EXPECT_EQ(bench.call<Refused>(RunSchedule{"s"}).why, Refusal::unknown_schedule);
  EXPECT_EQ(bench.call<Refused>(PauseSchedule{"s", true}).why, Refusal::unknown_schedule);
  EXPECT_EQ(bench.call<Refused>(DeleteSchedule{"s"}).why, Refusal::unknown_schedule);
  put(every(10'000));
  bench.advance(10'000);
  const Refused refused = bench.call<Refused>(DeleteQueue{"q", true});
  EXPECT_EQ(refused.why, Refusal::queue_in_use);
  EXPECT_NE(refused.detail.find("schedule s"), std::string::npos);
  EXPECT_EQ(bench.call<ScheduleList>(ListSchedules{}).schedules.size(), 1u);
  bench.call<ScheduleDeleted>(DeleteSchedule{"s", true});
  EXPECT_TRUE(bench.rows.schedules.empty());
  bench.call<QueueDeleted>(DeleteQueue{"q", true});
}

TEST_F(SchedulesTest, OneWhoseLastJobHasNotEndedIsDeletedByForceOnly) {
  put(every(10'000));
  bench.advance(10'000);
  const JobId job = get().row.last_job;
  const auto refused = [&] {
    bench.restart();
    return bench.call<Refused>(DeleteSchedule{"s"});
  };
  EXPECT_EQ(refused().why, Refusal::schedule_in_use);
  EXPECT_EQ(refused().job, job);
  EXPECT_EQ(refused().status, Status::pending);
  const GrantedJob held = bench.lease("q").at(0);
  EXPECT_EQ(refused().status, Status::active);
  EXPECT_NE(refused().detail.find("active"), std::string::npos);
  bench.complete(held);
  bench.call<ScheduleDeleted>(DeleteSchedule{"s"});
  EXPECT_TRUE(bench.rows.schedules.empty());

  put(every(10'000));
  bench.advance(10'000);
  bench.call<ScheduleDeleted>(DeleteSchedule{"s", true});
  EXPECT_EQ(pending(), 1u);
}

TEST_F(SchedulesTest, ARunByHandThatIsRefusedChangesNothing) {
  MachineOptions options;
  options.queues_max = 1;
  Bench small(options);
  small.submit(Bench::job("other"));
  small.call<ScheduleView>(PutSchedule{every(10'000)});
  EXPECT_EQ(small.call<Refused>(RunSchedule{"s"}).why, Refusal::too_many_queues);
  EXPECT_EQ(small.call<ScheduleView>(GetSchedule{"s"}).row.last_at, 0);
  EXPECT_EQ(small.call<ScheduleView>(GetSchedule{"s"}).row.last_error, "");
}

TEST_F(SchedulesTest, ARunByHandSaysThatItsUniqueKeyIsHeld) {
  Schedule schedule = every(10'000);
  schedule.job.unique_key = "one";
  put(schedule);
  const Submitted::Item first = bench.call<Submitted>(RunSchedule{"s"}).jobs.at(0);
  EXPECT_FALSE(first.deduplicated);
  bench.lease("q");
  const Submitted::Item again = bench.call<Submitted>(RunSchedule{"s"}).jobs.at(0);
  EXPECT_TRUE(again.deduplicated);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.status, Status::active);
}

TEST_F(SchedulesTest, ARestartIsNotBeforeARunByHandThatMadeNoJob) {
  Schedule schedule = every(10'000);
  schedule.job.unique_key = "one";
  put(schedule);
  bench.call<Submitted>(RunSchedule{"s"});
  bench.advance(5'000);
  bench.call<Submitted>(RunSchedule{"s"});
  EXPECT_EQ(get().row.last_at, bench.now.wall);
  EXPECT_EQ(bench.rows.marks.wall, bench.now.wall);
}

TEST_F(SchedulesTest, TheBrokerHoldsAtMostItsLimit) {
  MachineOptions options;
  options.schedules_max = 1;
  Bench small(options);
  small.call<ScheduleView>(PutSchedule{every(10'000)});
  small.call<ScheduleView>(PutSchedule{every(20'000)});
  Schedule other = every(10'000);
  other.id = "t";
  EXPECT_EQ(small.call<Refused>(PutSchedule{other}).why, Refusal::too_many_schedules);
}

TEST(LastRunTest, IsFoundWithoutLookingAtAllBefore) {
  Timetable timetable;
  timetable.every_ms = 1'000;
  EXPECT_EQ(last_run(timetable, 0, 1'000, 1'000, nullptr), 1'000);
  EXPECT_EQ(last_run(timetable, 0, 1'000, 1'999, nullptr), 1'000);
  EXPECT_EQ(last_run(timetable, 0, 1'000, 4'000'000'000'123, nullptr), 4'000'000'000'000);
  timetable.end_at = 5'500;
  EXPECT_EQ(last_run(timetable, 0, 1'000, 9'000, nullptr), 5'000);
}

}  // namespace
}  // namespace pawl::core::test
