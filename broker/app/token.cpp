#include "broker/app/token.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "broker/app/text_file.h"

namespace pawl::app {
namespace {

constexpr std::size_t token_bytes_max = 4096;
constexpr std::size_t token_bytes_weak = 16;

std::expected<std::string, std::string> read_token_file(const std::string& path) {
  auto token = read_text_file(path);
  if (!token) return std::unexpected(fmt::format("token-file: {} cannot be read: {}", path, token.error()));
  while (!token->empty() && (token->back() == '\n' || token->back() == '\r' || token->back() == ' '))
    token->pop_back();
  return token;
}

std::string weakness_of(const Settings& settings, const std::string& token) {
  if (token.size() < token_bytes_weak) return "the token is short: take 32 random characters or more";
  struct stat status{};
  if (!settings.token_file.empty() && ::stat(settings.token_file.c_str(), &status) == 0 &&
      (status.st_mode & 077) != 0) {
    return fmt::format("{} can be read by others: chmod 600 it", settings.token_file);
  }
  return {};
}

}  // namespace

std::expected<Token, std::string> load_token(const Settings& settings,
                                             const std::vector<ListenAddress>& listen) {
  const bool from_file = !settings.token_file.empty();
  if (from_file && !settings.token.empty()) {
    return std::unexpected("token-file: PAWL_TOKEN is set as well: give one of the two");
  }
  std::string token = settings.token;
  const std::string source =
      from_file ? fmt::format("token-file: {}", settings.token_file) : "token: PAWL_TOKEN";
  if (from_file) {
    auto read = read_token_file(settings.token_file);
    if (!read) return std::unexpected(read.error());
    token = std::move(*read);
    if (token.empty()) return std::unexpected(source + " is empty");
  }
  if (token.size() > token_bytes_max) return std::unexpected(source + " is longer than 4096 bytes");
  if (!std::ranges::all_of(token, [](unsigned char c) { return c > 0x20 && c < 0x7f; })) {
    return std::unexpected(source + " may hold visible ASCII characters only, on one line");
  }
  if (token.empty()) {
    const auto open = std::ranges::find(listen, false, &ListenAddress::loopback);
    if (open == listen.end()) return Token{};
    return std::unexpected(fmt::format(
        "listen: {} can be reached from other machines and no token is set: give --token-file FILE "
        "(or PAWL_TOKEN), or listen on 127.0.0.1",
        open->text()));
  }
  return Token{token, weakness_of(settings, token)};
}

}  // namespace pawl::app
