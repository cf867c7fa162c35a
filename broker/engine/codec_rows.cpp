// Every record but the job's.
#include <utility>

#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"
#include "broker/engine/codec_parts.h"
#include "broker/engine/engine.h"

namespace pawl::engine {

using core::Millis;
using core::Status;

namespace {

constexpr std::uint8_t version_1 = 1;
constexpr std::uint8_t logs_version = 2;

std::unexpected<DecodeError> damaged(const char* what) {
  return std::unexpected(
      DecodeError{std::string("the record of ") + what + " is damaged or of an unknown version"});
}

void begin(Reader& from) {
  if (from.byte() != version_1) from.fail();
}

Millis read_stamp(Reader& from) {
  const std::uint64_t stamp = from.big64();
  if (stamp > static_cast<std::uint64_t>(core::never)) from.fail();
  return from.ok() ? static_cast<Millis>(stamp) : 0;
}

core::JobId read_id(Reader& from) {
  const std::string_view bytes = from.raw(16);
  return from.ok() ? id_at(bytes, 0) : core::JobId{};
}

enum SettingBit : std::uint32_t {
  is_paused,
  has_pause_reason,
  has_priority,
  has_max_attempts,
  has_max_stalls,
  has_backoff,
  has_lease_ms,
  has_timeout_ms,
  has_retention,
  has_max_concurrency,
  has_rate_limit,
  has_held_until,
  has_pace,
  has_live_members,
  has_group_concurrency,
  has_group_rate_limit,
  skips_failed,
  has_next_lane,
  has_ageing,
  has_push,
  has_queue_callback,
  pushes_whole_jobs,
  setting_count,
  has_searchable = 24,
};
constexpr std::uint64_t known_settings =
    ((std::uint64_t{1} << setting_count) - 1) | bit(has_searchable, true);

void write_push(Writer& to, const core::Push& push) {
  to.text(push.url);
  to.varint(push.headers.size());
  for (const auto& [name, value] : push.headers) {
    to.text(name);
    to.text(value);
  }
  to.zigzag(push.timeout_ms);
  to.varint(push.max_concurrency);
  to.text(push.secret);
  to.varint(push.permanent_on.size());
  for (const std::uint16_t status : push.permanent_on) to.varint(status);
}

std::size_t room_for_push(const core::Push& push) {
  std::size_t room = push.url.size() + push.secret.size() + 8 * varint_max;
  for (const auto& [name, value] : push.headers) room += name.size() + value.size() + 2 * varint_max;
  return room + push.permanent_on.size() * varint_max;
}

std::shared_ptr<const core::Push> read_push(Reader& from, core::PushBody body) {
  auto push = std::make_shared<core::Push>();
  push->body = body;
  push->url = from.text();
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    std::string name(from.text());
    push->headers.emplace_back(std::move(name), from.text());
  }
  push->timeout_ms = from.zigzag();
  push->max_concurrency = from.varint32();
  push->secret = from.text();
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left)
    push->permanent_on.push_back(static_cast<std::uint16_t>(from.varint32()));
  return push;
}

void write_settings(Writer& to, const core::QueueRow& row) {
  const core::QueueSettings& settings = row.settings;
  to.varint(bit(is_paused, settings.paused) | bit(has_pause_reason, !settings.pause_reason.empty()) |
            bit(has_priority, settings.priority.has_value()) |
            bit(has_max_attempts, settings.max_attempts.has_value()) |
            bit(has_max_stalls, settings.max_stalls.has_value()) |
            bit(has_backoff, settings.backoff.has_value()) |
            bit(has_lease_ms, settings.lease_ms.has_value()) |
            bit(has_timeout_ms, settings.timeout_ms.has_value()) |
            bit(has_retention, settings.retention.has_value()) |
            bit(has_max_concurrency, settings.max_concurrency.has_value()) |
            bit(has_rate_limit, settings.rate_limit.has_value()) | bit(has_held_until, row.held_until != 0) |
            bit(has_pace, row.pace != core::Pace{}) | bit(has_live_members, row.live_members != 0) |
            bit(has_group_concurrency, settings.group_concurrency.has_value()) |
            bit(has_group_rate_limit, settings.group_rate_limit.has_value()) |
            bit(skips_failed, settings.skip_failed) | bit(has_next_lane, row.next_lane != 1) |
            bit(has_ageing, settings.priority_ageing_ms.has_value()) |
            bit(has_push, settings.push != nullptr) | bit(has_queue_callback, settings.callback != nullptr) |
            bit(pushes_whole_jobs, settings.push != nullptr && settings.push->body == core::PushBody::job) |
            bit(has_searchable, !settings.searchable.empty()));
  if (!settings.pause_reason.empty()) to.text(settings.pause_reason);
  if (settings.priority) to.zigzag(*settings.priority);
  if (settings.max_attempts) to.varint(*settings.max_attempts);
  if (settings.max_stalls) to.varint(*settings.max_stalls);
  if (settings.backoff) write_backoff(to, *settings.backoff);
  if (settings.lease_ms) to.zigzag(*settings.lease_ms);
  if (settings.timeout_ms) to.zigzag(*settings.timeout_ms);
  if (settings.retention) write_retention(to, *settings.retention);
  if (settings.max_concurrency) to.varint(*settings.max_concurrency);
  if (settings.rate_limit) write_rate(to, *settings.rate_limit);
  if (row.held_until != 0) to.zigzag(row.held_until);
  if (row.pace != core::Pace{}) write_pace(to, row.pace);
  if (row.live_members != 0) to.varint(row.live_members);
  if (settings.group_concurrency) to.varint(*settings.group_concurrency);
  if (settings.group_rate_limit) write_rate(to, *settings.group_rate_limit);
  if (row.next_lane != 1) to.varint(row.next_lane);
  if (settings.priority_ageing_ms) to.zigzag(*settings.priority_ageing_ms);
  if (settings.push) write_push(to, *settings.push);
  if (settings.callback) write_callback(to, *settings.callback);
  if (!settings.searchable.empty()) write_texts(to, settings.searchable);
}

