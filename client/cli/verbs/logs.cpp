#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/text/moment.h"
#include "client/cli/verbs/job_text.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

constexpr std::string_view page = "1000";
constexpr std::int64_t follow_ms = 500;

/// A line is {"at","text"}; a bare string reads the same.
std::string line_text(const Json& line) {
  if (line.is_string()) return printable(line.text()) + "\n";
  const auto at = wire::parse_time(line["at"].text());
  return fmt::format("{}  {}\n", at ? clock_text(*at) : line["at"].text(), printable(line["text"].text()));
}

Query query_of(const Logs& command) {
  Query query;
  query.add("limit", page);
  if (command.attempt) query.add("attempt", std::to_string(*command.attempt));
  return query;
}

/// Prints what comes after `shown` lines and counts them in.
Result<Answer> print_new(const Logs& command, std::size_t& shown, Session& session) {
  std::size_t seen = 0;
  std::string cursor;
  while (true) {
    const Query query = query_of(command).add("cursor", cursor);
    auto answer = session.get(path("jobs", command.job_id, "logs") + query.text());
    if (!answer) return answer;
    std::string text;
    for (const Json& line : answer->json["lines"].items()) {
      if (++seen > shown) text.append(line_text(line));
    }
    print(text);
    cursor = answer->json["nextCursor"].text();
    if (cursor.empty()) {
      shown = std::max(shown, seen);
      return answer;
    }
  }
}

}  // namespace

Result<Exit> run(const Logs& command, Session& session) {
  if (session.wants_json() && command.follow)
    return misuse("--follow writes lines for people: leave out --json, or ask again without --follow");
  if (session.wants_json()) {
    const auto answer = session.get(path("jobs", command.job_id, "logs") + query_of(command).text());
    if (!answer) return std::unexpected(answer.error());
    Session::print_json(*answer);
    return Exit::ok;
  }
  std::size_t shown = 0;
  if (const auto first = print_new(command, shown, session); !first) return std::unexpected(first.error());
  if (!command.follow) return Exit::ok;
  std::optional<Failure> broken;
  const auto end = follow_job(session, command.job_id, follow_ms, [&](const Json&) {
    const auto more = print_new(command, shown, session);
    if (!more && !more.error().transient) broken = more.error();
  });
  if (!end) return std::unexpected(end.error());
  if (broken) return std::unexpected(*broken);
  return Exit::ok;
}

}  // namespace pawl::cli
