// Who did what: every action of an operator leaves a row in the batch that carries it out.
// docs/adr/0013-history-and-audit-in-the-batch.md
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/command.h"
#include "broker/core/reply.h"
#include "broker/engine/lists.h"

namespace pawl::engine {

/// Who asked.
struct Actor {
  std::string name;     // what the client calls itself, or the token's name; empty: nobody said
  std::string address;  // of the other end of the connection
};

struct AuditEntry {
  /// Values are on disk. `started`: goes on in the broker; another entry with its target tells the end.
  enum class Outcome : std::uint8_t { done = 0, refused = 1, started = 2, cancelled = 3 };
  core::Millis at = 0;
  Actor actor;
  std::string action;       // cancel, pause, delete-queue, …
  std::string queue;        // empty: of no one queue
  std::string target;       // a job, a schedule, an operation; empty: the queue itself
  std::uint64_t count = 0;  // things that it changed
  Outcome outcome = Outcome::done;
  std::string detail;  // why it was refused, what became of the job
};

/// The one place that says what is audited: action, queue and target of a command, or nothing. A new command
/// does not compile until it is listed there.
std::optional<AuditEntry> audited(const core::CommandBody& body);
/// What the answer adds: count, outcome, detail.
void add_outcome(AuditEntry& entry, const core::Reply& reply);
std::string_view name_of(AuditEntry::Outcome outcome);

struct AuditFilter {
  std::optional<std::string> queue;
  std::optional<std::string> action;
  std::optional<std::string> actor;
  std::optional<core::Millis> from;
  std::optional<core::Millis> before;
};
struct AuditPage {
  std::vector<AuditEntry> entries;  // newest first
  std::optional<std::string> next_cursor;
};
using AuditAnswer = std::function<void(std::expected<AuditPage, ListError>)>;

class AuditLog {
 public:
  virtual ~AuditLog() = default;
  /// Thread: any; answers on a thread of the lister. limit 1…1000. Only what is durable.
  virtual void audit(AuditFilter filter, std::size_t limit, std::string cursor, AuditAnswer answer) = 0;
};

inline constexpr core::Millis audit_kept_ms_default = 90ll * 86'400'000;

}  // namespace pawl::engine
