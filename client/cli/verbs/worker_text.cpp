#include "client/cli/verbs/worker_text.h"

#include <fmt/format.h>

#include "client/cli/text/duration.h"
#include "client/cli/verbs/job_text.h"
#include "client/cli/verbs/page.h"

namespace pawl::cli {

Result<Answer> get_workers(Session& session, const Page& page) {
  return session.get("/workers" + page_query(page).text());
}

std::string workers_table(const Json& workers, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"WORKER", left, true},
               {"HOW", left},
               {"HOLDS", right},
               {"CREDIT", right},
               {"SEEN", right},
               {"AWAY", right},
               {"HOST", left, true},
               {"VERSION", left, true},
               {"QUEUES", left, true}}};
  for (const Json& worker : workers.items()) {
    std::string queues;
    for (const Json& queue : worker["queues"].items())
      queues.append(queues.empty() ? "" : ", ").append(queue.text());
    const std::string seen = age_text(worker["lastSeenAt"]);
    const Json away = worker["roundTripMs"];
    const bool connected = worker["connected"].truth();
    table.add({{worker["workerId"].text()},
               {connected ? "connected" : "polls", connected ? Tone::good : Tone::plain},
               {count_text(static_cast<std::int64_t>(worker["active"].size()))},
               {count_text(worker["credit"].integer())},
               {seen.empty() ? "-" : seen + " ago"},
               {away.is_null() ? "-" : fmt::format("{:.1f} ms", away.number())},
               {worker["host"].text(worker["address"].text("-"))},
               {worker["version"].text("-")},
               {queues}});
  }
  return table.text(screen);
}

}  // namespace pawl::cli
