// What stands between a parsed header and the routes: refuses what HTTP forbids and what policy does not let
// in. Pure functions; they see neither sockets nor Beast. Thread: any.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/http/api/problem.h"
#include "broker/http/exchange.h"
#include "broker/http/limits.h"

namespace pawl::http {

struct HeadField {
  std::string_view name;   // as sent
  std::string_view value;  // without surrounding space
};

/// A request header as the parser saw it. The views live as long as the bytes that were parsed.
struct Head {
  std::string_view method;
  std::string_view target;
  unsigned version = 11;  // 10 or 11
  bool folded = false;    // a field went on over a further line
  std::vector<HeadField> fields;
};

struct GateRules {
  Limits limits;
  std::string token;                 // empty: none is asked for
  std::vector<std::string> hosts;    // further allowed Host names, lower case, no port; "*" allows any
  std::vector<std::string> origins;  // further allowed Origins ("https://ops.example.org")
  std::vector<std::string> open_paths{"/livez", "/readyz"};  // need no token
  std::vector<std::string> open_prefixes;                    // the same, by the beginning of the path
  /// Most bytes of a body on this path. Null: limits.body_bytes for all.
  std::function<std::size_t(Method, std::string_view path)> body_bytes_max;
};

/// Why a request was not let in.
struct GateRefusal {
  api::ProblemType type;
  std::string_view detail;  // one sentence; may be empty
  bool close = true;        // the framing cannot be trusted, or the body is not wanted: the connection ends
};

/// A request that may be answered once its body is there.
struct Admitted {
  Request request;  // all but the body
  bool keep_alive = true;
  bool http10 = false;
  bool expects_continue = false;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  std::size_t body_bytes_max = 0;
  bool websocket = false;                // asks for an upgrade to WebSocket
  std::string_view websocket_key;        // Sec-WebSocket-Key; lives as long as the head
  std::string_view websocket_version;    // Sec-WebSocket-Version; likewise
  std::string_view websocket_protocols;  // Sec-WebSocket-Protocol; likewise

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

std::expected<Admitted, GateRefusal> admit(const Head& head, const GateRules& rules);

/// raw: a header's bytes, from the request line to the empty line.
bool has_folded_line(std::string_view raw);

/// Decodes %XX once. Nothing for bad escapes, control characters, an encoded slash, and what is not UTF-8.
std::optional<std::string> decode_path(std::string_view raw);

/// The name in `authority` (host[:port]), lower case, without port and brackets; nothing when it is
/// malformed.
std::optional<std::string> host_name(std::string_view authority);

/// Takes the same time for every `given` of one length.
bool same_secret(std::string_view given, std::string_view expected);

/// Whether the comma-separated `list` holds `token`, letter case aside.
bool has_token(std::string_view list, std::string_view token);

/// 16 bytes in base64, as Sec-WebSocket-Key must be.
bool is_websocket_key(std::string_view text);

Response response_of(const GateRefusal& refusal);

}  // namespace pawl::http
