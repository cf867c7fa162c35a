// What hangs on jobs that are gone is erased, and nothing else is.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "bench.h"

namespace pawl::engine {
namespace {

using core::JobId;
using core::WorkflowId;

class SweeperTest : public testing::Test {
 protected:
  // Passes follow each other without a pause.
  static EngineOptions restless() {
    EngineOptions options;
    options.sweep_every = std::chrono::milliseconds(1);
    return options;
  }

  // The second job waits for the first.
  core::WorkflowSubmitted submit_pair(const std::string& name) {
    core::SubmitWorkflow submit{name, {}};
    submit.members.push_back({"first", Bench::job("q"), {}, {}});
    submit.members.push_back({"second", Bench::job("q"), {0}, {}});
    return bench.ask<core::WorkflowSubmitted>(std::move(submit));
  }
  void complete_one() {
    for (const core::GrantedJob& granted : bench.lease_all("q", 1)) bench.complete(granted);
  }
  void remove(const JobId& id) { bench.ask<core::JobDeleted>(core::Delete{id, std::nullopt}); }
  bool has(const WorkflowId& id) {
    std::expected<WorkflowView, ListError> view;
    bench.await([&](auto done) {
      bench.engine().lists().workflow(id, [&view, done](auto answer) {
        view = std::move(answer);
        done();
      });
    });
    if (!view) {
      EXPECT_EQ(view.error(), ListError::unknown_workflow);
    }
    return view.has_value();
  }
  std::size_t lines(const JobId& id) {
    std::expected<JobLister::Logs, ListError> logs;
    bench.await([&](auto done) {
      bench.engine().lists().logs(id, {}, 100, "", [&logs, done](auto answer) {
        logs = std::move(answer);
        done();
      });
    });
    return logs ? logs->lines.size() : 0;
  }
  // Until a workflow that was made last, and has no jobs any more, is gone.
  void await_pass() {
    const auto last = submit_pair("last");
    complete_one();
    complete_one();
    for (const auto& item : last.jobs) remove(item.id);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (has(last.workflow)) ASSERT_LT(std::chrono::steady_clock::now(), until);
  }
  std::size_t rows(storage::Family family) {
    bench.stop();
    const auto partition = bench.store().acquire(0);
    EXPECT_TRUE(partition);
    std::size_t count = 0;
    EXPECT_TRUE((*partition)->snapshot()->scan({family, {}, std::string(64, '\xff')}, [&](auto, auto) {
      ++count;
      return true;
    }));
    return count;
  }

  Bench bench;
};

TEST_F(SweeperTest, AWorkflowGoesWithTheLastRecordOfItsJobs) {
  bench.start(restless());
  const auto kept = submit_pair("kept");
  complete_one();
  complete_one();
  const auto halved = submit_pair("halved");
  complete_one();
  complete_one();
  remove(halved.jobs[0].id);
  await_pass();
  EXPECT_TRUE(has(kept.workflow));
  EXPECT_TRUE(has(halved.workflow)) << "the record of one of its jobs is there";

  remove(halved.jobs[1].id);
  await_pass();
  EXPECT_TRUE(has(kept.workflow));
  EXPECT_FALSE(has(halved.workflow));
  EXPECT_EQ(rows(family::workflows), 1u);
  EXPECT_EQ(rows(family::members), 2u) << "a graph goes with its workflow";
  bench.expect_sound();
}

TEST_F(SweeperTest, AWorkflowThatHasNotEndedStays) {
  bench.start(restless());
  const auto running = submit_pair("running");
  const auto granted = bench.lease_all("q", 1);
  remove(running.jobs[1].id);  // cancelled by that; the other runs
  await_pass();
  EXPECT_TRUE(has(running.workflow));
  bench.complete(granted.at(0));
  await_pass();
  EXPECT_TRUE(has(running.workflow)) << "ended, and one record is left";
}

TEST_F(SweeperTest, GraphsOfManyJobsGoInSeveralSteps) {
  bench.start(restless());
  constexpr std::size_t workflows = 12;
  constexpr std::uint32_t width = 1'000;
  for (std::size_t i = 0; i < workflows; ++i) {
    core::SubmitWorkflow submit{"wide", {}};
    for (std::uint32_t job = 0; job < width; ++job) {
      core::NewJob spec = Bench::job("wide");
      spec.retention = core::Retention{0, 0};  // nothing is kept
      submit.members.push_back({std::to_string(job), std::move(spec), {}, {}});
    }
    const auto made = bench.ask<core::WorkflowSubmitted>(std::move(submit));
    for (const auto& item : made.jobs) bench.ask<core::JobChanged>(core::Cancel{item.id});
  }
  await_pass();
  EXPECT_EQ(rows(family::members), 0u);
  EXPECT_EQ(rows(family::workflows), 0u);
}

TEST_F(SweeperTest, LogLinesGoWithTheirJob) {
  bench.start(restless());
  core::NewJob brief = Bench::job("q");
  brief.retention = core::Retention{1, 1};
  const JobId gone = bench.submit(std::move(brief));
  const JobId kept = bench.submit(Bench::job("q"));
  for (const core::GrantedJob& granted : bench.lease_all("q", 2)) {
    bench.post(core::AppendLogs{granted.id, granted.lease, {"line"}});
    bench.complete(granted);
  }
  await_pass();
  await_pass();
  EXPECT_EQ(lines(kept), 1u);
  EXPECT_EQ(lines(gone), 0u);
  EXPECT_EQ(rows(family::logs), 1u);
}

}  // namespace
}  // namespace pawl::engine
