#include <fmt/format.h>
#include <unistd.h>

#include "client/cli/text/duration.h"
#include "client/cli/verbs/dlq_text.h"
#include "client/cli/verbs/operation_text.h"

namespace pawl::cli {
namespace {

/// How many dead letters the command is about.
Result<std::int64_t> count_letters(const DlqPurge& command, Session& session) {
  if (!command.job_ids.empty()) return static_cast<std::int64_t>(command.job_ids.size());
  if (command.filter.empty()) {
    const auto queue = session.get(path("queues", command.queue));
    if (!queue) return std::unexpected(queue.error());
    return queue->json["counts"]["failed"].integer();
  }
  std::int64_t count = 0;
  std::string cursor;
  do {
    const auto page = get_dead_letters(session, command.queue, command.filter, 1000, cursor);
    if (!page) return std::unexpected(page.error());
    count += static_cast<std::int64_t>(page->json["jobs"].size());
    cursor = page->json["nextCursor"].text();
  } while (!cursor.empty());
  return count;
}

/// The first line of standard input, without its end; a few digits are expected.
std::string read_line() {
  std::string line;
  char c = 0;
  while (line.size() < 64 && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line.push_back(c);
  while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
  return line;
}

Result<void> ask(const DlqPurge& command, std::int64_t count) {
  print_error(fmt::format("{} dead letters of {} will be deleted for good. Type {} to go on: ",
                          count_text(count), printable(command.queue), count));
  const std::string typed = read_line();
  if (typed == fmt::format("{}", count)) return {};
  if (::isatty(STDIN_FILENO) != 1) print_error("\n");
  return refused(typed.empty() ? "nothing was deleted: the number was not confirmed"
                               : fmt::format("nothing was deleted: \"{}\" is not {}", typed, count),
                 {"Type the exact number, or add --yes to go on without a question."});
}

}  // namespace

Result<Exit> run(const DlqPurge& command, Session& session) {
  if (const auto fits = check_choice(command.job_ids, command.filter); !fits)
    return std::unexpected(fits.error());
  if (!command.yes) {
    const auto count = count_letters(command, session);
    if (!count) return std::unexpected(count.error());
    if (*count > 0) {
      if (const auto sure = ask(command, *count); !sure) return std::unexpected(sure.error());
    }
  }
  const auto answer = session.call("POST", path("queues", command.queue, "dlq/purge"),
                                   choice_json(command.job_ids, command.filter).text());
  if (!answer) return std::unexpected(answer.error());
  if (session.wants_json()) {
    Session::print_json(*answer);
  } else {
    print(operation_text(command.queue, answer->json));
  }
  return Exit::ok;
}

}  // namespace pawl::cli
