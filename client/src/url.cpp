#include "client/src/url.h"

#include <algorithm>
#include <charconv>

#include <pawl/client.hpp>
#include "client/src/problem.h"

namespace pawl {

std::string url_escape(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || c == '-' || c == '_' || c == '.' || c == '~' ||
                       c == ':';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out;
}

namespace client {
namespace {

std::unexpected<Error> refuse(std::string_view url, const std::string& why) {
  return std::unexpected(local_error(ErrorKind::usage, "the URL \"" + std::string(url) + "\" " + why));
}

bool valid_port(std::string_view text) {
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  return !text.empty() && error == std::errc{} && stop == end && port >= 1 && port <= 65535;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (text.starts_with("https://")) {
    return refuse(text,
                  "asks for TLS, which this library does not speak yet: use http://, or a TLS tunnel beside "
                  "the client");
  }
  if (!text.starts_with(scheme)) return refuse(text, "does not begin with http://");
  const bool bad_byte = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '?' || c == '#' || c == '@' ||
           c == '\\';
  });
  if (bad_byte) return refuse(text, "has a character that does not belong there (space, ?, #, @ or \\)");

  std::string_view rest = text.substr(scheme.size());
  Url url;
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.base = rest.substr(slash);
  while (!url.base.empty() && url.base.back() == '/') url.base.pop_back();
  rest = rest.substr(0, slash);

  std::string_view host = rest;
  std::string_view port = "80";
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
    if (!valid_port(port)) return refuse(text, "has no valid port (1 to 65535)");
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return refuse(text, "names no host");
  url.host = host;
  url.port = port;
  url.host_header = rest;
  return url;
}

}  // namespace client
}  // namespace pawl
