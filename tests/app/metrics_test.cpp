#include "broker/app/metrics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

namespace pawl::app {
namespace {

core::QueueView queue(const std::string& name, std::uint64_t pending, std::uint64_t active) {
  core::QueueView view;
  view.name = name;
  view.counts[static_cast<std::size_t>(core::Status::pending)] = pending;
  view.counts[static_cast<std::size_t>(core::Status::active)] = active;
  view.counts[static_cast<std::size_t>(core::Status::failed)] = 3;
  return view;
}

MetricsInput full_input() {
  MetricsInput input;
  input.ready = true;
  input.queues = core::QueueList{{queue("mail", 8, 2), queue("video", 1, 0)}};
  input.workers = core::WorkerList{std::vector<core::WorkerView>(3)};
  input.workers->workers[0].connected = true;
  engine::JobMeters& meters = input.jobs[{"mail", "welcome"}];
  meters.run.add(1.5);
  meters.run.add(2.5);
  meters.run.add(5000);
  meters.completed = 3;
  input.push = push::PushCounts{5, 4, 3, 2, 1};
  input.http.requests[{"/jobs/{jobId}", "GET", 200}].requests = 4;
  input.http.requests[{"/jobs/{jobId}", "GET", 404}].requests = 1;
  return input;
}

TEST(MetricsTest, EveryMetricOfTheTableIsThereAndNoOther) {
  const std::string text = render_metrics(full_input());
  std::set<std::string> named;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) named.insert(line.substr(7, line.find(' ', 7) - 7));
  }
  std::set<std::string> expected;
  for (const MetricSpec& spec : metrics_table()) {
    EXPECT_TRUE(spec.name.starts_with("pawl_")) << spec.name;
    EXPECT_EQ(spec.name.ends_with("_total"), spec.type == MetricSpec::Type::counter) << spec.name;
    EXPECT_TRUE(spec.doc.ends_with('.')) << spec.name;
    EXPECT_TRUE(expected.insert(std::string(spec.name)).second) << spec.name;
  }
  EXPECT_EQ(named, expected);
}

TEST(MetricsTest, SamplesCarryWhatWasCounted) {
  const std::string text = render_metrics(full_input());
  for (const char* line : {
           R"(pawl_queue_jobs{queue="mail",state="pending"} 8)",
           R"(pawl_queue_dead_letters{queue="video"} 3)",
           R"(pawl_leases 2)",
           R"(pawl_workers{connected="true"} 1)",
           R"(pawl_workers{connected="false"} 2)",
           R"(pawl_attempts_total{queue="mail",name="welcome",outcome="completed"} 3)",
           R"(pawl_job_run_seconds_bucket{queue="mail",name="welcome",le="2.5"} 2)",
           R"(pawl_job_run_seconds_bucket{queue="mail",name="welcome",le="3600"} 2)",
           R"(pawl_job_run_seconds_bucket{queue="mail",name="welcome",le="+Inf"} 3)",
           R"(pawl_queue_estimated_wait_seconds{queue="video"} +Inf)",
           R"(pawl_http_requests_total{route="/jobs/{jobId}",method="GET",status="404"} 1)",
           R"(pawl_ready 1)",
       }) {
    EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << "\nin\n" << text;
  }
}

TEST(MetricsTest, WithoutTheEnginesAnswerTheRestIsStillTold) {
  MetricsInput input = full_input();
  input.queues.reset();
  input.workers.reset();
  const std::string text = render_metrics(input);
  EXPECT_EQ(text.find("pawl_queue_jobs"), std::string::npos);
  EXPECT_NE(text.find("pawl_store_syncs_total"), std::string::npos);
}

TEST(MetricsTest, QueueLabelsAreCapped) {
  MetricsInput input;
  input.queues.emplace();
  for (std::size_t i = 0; i < queue_labels_max + 7; ++i)
    input.queues->queues.push_back(queue(fmt::format("q{:05}", i), 1, 1));
  const std::string text = render_metrics(input);
  EXPECT_NE(text.find(R"(pawl_queue_jobs{queue="~other",state="pending"} 7)"), std::string::npos);
  EXPECT_EQ(text.find("q00500"), std::string::npos);
  EXPECT_NE(text.find("pawl_leases 507"), std::string::npos);
}

TEST(MetricsTest, TheEstimatedWaitIsWaitingTimesMeanRunByBusySlots) {
  EXPECT_DOUBLE_EQ(estimated_wait_s(8, 3, 2, 2), 12);
  EXPECT_DOUBLE_EQ(estimated_wait_s(8, 3, 0, 4), 6);
  EXPECT_DOUBLE_EQ(estimated_wait_s(0, 3, 0, 0), 0);
  EXPECT_TRUE(std::isinf(estimated_wait_s(1, 3, 0, 0)));
}

}  // namespace
}  // namespace pawl::app
