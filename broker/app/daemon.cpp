#include "broker/app/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "broker/app/engine_question.h"
#include "broker/app/listen_address.h"
#include "broker/app/log.h"
#include "broker/app/metrics_page.h"
#include "broker/app/process.h"
#include "broker/app/token.h"
#include "broker/app/zoned_calendar.h"
#include "broker/engine/engine.h"
#include "broker/http/api/cloud_events.h"
#include "broker/http/api/payload_value.h"
#include "broker/http/api/redaction.h"
#include "broker/http/api/routes.h"
#include "broker/http/dashboard/dashboard.h"
#include "broker/http/server.h"
#include "broker/push/pusher.h"
#include "storage/store.h"

namespace pawl::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What one can hear of the outside before anything is opened.
struct Door {
  std::vector<ListenAddress> listen;
  Token token;
  http::api::Redaction redaction;
};

std::expected<Door, std::string> open_door(const Settings& settings) {
  Door door;
  for (const std::string& text : settings.listen) {
    auto address = parse_listen_address(text);
    if (!address) return std::unexpected(fmt::format("listen: \"{}\" {}", text, address.error()));
    door.listen.push_back(std::move(*address));
  }
  if (door.listen.empty()) return std::unexpected("listen: at least one ADDRESS:PORT is needed");
  auto token = load_token(settings, door.listen);
  if (!token) return std::unexpected(token.error());
  door.token = std::move(*token);
  auto redaction = http::api::Redaction::of(settings.redact);
  if (!redaction) return std::unexpected("redact: " + redaction.error());
  door.redaction = std::move(*redaction);
  return door;
}

std::size_t size_of(std::int64_t value) { return static_cast<std::size_t>(value); }

storage::Options store_options(const Settings& settings, const Log& log) {
  storage::Options options;
  options.families = engine::families();
  options.format_version = engine::format_version;
  options.memory_budget_bytes = static_cast<std::uint64_t>(settings.store_memory_bytes);
  options.free_space_floor_bytes = static_cast<std::uint64_t>(settings.store_free_space_floor_bytes);
  options.notice = [&log](const std::string& message) { log.warn("store: " + message); };
  return options;
}

engine::EngineOptions engine_options(const Settings& settings, const Log& log,
                                     std::shared_ptr<const ZonedCalendar> calendar) {
  engine::EngineOptions options;
  options.calendar = std::move(calendar);
  options.payload_value = http::api::payload_value;
  options.audit_kept_ms = settings.audit_keep_days * 86'400'000;
  options.ends = std::make_shared<http::api::CloudEvents>();
  options.machine.window_jobs = size_of(settings.engine_window_jobs);
  options.machine.window_bytes = size_of(settings.engine_window_bytes);
  options.machine.active_bytes = size_of(settings.engine_active_bytes);
  options.machine.queues_max = size_of(settings.engine_queues_max);
  options.inbox_commands = size_of(settings.engine_inbox_commands);
  options.inbox_bytes = size_of(settings.engine_inbox_bytes);
  options.batch_commands = size_of(settings.engine_batch_commands);
  options.events_kept = size_of(settings.engine_events_kept);
  options.log_info = [&log](const std::string& message) { log.info(message); };
  options.log_warn = [&log](const std::string& message) { log.warn(message); };
  options.on_fatal = [&log](const std::string& message) {
    // Memory is ahead of the disk: nothing more may be said, not even by destructors.
    log.error(message + "; ending at once, the store is recovered at the next start");
    ::_exit(exit_write_failed);
  };
  return options;
}

http::api::Limits api_limits(const Settings& settings) {
  return {.payload_bytes_max = size_of(settings.http_payload_bytes),
          .batch_bytes_max = size_of(settings.http_batch_bytes)};
}

http::ServerOptions server_options(const Settings& settings, const Door& door, const Log& log) {
  http::ServerOptions options;
  options.listen.clear();
  for (const ListenAddress& address : door.listen) options.listen.push_back(address.text());
  options.io_threads = size_of(settings.http_threads);
  options.rules.token = door.token.value;
  options.rules.hosts = settings.hosts;
  options.rules.origins = settings.origins;
#ifdef PAWL_WEB_UI
  // The dashboard's own files hold nothing of anybody's; it asks for the token before it shows anything.
  options.rules.open_paths.insert(options.rules.open_paths.end(), {"/", "/ui"});
  options.rules.open_prefixes.emplace_back("/ui/");
#endif
  const http::api::Limits api = api_limits(settings);
  options.rules.body_bytes_max = [api](http::Method method, std::string_view path) {
    return http::api::body_bytes_max(method, path, api);
  };
  http::Limits& limits = options.rules.limits;
  limits.body_bytes = api.payload_bytes_max + http::api::envelope_bytes_max;
  limits.worker_message_bytes = std::max(limits.worker_message_bytes, limits.body_bytes);
  limits.connections = size_of(settings.http_connections);
  limits.connections_per_address = size_of(settings.http_connections_per_address);
  limits.header_ms = settings.http_header_ms;
  limits.body_ms = settings.http_body_ms;
  limits.idle_ms = settings.http_idle_ms;
  limits.write_ms = settings.http_write_ms;
  limits.worker_silence_ms = settings.worker_silence_ms;
  options.frame_limits = api;
  options.disconnect_grace_ms = settings.worker_disconnect_grace_ms;
  options.version = PAWL_VERSION;
  options.log_warn = [&log](const std::string& message) { log.warn(message); };
  return options;
}

