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
#include "client/cli/verbs/trigger_text.h"
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

// All that one picture shows.
struct View {
  Json queues;
  Json workers;
  Json schedules;  // the page
  Json triggers;   // the page
  Json limits;
  Json operations;
  Json workflows;  // the newest: those that run are among them but for very old ones
};

Result<View> look(Session& session) {
  View view;
  Result<void> all;
  const auto take = [&all](Result<Answer> answer, Json& page) {
    if (answer)
      page = std::move(answer->json);
    else
      all = std::unexpected(answer.error());
  };
  take(get_queues(session, {1000, {}}), view.queues);
  take(get_workers(session, {1000, {}}), view.workers);
  take(get_schedules(session), view.schedules);
  take(session.get("/triggers?limit=1000"), view.triggers);
  take(session.get("/limits?limit=1000"), view.limits);
  take(session.get("/bulk?limit=1000"), view.operations);
  take(session.get("/workflows?limit=50"), view.workflows);
  if (!all) return std::unexpected(all.error());
  view.queues = view.queues["queues"];
  view.workers = view.workers["workers"];
  view.limits = view.limits["limits"];
  view.operations = view.operations["operations"];
  view.workflows = view.workflows["workflows"];
  return view;
}

Result<std::string> frame(Session& session) {
  const auto view = look(session);
  if (!view) return std::unexpected(view.error());
  const Screen& screen = session.screen();
  std::string text = head_line(view->queues, view->workers, session);
  text.append(schedules_line(view->schedules)).append(triggers_line(view->triggers)).append("\n");
  text.append(view->queues.size() > 0 ? queues_table(view->queues, screen) : "No queues yet.\n");
  const std::vector<Json> busy = busy_limits(view->limits);
  if (!busy.empty()) text.append("\n").append(limits_table(busy, screen));
  const std::vector<Json> running = under_way(view->operations);
  if (!running.empty()) text.append("\n").append(operations_table(running, screen));
  const std::vector<Json> graphs = under_way(view->workflows);
  if (!graphs.empty()) text.append("\n").append(workflows_table(graphs, screen));
  if (view->workers.size() > 0) text.append("\n").append(workers_table(view->workers, screen));
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

std::string list_text(const std::vector<Json>& items) {
  std::string text = "[";
  for (const Json& item : items) text.append(text.size() > 1 ? "," : "").append(item.dump());
  return text + "]";
}

Result<Exit> json_frame(Session& session) {
  const auto view = look(session);
  if (!view) return std::unexpected(view.error());
  print(JsonObject{}
            .add_raw("limits", view->limits.dump())
            .add_raw("operations", list_text(under_way(view->operations)))
            .add_raw("queues", view->queues.dump())
            .add_raw("schedules", view->schedules["schedules"].dump())
            .add_raw("triggers", view->triggers["triggers"].dump())
            .add_raw("workers", view->workers.dump())
            .add_raw("workflows", list_text(under_way(view->workflows)))
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
