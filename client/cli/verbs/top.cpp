#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "client/cli/commands.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/verbs/limit_text.h"
#include "client/cli/verbs/operation_table.h"
#include "client/cli/verbs/queue_text.h"
#include "client/cli/verbs/schedule_text.h"
#include "client/cli/verbs/worker_text.h"

namespace pawl::cli {
namespace {

struct Totals {
  std::int64_t waiting = 0;
  std::int64_t active = 0;
  std::int64_t dead = 0;
  double in = 0;
  double done = 0;
};

Totals totals_of(const Json& queues) {
  Totals totals;
  for (const Json& queue : queues.items()) {
    const Json counts = queue["counts"];
    totals.waiting += counts["pending"].integer() + counts["stalled"].integer();
    totals.active += counts["active"].integer();
    totals.dead += counts["failed"].integer();
    totals.in += queue["rates"]["submittedPerSecond"].number();
    totals.done += queue["rates"]["completedPerSecond"].number();
  }
  return totals;
}

std::string head_line(const Json& queues, const Json& workers, const Session& session) {
  const Totals totals = totals_of(queues);
  const std::string rates = fmt::format("in {}/s  done {}/s", rate_text(totals.in), rate_text(totals.done));
  return fmt::format("{}  {}  {}\nwaiting {}  active {}  dead {}  workers {}  {} over the last minute\n",
                     toned("pawl top", Tone::bold, session.screen()), session.url(), clock_text(now_ms()),
                     count_text(totals.waiting), count_text(totals.active), count_text(totals.dead),
                     workers.size(), rates);
}

Result<std::string> frame(Session& session) {
  const auto queues = get_queues(session);
  if (!queues) return std::unexpected(queues.error());
  const auto workers = get_workers(session);
  if (!workers) return std::unexpected(workers.error());
  const auto schedules = get_schedules(session);
  if (!schedules) return std::unexpected(schedules.error());
  const auto limits = session.get("/limits?limit=1000");
  if (!limits) return std::unexpected(limits.error());
  const auto operations = session.get("/bulk?limit=1000");
  if (!operations) return std::unexpected(operations.error());
  // The newest: those that run are among them but for very old ones.
  const auto workflows = session.get("/workflows?limit=50");
  if (!workflows) return std::unexpected(workflows.error());
  const Json queue_list = queues->json["queues"];
  const Json worker_list = workers->json["workers"];
  std::string text = head_line(queue_list, worker_list, session);
  text.append(schedules_line(schedules->json)).append("\n");
  text.append(queue_list.size() > 0 ? queues_table(queue_list, session.screen()) : "No queues yet.\n");
  const std::vector<Json> busy = busy_limits(limits->json);
  if (!busy.empty()) text.append("\n").append(limits_table(busy, session.screen()));
  const std::vector<Json> running = under_way(operations->json["operations"]);
  if (!running.empty()) text.append("\n").append(operations_table(running, session.screen()));
  const std::vector<Json> graphs = under_way(workflows->json["workflows"]);
  if (!graphs.empty()) text.append("\n").append(workflows_table(graphs, session.screen()));
  if (worker_list.size() > 0) text.append("\n").append(workers_table(worker_list, session.screen()));
  return text;
}

/// `text` over what the screen shows now, cut to its height; every line is cleared behind its end, so nothing
/// flickers.
std::string painted(std::string_view text, const Screen& screen) {
  std::string out = "\x1b[H";
  for (std::size_t row = 1; !text.empty() && row < screen.rows; ++row) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.append(text.substr(0, end)).append("\x1b[K\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out.append("\x1b[J");
}

Result<Exit> json_frame(Session& session) {
  const auto queues = get_queues(session);
  if (!queues) return std::unexpected(queues.error());
  const auto workers = get_workers(session);
  if (!workers) return std::unexpected(workers.error());
  const auto schedules = get_schedules(session);
  if (!schedules) return std::unexpected(schedules.error());
  const auto limits = session.get("/limits?limit=1000");
  if (!limits) return std::unexpected(limits.error());
  print(JsonObject{}
            .add_raw("limits", limits->json["limits"].dump())
            .add_raw("queues", queues->json["queues"].dump())
            .add_raw("workers", workers->json["workers"].dump())
            .add_raw("schedules", schedules->json["schedules"].dump())
            .text() +
        "\n");
  return Exit::ok;
}

}  // namespace

Result<Exit> run(const Top& command, Session& session) {
  if (session.wants_json()) return json_frame(session);
  if (command.once || !session.screen().tty) {
    const auto text = frame(session);
    if (!text) return std::unexpected(text.error());
    print(*text);
    return Exit::ok;
  }
  print("\x1b[2J");
  while (true) {
    const Screen screen = Screen::of(1);  // it may have been resized
    const auto text = frame(session);
    if (!text && !text.error().transient) return std::unexpected(text.error());
    const std::string shown = text ? *text : fmt::format("{}\nTrying on.\n", printable(text.error().message));
    if (!print(painted(shown, screen))) return Exit::ok;
    std::this_thread::sleep_for(std::chrono::milliseconds{command.every_ms});
  }
}

}  // namespace pawl::cli
