// The records of the history.
#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"

namespace pawl::engine {

namespace {

constexpr std::uint8_t history_version = 1;

void write_spread(Writer& to, const Spread& spread) {
  to.varint(spread.parts().size());
  for (const auto& [bucket, count] : spread.parts()) {
    to.byte(bucket);
    to.varint(count);
  }
}

Spread read_spread(Reader& from) {
  Spread spread;
  const std::size_t count = from.count();
  int before = -1;
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    const std::uint8_t bucket = from.byte();
    const std::uint64_t inside = from.varint();
    if (bucket <= before || inside == 0) from.fail();
    if (from.ok()) spread.append({bucket, inside});
    before = bucket;
  }
  return spread;
}

std::unexpected<DecodeError> damaged_history() {
  return std::unexpected(
      DecodeError{"the record of a point of the history is damaged or of an unknown version"});
}

}  // namespace

void HistoryPoint::add(const HistoryPoint& other) {
  submitted += other.submitted;
  started += other.started;
  completed += other.completed;
  failed += other.failed;
  retried += other.retried;
  wait.add(other.wait);
  run.add(other.run);
  if (other.at >= at) depth = other.depth;
}

void encode_history(const HistoryRow& row, std::string& out) {
  const HistoryPoint& point = row.point;
  const std::size_t spreads = point.wait.parts().size() + point.run.parts().size();
  const std::size_t room = 9 + (7 + core::status_count) * varint_max + spreads * (1 + varint_max);
  append(out, room, [&](Writer& to) {
    to.big64(static_cast<std::uint64_t>(expiry_of(row)));
    to.byte(history_version);
    for (const std::uint64_t count :
         {point.submitted, point.started, point.completed, point.failed, point.retried}) {
      to.varint(count);
    }
    for (const std::uint64_t count : point.depth) to.varint(count);
    write_spread(to, point.wait);
    write_spread(to, point.run);
  });
}

Decoded<HistoryRow> decode_history(std::string_view key, std::string_view value) {
  if (key.size() != 13 || (key[0] != HistoryRow::second && key[0] != HistoryRow::minute))
    return damaged_history();
  HistoryRow row;
  HistoryPoint& point = row.point;
  row.step = key[0];
  row.queue = queue_at(key.substr(1));
  const auto at = detail::load_big<std::uint64_t>(key.data() + 5);
  if (at > static_cast<std::uint64_t>(core::never / 2)) return damaged_history();
  point.at = static_cast<core::Millis>(at);
  Reader from(value);
  if (from.big64() != static_cast<std::uint64_t>(expiry_of(row))) from.fail();
  if (from.byte() != history_version) from.fail();
  for (std::uint64_t* count :
       {&point.submitted, &point.started, &point.completed, &point.failed, &point.retried}) {
    *count = from.varint();
  }
  for (std::uint64_t& count : point.depth) count = from.varint();
  point.wait = read_spread(from);
  point.run = read_spread(from);
  if (!from.done()) return damaged_history();
  return row;
}

}  // namespace pawl::engine