std::size_t bytes_of(const std::vector<std::string>& texts) {
  std::size_t sum = 0;
  for (const std::string& text : texts) sum += text.size() + varint_max;
  return sum;
}

void read_settings(Reader& from, core::QueueRow& row) {
  core::QueueSettings& settings = row.settings;
  const std::uint64_t bits = from.varint();
  if ((bits & ~known_settings) != 0) from.fail();
  const auto has = [bits](SettingBit which) { return (bits >> which & 1) != 0; };
  settings.paused = has(is_paused);
  if (has(has_pause_reason)) settings.pause_reason = from.text();
  if (has(has_priority)) settings.priority = read_priority(from);
  if (has(has_max_attempts)) settings.max_attempts = from.varint32();
  if (has(has_max_stalls)) settings.max_stalls = from.varint32();
  if (has(has_backoff)) settings.backoff = read_backoff(from);
  if (has(has_lease_ms)) settings.lease_ms = from.zigzag();
  if (has(has_timeout_ms)) settings.timeout_ms = from.zigzag();
  if (has(has_retention)) settings.retention = read_retention(from);
  if (has(has_max_concurrency)) settings.max_concurrency = from.varint32();
  if (has(has_rate_limit)) settings.rate_limit = read_rate(from);
  if (has(has_held_until)) row.held_until = from.zigzag();
  if (has(has_pace)) row.pace = read_pace(from);
  if (has(has_live_members)) row.live_members = from.varint();
  if (has(has_group_concurrency)) settings.group_concurrency = from.varint32();
  if (has(has_group_rate_limit)) settings.group_rate_limit = read_rate(from);
  settings.skip_failed = has(skips_failed);
  if (has(has_next_lane)) row.next_lane = from.varint32();
  if (has(has_ageing)) settings.priority_ageing_ms = from.zigzag();
  if (has(has_push))
    settings.push = read_push(from, has(pushes_whole_jobs) ? core::PushBody::job : core::PushBody::payload);
  if (has(has_queue_callback)) settings.callback = read_callback(from);
  if (has(has_searchable)) settings.searchable = read_texts(from);
}

}  // namespace

std::vector<storage::FamilySpec> families() {
  const auto plain = [](const char* name) { return storage::FamilySpec{name, false, false}; };
  const auto once = [](const char* name, std::size_t prefix) {
    return storage::FamilySpec{name, true, false, prefix};
  };
  const auto ordered = [](const char* name, std::size_t prefix) {
    return storage::FamilySpec{name, false, false, prefix};
  };
  const auto expiring = [](const char* name, std::size_t prefix) {
    return storage::FamilySpec{name, false, true, prefix};
  };
  // Of an id, the first four bytes say its time to a minute. Ready: also a lane, with its queue. Not timers:
  // what came due is erased as a range, from the first key on.
  constexpr std::size_t lane_bytes = 10, queue_and_minute = 8, number_bytes = 4;
  return {plain("meta"),
          plain("queues"),
          once("ready", lane_bytes),
          ordered("parked", queue_and_minute),
          expiring("ended", queue_and_minute),
          expiring("dead", queue_and_minute),
          once("timers", 0),
          once("grants", number_bytes),
          expiring("unique", 0),
          expiring("idempotency", 0),
          plain("retained"),
          plain("logs"),
          plain("operations"),
          plain("schedules"),
          plain("waits"),
          plain("triggers"),
          plain("gathered"),
          plain("workflows"),
          plain("members"),
          plain("dependents"),
          plain("parents"),
          plain("joins"),
          plain("owed"),
          plain("lanes"),
          plain("limits"),
          plain("groups"),
          plain("orders"),
          expiring("history", 0),
          expiring("audit", 0),
          plain("priorities")};
}

