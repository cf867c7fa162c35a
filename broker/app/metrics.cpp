#include "broker/app/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

namespace pawl::app {
namespace {

using core::Status;

/// Collects samples under the names of the table.
class Families {
 public:
  Families() {
    for (const MetricSpec& spec : metrics_table()) {
      prometheus::MetricFamily& family = families_.emplace_back();
      family.name = spec.name;
      family.help = spec.doc;
      switch (spec.type) {
        case MetricSpec::Type::counter:
          family.type = prometheus::MetricType::Counter;
          break;
        case MetricSpec::Type::gauge:
          family.type = prometheus::MetricType::Gauge;
          break;
        case MetricSpec::Type::histogram:
          family.type = prometheus::MetricType::Histogram;
          break;
      }
    }
  }

  /// values: one for each label of the metric, in the table's order.
  void add(std::string_view name, double value, const std::vector<std::string>& values = {}) {
    prometheus::MetricFamily& family = find(name);
    prometheus::ClientMetric& metric = sample(family, name, values);
    if (family.type == prometheus::MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
  }
  void add(std::string_view name, const engine::Histogram& histogram,
           const std::vector<std::string>& values = {}) {
    prometheus::ClientMetric& metric = sample(find(name), name, values);
    metric.histogram.sample_count = histogram.count;
    metric.histogram.sample_sum = histogram.sum_s;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < histogram.buckets.size(); ++i) {
      below += histogram.buckets[i];
      const double bound = i < engine::duration_bounds_s.size() ? engine::duration_bounds_s[i]
                                                                : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({below, bound});
    }
  }

  std::string text() {
    std::erase_if(families_, [](const prometheus::MetricFamily& family) { return family.metric.empty(); });
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return std::move(out).str();
  }

 private:
  prometheus::MetricFamily& find(std::string_view name) {
    return *std::ranges::find(families_, name, &prometheus::MetricFamily::name);
  }
  static prometheus::ClientMetric& sample(prometheus::MetricFamily& family, std::string_view name,
                                          const std::vector<std::string>& values) {
    std::string_view labels = std::ranges::find(metrics_table(), name, &MetricSpec::name)->labels;
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (const std::string& value : values) {
      const std::size_t end = std::min(labels.find(','), labels.size());
      metric.label.push_back({std::string(labels.substr(0, end)), value});
      labels.remove_prefix(std::min(end + 1, labels.size()));
    }
    return metric;
  }

