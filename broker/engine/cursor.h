// Opaque cursors: bytes as base64url text without padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pawl::engine {

std::string to_base64url(std::string_view bytes);
/// Nothing when the text is not what to_base64url makes.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace pawl::engine
