#include "broker/http/api/hashing.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "client/wire/ids.h"

namespace pawl::http::api {

std::array<std::uint64_t, 2> body_hash(std::string_view body) {
  const XXH128_hash_t hash = XXH3_128bits(body.data(), body.size());
  return {hash.high64, hash.low64};
}

std::string etag_of(std::string_view body) {
  return '"' + wire::format_lease_id(XXH3_64bits(body.data(), body.size())) + '"';
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  if (if_none_match == "*") return true;
  // The tags are ours: sixteen digits in quotes, which cannot appear inside another tag.
  return if_none_match.find(etag) != std::string_view::npos;
}

}  // namespace pawl::http::api
