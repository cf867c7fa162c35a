// What a request may be at most; set by the configuration.
#pragma once

#include <cstddef>

#include "client/wire/protocol.h"

namespace pawl::http::api {

struct Limits {
  std::size_t payload_bytes_max = wire::payload_bytes_default_max;  // of a payload or a result
  std::size_t batch_bytes_max = wire::batch_bytes_max;              // body of a batch, of many settlements
};

/// Beyond the payload, a body has its envelope: names, tags, an error's stack.
inline constexpr std::size_t envelope_bytes_max = 128u << 10;
/// Bodies that carry no payload.
inline constexpr std::size_t small_body_bytes_max = 128u << 10;

}  // namespace pawl::http::api