  std::vector<prometheus::MetricFamily> families_;
};

std::uint64_t waiting_of(const core::QueueView& queue) {
  return queue.counts[static_cast<std::size_t>(Status::pending)] +
         queue.counts[static_cast<std::size_t>(Status::stalled)];
}

/// The queues that get labels of their own, and one that stands for all others.
std::vector<core::QueueView> capped(const std::vector<core::QueueView>& queues) {
  if (queues.size() <= queue_labels_max) return queues;
  std::vector<core::QueueView> shown(queues.begin(), queues.begin() + queue_labels_max);
  core::QueueView rest;
  rest.name = "~other";
  for (std::size_t i = queue_labels_max; i < queues.size(); ++i) {
    const core::QueueView& queue = queues[i];
    for (std::size_t s = 0; s < core::status_count; ++s) rest.counts[s] += queue.counts[s];
    rest.oldest_pending_ms = std::max(rest.oldest_pending_ms, queue.oldest_pending_ms);
    rest.workers += queue.workers;
    rest.slots += queue.slots;
  }
  shown.push_back(std::move(rest));
  return shown;
}

double mean_run_s(const MetricsInput& input, const std::string& queue) {
  double sum = 0;
  std::uint64_t count = 0;
  for (auto it = input.jobs.lower_bound({queue, ""}); it != input.jobs.end() && it->first.first == queue;
       ++it) {
    sum += it->second.run.sum_s;
    count += it->second.run.count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

void add_queues(Families& families, const MetricsInput& input) {
  if (!input.queues) return;
  std::uint64_t leases = 0;
  for (const core::QueueView& queue : input.queues->queues) {
    leases += queue.counts[static_cast<std::size_t>(Status::active)];
  }
  families.add("pawl_leases", static_cast<double>(leases));
  for (const core::QueueView& queue : capped(input.queues->queues)) {
    for (std::size_t s = 0; s < core::status_count; ++s) {
      families.add("pawl_queue_jobs", static_cast<double>(queue.counts[s]),
                   {queue.name, std::string(core::name_of(static_cast<Status>(s)))});
    }
    const std::uint64_t active = queue.counts[static_cast<std::size_t>(Status::active)];
    const double wait =
        estimated_wait_s(waiting_of(queue), mean_run_s(input, queue.name), active, queue.slots);
    const double dead = static_cast<double>(queue.counts[static_cast<std::size_t>(Status::failed)]);
    families.add("pawl_queue_dead_letters", dead, {queue.name});
    families.add("pawl_queue_oldest_pending_seconds", static_cast<double>(queue.oldest_pending_ms) / 1000,
                 {queue.name});
    families.add("pawl_queue_estimated_wait_seconds", wait, {queue.name});
    families.add("pawl_queue_paused", queue.settings.paused ? 1 : 0, {queue.name});
    families.add("pawl_queue_workers", queue.workers, {queue.name});
    families.add("pawl_queue_slots", queue.slots, {queue.name});
  }
}

void add_jobs(Families& families, const MetricsInput& input) {
  for (const auto& [key, meters] : input.jobs) {
    const auto& [queue, name] = key;
    const auto count = [&](std::string_view metric, std::uint64_t value) {
      families.add(metric, static_cast<double>(value), {queue, name});
    };
    const auto outcome = [&](const char* what, std::uint64_t value) {
      families.add("pawl_attempts_total", static_cast<double>(value), {queue, name, what});
    };
    count("pawl_jobs_submitted_total", meters.submitted);
    count("pawl_jobs_cancelled_total", meters.cancelled);
    count("pawl_stalls_total", meters.stalled);
    outcome("completed", meters.completed);
    outcome("retried", meters.retried);
    outcome("failed", meters.failed);
    outcome("released", meters.released);
    outcome("stalled", meters.stalled);
    outcome("timed_out", meters.timed_out);
    families.add("pawl_job_wait_seconds", meters.wait, {queue, name});
    families.add("pawl_job_run_seconds", meters.run, {queue, name});
  }
}

void add_engine(Families& families, const MetricsInput& input) {
  families.add("pawl_engine_commands_total", static_cast<double>(input.engine.commands));
  families.add("pawl_engine_batches_total", static_cast<double>(input.engine.batches));
  families.add("pawl_engine_inbox_commands", static_cast<double>(input.inbox_commands));
  families.add("pawl_commit_batch_commands", input.engine.mean_batch_commands);
  families.add("pawl_commit_seconds", input.engine.commit);
  if (!input.workers) return;
  const auto connected = std::ranges::count(input.workers->workers, true, &core::WorkerView::connected);
  families.add("pawl_workers", static_cast<double>(connected), {"true"});
  families.add("pawl_workers", static_cast<double>(std::ssize(input.workers->workers) - connected),
               {"false"});
}

void add_store(Families& families, const storage::Counters& store) {
  families.add("pawl_store_commits_total", static_cast<double>(store.commits));
  families.add("pawl_store_syncs_total", static_cast<double>(store.syncs));
  families.add("pawl_store_sync_seconds_total", static_cast<double>(store.sync_micros) / 1e6);
  families.add("pawl_store_last_sync_seconds", static_cast<double>(store.last_sync_micros) / 1e6);
  families.add("pawl_store_keys_total", static_cast<double>(store.keys));
  families.add("pawl_store_written_bytes_total", static_cast<double>(store.bytes));
  families.add("pawl_store_disk_bytes", static_cast<double>(store.disk_bytes));
  families.add("pawl_store_free_bytes", static_cast<double>(store.free_bytes));
  families.add("pawl_store_memory_bytes", static_cast<double>(store.memory_bytes));
  families.add("pawl_store_write_stalled", store.write_stalled ? 1 : 0);
  families.add("pawl_store_low_on_space", store.low_on_space ? 1 : 0);
}

void add_http(Families& families, const HttpSample& http) {
  std::map<std::pair<std::string, std::string>, engine::Histogram> times;
  for (const auto& [key, meters] : http.requests) {
    const auto& [route, method, status] = key;
    families.add("pawl_http_requests_total", static_cast<double>(meters.requests),
                 {route, method, std::to_string(status)});
    engine::Histogram& time = times[{route, method}];
    for (std::size_t i = 0; i < time.buckets.size(); ++i) time.buckets[i] += meters.duration.buckets[i];
    time.sum_s += meters.duration.sum_s;
    time.count += meters.duration.count;
  }
  for (const auto& [key, time] : times)
    families.add("pawl_http_request_seconds", time, {key.first, key.second});
  families.add("pawl_http_connections", static_cast<double>(http.open));
  families.add("pawl_http_event_streams", static_cast<double>(http.streams));
  families.add("pawl_http_worker_connections", static_cast<double>(http.workers));
  families.add("pawl_http_connections_accepted_total", static_cast<double>(http.accepted));
  families.add("pawl_http_connections_refused_total", static_cast<double>(http.refused));
  families.add("pawl_http_connections_timed_out_total", static_cast<double>(http.timed_out));
  families.add("pawl_http_event_streams_dropped_total", static_cast<double>(http.streams_dropped));
  families.add("pawl_http_received_bytes_total", static_cast<double>(http.bytes_in));
  families.add("pawl_http_sent_bytes_total", static_cast<double>(http.bytes_out));
}

void add_push(Families& families, const push::PushCounts& push) {
  families.add("pawl_push_requests_total", static_cast<double>(push.completed), {"completed"});
  families.add("pawl_push_requests_total", static_cast<double>(push.failed), {"failed"});
  families.add("pawl_push_requests_total", static_cast<double>(push.rate_limited), {"rate_limited"});
  families.add("pawl_push_requests_total", static_cast<double>(push.abandoned), {"abandoned"});
  families.add("pawl_push_requests_under_way", static_cast<double>(push.under_way));
}

void add_process(Families& families) {
  std::size_t pages_all = 0;
  std::size_t pages_resident = 0;
  std::ifstream("/proc/self/statm") >> pages_all >> pages_resident;
  families.add("pawl_process_resident_memory_bytes",
               static_cast<double>(pages_resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  families.add("pawl_process_cpu_seconds_total", seconds(usage.ru_utime) + seconds(usage.ru_stime));
  std::error_code error;
  std::size_t files = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/self/fd", error); !error && it != end(it);
       it.increment(error)) {
    ++files;
  }
  families.add("pawl_process_open_fds", static_cast<double>(files));
}

}  // namespace

HttpSample sample_of(const http::HttpMeters& meters) {
  HttpSample sample;
  sample.requests = meters.requests();
  sample.accepted = meters.accepted;
  sample.refused = meters.refused;
  sample.timed_out = meters.timed_out;
  sample.streams_dropped = meters.streams_dropped;
  sample.bytes_in = meters.bytes_in;
  sample.bytes_out = meters.bytes_out;
  sample.open = meters.open;
  sample.streams = meters.streams;
  sample.workers = meters.workers;
  return sample;
}

double estimated_wait_s(std::uint64_t waiting, double mean_run_s, std::uint64_t active, std::uint64_t slots) {
  if (waiting == 0) return 0;
  const std::uint64_t busy = std::max(active, std::min(slots, waiting));
  if (busy == 0) return std::numeric_limits<double>::infinity();
  return static_cast<double>(waiting) * mean_run_s / static_cast<double>(busy);
}

std::string render_metrics(const MetricsInput& input) {
  Families families;
  families.add("pawl_build_info", 1, {PAWL_VERSION});
  families.add("pawl_start_time_seconds", static_cast<double>(input.started_at) / 1000);
  families.add("pawl_ready", input.ready ? 1 : 0);
  add_queues(families, input);
  add_jobs(families, input);
  add_engine(families, input);
  add_store(families, input.store);
  add_http(families, input.http);
  if (input.push) add_push(families, *input.push);
  add_process(families);
  return families.text();
}

}  // namespace pawl::app
