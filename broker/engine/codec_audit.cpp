// The records of the audit log.
#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"

namespace pawl::engine {

namespace {
constexpr std::uint8_t audit_version = 1;

std::unexpected<DecodeError> damaged_audit() {
  return std::unexpected(DecodeError{"the record of an audited action is damaged or of an unknown version"});
}
}  // namespace

void encode_audit(const AuditEntry& entry, core::Millis expires_at, std::string& out) {
  const std::size_t texts = entry.actor.name.size() + entry.actor.address.size() + entry.action.size() +
                            entry.queue.size() + entry.target.size() + entry.detail.size();
  append(out, 10 + texts + 7 * varint_max, [&](Writer& to) {
    to.big64(static_cast<std::uint64_t>(expires_at));
    to.byte(audit_version);
    to.byte(static_cast<std::uint8_t>(entry.outcome));
    to.varint(entry.count);
    for (const std::string* text : {&entry.actor.name, &entry.actor.address, &entry.action, &entry.queue,
                                    &entry.target, &entry.detail}) {
      to.text(*text);
    }
  });
}

Decoded<AuditEntry> decode_audit(std::string_view key, std::string_view value) {
  if (key.size() != 12) return damaged_audit();
  AuditEntry entry;
  const auto at = detail::load_big<std::uint64_t>(key.data());
  if (at > static_cast<std::uint64_t>(core::never)) return damaged_audit();
  entry.at = static_cast<core::Millis>(at);
  Reader from(value);
  from.big64();
  if (from.byte() != audit_version) from.fail();
  const std::uint8_t outcome = from.byte();
  if (outcome > 3) from.fail();
  entry.count = from.varint();
  for (std::string* text :
       {&entry.actor.name, &entry.actor.address, &entry.action, &entry.queue, &entry.target, &entry.detail}) {
    *text = from.text();
  }
  if (!from.done()) return damaged_audit();
  entry.outcome = static_cast<AuditEntry::Outcome>(outcome);
  return entry;
}

}  // namespace pawl::engine
