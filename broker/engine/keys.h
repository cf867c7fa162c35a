// The families and their keys: fixed sizes, big-endian, so that byte order is the order that scans need.
// docs/STORAGE_FORMAT.md describes each.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/outbox.h"
#include "storage/store.h"

namespace pawl::engine {

/// Indexes into families().
namespace family {
inline constexpr storage::Family meta{0};
inline constexpr storage::Family queues{1};
inline constexpr storage::Family ready{2};
inline constexpr storage::Family parked{3};
inline constexpr storage::Family ended{4};
inline constexpr storage::Family dead{5};
inline constexpr storage::Family timers{6};
inline constexpr storage::Family grants{7};
inline constexpr storage::Family unique{8};
inline constexpr storage::Family idempotency{9};
inline constexpr storage::Family retained{10};
inline constexpr storage::Family logs{11};
inline constexpr storage::Family operations{12};
inline constexpr storage::Family schedules{13};
inline constexpr storage::Family waits{14};
inline constexpr storage::Family triggers{15};
inline constexpr storage::Family gathered{16};
inline constexpr storage::Family workflows{17};
inline constexpr storage::Family members{18};
inline constexpr storage::Family dependents{19};
inline constexpr storage::Family parents{20};
inline constexpr storage::Family joins{21};
inline constexpr storage::Family owed{22};
inline constexpr storage::Family lanes{23};
inline constexpr storage::Family limits{24};
inline constexpr storage::Family groups{25};
inline constexpr storage::Family orders{26};
inline constexpr storage::Family history{27};
inline constexpr storage::Family audit{28};
inline constexpr storage::Family priorities{29};
}  // namespace family

constexpr storage::Family family_of(core::Place place) {
  switch (place) {
    case core::Place::ready:
      return family::ready;
    case core::Place::parked:
      return family::parked;
    case core::Place::ended:
      return family::ended;
    case core::Place::dead:
      return family::dead;
  }
  return family::ready;
}

/// The one key of the family meta.
inline constexpr std::string_view marks_key = "marks";

/// A key of a fixed size, on the stack.
template <std::size_t Size>
struct Key {
  std::array<char, Size> bytes{};
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
  operator std::string_view() const { return view(); }  // NOLINT: it is one
  std::string str() const { return std::string(view()); }
};

namespace detail {
template <typename Integer>
void store_big(char* at, Integer value) {
  for (std::size_t i = sizeof(Integer); i-- > 0; value = static_cast<Integer>(value >> 7 >> 1)) {
    at[i] = static_cast<char>(value & 0xff);
  }
}
template <typename Integer>
Integer load_big(const char* at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) value = value << 8 | static_cast<std::uint8_t>(at[i]);
  return static_cast<Integer>(value);
}
}  // namespace detail

inline Key<4> queue_key(core::QueueNumber queue) {
  Key<4> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint32_t>(queue));
  return key;
}
/// The exclusive end of all keys that begin with the queue.
inline Key<4> queue_end(core::QueueNumber queue) {
  return queue_key(core::QueueNumber{static_cast<std::uint32_t>(queue) + 1});
}