/// Running jobs may settle for a while. Their leases go on in any case: they are on disk.
void drain(engine::Engine& engine, milliseconds grace, const Log& log) {
  engine.stop_leasing();
  const auto deadline = steady_clock::now() + grace;
  std::uint64_t active = 0;
  do {
    const auto reply = ask(engine, core::StopLeasing{}, milliseconds{1000});
    const auto* stopped = reply ? std::get_if<core::StoppedLeasing>(&*reply) : nullptr;
    if (!stopped || stopped->active == 0) return;
    if (active == 0)
      log.info(
          fmt::format("{} jobs are running; waiting for them at most {} ms", stopped->active, grace.count()));
    active = stopped->active;
    std::this_thread::sleep_for(milliseconds{20});
  } while (steady_clock::now() < deadline);
  log.info(fmt::format("{} jobs are still running; their leases go on after the next start", active));
}

int cannot_start(const std::string& why) {
  std::fprintf(stderr, "pawld: %s\n", escaped(why).c_str());
  return exit_cannot_start;
}

void say_ready(const http::Server& server) {
  std::printf("pawld ready http://%s\n", server.addresses().front().c_str());
  std::fflush(stdout);
  notify_service_manager("READY=1");
}

/// Serves with what is open until a stop is asked for; then answers what is in flight.
int serve(const Settings& settings, const Door& door, engine::Engine& engine, const ZonedCalendar& calendar,
          StopSignals& signals, const Log& log) {
  constexpr std::int64_t answers_may_take_ms = 2000;
  using std::chrono::system_clock;
  const auto started_at =
      std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();

  MetricsPage metrics(engine, started_at);
  http::api::ApiContext context{
      .engine = engine, .redaction = door.redaction, .version = PAWL_VERSION, .started_at = started_at};
  context.limits = api_limits(settings);
  if (!door.token.value.empty()) context.actor = "token";
  context.check_timetable = [&calendar](const core::Timetable& timetable) {
    return calendar.fault(timetable);
  };
  context.metrics = [&metrics] { return metrics.text(); };
  auto pusher =
      push::Pusher::start(engine, {.allow = settings.push_allow,
                                   .ca_file = settings.push_ca_file,
                                   .callback_secret = settings.push_callback_secret,
                                   .log_warn = [&log](const std::string& message) { log.warn(message); }});
  if (!pusher) return cannot_start(pusher.error());
  context.check_push = [&pusher](const core::Push& target) { return (*pusher)->check(target); };
  context.queues_changed = [&pusher] { (*pusher)->look(); };
  metrics.show(static_cast<const push::Pusher*>(pusher->get()));

#ifdef PAWL_WEB_UI
  context.ui = [](const http::Request& request, const std::shared_ptr<http::Exchange>& exchange) {
    return http::dashboard::serve(request, *exchange, http::dashboard::embedded_files());
  };
#endif

  http::ServerOptions options = server_options(settings, door, log);
  options.engine = &engine;
  context.workers = options.workers;
  options.route_of = http::api::route_label;
  options.handler = [&context](http::Request&& request, std::shared_ptr<http::Exchange> exchange) {
    http::api::dispatch(context, std::move(request), std::move(exchange));
  };
  auto server = http::Server::start(std::move(options));
  if (!server) return cannot_start("listen: " + server.error());
  metrics.show(&(*server)->meters());
  for (const std::string& address : (*server)->addresses()) log.info("listening on http://" + address);
  say_ready(**server);

  signals.wait();
  log.info("stopping");
  notify_service_manager("STOPPING=1");
  drain(engine, milliseconds{settings.stop_grace_ms}, log);
  (*server)->stop_accepting();
  metrics.show(static_cast<const push::Pusher*>(nullptr));
  (*pusher)->stop();
  (*server)->stop(answers_may_take_ms);
  metrics.show(static_cast<const http::HttpMeters*>(nullptr));
  return 0;
}

}  // namespace

int run_daemon(const Settings& settings) {
  const auto door = open_door(settings);
  if (!door) {
    std::fprintf(stderr, "pawld: %s\n", escaped(door.error()).c_str());
    return exit_wrong_use;
  }
  StopSignals signals;
  const Log log(settings.log_level, settings.log_format);
  if (runs_as_root()) log.warn("running as root: a user of its own is enough for pawld");
  if (!door->token.warning.empty()) log.warn(door->token.warning);

  auto store = storage::Store::open("rocksdb:" + settings.data, store_options(settings, log));
  if (!store) return cannot_start("data: " + store.error().message);
  const auto calendar = std::make_shared<const ZonedCalendar>();
  auto engine = engine::Engine::start(**store, engine_options(settings, log, calendar));
  if (!engine) return cannot_start("data: " + engine.error().message);

  const int status = serve(settings, *door, **engine, *calendar, signals, log);
  (*engine)->stop();
  engine->reset();
  store->reset();
  if (status == 0) log.info("stopped");
  return status;
}

}  // namespace pawl::app
