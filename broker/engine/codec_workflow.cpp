// The records of graphs.
#include <utility>

#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"
#include "broker/engine/codec_parts.h"

namespace pawl::engine {

namespace {

constexpr std::uint8_t graph_version = 1;
constexpr unsigned invoked_bit = 0x80;  // beside the policy of a dependent

std::unexpected<DecodeError> damaged_graph(const char* what) {
  return std::unexpected(
      DecodeError{std::string("the record of ") + what + " is damaged or of an unknown version"});
}

core::JobId read_job_id(Reader& from) {
  const std::string_view bytes = from.raw(16);
  return from.ok() ? id_at(bytes, 0) : core::JobId{};
}

core::WorkflowId read_workflow_id(Reader& from) {
  core::WorkflowId id;
  const std::string_view bytes = from.raw(16);
  if (from.ok()) std::memcpy(id.bytes.data(), bytes.data(), 16);
  return id;
}

void write_json(Writer& to, const core::Bytes& json) { to.text(json ? *json : std::string_view{}); }

core::Bytes read_json(Reader& from) {
  const std::string_view text = from.text();
  return text.empty() ? nullptr : std::make_shared<const std::string>(text);
}

}  // namespace

void encode_workflow(const core::WorkflowRow& row, std::string& out) {
  append(out, row.name.size() + 8 * varint_max, [&](Writer& to) {
    to.byte(graph_version);
    to.text(row.name);
    to.zigzag(row.created_at);
    to.varint(row.total);
    to.varint(row.left);
    to.varint(row.failed);
    to.varint(row.cancelled);
    to.zigzag(row.finished_at);
  });
}

Decoded<core::WorkflowRow> decode_workflow(std::string_view key, std::string_view value) {
  Reader from(value);
  core::WorkflowRow row;
  if (key.size() != 16 || from.byte() != graph_version) from.fail();
  if (key.size() == 16) std::memcpy(row.id.bytes.data(), key.data(), 16);
  row.name = from.text();
  row.created_at = from.zigzag();
  row.total = from.varint32();
  row.left = from.varint32();
  row.failed = from.varint32();
  row.cancelled = from.varint32();
  row.finished_at = from.zigzag();
  if (!from.done()) return damaged_graph("a workflow");
  return row;
}

void encode_member(const core::MemberRow& row, std::string& out) {
  append(out, row.ref.size() + 48 + (4 + row.depends_on.size()) * varint_max, [&](Writer& to) {
    to.byte(graph_version);
    to.raw(row.job.view());
    to.text(row.ref);
    to.byte(static_cast<std::uint8_t>(row.on_parent_failure));
    to.varint(row.depends_on.size());
    for (const std::uint32_t index : row.depends_on) to.varint(index);
    if (row.adds_to != core::JobId{}) to.raw(row.adds_to.view());
  });
}

Decoded<core::MemberRow> decode_member(std::string_view key, std::string_view value) {
  Reader from(value);
  core::MemberRow row;
  if (key.size() != 20 || from.byte() != graph_version) return damaged_graph("a workflow's job");
  std::memcpy(row.workflow.bytes.data(), key.data(), 16);
  row.index = detail::load_big<std::uint32_t>(key.data() + 16);
  row.job = read_job_id(from);
  row.ref = from.text();
  row.on_parent_failure = read_enum(from, core::OnParentFailure::skip);
  const std::size_t count = from.count();
  for (std::size_t i = 0; i < count && from.ok(); ++i) row.depends_on.push_back(from.varint32());
  if (from.ok() && !from.done()) row.adds_to = read_job_id(from);
  if (!from.done()) return damaged_graph("a workflow's job");
  return row;
}

namespace {
// At the end of a row; nothing for none, as in rows of an earlier release.
void write_since(Writer& to, core::LeaseNumber since) {
  if (since != core::LeaseNumber::none) to.varint(static_cast<std::uint64_t>(since));
}
core::LeaseNumber read_since(Reader& from) {
  return from.done() ? core::LeaseNumber::none : core::LeaseNumber{from.varint()};
}
}  // namespace

void encode_dependent(const core::Dependent& row, std::string& out) {
  append(out, row.ref.size() + 2 * varint_max + 2, [&](Writer& to) {
    to.byte(graph_version);
    to.byte(static_cast<std::uint8_t>(static_cast<unsigned>(row.policy) | (row.invoked ? invoked_bit : 0u) |
                                      (row.added ? added_bit : 0u)));
    to.text(row.ref);
    write_since(to, row.since);
  });
}

Decoded<core::Dependent> decode_dependent(std::string_view key, std::string_view value) {
  Reader from(value);
  core::Dependent row;
  if (key.size() != 32 || from.byte() != graph_version) return damaged_graph("a job that waits for another");
  row.id = id_at(key, 16);
  const std::uint8_t policy = from.byte();
  row.invoked = (policy & invoked_bit) != 0;
  row.added = (policy & added_bit) != 0;
  const unsigned plain = policy & ~(invoked_bit | added_bit);
  if (plain > static_cast<unsigned>(core::OnParentFailure::skip)) from.fail();
  row.policy = static_cast<core::OnParentFailure>(plain);
  row.ref = from.text();
  row.since = read_since(from);
  if (!from.done()) return damaged_graph("a job that waits for another");
  return row;
}

void encode_parent(const core::ParentResult& row, std::string& out) {
  append(out, row.ref.size() + (row.result ? row.result->size() : 0) + 2 * varint_max + 2, [&](Writer& to) {
    to.byte(graph_version);
    to.byte(static_cast<std::uint8_t>(static_cast<unsigned>(row.status) | (row.added ? added_bit : 0u)));
    to.text(row.ref);
    write_json(to, row.result);
  });
}

Decoded<core::ParentResult> decode_parent(std::string_view key, std::string_view value) {
  Reader from(value);
  core::ParentResult row;
  if (key.size() != 32 || from.byte() != graph_version) return damaged_graph("a job that another waits for");
  row.id = id_at(key, 16);
  const std::uint8_t status = from.byte();
  row.added = (status & added_bit) != 0;
  row.status = read_status(from, static_cast<std::uint8_t>(status & ~added_bit));
  row.ref = from.text();
  row.result = read_json(from);
  if (!from.done()) return damaged_graph("a job that another waits for");
  return row;
}

void encode_join(const core::Join& row, std::string& out) {
  append(out, 1 + 2 * varint_max, [&](Writer& to) {
    to.byte(graph_version);
    to.varint(row.left);
    write_since(to, row.since);
  });
}

Decoded<core::Join> decode_join(std::string_view value) {
  Reader from(value);
  core::Join row;
  if (from.byte() != graph_version) from.fail();
  row.left = from.varint32();
  row.since = read_since(from);
  if (!from.done()) return damaged_graph("how many jobs one waits for");
  return row;
}

void encode_owed(const core::Owed& row, std::string& out) {
  const std::size_t later = varint_max + 16 * row.came_later.size();
  append(out, 48 + (row.result ? row.result->size() : 0) + varint_max + later, [&](Writer& to) {
    to.byte(graph_version);
    to.byte(static_cast<std::uint8_t>(row.what));
    to.byte(static_cast<std::uint8_t>(row.status));
    to.byte(static_cast<std::uint8_t>((row.has_dependents ? 1u : 0u) | (row.came_later.empty() ? 0u : 2u)));
    to.raw(row.job.view());
    to.raw(row.workflow.view());
    write_json(to, row.result);
    if (row.came_later.empty()) return;
    to.varint(row.came_later.size());
    for (const core::JobId& id : row.came_later) to.raw(id.view());
  });
}

Decoded<core::Owed> decode_owed(std::string_view key, std::string_view value) {
  Reader from(value);
  core::Owed row;
  if (key.size() != 8 || from.byte() != graph_version) return damaged_graph("what an ended job owes");
  row.number = detail::load_big<std::uint64_t>(key.data());
  row.what = read_enum(from, core::Owed::What::runs_again);
  row.status = read_status(from, from.byte());
  const std::uint8_t bits = from.byte();
  if (bits > 3) from.fail();
  row.has_dependents = (bits & 1) != 0;
  if (const std::string_view id = from.raw(16); from.ok()) row.job = id_at(id, 0);
  row.workflow = read_workflow_id(from);
  row.result = read_json(from);
  if ((bits & 2) != 0) {
    for (std::size_t left = from.count(); left > 0 && from.ok(); --left) {
      const std::string_view id = from.raw(16);
      if (from.ok()) row.came_later.push_back(id_at(id, 0));
    }
  }
  if (!from.done()) return damaged_graph("what an ended job owes");
  return row;
}

}  // namespace pawl::engine
