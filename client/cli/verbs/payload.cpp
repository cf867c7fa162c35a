#include "client/cli/verbs/payload.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "client/cli/text/json.h"

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

Result<std::string> json_of(const PayloadSource& from) {
  std::string source = "the payload";
  Result<std::string> read = from.left_out;
  if (!from.file.empty()) {
    source = from.file;
    read = read_file(from.file);
  } else if (from.payload == "-") {
    source = "standard input";
    read = read_stdin();
  } else if (from.payload) {
    read = *from.payload;
  } else {
    return read;
  }
  if (!read || from.text) return read ? json_string(*read) : read;
  if (const auto fault = Json::fault_of(*read)) {
    return misuse(fmt::format("{} is not JSON: {}", source, *fault),
                  {"To send it as text, as it is, add --text."});
  }
  return read;
}

}  // namespace

Result<JsonText> read_payload(const PayloadSource& from) {
  auto json = json_of(from);
  if (!json) return std::unexpected(json.error());
  try {
    return JsonText::raw(std::move(*json));
  } catch (const Exception& error) {
    return misuse(error.error().text());
  }
}

}  // namespace pawl::cli
