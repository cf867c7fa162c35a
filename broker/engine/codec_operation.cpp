// The record of an operation.
#include <utility>

#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"
#include "broker/engine/codec_parts.h"

namespace pawl::engine {

namespace {

constexpr std::uint8_t operation_version = 1;

std::unexpected<DecodeError> damaged_operation() {
  return std::unexpected(DecodeError{"the record of an operation is damaged or of an unknown version"});
}

/// Whether the part that write_search writes is there: most operations do without.
bool is_searched(const JobFilter& filter) {
  return filter.worker || filter.created_from || filter.created_before || filter.attempts_min > 0 ||
         filter.attempts_max != UINT32_MAX || filter.text || !filter.payload.empty();
}

std::size_t room_of_search(const JobFilter& filter) {
  std::size_t room = 8 * varint_max + filter.worker.value_or("").size() + filter.text.value_or("").size() + 1;
  for (const auto& [path, value] : filter.payload) room += 2 * varint_max + path.size() + value.size();
  return room;
}

void write_search(Writer& to, const JobFilter& filter) {
  to.byte(static_cast<std::uint8_t>((filter.worker ? 1u : 0u) | (filter.created_from ? 2u : 0u) |
                                    (filter.created_before ? 4u : 0u) | (filter.text ? 8u : 0u)));
  if (filter.worker) to.text(*filter.worker);
  if (filter.created_from) to.zigzag(*filter.created_from);
  if (filter.created_before) to.zigzag(*filter.created_before);
  if (filter.text) to.text(*filter.text);
  to.varint(filter.attempts_min);
  to.varint(filter.attempts_max);
  to.varint(filter.payload.size());
  for (const auto& [path, value] : filter.payload) {
    to.text(path);
    to.text(value);
  }
}

void read_search(Reader& from, JobFilter& filter) {
  const std::uint8_t bits = from.byte();
  if (bits > 15) from.fail();
  if ((bits & 1) != 0) filter.worker = std::string(from.text());
  if ((bits & 2) != 0) filter.created_from = from.zigzag();
  if ((bits & 4) != 0) filter.created_before = from.zigzag();
  if ((bits & 8) != 0) filter.text = std::string(from.text());
  filter.attempts_min = from.varint32();
  filter.attempts_max = from.varint32();
  for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
    std::string path(from.text());
    filter.payload.emplace_back(std::move(path), from.text());
  }
}

std::size_t room_of_bulk(const OperationView& view) {
  const OperationSpec& spec = view.spec;
  std::size_t room =
      8 * varint_max + spec.filter.group.value_or("").size() + spec.filter.tag.value_or("").size() + 16;
  for (const OperationError& error : view.errors) room += 16 + varint_max + error.detail.size();
  if (is_searched(spec.filter)) room += room_of_search(spec.filter);
  return room;
}

void write_bulk(Writer& to, const OperationView& view) {
  const OperationSpec& spec = view.spec;
  std::uint64_t statuses = 0;
  for (const core::Status status : spec.filter.status)
    statuses |= std::uint64_t{1} << static_cast<unsigned>(status);
  to.byte(static_cast<std::uint8_t>((spec.filter.group ? 1u : 0u) | (spec.filter.tag ? 2u : 0u) |
                                    (view.counted ? 4u : 0u) | (is_searched(spec.filter) ? 8u : 0u)));
  if (spec.filter.group) to.text(*spec.filter.group);
  if (spec.filter.tag) to.text(*spec.filter.tag);
  if (is_searched(spec.filter)) write_search(to, spec.filter);
  to.varint(statuses);
  to.varint(view.refused);
  to.varint(view.found);
  to.varint(view.errors.size());
  for (const OperationError& error : view.errors) {
    to.raw(error.job.view());
    to.text(error.detail);
  }
}

void read_bulk_part(Reader& from, OperationView& view) {
  OperationSpec& spec = view.spec;
  const std::uint8_t bits = from.byte();
  if (bits > 15) from.fail();
  if ((bits & 1) != 0) spec.filter.group = std::string(from.text());
  if ((bits & 2) != 0) spec.filter.tag = std::string(from.text());
  if ((bits & 8) != 0) read_search(from, spec.filter);
  view.counted = (bits & 4) != 0;
  const std::uint64_t statuses = from.varint();
  if (statuses >> core::status_count != 0) from.fail();
  for (std::size_t i = 0; i < core::status_count; ++i) {
    if ((statuses >> i & 1) != 0) spec.filter.status.push_back(static_cast<core::Status>(i));
  }
  view.refused = from.varint();
  view.found = from.varint();
  const std::uint64_t errors = from.varint();
  if (errors > operation_errors_max) from.fail();
  for (std::uint64_t i = 0; i < errors && from.ok(); ++i) {
    const std::string_view id = from.raw(16);
    if (!from.ok()) break;
    view.errors.push_back({id_at(id, 0), std::string(from.text())});
  }
}

bool is_careful(const OperationSpec& spec) { return spec.canary > 0 || spec.stop_on_failure_rate; }

void write_care(Writer& to, const OperationView& view) {
  const OperationSpec& spec = view.spec;
  to.byte(static_cast<std::uint8_t>((spec.stop_on_failure_rate ? 1u : 0u) | (view.canary_passed ? 2u : 0u)));
  to.varint(spec.canary);
  if (spec.stop_on_failure_rate) to.real(*spec.stop_on_failure_rate);
  to.varint(view.ended);
  to.varint(view.failed);
  to.varint(view.under_way.size());
  for (const core::JobId& id : view.under_way) to.raw(id.view());
}

void read_care(Reader& from, OperationView& view) {
  OperationSpec& spec = view.spec;
  const std::uint8_t bits = from.byte();
  if (bits > 3) from.fail();
  view.canary_passed = (bits & 2) != 0;
  spec.canary = static_cast<std::uint32_t>(from.varint());
  if ((bits & 1) != 0) spec.stop_on_failure_rate = from.real();
  view.ended = from.varint();
  view.failed = from.varint();
  const std::size_t count = from.count();
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    const std::string_view id = from.raw(16);
    if (from.ok()) view.under_way.push_back(id_at(id, 0));
  }
}

}  // namespace

