// Fast hashes of bodies; not against an attacker, only against mix-ups.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pawl::http::api {

/// 128 bits of XXH3.
std::array<std::uint64_t, 2> body_hash(std::string_view body);
/// A strong entity tag, with its quotes: the same bytes have the same tag.
std::string etag_of(std::string_view body);
/// Whether the header If-None-Match names `etag` (or is "*").
bool etag_matches(std::string_view if_none_match, std::string_view etag);

}  // namespace pawl::http::api
