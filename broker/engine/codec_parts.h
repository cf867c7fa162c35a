// What several records have in common.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/core/job.h"
#include "broker/engine/bytes.h"

namespace pawl::engine {

/// One bit of those that say which fields follow.
constexpr std::uint64_t bit(std::uint32_t which, bool on) { return std::uint64_t{on} << which; }

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

}  // namespace pawl::engine
