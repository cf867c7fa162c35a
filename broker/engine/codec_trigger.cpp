// The records of triggers, of what they have gathered, and of jobs that wait for events.
#include <utility>

#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"
#include "broker/engine/codec_parts.h"

namespace pawl::engine {

namespace {

constexpr std::uint8_t trigger_version = 1;

std::unexpected<DecodeError> damaged_record(const std::string& what) {
  return std::unexpected(DecodeError{"the record of " + what + " is damaged or of an unknown version"});
}

}  // namespace

void encode_trigger(const core::TriggerRow& row, std::string& out) {
  const core::Trigger& trigger = row.trigger;
  const std::size_t room =
      room_for(trigger.job) + room_for(trigger.match) + trigger.event.size() + 16 * varint_max + 16;
  append(out, room, [&](Writer& to) {
    to.byte(trigger_version);
    to.text(trigger.event);
    write_match(to, trigger.match);
    write_new_job(to, trigger.job);
    to.varint(trigger.batch_max);
    to.zigzag(trigger.batch_timeout_ms);
    to.zigzag(row.created_at);
    to.zigzag(row.updated_at);
    to.varint(row.events);
    to.varint(row.jobs);
    to.zigzag(row.last_at);
    to.raw(row.last_job.view());
    to.varint(row.next_number);
    to.zigzag(row.gathers_since);
  });
}

Decoded<core::TriggerRow> decode_trigger(std::string_view key, std::string_view value) {
  Reader from(value);
  core::TriggerRow row;
  core::Trigger& trigger = row.trigger;
  trigger.id = key;
  if (from.byte() != trigger_version) from.fail();
  trigger.event = from.text();
  trigger.match = read_match(from);
  trigger.job = read_new_job(from);
  trigger.batch_max = from.varint32();
  trigger.batch_timeout_ms = from.zigzag();
  row.created_at = from.zigzag();
  row.updated_at = from.zigzag();
  row.events = from.varint();
  row.jobs = from.varint();
  row.last_at = from.zigzag();
  const std::string_view last = from.raw(16);
  if (from.ok()) row.last_job = id_at(last, 0);
  row.next_number = from.varint();
  row.gathers_since = from.zigzag();
  if (!from.done()) return damaged_record("trigger " + std::string(key));
  return row;
}

void encode_gathered(const core::GatheredRow& row, std::string& out) {
  append(out, 1 + (row.data ? row.data->size() : 0), [&](Writer& to) {
    to.byte(trigger_version);
    if (row.data) to.raw(*row.data);
  });
}

Decoded<core::GatheredRow> decode_gathered(std::string_view key, std::string_view value) {
  constexpr std::size_t number_size = 9;  // a zero byte, and the number
  if (key.size() <= number_size || value.empty() ||
      static_cast<std::uint8_t>(value.front()) != trigger_version) {
    return damaged_record("a gathered event");
  }
  core::GatheredRow row;
  row.trigger = key.substr(0, key.size() - number_size);
  row.number = detail::load_big<std::uint64_t>(key.data() + key.size() - 8);
  if (value.size() > 1) row.data = std::make_shared<const std::string>(value.substr(1));
  return row;
}

void encode_wait(const core::Wait& wait, std::string& out) {
  append(out, 1 + room_for(wait), [&](Writer& to) {
    to.byte(trigger_version);
    write_wait(to, wait);
  });
}

Decoded<core::Wait> decode_wait(std::string_view value) {
  Reader from(value);
  if (from.byte() != trigger_version) from.fail();
  core::Wait wait = read_wait(from);
  if (!from.done()) return damaged_record("a job that waits for an event");
  return wait;
}

}  // namespace pawl::engine