void encode_queue(const core::QueueRow& row, std::string& out) {
  const std::size_t room = 500 + row.name.size() + row.settings.pause_reason.size() +
                           row.pace.counted.size() * 2 * varint_max + bytes_of(row.settings.searchable) +
                           (row.settings.push ? room_for_push(*row.settings.push) : 0) +
                           (row.settings.callback ? row.settings.callback->url.size() + 8 : 0);
  append(out, room, [&](Writer& to) {
    to.byte(version_1);
    to.text(row.name);
    to.zigzag(row.created_at);
    for (const std::uint64_t count : row.counts) to.varint(count);
    to.varint(row.lifetime_completed);
    to.varint(row.lifetime_failed);
    write_settings(to, row);
  });
}

Decoded<core::QueueRow> decode_queue(std::string_view key, std::string_view value) {
  if (key.size() != 4) return damaged("a queue");
  Reader from(value);
  core::QueueRow row;
  row.number = queue_at(key);
  begin(from);
  row.name = from.text();
  row.created_at = from.zigzag();
  for (std::uint64_t& count : row.counts) count = from.varint();
  row.lifetime_completed = from.varint();
  row.lifetime_failed = from.varint();
  read_settings(from, row);
  if (!from.done()) return damaged("a queue");
  return row;
}

void encode_grant(const core::Grant& grant, std::string& out) {
  std::size_t room = 1 + 3 * varint_max + grant.entries.size() * (16 + 4 * varint_max);
  for (const std::string& worker : grant.workers) room += varint_max + worker.size();
  append(out, room, [&](Writer& to) {
    to.byte(version_1);
    to.zigzag(grant.granted_wall);
    write_texts(to, grant.workers);
    to.varint(grant.entries.size());
    std::uint64_t expected = grant.number;
    for (const core::Grant::Entry& entry : grant.entries) {
      to.delta(static_cast<std::int64_t>(entry.lease), static_cast<std::int64_t>(expected));
      to.raw(entry.id.view());
      to.zigzag(entry.priority);
      to.varint(entry.worker);
      to.zigzag(entry.lease_ms);
      expected = static_cast<std::uint64_t>(entry.lease) + 1;
    }
  });
}

Decoded<core::Grant> decode_grant(std::string_view key, std::string_view value) {
  if (key.size() != 8) return damaged("a grant");
  Reader from(value);
  core::Grant grant;
  grant.number = detail::load_big<std::uint64_t>(key.data());
  begin(from);
  grant.granted_wall = from.zigzag();
  grant.workers = read_texts(from);
  const std::size_t entries = from.count();
  std::uint64_t expected = grant.number;
  for (std::size_t i = 0; i < entries && from.ok(); ++i) {
    core::Grant::Entry entry{};
    const auto lease = static_cast<std::uint64_t>(from.delta(static_cast<std::int64_t>(expected)));
    entry.lease = core::LeaseNumber{lease};
    entry.id = read_id(from);
    const std::int64_t priority = from.zigzag();
    if (priority < INT16_MIN || priority > INT16_MAX) from.fail();
    entry.priority = static_cast<std::int32_t>(priority);
    entry.worker = from.varint32();
    if (entry.worker >= grant.workers.size()) from.fail();
    entry.lease_ms = from.zigzag();
    expected = lease + 1;
    grant.entries.push_back(entry);
  }
  if (!from.done()) return damaged("a grant");
  return grant;
}

void encode_retained(const core::RetainedRow& row, std::string& out) {
  append(out, 1 + varint_max, [&](Writer& to) {
    to.byte(version_1);
    to.varint(row.count);
  });
}

Decoded<core::RetainedRow> decode_retained(std::string_view key, std::string_view value) {
  if (key.size() != 13) return damaged("a retained count");
  Reader from(value);
  core::RetainedRow row;
  row.queue = queue_at(key);
  const auto expires = detail::load_big<std::uint64_t>(key.data() + 4);
  if (expires > static_cast<std::uint64_t>(core::never)) from.fail();
  row.expires_at = from.ok() ? static_cast<Millis>(expires) : 0;
  row.status = read_status(from, static_cast<std::uint8_t>(key[12]));
  if (!is_end(row.status)) from.fail();
  begin(from);
  row.count = from.varint();
  if (!from.done()) return damaged("a retained count");
  return row;
}

