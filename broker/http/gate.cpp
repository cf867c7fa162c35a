#include "broker/http/gate.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "broker/http/text.h"

namespace pawl::http {
namespace {

using Refused = std::unexpected<GateRefusal>;

namespace problem = api::problem;

Refused malformed(std::string_view detail) {
  return Refused(GateRefusal{problem::bad_request, detail, true});
}
/// The request is understood, and its body, if any, can be read away: the connection may go on.
Refused turn_away(const api::ProblemType& type, std::string_view detail) {
  return Refused(GateRefusal{type, detail, false});
}
Refused refuse(const api::ProblemType& type, std::string_view detail = {}) {
  return Refused(GateRefusal{type, detail, true});
}

/// The fields that the gate and the routes know, each with how often it came.
struct Known {
  std::string_view value;
  unsigned count = 0;
  void take(std::string_view v) {
    if (count++ == 0) value = v;
  }
};

struct Fields {
  Known host, content_length, transfer_encoding, content_type, content_encoding, expect, upgrade,
      authorization, origin, fetch_site, idempotency_key, idempotency_keep_ms, prefer, if_none_match,
      last_event_id, accept, accept_encoding, traceparent, actor, ws_key, ws_version, ws_protocol;
  bool close = false;
  bool keep_alive = false;
  bool upgrade_token = false;

