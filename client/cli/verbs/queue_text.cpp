#include "client/cli/verbs/queue_text.h"

#include <fmt/format.h>

#include <cmath>

#include "client/cli/text/duration.h"
#include "client/cli/verbs/job_text.h"
#include "client/cli/verbs/page.h"

namespace pawl::cli {
namespace {

Cell count_cell(const Json& count, Tone tone_if_any = Tone::plain) {
  const std::int64_t value = count.integer();
  return {count_text(value), value > 0 ? tone_if_any : Tone::dim};
}

}  // namespace

Result<Answer> get_queues(Session& session, const Page& page) {
  return session.get("/queues" + page_query(page).text());
}

std::string minute_rate_text(const Json& queue, std::string_view what) {
  return rate_text(queue["rates"][std::string{what}.append("PerSecond")].number());
}

std::string quantile_text(const Json& ms) {
  return ms.is_number() ? duration_text(std::llround(ms.number())) : "-";
}

std::string rate_limit_text(const Json& rate) {
  std::string text =
      fmt::format("at most {} in {}", rate["max"].text(), duration_text(rate["perMs"].integer()));
  if (rate["burst"].is_number()) text.append(fmt::format(", {} at once", rate["burst"].text()));
  return text;
}

std::string queues_table(const Json& queues, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"QUEUE", left, true},
               {"PENDING", right},
               {"ACTIVE", right},
               {"DELAYED", right},
               {"STALLED", right},
               {"COMPLETED", right},
               {"DEAD", right},
               {"OLDEST", right},
               {"IN/S", right},
               {"DONE/S", right},
               {"P50", right},
               {"P95", right},
               {"GROUPS", right},
               {"WORKERS", right},
               {"", left}}};
  const auto state = [](const Json& queue) -> std::string {
    if (queue["paused"].truth()) return "paused";
    if (queue["heldUntil"].is_string()) return "held until " + moment_text(queue["heldUntil"]);
    return queue["settings"]["push"].is_object() ? "pushed" : "";
  };
  for (const Json& queue : queues.items()) {
    const Json counts = queue["counts"];
    const std::int64_t oldest = queue["oldestPendingMs"].integer();
    const bool waiting = counts["pending"].integer() + counts["stalled"].integer() > 0;
    const bool unserved = waiting && queue["workers"].integer() == 0;
    table.add({{queue["queue"].text(), Tone::bold},
               count_cell(counts["pending"]),
               count_cell(counts["active"], Tone::good),
               count_cell(counts["delayed"], Tone::warn),
               count_cell(counts["stalled"], Tone::warn),
               count_cell(counts["completed"]),
               count_cell(counts["failed"], Tone::bad),
               {oldest > 0 ? duration_text(oldest) : "-"},
               {minute_rate_text(queue, "submitted")},
               {minute_rate_text(queue, "completed")},
               {quantile_text(queue["p50"])},
               {quantile_text(queue["p95"])},
               count_cell(queue["groups"]),
               {count_text(queue["workers"].integer()), unserved ? Tone::bad : Tone::plain},
               {state(queue), Tone::warn}});
  }
  return table.text(screen);
}

}  // namespace pawl::cli
