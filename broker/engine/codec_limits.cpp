// The records of lanes, named limits, groups and strict orders.
#include <utility>

#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"
#include "broker/engine/codec_parts.h"

namespace pawl::engine {

namespace {

constexpr std::uint8_t limits_version = 1;

std::unexpected<DecodeError> damaged_limits(const char* what) {
  return std::unexpected(
      DecodeError{std::string("the record of ") + what + " is damaged or of an unknown version"});
}

void begin_limits(Reader& from) {
  if (from.byte() != limits_version) from.fail();
}

}  // namespace

std::string lane_key(core::QueueNumber queue, const core::LaneKey& key) {
  std::string out = queue_key(queue).str();
  std::size_t room = 1 + 4 * varint_max + key.group.size() + key.order.size();
  for (const std::string& limit : key.limits) room += varint_max + limit.size();
  append(out, room, [&](Writer& to) {
    to.byte(static_cast<std::uint8_t>((key.ordered ? 1u : 0u) | (key.priority != 0 ? 2u : 0u) |
                                      (!key.order.empty() ? 4u : 0u)));
    if (key.priority != 0) to.zigzag(key.priority);
    if (!key.order.empty()) to.text(key.order);
    to.text(key.group);
    write_texts(to, key.limits);
  });
  return out;
}

Decoded<core::LaneKey> decode_lane_key(std::string_view key) {
  if (key.size() < 4) return damaged_limits("a lane");
  Reader from(key.substr(4));
  core::LaneKey lane;
  const std::uint8_t bits = from.byte();
  if (bits > 7) from.fail();
  lane.ordered = (bits & 1) != 0;
  if ((bits & 2) != 0) lane.priority = read_priority(from);
  if ((bits & 4) != 0) lane.order = from.text();
  lane.group = from.text();
  lane.limits = read_texts(from);
  if (!from.done()) return damaged_limits("a lane");
  return lane;
}

void encode_lane(std::uint32_t number, std::string& out) {
  append(out, 1 + varint_max, [&](Writer& to) {
    to.byte(limits_version);
    to.varint(number);
  });
}

void encode_priority(const ReadyPlace& place, std::string& out) {
  append(out, 1 + 2 * varint_max, [&](Writer& to) {
    to.byte(limits_version);
    to.zigzag(place.priority);
    to.varint(place.lane);
  });
}

Decoded<ReadyPlace> decode_priority(std::string_view value) {
  Reader from(value);
  begin_limits(from);
  ReadyPlace place;
  place.priority = read_priority(from);
  place.lane = from.varint32();
  if (!from.done() || place.lane > core::lane_number_max) return damaged_limits("a changed priority");
  return place;
}

Decoded<std::uint32_t> decode_lane(std::string_view value) {
  Reader from(value);
  begin_limits(from);
  const std::uint32_t number = from.varint32();
  if (!from.done() || number == 0 || number > core::lane_number_max) return damaged_limits("a lane");
  return number;
}

void encode_limit(const core::LimitRow& row, std::string& out) {
  const std::size_t room = 2 + (9 + 2 * (row.pace.counted.size() + row.live.size())) * varint_max;
  append(out, room, [&](Writer& to) {
    to.byte(limits_version);
    to.zigzag(row.created_at);
    to.byte(static_cast<std::uint8_t>((row.concurrency ? 1u : 0u) | (row.rate ? 2u : 0u) |
                                      (row.live.empty() ? 0u : 4u) | (row.made ? 0u : 8u)));
    if (row.concurrency) to.varint(*row.concurrency);
    if (row.rate) write_rate(to, *row.rate);
    if (row.rate) write_pace(to, row.pace);
    to.zigzag(row.held_until);
    if (row.live.empty()) return;
    to.varint(row.live.size());
    for (const auto& [queue, count] : row.live) {
      to.varint(queue);
      to.varint(count);
    }
  });
}

Decoded<core::LimitRow> decode_limit(std::string_view key, std::string_view value) {
  Reader from(value);
  core::LimitRow row;
  row.name = key;
  begin_limits(from);
  row.created_at = from.zigzag();
  const std::uint8_t bits = from.byte();
  if (bits > 15) from.fail();
  row.made = (bits & 8) == 0;
  if ((bits & 1) != 0) row.concurrency = from.varint32();
  if ((bits & 2) != 0) row.rate = read_rate(from);
  if ((bits & 2) != 0) row.pace = read_pace(from);
  row.held_until = from.zigzag();
  for (std::size_t left = (bits & 4) != 0 ? from.count() : 0; left > 0 && from.ok(); --left) {
    const std::uint32_t queue = from.varint32();
    row.live[queue] = from.varint();
  }
  if (!from.done()) return damaged_limits("a limit");
  return row;
}

void encode_group(const core::GroupRow& row, std::string& out) {
  const std::size_t reason = row.pause ? row.pause->reason.size() : 0;
  append(out, 1 + 4 * varint_max + reason + row.pace.counted.size() * 2 * varint_max, [&](Writer& to) {
    to.byte(limits_version);
    write_pace(to, row.pace);
    if (!row.pause) return;
    to.zigzag(row.pause->since);
    to.text(row.pause->reason);
  });
}

Decoded<core::GroupRow> decode_group(std::string_view key, std::string_view value) {
  if (key.size() < 4) return damaged_limits("a group");
  Reader from(value);
  core::GroupRow row;
  row.queue = queue_at(key);
  row.group = key.substr(4);
  begin_limits(from);
  row.pace = read_pace(from);
  if (!from.done()) {
    core::GroupPause& pause = row.pause.emplace();
    pause.since = from.zigzag();
    pause.reason = from.text();
  }
  if (!from.done()) return damaged_limits("a group");
  return row;
}

void encode_order(const core::OrderRow& row, std::string& out) {
  append(out, 18 + varint_max, [&](Writer& to) {
    to.byte(limits_version);
    to.byte(row.failed ? 1 : 0);
    to.raw(row.job.view());
    to.zigzag(row.until);
  });
}

Decoded<core::OrderRow> decode_order(std::string_view key, std::string_view value) {
  if (key.size() != 8) return damaged_limits("a strict order");
  Reader from(value);
  core::OrderRow row;
  row.queue = queue_at(key);
  row.lane = detail::load_big<std::uint32_t>(key.data() + 4);
  begin_limits(from);
  const std::uint8_t failed = from.byte();
  if (failed > 1) from.fail();
  row.failed = failed == 1;
  const std::string_view id = from.raw(16);
  if (from.ok()) row.job = id_at(id, 0);
  row.until = from.zigzag();
  if (!from.done()) return damaged_limits("a strict order");
  return row;
}

}  // namespace pawl::engine
