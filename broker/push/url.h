// Where a push or a callback goes.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pawl::push {

/// An absolute http or https URL (RFC 3986), cut for a request. Value type.
struct Url {
  bool tls = false;
  std::string host;  // lower case; an IPv6 address without its brackets
  std::uint16_t port = 80;
  std::string target;  // path and query, at least "/"

  /// For the Host header: with the port, unless it is the scheme's own.
  std::string authority() const;
};

/// At most 2048 characters of printable ASCII; without user names and passwords. Or what is wrong with it, as
/// the end of a sentence that begins with its name.
std::expected<Url, std::string> parse_url(std::string_view text);
/// The target of a redirect, seen from `from`.
std::expected<Url, std::string> parse_location(std::string_view location, const Url& from);

}  // namespace pawl::push
