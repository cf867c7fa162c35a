// What a client may ask of the server. Every bound has its answer: 413, 414, 431, 408, or a closed
// connection.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pawl::http {

struct Limits {
  std::size_t header_bytes = 8u << 10;  // request line and fields; also trailers and chunk headers
  std::size_t header_fields = 100;
  std::size_t target_bytes = 4u << 10;
  std::size_t body_bytes = 1u << 20;             // where the route does not say otherwise
  std::size_t chunk_extension_bytes = 4u << 10;  // of all chunks of a body together
  std::size_t pipelined_requests = 64;           // unanswered on one connection; further ones wait unread
  std::size_t stream_queue_bytes = 1u << 20;     // of one event stream; a client further behind is dropped
  std::size_t worker_message_bytes = 1u << 20;  // one WebSocket message; a hello may name thousands of leases
  std::size_t worker_requests = 256;            // unanswered frames of one worker; further ones wait unread

  std::int64_t header_ms = 10'000;  // from the first byte (or the accept) to the end of the header
  std::int64_t body_ms = 30'000;    // from the end of the header to the end of the body
  std::int64_t idle_ms = 60'000;    // between requests
  std::int64_t write_ms = 30'000;   // without the client taking a byte
  std::int64_t stream_keep_alive_ms = 15'000;
  std::int64_t worker_silence_ms = 40'000;  // a ping at each quarter of it, the end when nothing came by then

  std::size_t connections_per_address = 1000;
  std::size_t connections = 0;  // 0: what the limit of open files leaves, less 256 for the store
};

}  // namespace pawl::http
