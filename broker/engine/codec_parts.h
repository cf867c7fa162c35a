// What several records have in common.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/new_job.h"
#include "broker/engine/bytes.h"

namespace pawl::engine {

/// One bit of those that say which fields follow.
constexpr std::uint64_t bit(std::uint32_t which, bool on) { return std::uint64_t{on} << which; }

/// Beside a status or a policy: the parent is a child that the job itself added.
inline constexpr unsigned added_bit = 0x40;

inline void write_texts(Writer& to, const std::vector<std::string>& texts) {
  to.varint(texts.size());
  for (const std::string& text : texts) to.text(text);
}

inline std::vector<std::string> read_texts(Reader& from) {
  std::vector<std::string> texts;
  const std::size_t count = from.count();
  for (std::size_t i = 0; i < count && from.ok(); ++i) texts.emplace_back(from.text());
  return texts;
}

inline std::size_t room_for(const core::Match& match) {
  std::size_t room = varint_max;
  for (const auto& [path, value] : match) room += 2 * varint_max + path.size() + value.size();
  return room;
}

inline void write_match(Writer& to, const core::Match& match) {
  to.varint(match.size());
  for (const auto& [path, value] : match) {
    to.text(path);
    to.text(value);
  }
}

inline core::Match read_match(Reader& from) {
  core::Match match;
  const std::size_t count = from.count();
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    std::string path{from.text()};
    match.emplace_back(std::move(path), from.text());
  }
  return match;
}

inline void write_backoff(Writer& to, const core::Backoff& backoff) {
  to.byte(static_cast<std::uint8_t>(backoff.type));
  to.zigzag(backoff.delay_ms);
  to.real(backoff.factor);
  to.zigzag(backoff.max_delay_ms);
  to.real(backoff.jitter);
}

inline core::Backoff read_backoff(Reader& from) {
  core::Backoff backoff;
  const std::uint8_t type = from.byte();
  if (type > 2) from.fail();
  backoff.type = static_cast<core::Backoff::Type>(type);
  backoff.delay_ms = from.zigzag();
  backoff.factor = from.real();
  backoff.max_delay_ms = from.zigzag();
  backoff.jitter = from.real();
  return backoff;
}

inline void write_callback(Writer& to, const core::Callback& callback) {
  to.text(callback.url);
  to.byte(callback.on);
}

inline std::shared_ptr<const core::Callback> read_callback(Reader& from) {
  auto callback = std::make_shared<core::Callback>();
  callback->url = from.text();
  callback->on = from.byte();
  if (callback->on == 0 || callback->on > core::Callback::any) from.fail();
  return callback;
}

inline void write_rate(Writer& to, const core::RateLimit& limit) {
  to.varint(limit.max);
  to.zigzag(limit.per_ms);
  to.varint(limit.burst);
}

inline core::RateLimit read_rate(Reader& from) {
  core::RateLimit limit;
  limit.max = from.varint32();
  limit.per_ms = from.zigzag();
  limit.burst = from.varint32();
  if (limit.max == 0 || limit.per_ms <= 0) from.fail();
  return limit;
}

inline void write_pace(Writer& to, const core::Pace& pace) {
  to.zigzag(pace.full_at_us);
  to.varint(pace.counted.size());
  core::Millis before = 0;
  for (const auto& [until, count] : pace.counted) {
    to.delta(until, std::exchange(before, until));
    to.varint(count);
  }
}

inline core::Pace read_pace(Reader& from) {
  core::Pace pace;
  pace.full_at_us = from.zigzag();
  const std::size_t size = from.count();
  core::Millis before = 0;
  for (std::size_t i = 0; i < size && from.ok(); ++i) {
    before = from.delta(before);
    pace.add(before, from.varint32());
  }
  return pace;
}

inline void write_retention(Writer& to, const core::Retention& retention) {
  to.zigzag(retention.completed_ms);
  to.zigzag(retention.failed_ms);
}

inline core::Retention read_retention(Reader& from) {
  core::Retention retention;
  retention.completed_ms = from.zigzag();
  retention.failed_ms = from.zigzag();
  return retention;
}

inline int read_priority(Reader& from) {
  const std::int64_t priority = from.zigzag();
  if (priority < -1000 || priority > 1000) from.fail();
  return from.ok() ? static_cast<int>(priority) : 0;
}

inline core::Status read_status(Reader& from, std::uint8_t byte) {
  if (byte >= core::status_count) from.fail();
  return from.ok() ? static_cast<core::Status>(byte) : core::Status::pending;
}

template <typename Enum>
Enum read_enum(Reader& from, Enum last) {
  const std::uint8_t byte = from.byte();
  if (byte > static_cast<std::uint8_t>(last)) from.fail();
  return from.ok() ? static_cast<Enum>(byte) : Enum{};
}

inline void write_wait(Writer& to, const core::Wait& wait) {
  to.text(wait.as);
  to.text(wait.event);
  write_match(to, wait.match);
  to.zigzag(wait.until);
}

inline core::Wait read_wait(Reader& from) {
  core::Wait wait;
  wait.as = from.text();
  wait.event = from.text();
  wait.match = read_match(from);
  wait.until = from.zigzag();
  return wait;
}

inline std::size_t room_for(const core::Wait& wait) {
  return 4 * varint_max + wait.as.size() + wait.event.size() + room_for(wait.match);
}

/// The template of a schedule's or a trigger's jobs.
std::size_t room_for(const core::NewJob& job);
void write_new_job(Writer& to, const core::NewJob& job);
core::NewJob read_new_job(Reader& from);

}  // namespace pawl::engine
