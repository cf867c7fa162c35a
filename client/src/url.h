// Where the broker is. Thread: any.
#pragma once

#include <pawl/error.hpp>
#include <string>
#include <string_view>

namespace pawl::client {

struct Url {
  std::string host;  // a name or an address, without brackets
  std::string port;
  std::string host_header;  // as the field Host wants it
  std::string base;         // path before the API's own, without a slash at its end; mostly empty
};

/// Takes http://HOST[:PORT][/BASE], brackets around an IPv6 address. `usage` with a sentence that says what
/// is wrong.
Result<Url> parse_url(std::string_view text);

}  // namespace pawl::client