  void take(const HeadField& field);
  Known* find(std::string_view name);
};

Known* Fields::find(std::string_view name) {
  struct Entry {
    std::string_view name;
    Known Fields::* known;
  };
  static constexpr std::array entries{
      Entry{"host", &Fields::host},
      Entry{"content-length", &Fields::content_length},
      Entry{"content-type", &Fields::content_type},
      Entry{"authorization", &Fields::authorization},
      Entry{"accept", &Fields::accept},
      Entry{"transfer-encoding", &Fields::transfer_encoding},
      Entry{"content-encoding", &Fields::content_encoding},
      Entry{"expect", &Fields::expect},
      Entry{"upgrade", &Fields::upgrade},
      Entry{"origin", &Fields::origin},
      Entry{"sec-fetch-site", &Fields::fetch_site},
      Entry{"idempotency-key", &Fields::idempotency_key},
      Entry{"idempotency-keep-ms", &Fields::idempotency_keep_ms},
      Entry{"prefer", &Fields::prefer},
      Entry{"if-none-match", &Fields::if_none_match},
      Entry{"last-event-id", &Fields::last_event_id},
      Entry{"traceparent", &Fields::traceparent},
      Entry{"accept-encoding", &Fields::accept_encoding},
      Entry{"x-pawl-actor", &Fields::actor},
      Entry{"sec-websocket-key", &Fields::ws_key},
      Entry{"sec-websocket-version", &Fields::ws_version},
      Entry{"sec-websocket-protocol", &Fields::ws_protocol},
  };
  for (const Entry& entry : entries) {
    if (same_letters(entry.name, name)) return &(this->*entry.known);
  }
  return nullptr;
}

void Fields::take(const HeadField& field) {
  if (same_letters(field.name, "connection")) {
    close = close || has_token(field.value, "close");
    keep_alive = keep_alive || has_token(field.value, "keep-alive");
    upgrade_token = upgrade_token || has_token(field.value, "upgrade");
  } else if (Known* known = find(field.name)) {
    known->take(field.value);
  }
}

std::optional<Method> method_of(std::string_view text) {
  struct Entry {
    std::string_view text;
    Method method;
  };
  // What is not here, such as TRACE and CONNECT, no route has.
  static constexpr std::array entries{Entry{"GET", Method::get},    Entry{"POST", Method::post},
                                      Entry{"PUT", Method::put},    Entry{"DELETE", Method::del},
                                      Entry{"HEAD", Method::head},  Entry{"OPTIONS", Method::options},
                                      Entry{"PATCH", Method::patch}};
  for (const Entry& entry : entries) {
    if (entry.text == text) return entry.method;
  }
  return std::nullopt;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// RFC 9112, section 6: one body length, told once. Whatever two parsers could read differently is refused.
std::expected<void, GateRefusal> check_framing(const Fields& fields, const Head& head, Admitted& out) {
  if (head.folded) return malformed("A header field goes on over a further line.");
  if (fields.transfer_encoding.count > 0) {
    if (fields.content_length.count > 0)
      return malformed("Both Content-Length and Transfer-Encoding were sent.");
    if (head.version < 11) return malformed("Transfer-Encoding came with HTTP/1.0.");
    if (fields.transfer_encoding.count > 1 || !same_letters(fields.transfer_encoding.value, "chunked")) {
      return malformed("Transfer-Encoding must be \"chunked\" and nothing else.");
    }
    out.chunked = true;
  }
  if (fields.content_length.count > 1) return malformed("Content-Length was sent more than once.");
  if (fields.content_length.count == 1) {
    const std::string_view text = fields.content_length.value;
    std::uint64_t length = 0;
    if (!all_digits(text) || text.size() > 18 ||
        std::from_chars(text.data(), text.data() + text.size(), length).ec != std::errc{}) {
      return malformed("Content-Length is not a number.");
    }
    out.content_length = length;
  }
  return {};
}

bool listed(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool is_loopback_name(std::string_view name) {
  if (name == "localhost" || name == "::1") return true;
  if (!name.starts_with("127.")) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

/// The target's path and query; an absolute target must name the same authority as Host.
std::expected<std::string_view, GateRefusal> origin_form(std::string_view target, std::string_view host) {
  if (target.starts_with('/')) return target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !same_letters(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::size_t slash = rest.find_first_of("/?");
    if (!same_letters(rest.substr(0, slash), host)) {
      return malformed("The request target names another host than the Host field.");
    }
    if (slash == std::string_view::npos) return std::string_view("/");
    if (rest[slash] == '?') return malformed("The request target has no path.");
    return rest.substr(slash);
  }
  return malformed("The request target must begin with \"/\".");
}

std::expected<void, GateRefusal> check_target(std::string_view target, Request& request) {
  const auto bad = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7f || c == '#';
  };
  if (std::any_of(target.begin(), target.end(), bad))
    return malformed("The request target holds a forbidden byte.");
  const std::size_t mark = target.find('?');
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  std::optional<std::string> path = decode_path(target.substr(0, mark));
  if (!path) return malformed("The path is not properly percent-encoded UTF-8.");
  request.path = std::move(*path);
  return {};
}

std::expected<void, GateRefusal> check_host_and_target(const Fields& fields, const Head& head,
                                                       const GateRules& rules, Admitted& out) {
  if (fields.host.count == 0) return malformed("The Host field is missing.");
  if (fields.host.count > 1) return malformed("The Host field was sent more than once.");
  const std::optional<std::string> name = host_name(fields.host.value);
  if (!name) return malformed("The Host field is not a host name with an optional port.");
  if (head.target.size() > rules.limits.target_bytes) {
    return refuse(problem::target_too_long);
  }
  if (head.target == "*" && out.request.method == Method::options) {
    out.request.path = "*";
  } else {
    const auto target = origin_form(head.target, fields.host.value);
    if (!target) return Refused(target.error());
    if (auto checked = check_target(*target, out.request); !checked) return checked;
  }
  if (!is_loopback_name(*name) && !listed(rules.hosts, *name) && !listed(rules.hosts, "*")) {
    return turn_away(problem::misdirected, "Add the name to the allowed hosts if it is meant to.");
  }
  return {};
}

bool needs_token(const std::string& path, const GateRules& rules) {
  if (rules.token.empty() || listed(rules.open_paths, path)) return false;
  return std::none_of(rules.open_prefixes.begin(), rules.open_prefixes.end(),
                      [&](const std::string& prefix) { return path.starts_with(prefix); });
}

bool authorized(const Fields& fields, const GateRules& rules) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view value = fields.authorization.value;
  if (value.size() <= scheme.size() || !same_letters(value.substr(0, scheme.size()), scheme)) return false;
  return same_secret(trimmed(value.substr(scheme.size())), rules.token);
}

/// Browsers say where a request comes from; other programs do not. What changes something must come from our
/// own pages.
bool cross_site(const Fields& fields, const GateRules& rules) {
  if (fields.origin.count > 1 || fields.fetch_site.count > 1) return true;
  if (fields.origin.count == 1) {
    const std::string_view origin = fields.origin.value;
    if (listed(rules.origins, origin)) return false;
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (origin.starts_with(scheme) && same_letters(origin.substr(scheme.size()), fields.host.value))
        return false;
    }
    return true;
  }
  if (fields.fetch_site.count == 1) {
    return fields.fetch_site.value != "same-origin" && fields.fetch_site.value != "none";
  }
  return false;
}

std::expected<void, GateRefusal> check_access(const Fields& fields, const GateRules& rules,
                                              const Admitted& in) {
  if (fields.authorization.count > 1) return malformed("The Authorization field was sent more than once.");
  if (needs_token(in.request.path, rules) && !authorized(fields, rules)) {
    return turn_away(problem::unauthorized, "Send it as \"Authorization: Bearer TOKEN\".");
  }
  const Method method = in.request.method;
  const bool safe = method == Method::get || method == Method::head || method == Method::options;
  if ((!safe || in.websocket) && cross_site(fields, rules)) {
    return turn_away(problem::forbidden, "The request comes from a page of another site.");
  }
  return {};
}

std::expected<void, GateRefusal> check_body(const Fields& fields, const GateRules& rules, Admitted& out) {
  out.body_bytes_max = rules.body_bytes_max ? rules.body_bytes_max(out.request.method, out.request.path)
                                            : rules.limits.body_bytes;
  if (fields.expect.count > 0) {
    if (fields.expect.count > 1 || !same_letters(fields.expect.value, "100-continue")) {
      return refuse(problem::expectation_failed);
    }
    out.expects_continue = !out.http10 && out.has_body();
  }
  if (out.content_length.value_or(0) > out.body_bytes_max) {
    return refuse(problem::body_too_large);
  }
  if (!out.has_body()) return {};
  if (fields.content_encoding.count > 0 && !same_letters(fields.content_encoding.value, "identity")) {
    return turn_away(problem::unsupported_media_type, "Send it without Content-Encoding.");
  }
  if (fields.content_type.count > 1) return malformed("The Content-Type field was sent more than once.");
  if (out.request.content_type != "application/json") {
    return turn_away(problem::unsupported_media_type, "Send Content-Type: application/json.");
  }
  return {};
}

void copy_fields(const Fields& fields, Request& request) {
  const std::string_view type = fields.content_type.value;
  request.content_type = lowered(trimmed(type.substr(0, type.find(';'))));
  request.idempotency_key = fields.idempotency_key.value;
  request.idempotency_keep_ms = fields.idempotency_keep_ms.value;
  request.prefer = fields.prefer.value;
  request.if_none_match = fields.if_none_match.value;
  request.last_event_id = fields.last_event_id.value;
  request.accept = fields.accept.value;
  request.accept_encoding = fields.accept_encoding.value;
  request.traceparent = fields.traceparent.value;
  request.actor = fields.actor.value;
}

}  // namespace

std::expected<Admitted, GateRefusal> admit(const Head& head, const GateRules& rules) {
  Admitted out;
  if (head.fields.size() > rules.limits.header_fields) {
    return refuse(problem::headers_too_large, "There are too many fields.");
  }
  Fields fields;
  for (const HeadField& field : head.fields) fields.take(field);
  out.http10 = head.version < 11;
  out.keep_alive = !fields.close && (!out.http10 || fields.keep_alive);
  if (auto checked = check_framing(fields, head, out); !checked) return Refused(checked.error());
  const std::optional<Method> method = method_of(head.method);
  if (!method) return refuse(problem::not_implemented, "The method is not known here.");
  out.request.method = *method;
  out.websocket = *method == Method::get && !out.http10 && fields.upgrade_token && !out.has_body() &&
                  has_token(fields.upgrade.value, "websocket");
  out.websocket_key = fields.ws_key.count == 1 ? fields.ws_key.value : std::string_view();
  out.websocket_version = fields.ws_version.count == 1 ? fields.ws_version.value : std::string_view();
  out.websocket_protocols = fields.ws_protocol.value;
  if (auto checked = check_host_and_target(fields, head, rules, out); !checked)
    return Refused(checked.error());
  copy_fields(fields, out.request);
  if (auto checked = check_access(fields, rules, out); !checked) return Refused(checked.error());
  if (fields.idempotency_key.count > 1)
    return malformed("The Idempotency-Key field was sent more than once.");
  if (auto checked = check_body(fields, rules, out); !checked) return Refused(checked.error());
  return out;
}

bool has_folded_line(std::string_view raw) {
  for (std::size_t at = raw.find('\n'); at != std::string_view::npos; at = raw.find('\n', at + 1)) {
    if (at + 1 < raw.size() && (raw[at + 1] == ' ' || raw[at + 1] == '\t')) return true;
  }
  return false;
}

namespace {

std::optional<unsigned char> hex_pair(std::string_view text) {
  unsigned value = 0;
  if (text.size() != 2) return std::nullopt;
  const auto parsed = std::from_chars(text.data(), text.data() + 2, value, 16);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + 2) return std::nullopt;
  return static_cast<unsigned char>(value);
}

/// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto byte = [&](std::size_t k) {
      return k < text.size() ? static_cast<unsigned char>(text[k]) : static_cast<unsigned char>(0);
    };
    const unsigned char lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const unsigned char second = byte(i + 1);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    for (std::size_t k = 1; k <= more; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace

std::optional<std::string> decode_path(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  bool encoded = false;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out += raw[i];
      continue;
    }
    const std::optional<unsigned char> byte = hex_pair(raw.substr(i + 1, 2));
    if (!byte || *byte < 0x20 || *byte == 0x7f || *byte == '/') return std::nullopt;
    out += static_cast<char>(*byte);
    encoded = true;
    i += 2;
  }
  if (encoded && !is_utf8(out)) return std::nullopt;
  return out;
}