void encode_operation(const OperationRow& row, std::string& out) {
  const OperationView& view = row.view;
  const OperationSpec& spec = view.spec;
  const std::size_t room = 64 + 12 * varint_max + spec.queue.size() + spec.filter.name.value_or("").size() +
                           spec.filter.error_type.value_or("").size() + row.position.size() + varint_max +
                           spec.into.size() + room_of_bulk(view) + view.under_way.size() * 16 +
                           (spec.actor ? spec.actor->name.size() + spec.actor->address.size() : 0);
  append(out, room, [&](Writer& to) {
    to.byte(operation_version);
    to.byte(static_cast<std::uint8_t>(spec.action));
    to.byte(static_cast<std::uint8_t>(view.state));
    to.byte(static_cast<std::uint8_t>((spec.filter.name ? 1u : 0u) | (spec.filter.error_type ? 2u : 0u) |
                                      (spec.actor ? 4u : 0u) | (spec.filter.fingerprint ? 8u : 0u) |
                                      (is_careful(spec) ? 16u : 0u) | (spec.into.empty() ? 0u : 32u)));
    to.text(spec.queue);
    if (spec.filter.name) to.text(*spec.filter.name);
    if (spec.filter.error_type) to.text(*spec.filter.error_type);
    if (spec.actor) {
      to.text(spec.actor->name);
      to.text(spec.actor->address);
    }
    to.real(spec.per_second);
    to.varint(view.done);
    to.varint(view.skipped);
    to.zigzag(view.started_at);
    to.zigzag(view.finished_at);
    to.text(row.position);
    if (spec.filter.fingerprint) to.big64(static_cast<std::uint64_t>(*spec.filter.fingerprint));
    if (is_careful(spec)) write_care(to, view);
    if (!spec.into.empty()) to.text(spec.into);
    if (spec.is_bulk()) write_bulk(to, view);
  });
}

Decoded<OperationRow> decode_operation(std::string_view key, std::string_view value) {
  if (key.size() != 16) return damaged_operation();
  Reader from(value);
  OperationRow row;
  OperationSpec& spec = row.view.spec;
  row.view.id = uuid_text(id_at(key, 0));
  if (from.byte() != operation_version) from.fail();
  const std::uint8_t action = from.byte();
  const std::uint8_t state = from.byte();
  const std::uint8_t bits = from.byte();
  if (action > 6 || state > 4 || bits > 63) from.fail();
  if (!from.ok()) return damaged_operation();
  spec.action = static_cast<OperationSpec::Action>(action);
  row.view.state = static_cast<OperationView::State>(state);
  spec.queue = from.text();
  if ((bits & 1) != 0) spec.filter.name = std::string(from.text());
  if ((bits & 2) != 0) spec.filter.error_type = std::string(from.text());
  if ((bits & 4) != 0) {
    spec.actor.emplace().name = from.text();
    spec.actor->address = from.text();
  }
  spec.per_second = from.real();
  row.view.done = from.varint();
  row.view.skipped = from.varint();
  row.view.started_at = from.zigzag();
  row.view.finished_at = from.zigzag();
  row.position = from.text();
  if ((bits & 8) != 0) spec.filter.fingerprint = static_cast<Fingerprint>(from.big64());
  if ((bits & 16) != 0) read_care(from, row.view);
  if ((bits & 32) != 0) spec.into = from.text();
  if (spec.is_bulk()) read_bulk_part(from, row.view);
  if (!from.done()) return damaged_operation();
  return row;
}

}  // namespace pawl::engine
