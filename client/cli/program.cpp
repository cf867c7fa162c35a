#include "client/cli/program.h"

#include <exception>

#include "client/cli/arguments.h"
#include "client/cli/problem.h"
#include "client/cli/text/terminal.h"

namespace pawl::cli {
namespace {

Result<Exit> parse_and_run(const std::vector<std::string>& words) {
  auto parsed = parse_arguments(words);
  if (!parsed) return std::unexpected(parsed.error());
  if (const auto* information = std::get_if<Information>(&*parsed)) {
    print(information->text);
    return Exit::ok;
  }
  auto& [common, command] = std::get<Invocation>(*parsed);
  auto session = Session::open(std::move(common));
  if (!session) return std::unexpected(session.error());
  return std::visit([&](const auto& one) { return run(one, *session); }, command);
}

}  // namespace

Exit run_program(const std::vector<std::string>& words) {
  Result<Exit> done = Exit::ok;
  try {
    done = parse_and_run(words);
  } catch (const std::exception& error) {
    done = refused(error.what());
  }
  if (done) return *done;
  print_failure(done.error());
  return done.error().exit;
}

}  // namespace pawl::cli
