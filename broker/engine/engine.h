// The one thread that owns the core: inbox → core → commit → replies.
//
//   any thread            engine thread                             the store's sync thread
//   post(command) ──────► take all that wait, apply each, match,
//                         flush into one Batch, partition.commit ─► fsync
//                         (builds the next batch meanwhile)
//   on_reply ◄────────────────────────────────────────────────────── durable: its replies and events
//
// An answer leaves only when the batch that it was made in is durable, reads included.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/core/command.h"
#include "broker/core/machine.h"
#include "broker/core/reply.h"
#include "broker/engine/audit.h"
#include "broker/engine/clock.h"
#include "broker/engine/events.h"
#include "broker/engine/history.h"
#include "broker/engine/lists.h"
#include "broker/engine/meters.h"
#include "broker/engine/operations.h"
#include "storage/store.h"

namespace pawl::engine {

/// Gets replies. Thread: the store's sync thread, or the engine's; must not block and must not throw: a
/// session puts the reply into its outbox and wakes its strand once for many.
class ReplyTarget {
 public:
  virtual ~ReplyTarget() = default;
  /// tag: what the poster gave. A worker connection gets Granted and Notice again and again under its tag.
  virtual void on_reply(std::uint64_t tag, core::Reply&& reply) = 0;
};

/// Why a command was not taken; it had no effect.
enum class Busy : std::uint8_t {
  inbox_full,  // 503, Retry-After 1
  store_slow,  // the store would stall: new submits are refused first. 503, Retry-After 1
  no_space,    // the disk is nearly full: submits are refused, settles and reads are not. 507
  stopping,    // 503
  failed,      // a commit failed: the process is about to end. 503
};

struct EngineOptions {
  core::MachineOptions machine;
  std::size_t inbox_commands = 65'536;   // most that wait
  std::size_t inbox_bytes = 128u << 20;  // payloads of those that wait
  std::size_t batch_commands = 2048;     // most in one batch
  std::size_t batch_bytes = 8u << 20;
  std::size_t batches_in_flight = 8;               // written, not yet durable
  std::size_t events_kept = 65'536;                // for Last-Event-ID
  std::uint64_t seed = 0;                          // 0: from the operating system
  Clock clock;                                     // default: the system's
  std::shared_ptr<const core::Calendar> calendar;  // null: schedules by cron never run
  std::shared_ptr<const core::EndWriter> ends;     // null: there are no callbacks
  /// Called once, from any thread, when a commit failed and nothing more can be promised: log, exit non-zero.
  std::function<void(const std::string&)> on_fatal;
  core::Millis audit_kept_ms = audit_kept_ms_default;
  std::chrono::milliseconds sweep_every{600'000};  // erases what hangs on jobs that are gone
  bool history = true;         // false: none is gathered, for tests that hold commits back
  PayloadValue payload_value;  // reads searchable payloads; null: none is
  std::function<void(const std::string&)> log_info;  // null: nowhere
  std::function<void(const std::string&)> log_warn;
};

/// Families in the order that the engine uses; hand it to Store::open. docs/STORAGE_FORMAT.md describes each.
std::vector<storage::FamilySpec> families();
inline constexpr std::uint64_t format_version = 1;

class Engine {
 public:
  /// Acquires the partition, recovers its state and starts the engine thread. The store must outlive the
  /// engine.
  static storage::Result<std::unique_ptr<Engine>> start(storage::Store& store, EngineOptions options);
  /// stop(), if it was not called.
  ~Engine();

  /// Hands a command over. Thread: any. The ticket names the waiter in AbandonLease, SetCredit, CloseWorker.
  /// The engine keeps `target` alive until the reply (worker connections: until CloseWorker). target may be
  /// null when no reply is wanted. actor: what audited() names is written to the audit log in its name.
  std::expected<core::Ticket, Busy> post(core::CommandBody body, std::shared_ptr<ReplyTarget> target,
                                         std::uint64_t tag, std::unique_ptr<Actor> actor = nullptr);
  /// The same under a ticket that a worker connection already has (OpenWorker again).
  std::expected<void, Busy> post_as(core::Ticket ticket, core::CommandBody body);

  EventHub& events();        // Thread: any
  JobLister& lists();        // Thread: any
  AuditLog& audit_log();     // Thread: any
  Operations& operations();  // Thread: any
  Meters& meters();          // Thread: any
  History& history();        // Thread: any
  /// Wall time, not behind what the engine has seen. Thread: any.
  core::Millis wall() const;
  storage::Counters store_counters() const;
  std::size_t inbox_size() const;
  bool ready() const;  // serving, not stopping, not failed

  /// No more grants; workers are told to drain. Settles go on. Thread: any.
  void stop_leasing();
  /// Takes nothing more, carries out what waits in the inbox, waits until it is durable, answers, joins.
  /// Idempotent.
  void stop();

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pawl::engine
