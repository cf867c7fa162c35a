// The lister's reading of the audit log.
#include <algorithm>

#include "broker/engine/bytes.h"
#include "broker/engine/cursor.h"
#include "broker/engine/job_lister.h"

namespace pawl::engine {

namespace {
constexpr std::size_t audit_rows_max = 50'000;  // seen for one page, when the filter refuses most
constexpr std::uint8_t audit_cursor = 3;

bool wanted(const AuditFilter& filter, const AuditEntry& entry) {
  if (filter.queue && *filter.queue != entry.queue) return false;
  if (filter.action && *filter.action != entry.action) return false;
  return !filter.actor || *filter.actor == entry.actor.name;
}

std::string cursor_to(std::string_view key) {
  std::string bytes(1, static_cast<char>(audit_cursor));
  bytes += key;
  return to_base64url(bytes);
}
}  // namespace

void SnapshotLister::audit(AuditFilter filter, std::size_t limit, std::string cursor, AuditAnswer answer) {
  post([this, filter = std::move(filter), limit, cursor = std::move(cursor),
        answer = std::move(answer)](bool serve) {
    if (serve)
      answer(read_audit(filter, std::clamp<std::size_t>(limit, 1, 1000), cursor));
    else
      answer(std::unexpected(ListError::busy));
  });
}

std::expected<AuditPage, ListError> SnapshotLister::read_audit(const AuditFilter& filter, std::size_t limit,
                                                               const std::string& cursor) {
  std::string begin = audit_key(filter.from.value_or(0), 0).str();
  std::string end = filter.before ? audit_key(*filter.before, 0).str() : std::string(13, '\xff');
  if (!cursor.empty()) {
    const std::optional<std::string> bytes = from_base64url(cursor);
    if (!bytes || bytes->size() != 13 || static_cast<std::uint8_t>((*bytes)[0]) != audit_cursor)
      return std::unexpected(ListError::bad_cursor);
    end = std::min(end, bytes->substr(1));
  }
  // Reads what is durable; the snapshot may show what is not yet, so the engine is asked after it.
  const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
  if (!port_.run([](core::Machine&, BatchOutbox&, core::Now) {})) return std::unexpected(ListError::busy);
  AuditPage page;
  bool damaged = false;
  std::size_t rows = 0;
  std::string last;
  const core::Millis now_wall = port_.wall();
  const auto scanned =
      snapshot->scan({family::audit, begin, end, true}, [&](std::string_view key, std::string_view value) {
        if (page.entries.size() >= limit || rows >= audit_rows_max) {
          page.next_cursor = cursor_to(last);
          return false;
        }
        ++rows;
        last = key;
        Decoded<AuditEntry> entry = decode_audit(key, value);
        damaged = damaged || !entry;
        if (!entry) return false;
        if (!expired(stamp_of(value).value_or(0), now_wall) && wanted(filter, *entry))
          page.entries.push_back(std::move(*entry));
        return true;
      });
  if (!scanned || damaged) return std::unexpected(ListError::store);
  return page;
}

}  // namespace pawl::engine
