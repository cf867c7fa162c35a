// Distinct types for things that must not mix, and the time that is handed to the core.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace pawl::core {

/// Milliseconds. Wall-clock points count from 1970-01-01T00:00Z; durations and points share the type as on
/// the wire.
using Millis = std::int64_t;

/// A time that never comes.
inline constexpr Millis never = INT64_MAX;

/// The two clocks, handed to every call. Neither runs backward.
struct Now {
  Millis wall = 0;  // for run-at, history, retention: what people and disks see
  Millis mono = 0;  // for leases, waits and time limits: steps of the wall clock do not touch them
};

/// Immutable bytes that many may hold: a payload, a result. Null means absent.
using Bytes = std::shared_ptr<const std::string>;

/// The number of a queue's incarnation: a queue that is deleted and made again gets a new one, so no key of
/// the old one is ever seen. 24 bits are used, since a job id carries it.
enum class QueueNumber : std::uint32_t {};
inline constexpr std::uint32_t queue_number_max = (1u << 24) - 1;

/// A fencing token: strictly grows over the broker's whole life, restarts included. 0 is none.
enum class LeaseNumber : std::uint64_t { none = 0 };

/// Who waits for an answer; given out by the engine, opaque here.
enum class Ticket : std::uint64_t { none = 0 };

/// A UUIDv7 (RFC 9562, section 5.7) that carries where its job lives, so that no index from id to row is
/// needed:
///
///   48 bits  Unix milliseconds      ─┐ together strictly growing within one broker, so that ids sort as
///    4 bits  version, 7              │ submits were applied: first in, first out is id order
///   12 bits  counter in the ms      ─┘
///    2 bits  variant, 2
///   24 bits  queue number
///   11 bits  priority at submit, plus 1000
///   27 bits  random, or the number of the lane that the job waits in (lane.h)
struct JobId {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const JobId&) const = default;
  std::uint64_t high() const { return big_endian(0); }
  std::uint64_t low() const { return big_endian(8); }
  QueueNumber queue() const { return QueueNumber{static_cast<std::uint32_t>((low() >> 38) & 0xffffff)}; }
  int priority() const { return static_cast<int>((low() >> 27) & 0x7ff) - 1000; }
  Millis created_at() const { return static_cast<Millis>(high() >> 16); }
  /// The number of its lane, when it has one; else those bits are random.
  std::uint32_t lane() const { return static_cast<std::uint32_t>(low() & 0x7ffffff); }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

  static JobId from_words(std::uint64_t high, std::uint64_t low) {
    JobId id;
    for (unsigned i = 0; i < 8; ++i) {
      id.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
      id.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
    }
    return id;
  }

 private:
  std::uint64_t big_endian(std::size_t from) const {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + from, 8);
    return __builtin_bswap64(word);
  }
};

/// A UUIDv7 too, its first half as that of a job's: workflows sort as they were submitted. None: all zero.
struct WorkflowId {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const WorkflowId&) const = default;
  bool is_none() const { return *this == WorkflowId{}; }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

struct JobIdHash {
  std::size_t operator()(const JobId& id) const {
    return static_cast<std::size_t>((id.high() * 0x9e3779b97f4a7c15ull) ^ (id.low() * 0xff51afd7ed558ccdull));
  }
};

/// Where a waiting job stands in its queue: the higher priority first, then first in, first out.
struct ReadyKey {
  std::int32_t priority = 0;
  JobId id;

  friend std::strong_ordering operator<=>(const ReadyKey& a, const ReadyKey& b) {
    if (a.priority != b.priority) return b.priority <=> a.priority;
    return a.id <=> b.id;
  }
  friend bool operator==(const ReadyKey&, const ReadyKey&) = default;
};

}  // namespace pawl::core