void encode_marks(const core::Marks& marks, std::string& out) {
  append(out, 1 + 4 * varint_max, [&](Writer& to) {
    to.byte(version_1);
    to.varint(marks.next_lease);
    to.varint(marks.last_id_high);
    to.varint(marks.next_queue);
    to.zigzag(marks.wall);
  });
}

Decoded<core::Marks> decode_marks(std::string_view value) {
  Reader from(value);
  core::Marks marks;
  begin(from);
  marks.next_lease = from.varint();
  marks.last_id_high = from.varint();
  marks.next_queue = from.varint32();
  marks.wall = from.zigzag();
  if (!from.done()) return damaged("the marks");
  return marks;
}

void encode_unique(const core::UniqueRow& row, std::string& out) {
  append(out, 25, [&](Writer& to) {
    to.big64(static_cast<std::uint64_t>(row.until));
    to.byte(version_1);
    to.raw(row.id.view());
  });
}

Decoded<core::UniqueRow> decode_unique(std::string_view value) {
  Reader from(value);
  core::UniqueRow row;
  row.until = read_stamp(from);
  begin(from);
  row.id = read_id(from);
  if (!from.done()) return damaged("a unique key");
  return row;
}

void encode_idempotency(const core::IdempotencyRow& row, std::string& out) {
  append(out, 25 + varint_max + row.jobs.size() * (17 + varint_max), [&](Writer& to) {
    to.big64(static_cast<std::uint64_t>(row.expires_at));
    to.byte(version_1);
    to.big64(row.body_hash[0]);
    to.big64(row.body_hash[1]);
    to.varint(row.jobs.size());
    for (const core::Submitted::Item& item : row.jobs) {
      to.raw(item.id.view());
      to.byte(
          static_cast<std::uint8_t>(static_cast<unsigned>(item.status) | (item.deduplicated ? 0x80u : 0u)));
      to.delta(item.created_at, item.id.created_at());
    }
  });
}

Decoded<core::IdempotencyRow> decode_idempotency(std::string_view value) {
  Reader from(value);
  core::IdempotencyRow row;
  row.expires_at = read_stamp(from);
  begin(from);
  row.body_hash[0] = from.big64();
  row.body_hash[1] = from.big64();
  const std::size_t count = from.count();
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    core::Submitted::Item item;
    item.id = read_id(from);
    const std::uint8_t status = from.byte();
    item.status = read_status(from, status & 0x7f);
    item.deduplicated = (status & 0x80) != 0;
    item.created_at = from.delta(item.id.created_at());
    row.jobs.push_back(std::move(item));
  }
  if (!from.done()) return damaged("an idempotency key");
  return row;
}

void encode_logs(std::uint32_t attempt, std::span<const std::string> lines, std::string& out) {
  std::size_t room = 1 + 2 * varint_max;
  for (const std::string& line : lines) room += varint_max + line.size();
  append(out, room, [&](Writer& to) {
    to.byte(logs_version);
    to.varint(attempt);
    to.varint(lines.size());
    for (const std::string& line : lines) to.text(line);
  });
}

Decoded<LogRow> decode_logs(std::string_view key, std::string_view value) {
  if (key.size() != 28) return damaged("log lines");
  Reader from(value);
  LogRow row;
  row.id = id_at(key, 0);
  const auto at = detail::load_big<std::uint64_t>(key.data() + 16);
  if (at > static_cast<std::uint64_t>(core::never)) from.fail();
  row.at = from.ok() ? static_cast<Millis>(at) : 0;
  row.first_line = detail::load_big<std::uint32_t>(key.data() + 24);
  const std::uint8_t version = from.byte();
  if (version == logs_version)
    row.attempt = from.varint32();
  else if (version != version_1)
    from.fail();
  const std::size_t count = from.count();
  for (std::size_t i = 0; i < count && from.ok(); ++i) row.lines.emplace_back(from.text());
  if (!from.done()) return damaged("log lines");
  return row;
}

std::string uuid_text(const core::JobId& id) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(digits[id.bytes[i] >> 4]);
    text.push_back(digits[id.bytes[i] & 15]);
  }
  return text;
}

std::optional<core::JobId> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  core::JobId id;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return std::nullopt;
      continue;
    }
    int value = 0;
    if (c >= '0' && c <= '9')
      value = c - '0';
    else if (c >= 'a' && c <= 'f')
      value = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
      value = c - 'A' + 10;
    else
      return std::nullopt;
    id.bytes[nibble / 2] = static_cast<std::uint8_t>(id.bytes[nibble / 2] << 4 | value);
    ++nibble;
  }
  return id;
}

}  // namespace pawl::engine
