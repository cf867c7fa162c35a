// Whether text is JSON, without reading what it says.
#pragma once

#include <string_view>

namespace pawl::client {

/// True when the text is exactly one JSON value as RFC 8259 defines it, in UTF-8: nothing before or behind it
/// but white space, no surrogate that stands alone. Numbers may be of any size. Nests to any depth. Thread:
/// any.
bool is_json(std::string_view text);

}  // namespace pawl::client
