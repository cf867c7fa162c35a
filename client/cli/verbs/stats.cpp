#include <fmt/format.h>

#include <array>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/text/table.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

struct Window {
  const char* name;
  std::int64_t seconds;
};
constexpr std::array windows{Window{"10 seconds", 10}, Window{"minute", 60}, Window{"5 minutes", 300},
                             Window{"hour", 3600}};
constexpr std::array<std::string_view, 5> counted{"submitted", "started", "completed", "failed", "retried"};

std::string rates_table(const std::vector<Json>& points, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"LAST", left},
               {"SUBMITTED", right},
               {"STARTED", right},
               {"COMPLETED", right},
               {"FAILED", right},
               {"RETRIED", right},
               {"DONE/S", right}}};
  const std::int64_t now = now_ms();
  for (const Window& window : windows) {
    std::array<std::int64_t, counted.size()> sums{};
    for (const Json& point : points) {
      if (wire::parse_time(point["at"].text()).value_or(0) < now - window.seconds * 1000) continue;
      for (std::size_t i = 0; i < counted.size(); ++i) sums[i] += point[counted[i]].integer();
    }
    std::vector<Cell> row{{window.name}};
    for (const std::int64_t sum : sums) row.emplace_back(count_text(sum));
    row.emplace_back(rate_text(static_cast<double>(sums[2]) / static_cast<double>(window.seconds)));
    table.add(std::move(row));
  }
  return table.text(screen);
}

std::string engine_text(const Json& engine, const Screen& screen) {
  Fields fields;
  fields.add("commits", count_text(engine["batches"].integer()));
  fields.add("commands", fmt::format("{}, {:.1f} in a commit", count_text(engine["commands"].integer()),
                                     engine["meanBatchCommands"].number()));
  fields.add("commit time", fmt::format("p50 {:.2f} ms  p99 {:.2f} ms", engine["commitMsP50"].number(),
                                        engine["commitMsP99"].number()));
  fields.add("commands waiting", count_text(engine["waitingCommands"].integer()));
  return fields.text(screen);
}

}  // namespace

Result<Exit> run(const Stats& command, Session& session) {
  const auto answer = session.get(
      "/stats" + Query{}.add("queue", command.queue).add("seconds", "3600").add("step", "1").text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
    return Exit::ok;
  }
  print(rates_table(answer->json["points"].items(), session.screen()) + "\n" +
        engine_text(answer->json["engine"], session.screen()));
  return Exit::ok;
}

}  // namespace pawl::cli
