// Signed as Standard Webhooks says (https://www.standardwebhooks.com), so that receivers can use its
// libraries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::push {

/// The key of `whsec_…` (base64, 24 to 64 bytes), or nothing.
std::optional<std::string> key_of(std::string_view secret);

/// The value of `webhook-signature`: "v1," and HMAC-SHA256 of "id.timestamp.body" in base64. `timestamp`:
/// seconds since 1970.
std::string signature(std::string_view key, std::string_view id, std::int64_t timestamp,
                      std::string_view body);

}  // namespace pawl::push
