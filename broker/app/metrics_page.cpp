#include "broker/app/metrics_page.h"

#include <utility>

#include "broker/app/engine_question.h"
#include "broker/app/metrics.h"

namespace pawl::app {
namespace {

constexpr std::chrono::milliseconds patience{1000};

template <typename T>
std::optional<T> only(std::optional<core::Reply> reply) {
  if (!reply || !std::holds_alternative<T>(*reply)) return std::nullopt;
  return std::get<T>(std::move(*reply));
}

}  // namespace

std::string MetricsPage::text() const {
  MetricsInput input;
  input.queues = only<core::QueueList>(ask(engine_, core::ListQueues{}, patience));
  if (input.queues) input.workers = only<core::WorkerList>(ask(engine_, core::ListWorkers{}, patience));
  input.jobs = engine_.meters().jobs();
  input.engine = engine_.meters().engine();
  input.inbox_commands = engine_.inbox_size();
  input.ready = engine_.ready();
  input.store = engine_.store_counters();
  if (const http::HttpMeters* meters = http_.load()) input.http = sample_of(*meters);
  if (const push::Pusher* pusher = pusher_.load()) input.push = pusher->counts();
  input.started_at = started_at_;
  return render_metrics(input);
}

}  // namespace pawl::app