/// queue(4) | 0x7fff − priority (2) | id(16)
inline Key<22> ready_key(core::QueueNumber queue, int priority, const core::JobId& id) {
  Key<22> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint32_t>(queue));
  detail::store_big(key.bytes.data() + 4, static_cast<std::uint16_t>(0x7fff - priority));
  std::memcpy(key.bytes.data() + 6, id.bytes.data(), 16);
  return key;
}
/// queue(4) | 0xffff | lane(4) | 0x7fff − priority (2) | id(16): after all rows of the queue's own order
inline Key<28> lane_row_key(core::QueueNumber queue, std::uint32_t lane, int priority,
                            const core::JobId& id) {
  Key<28> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint32_t>(queue));
  detail::store_big(key.bytes.data() + 4, std::uint16_t{0xffff});
  detail::store_big(key.bytes.data() + 6, lane);
  detail::store_big(key.bytes.data() + 10, static_cast<std::uint16_t>(0x7fff - priority));
  std::memcpy(key.bytes.data() + 12, id.bytes.data(), 16);
  return key;
}
/// Where the row of a pending, stalled or active job stands.
inline std::string ready_row_key(core::QueueNumber queue, std::uint32_t lane, int priority,
                                 const core::JobId& id) {
  return lane == 0 ? ready_key(queue, priority, id).str() : lane_row_key(queue, lane, priority, id).str();
}
/// Of a job whose priority is not the one that its id says: with the id it gives the key of its ready row.
struct ReadyPlace {
  int priority = 0;
  std::uint32_t lane = 0;
};
/// What the keys of a lane's rows begin with; of lane 0, those of the queue.
inline std::string lane_begin(core::QueueNumber queue, std::uint32_t lane) {
  if (lane == 0) return queue_key(queue).str();
  return std::string(lane_row_key(queue, lane, 0, {}).view().substr(0, 10));
}
/// The exclusive end of the keys of a lane's rows.
inline std::string lane_end(core::QueueNumber queue, std::uint32_t lane) {
  return std::string(
      lane_row_key(queue, lane + (lane == 0 ? 0 : 1), 0, {}).view().substr(0, lane == 0 ? 6 : 10));
}
/// The key after which a lane's rows go on.
inline std::string lane_after(core::QueueNumber queue, std::uint32_t lane, const core::ReadyKey& after) {
  std::string key = ready_row_key(queue, lane, after.priority, after.id);
  return key.append(1, '\0');
}
/// queue(4) | 0xffff: where a queue's lanes begin
inline Key<6> lanes_begin(core::QueueNumber queue) {
  Key<6> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint32_t>(queue));
  detail::store_big(key.bytes.data() + 4, std::uint16_t{0xffff});
  return key;
}
/// queue(4) | 0xffff | lane(4): what the keys of a lane's rows begin with
inline Key<10> lane_prefix(core::QueueNumber queue, std::uint32_t lane) {
  Key<10> key;
  std::memcpy(key.bytes.data(), lanes_begin(queue).bytes.data(), 6);
  detail::store_big(key.bytes.data() + 6, lane);
  return key;
}
/// queue(4) | lane(4)
inline Key<8> order_key(core::QueueNumber queue, std::uint32_t lane) {
  Key<8> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint32_t>(queue));
  detail::store_big(key.bytes.data() + 4, lane);
  return key;
}
/// queue(4) | id(16): parked, ended, dead
inline Key<20> placed_key(core::QueueNumber queue, const core::JobId& id) {
  Key<20> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint32_t>(queue));
  std::memcpy(key.bytes.data() + 4, id.bytes.data(), 16);
  return key;
}
/// due(8) | id(16)
inline Key<24> timer_key(core::Millis due, const core::JobId& id) {
  Key<24> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint64_t>(due < 0 ? 0 : due));
  std::memcpy(key.bytes.data() + 8, id.bytes.data(), 16);
  return key;
}
inline Key<8> grant_key(std::uint64_t number) {
  Key<8> key;
  detail::store_big(key.bytes.data(), number);
  return key;
}
inline Key<8> owed_key(std::uint64_t number) { return grant_key(number); }
/// queue(4) | the key's bytes
inline std::string unique_key(core::QueueNumber queue, std::string_view key) {
  return queue_key(queue).str().append(key);
}
/// queue(4) | expires(8) | status(1)
inline Key<13> retained_key(const core::RetainedRow& row) {
  Key<13> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint32_t>(row.queue));
  detail::store_big(key.bytes.data() + 4, static_cast<std::uint64_t>(row.expires_at));
  key.bytes[12] = static_cast<char>(row.status);
  return key;
}
/// id(16) | at(8) | number of the first line (4)
inline Key<28> log_key(const core::JobId& id, core::Millis at, std::uint32_t first_line) {
  Key<28> key;
  std::memcpy(key.bytes.data(), id.bytes.data(), 16);
  detail::store_big(key.bytes.data() + 16, static_cast<std::uint64_t>(at < 0 ? 0 : at));
  detail::store_big(key.bytes.data() + 24, first_line);
  return key;
}

/// step(1) | queue(4) | at(8)
inline Key<13> history_key(char step, core::QueueNumber queue, core::Millis at) {
  Key<13> key;
  key.bytes[0] = step;
  detail::store_big(key.bytes.data() + 1, static_cast<std::uint32_t>(queue));
  detail::store_big(key.bytes.data() + 5, static_cast<std::uint64_t>(at < 0 ? 0 : at));
  return key;
}

