// Rows as bytes. Every value carries the version of its record; decoding checks every byte and never trusts a
// length. docs/STORAGE_FORMAT.md gives the layouts; golden bytes in the tests hold them still.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/outbox.h"
#include "broker/engine/audit.h"
#include "broker/engine/history.h"
#include "broker/engine/keys.h"
#include "broker/engine/operations.h"

namespace pawl::engine {

/// What is wrong with a row, for people.
struct DecodeError {
  std::string what;
};
template <typename T>
using Decoded = std::expected<T, DecodeError>;

// Encoding appends to `out`.
void encode_job(core::Place place, const core::Job& job, std::string& out);
void encode_queue(const core::QueueRow& row, std::string& out);
void encode_grant(const core::Grant& grant, std::string& out);
void encode_retained(const core::RetainedRow& row, std::string& out);
void encode_marks(const core::Marks& marks, std::string& out);
void encode_unique(const core::UniqueRow& row, std::string& out);
void encode_idempotency(const core::IdempotencyRow& row, std::string& out);
void encode_schedule(const core::ScheduleRow& row, std::string& out);
void encode_trigger(const core::TriggerRow& row, std::string& out);
void encode_gathered(const core::GatheredRow& row, std::string& out);
void encode_workflow(const core::WorkflowRow& row, std::string& out);
void encode_member(const core::MemberRow& row, std::string& out);
void encode_dependent(const core::Dependent& row, std::string& out);
void encode_parent(const core::ParentResult& row, std::string& out);
void encode_join(const core::Join& row, std::string& out);
void encode_owed(const core::Owed& row, std::string& out);
void encode_wait(const core::Wait& wait, std::string& out);
void encode_lane(std::uint32_t number, std::string& out);
void encode_priority(const ReadyPlace& place, std::string& out);
void encode_limit(const core::LimitRow& row, std::string& out);
void encode_group(const core::GroupRow& row, std::string& out);
void encode_order(const core::OrderRow& row, std::string& out);
void encode_logs(std::uint32_t attempt, std::span<const std::string> lines, std::string& out);

Decoded<core::Job> decode_job(core::Place place, std::string_view key, std::string_view value);
Decoded<core::QueueRow> decode_queue(std::string_view key, std::string_view value);
Decoded<core::Grant> decode_grant(std::string_view key, std::string_view value);
Decoded<core::RetainedRow> decode_retained(std::string_view key, std::string_view value);
Decoded<core::Marks> decode_marks(std::string_view value);
Decoded<core::UniqueRow> decode_unique(std::string_view value);
Decoded<core::IdempotencyRow> decode_idempotency(std::string_view value);
/// The key is the schedule's id.
Decoded<core::ScheduleRow> decode_schedule(std::string_view key, std::string_view value);
/// The key is the trigger's id.
Decoded<core::TriggerRow> decode_trigger(std::string_view key, std::string_view value);
Decoded<core::GatheredRow> decode_gathered(std::string_view key, std::string_view value);
Decoded<core::WorkflowRow> decode_workflow(std::string_view key, std::string_view value);
Decoded<core::MemberRow> decode_member(std::string_view key, std::string_view value);
/// The key is the parent's id and that of the job that waits.
Decoded<core::Dependent> decode_dependent(std::string_view key, std::string_view value);
/// The key is the id of the job that waits and the parent's.
Decoded<core::ParentResult> decode_parent(std::string_view key, std::string_view value);
Decoded<core::Join> decode_join(std::string_view value);
Decoded<core::Owed> decode_owed(std::string_view key, std::string_view value);
/// The key is the job's id.
Decoded<core::Wait> decode_wait(std::string_view value);
/// queue(4) | what the lane is: under this its number is kept.
std::string lane_key(core::QueueNumber queue, const core::LaneKey& key);
Decoded<core::LaneKey> decode_lane_key(std::string_view key);
Decoded<std::uint32_t> decode_lane(std::string_view value);
Decoded<ReadyPlace> decode_priority(std::string_view value);
/// The key is the limit's name.
Decoded<core::LimitRow> decode_limit(std::string_view key, std::string_view value);
/// The key is the queue's number and the group's name.
Decoded<core::GroupRow> decode_group(std::string_view key, std::string_view value);
Decoded<core::OrderRow> decode_order(std::string_view key, std::string_view value);
struct LogRow {
  core::JobId id;
  core::Millis at = 0;
  std::uint32_t first_line = 0;
  std::uint32_t attempt = 0;  // 1…; 0: an earlier release wrote the row, which did not keep it
  std::vector<std::string> lines;
};
Decoded<LogRow> decode_logs(std::string_view key, std::string_view value);

/// An operation as it is kept: what clients see, and where it goes on.
struct OperationRow {
  OperationView view;
  std::string position;  // the driver's own; empty: at the start
};
void encode_operation(const OperationRow& row, std::string& out);
Decoded<OperationRow> decode_operation(std::string_view key, std::string_view value);

/// A span of the history as it is kept: of a second or a minute, of a queue or (number 0) of all.
struct HistoryRow {
  static constexpr char second = 's';
  static constexpr char minute = 'm';
  char step = second;
  core::QueueNumber queue{};
  HistoryPoint point;
};
/// The stamp that its value begins with.
constexpr core::Millis expiry_of(const HistoryRow& row) {
  return row.point.at + (row.step == HistoryRow::second ? seconds_kept_ms + minute_ms : minutes_kept_ms);
}
void encode_history(const HistoryRow& row, std::string& out);
Decoded<HistoryRow> decode_history(std::string_view key, std::string_view value);

void encode_audit(const AuditEntry& entry, core::Millis expires_at, std::string& out);
Decoded<AuditEntry> decode_audit(std::string_view key, std::string_view value);

/// A UUID's text: 36 characters, lower case.
std::string uuid_text(const core::JobId& id);
/// Nothing when it is not a UUID's text.
std::optional<core::JobId> parse_uuid(std::string_view text);

}  // namespace pawl::engine