std::optional<std::string> host_name(std::string_view authority) {
  std::string_view name = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    name = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    const auto in_address = [](char c) {
      return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.';
    };
    if (!std::all_of(name.begin(), name.end(), in_address)) return std::nullopt;
  } else {
    const std::size_t colon = authority.find(':');
    name = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
    const auto in_name = [](char c) {
      return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' ||
             c == '_';
    };
    if (!std::all_of(name.begin(), name.end(), in_name)) return std::nullopt;
  }
  if (name.empty()) return std::nullopt;
  if (!port.empty() &&
      (port.front() != ':' || port.size() > 6 || (port.size() > 1 && !all_digits(port.substr(1))))) {
    return std::nullopt;
  }
  return lowered(name);
}

bool same_secret(std::string_view given, std::string_view expected) {
  // volatile keeps the compiler from leaving the loop at the first difference.
  volatile unsigned char difference = given.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char other = expected.empty() ? '\0' : expected[i % expected.size()];
    difference = static_cast<unsigned char>(difference | static_cast<unsigned char>(given[i] ^ other));
  }
  return difference == 0 && !expected.empty();
}

bool is_websocket_key(std::string_view text) {
  const auto base64 = [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return text.size() == 24 && text.ends_with("==") && std::all_of(text.begin(), text.end() - 2, base64);
}

Response response_of(const GateRefusal& refusal) {
  Response response =
      api::problem_response(api::Problem{.type = refusal.type, .detail = std::string(refusal.detail)});
  if (refusal.type.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"pawl\"");
  if (refusal.type.status == 426) {
    response.headers.emplace_back("Upgrade", "websocket");
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
  }
  return response;
}

bool has_token(std::string_view list, std::string_view token) {
  return any_of_list(list, [&](std::string_view item) { return same_letters(item, token); });
}

}  // namespace pawl::http
