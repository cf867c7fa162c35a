#include "broker/push/url.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace pawl::push {
namespace {

constexpr std::size_t length_max = 2048;

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

bool is_ipv6_text(std::string_view host) {
  return host.size() >= 2 && std::ranges::all_of(host, [](char c) {
           return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
         });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::string Url::authority() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  std::string out = ipv6 ? '[' + host + ']' : host;
  if (port != (tls ? 443 : 80)) out += ':' + std::to_string(port);
  return out;
}

std::expected<Url, std::string> parse_url(std::string_view text) {
  if (text.size() > length_max) return std::unexpected("is longer than 2048 characters");
  if (!is_plain(text)) return std::unexpected("has a space, or a character that must be percent-encoded");
  Url url;
  const std::size_t scheme_end = text.find("://");
  const std::string scheme = lower(text.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end));
  if (scheme != "http" && scheme != "https") return std::unexpected("must begin with http:// or https://");
  url.tls = scheme == "https";
  url.port = url.tls ? 443 : 80;
  text.remove_prefix(scheme_end + 3);
  const std::size_t authority_end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, authority_end);
  std::string_view rest = text.substr(authority_end);
  if (authority.find('@') != std::string_view::npos)
    return std::unexpected("must have no user name or password; use a header for that");
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return std::unexpected("has no ] behind its IPv6 address");
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    url.host = lower(host);
    if (!is_ipv6_text(url.host)) return std::unexpected("has no IPv6 address between [ and ]");
  } else {
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    url.host = lower(host);
    if (!is_host_name(url.host)) return std::unexpected("has no host name or address");
  }
  if (!port.empty()) {
    const auto number = port.starts_with(':') ? parse_port(port.substr(1)) : std::nullopt;
    if (!number) return std::unexpected("has a port that is not 1 to 65535");
    url.port = *number;
  }
  rest = rest.substr(0, rest.find('#'));
  url.target = rest.starts_with('/') ? std::string(rest) : '/' + std::string(rest);
  return url;
}

std::expected<Url, std::string> parse_location(std::string_view location, const Url& from) {
  // A colon further back is one of a path or a query, which have URLs in them at times (RFC 3986,
  // section 4.2).
  const std::string_view head = location.substr(0, location.find_first_of("/?#"));
  if (head.find(':') != std::string_view::npos) return parse_url(location);
  if (location.starts_with("//")) return parse_url((from.tls ? "https:" : "http:") + std::string(location));
  const std::string origin = (from.tls ? "https://" : "http://") + from.authority();
  if (location.starts_with('/')) return parse_url(origin + std::string(location));
  const std::string path = from.target.substr(0, from.target.find('?'));
  const std::size_t kept = head.empty() ? path.size() : path.rfind('/') + 1;
  return parse_url(origin + path.substr(0, kept) + std::string(location));
}

}  // namespace pawl::push
