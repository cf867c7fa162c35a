// The record of a schedule.
#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"
#include "broker/engine/codec_parts.h"

namespace pawl::engine {

using core::Millis;

namespace {

constexpr std::uint8_t schedule_version = 1;

}  // namespace

void encode_schedule(const core::ScheduleRow& row, std::string& out) {
  const core::Schedule& schedule = row.schedule;
  const core::Timetable& timetable = schedule.timetable;
  const std::size_t room = room_for(schedule.job) + timetable.cron.size() + timetable.timezone.size() +
                           row.last_error.size() + 20 * varint_max + 16;
  append(out, room, [&](Writer& to) {
    to.byte(schedule_version);
    write_new_job(to, schedule.job);
    to.text(timetable.cron);
    to.text(timetable.timezone);
    to.zigzag(timetable.every_ms);
    to.zigzag(timetable.start_at);
    to.zigzag(timetable.end_at);
    to.varint(timetable.max_runs);
    to.byte(static_cast<std::uint8_t>(schedule.missed));
    to.byte(static_cast<std::uint8_t>(schedule.overlap));
    to.byte(schedule.paused ? 1 : 0);
    to.zigzag(row.created_at);
    to.zigzag(row.updated_at);
    to.zigzag(row.anchor);
    to.zigzag(row.next_at);
    to.varint(row.runs);
    to.varint(row.skipped);
    to.zigzag(row.last_at);
    to.raw(row.last_job.view());
    to.text(row.last_error);
  });
}

Decoded<core::ScheduleRow> decode_schedule(std::string_view key, std::string_view value) {
  Reader from(value);
  core::ScheduleRow row;
  core::Schedule& schedule = row.schedule;
  core::Timetable& timetable = schedule.timetable;
  schedule.id = key;
  if (from.byte() != schedule_version) from.fail();
  schedule.job = read_new_job(from);
  timetable.cron = from.text();
  timetable.timezone = from.text();
  timetable.every_ms = from.zigzag();
  timetable.start_at = from.zigzag();
  timetable.end_at = from.zigzag();
  timetable.max_runs = from.varint();
  schedule.missed = read_enum(from, core::Missed::all);
  schedule.overlap = read_enum(from, core::Overlap::replace);
  schedule.paused = from.byte() != 0;
  row.created_at = from.zigzag();
  row.updated_at = from.zigzag();
  row.anchor = from.zigzag();
  row.next_at = from.zigzag();
  row.runs = from.varint();
  row.skipped = from.varint();
  row.last_at = from.zigzag();
  const std::string_view last = from.raw(16);
  if (from.ok()) row.last_job = id_at(last, 0);
  row.last_error = from.text();
  if (!from.done() || key.empty()) {
    return std::unexpected(
        DecodeError{"the record of schedule " + std::string(key) + " is damaged or of an unknown version"});
  }
  return row;
}

}  // namespace pawl::engine
