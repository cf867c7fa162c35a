// What /metrics says, in Prometheus' text format: families are built at each scrape from what the layers
// count.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/core/reply.h"
#include "broker/engine/meters.h"
#include "broker/http/http_meters.h"
#include "broker/push/pusher.h"
#include "storage/store.h"

namespace pawl::app {

/// One row of the table of metrics; docs/OPERATIONS.md has the same rows, a test compares them.
struct MetricSpec {
  enum class Type : std::uint8_t { counter, gauge, histogram };
  std::string_view name;
  Type type;
  std::string_view labels;  // names, separated by commas
  std::string_view doc;
};
std::span<const MetricSpec> metrics_table();

/// What the HTTP server counted.
struct HttpSample {
  std::map<http::HttpMeters::Key, http::RequestMeters> requests;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t streams_dropped = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::int64_t open = 0;
  std::int64_t streams = 0;
  std::int64_t workers = 0;
};
HttpSample sample_of(const http::HttpMeters& meters);

/// Everything a scrape shows. Queues and workers are absent while the engine takes no questions.
struct MetricsInput {
  std::optional<core::QueueList> queues;
  std::optional<core::WorkerList> workers;
  std::map<engine::Meters::Key, engine::JobMeters> jobs;
  engine::EngineMeters engine;
  std::size_t inbox_commands = 0;
  bool ready = false;
  storage::Counters store;
  HttpSample http;
  std::optional<push::PushCounts> push;
  core::Millis started_at = 0;
};

/// At most so many queues have series of their own; those that come later by name are summed as
/// queue="~other".
inline constexpr std::size_t queue_labels_max = 500;

std::string render_metrics(const MetricsInput& input);

/// The time that a job submitted now would wait: waiting jobs × mean run time ÷ busy slots. Infinite when
/// nobody works on the queue; NaN while no job of it has run yet.
double estimated_wait_s(std::uint64_t waiting, double mean_run_s, std::uint64_t active, std::uint64_t slots);

}  // namespace pawl::app
