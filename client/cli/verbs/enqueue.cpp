#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <pawl/client.hpp>
#include <sstream>

#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/verbs/job_text.h"
#include "client/cli/verbs/watching.h"

namespace pawl::cli {
namespace {

Result<std::string> read_stdin() {
  std::string all;
  std::array<char, 64 * 1024> buffer;
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got == 0) return all;
    if (got > 0) {
      all.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return misuse(fmt::format("cannot read the payload from standard input: {}", std::strerror(errno)));
    }
  }
}

Result<std::string> read_file(const std::string& file) {
  errno = 0;
  std::ifstream stream{file, std::ios::binary};
  std::ostringstream all;
  if (stream) all << stream.rdbuf();
  // An empty file sets failbit on the output stream, and a folder opens but does not read.
  if (!stream || stream.bad() || (all.fail() && errno != 0)) {
    return misuse(fmt::format("cannot read {}: {}", file, std::strerror(errno != 0 ? errno : EIO)));
  }
  return std::move(all).str();
}

Result<std::string> payload_of(const Enqueue& command) {
  std::string source = "the payload";
  Result<std::string> read = std::string{"null"};
  if (!command.file.empty()) {
    source = command.file;
    read = read_file(command.file);
  } else if (command.payload == "-") {
    source = "standard input";
    read = read_stdin();
  } else if (command.payload) {
    read = *command.payload;
  } else {
    return read;
  }
  if (!read || command.text) return read ? json_string(*read) : read;
  if (const auto fault = Json::fault_of(*read)) {
    return misuse(fmt::format("{} is not JSON: {}", source, *fault),
                  {"To send it as text, as it is, add --text."});
  }
  return read;
}

}  // namespace

Result<Exit> run(const Enqueue& command, Session& session) {
  auto payload = payload_of(command);
  if (!payload) return std::unexpected(payload.error());
  JobSpec spec = command.spec;
  try {
    spec.payload = JsonText::raw(std::move(*payload));
  } catch (const Exception& error) {
    return misuse(error.error().text());
  }
  Session::Headers headers;
  if (!spec.idempotency_key.empty()) headers.emplace_back("Idempotency-Key", spec.idempotency_key);
  const auto answer = session.call("POST", "/jobs", to_json(spec), headers);
  if (!answer) return std::unexpected(answer.error());
  const std::string job_id = answer->json["jobId"].text();
  const bool deduplicated = answer->json["deduplicated"].truth();
  if (!command.wait) {
    if (session.wants_json()) {
      Session::print_json(*answer);
    } else {
      print(job_id + "\n");
      if (deduplicated) print_error("This job was there already: same unique key.\n");
    }
    return Exit::ok;
  }
  return watch_to_the_end(session, job_id);
}

}  // namespace pawl::cli
