#include "client/cli/verbs/operation_text.h"

#include <fmt/format.h>

#include <array>

#include "client/cli/text/duration.h"
#include "client/cli/text/terminal.h"

namespace pawl::cli {

std::string operation_text(std::string_view queue, const Json& operation) {
  constexpr std::array<std::string_view, 3> words{"replayed", "purged", "drained"};
  std::string text = printable(queue) + " ";
  for (const std::string_view word : words) {
    if (operation[word].is_number())
      text.append(fmt::format(" {} {}", count_text(operation[word].integer()), word));
  }
  if (const std::int64_t skipped = operation["skipped"].integer(); skipped > 0) {
    text.append(fmt::format(", {} left as they were", count_text(skipped)));
  }
  if (operation["state"].text() == "stopped") {
    text.append("; it stopped, since too many failed again");
  } else if (operation["state"].text() == "running") {
    text.append(fmt::format(" so far; it goes on in the broker as {}", operation["operationId"].text()));
  }
  return text.append("\n");
}

}  // namespace pawl::cli
