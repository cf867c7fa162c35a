// Where to listen, and whether the outside can reach it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pawl::app {

struct ListenAddress {
  std::string address;  // numeric, without brackets
  std::uint16_t port = 0;
  bool loopback = false;

  /// "127.0.0.1:7711", "[::1]:7711"
  std::string text() const;
};

/// Takes ADDRESS:PORT with a numeric IPv4 address, an IPv6 address in brackets, or localhost. The error is
/// one sentence. Names are not looked up: what they stand for could change under a running broker.
std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text);

}  // namespace pawl::app