/// at(8) | number(4)
inline Key<12> audit_key(core::Millis at, std::uint32_t number) {
  Key<12> key;
  detail::store_big(key.bytes.data(), static_cast<std::uint64_t>(at < 0 ? 0 : at));
  detail::store_big(key.bytes.data() + 8, number);
  return key;
}

/// first(16) | second(16): a job and one that waits for it, or the other way round
inline Key<32> pair_key(std::string_view first, std::string_view second) {
  Key<32> key;
  std::memcpy(key.bytes.data(), first.data(), 16);
  std::memcpy(key.bytes.data() + 16, second.data(), 16);
  return key;
}
/// workflow(16) | index(4)
inline Key<20> member_key(const core::WorkflowId& workflow, std::uint32_t index) {
  Key<20> key;
  std::memcpy(key.bytes.data(), workflow.bytes.data(), 16);
  detail::store_big(key.bytes.data() + 16, index);
  return key;
}
/// The exclusive end of all keys that begin with the 16 bytes and go on.
inline std::string end_of_prefix(std::string_view prefix) { return std::string(prefix).append(17, '\xff'); }

/// the trigger's id | 0 | number(8)
inline std::string gathered_key(std::string_view trigger, std::uint64_t number) {
  std::string key(trigger);
  key.resize(trigger.size() + 9);
  detail::store_big(key.data() + trigger.size() + 1, number);
  return key;
}

/// The id that the 16 bytes at `offset` are. REQUIRES: they are there.
inline core::JobId id_at(std::string_view key, std::size_t offset) {
  core::JobId id;
  std::memcpy(id.bytes.data(), key.data() + offset, 16);
  return id;
}
inline core::QueueNumber queue_at(std::string_view key) {
  return core::QueueNumber{detail::load_big<std::uint32_t>(key.data())};
}

/// What a job's key says; absent when the key has not the place's shape.
struct PlacedKey {
  core::QueueNumber queue;
  core::JobId id;
  int priority;            // of ready rows; else the id's
  std::uint32_t lane = 0;  // of ready rows
};
inline std::optional<PlacedKey> parse_placed(core::Place place, std::string_view key) {
  if (place == core::Place::ready) {
    if (key.size() == 28) {
      return PlacedKey{queue_at(key), id_at(key, 12),
                       0x7fff - detail::load_big<std::uint16_t>(key.data() + 10),
                       detail::load_big<std::uint32_t>(key.data() + 6)};
    }
    if (key.size() != 22) return std::nullopt;
    return PlacedKey{queue_at(key), id_at(key, 6), 0x7fff - detail::load_big<std::uint16_t>(key.data() + 4)};
  }
  if (key.size() != 20) return std::nullopt;
  const core::JobId id = id_at(key, 4);
  return PlacedKey{queue_at(key), id, id.priority()};
}
inline std::optional<std::pair<core::Millis, core::JobId>> parse_timer(std::string_view key) {
  if (key.size() != 24) return std::nullopt;
  const auto due = detail::load_big<std::uint64_t>(key.data());
  if (due > static_cast<std::uint64_t>(core::never)) return std::nullopt;
  return std::pair{static_cast<core::Millis>(due), id_at(key, 8)};
}

/// The stamp that rows of expiring families begin with, or nothing when the value is too short.
inline std::optional<core::Millis> stamp_of(std::string_view value) {
  if (value.size() < 8) return std::nullopt;
  const auto stamp = detail::load_big<std::uint64_t>(value.data());
  if (stamp > static_cast<std::uint64_t>(core::never)) return std::nullopt;
  return static_cast<core::Millis>(stamp);
}
/// Whether a row with this stamp counts as absent.
constexpr bool expired(core::Millis stamp, core::Millis now_wall) { return stamp != 0 && stamp <= now_wall; }

/// The first 16-byte string after `id`, or nothing after the last one.
inline std::optional<core::JobId> id_after(core::JobId id) {
  for (std::size_t i = 16; i-- > 0;) {
    if (++id.bytes[i] != 0) return id;
  }
  return std::nullopt;
}

}  // namespace pawl::engine
