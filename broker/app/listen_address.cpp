#include "broker/app/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <charconv>

namespace pawl::app {
namespace {

constexpr std::string_view how =
    "must be ADDRESS:PORT with a numeric address, like 127.0.0.1:7711 or [::1]:7711";

bool is_loopback(const in6_addr& address) {
  if (IN6_IS_ADDR_LOOPBACK(&address)) return true;
  return IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127;
}

}  // namespace

std::string ListenAddress::text() const {
  return address.find(':') == address.npos ? fmt::format("{}:{}", address, port)
                                           : fmt::format("[{}]:{}", address, port);
}

std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::unexpected(std::string(how));
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);

  ListenAddress result;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), result.port);
  if (error != std::errc{} || end != port.data() + port.size() || port.empty())
    return std::unexpected(std::string(how));

  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) {
    result.address = host.substr(1, host.size() - 2);
    in6_addr v6{};
    if (inet_pton(AF_INET6, result.address.c_str(), &v6) != 1) return std::unexpected(std::string(how));
    result.loopback = is_loopback(v6);
    return result;
  }
  result.address = host;
  in_addr v4{};
  if (inet_pton(AF_INET, result.address.c_str(), &v4) != 1) return std::unexpected(std::string(how));
  result.loopback = (ntohl(v4.s_addr) >> 24) == 127;
  return result;
}

}  // namespace pawl::app
