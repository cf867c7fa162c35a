#include "client/cli/verbs/page.h"

#include <fmt/format.h>

#include <utility>

#include "client/cli/text/terminal.h"

namespace pawl::cli {

Query page_query(const Page& page, Query query) {
  query.add("limit", std::to_string(page.limit)).add("cursor", page.cursor);
  return query;
}

void print_more(const Answer& answer) {
  const std::string next = answer.json["nextCursor"].text();
  if (!next.empty()) print_error(fmt::format("There are more: the same command with --cursor {}\n", next));
}

}  // namespace pawl::cli
