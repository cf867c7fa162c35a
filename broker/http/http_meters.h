// What the server did, counted for /metrics.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "broker/engine/meters.h"
#include "broker/http/exchange.h"

namespace pawl::http {

/// Answered requests by route ("/jobs/{id}"), method and status.
struct RequestMeters {
  std::uint64_t requests = 0;
  engine::Histogram duration;  // from the complete request to its whole answer being ready
};

/// One I/O thread's counts. Thread: any; the mutex is the thread's own but for a scrape.
class MeterShard {
 public:
  /// route: lives for ever (a literal or an entry of the route table).
  void answered(std::string_view route, Method method, unsigned status, double seconds);

 private:
  friend class HttpMeters;
  struct Key {
    const char* route;
    std::uint32_t rest;  // length of the route, method, status
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return (reinterpret_cast<std::uintptr_t>(key.route) * 31 + key.rest) * 0x9e3779b97f4a7c15ull;
    }
  };
  mutable std::mutex mutex_;
  std::unordered_map<Key, RequestMeters, KeyHash> requests_;
};

/// Owned by the server, read by the metrics page while the server lives. Thread: any.
class HttpMeters {
 public:
  explicit HttpMeters(std::size_t shards) : shards_(shards) {}

  using Key = std::tuple<std::string, std::string, unsigned>;  // route, method, status
  std::map<Key, RequestMeters> requests() const;
  MeterShard& shard(std::size_t index) { return shards_[index]; }

  std::atomic<std::uint64_t> accepted{0};         // connections since the start
  std::atomic<std::uint64_t> refused{0};          // connections closed at once: too many of one address
  std::atomic<std::uint64_t> accept_pauses{0};    // no file descriptor was left
  std::atomic<std::int64_t> open{0};              // connections now
  std::atomic<std::int64_t> streams{0};           // event streams now
  std::atomic<std::uint64_t> streams_dropped{0};  // their clients did not keep up
  std::atomic<std::int64_t> workers{0};           // WebSocket workers now
  std::atomic<std::uint64_t> timed_out{0};        // connections closed by a time limit
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};

 private:
  std::vector<MeterShard> shards_;
};

std::string_view name_of(Method method);

}  // namespace pawl::http
