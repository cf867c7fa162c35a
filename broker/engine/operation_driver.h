// What operations do next, slice by slice.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/engine/codec.h"
#include "broker/engine/operation_pace.h"
#include "broker/engine/operations.h"
#include "broker/engine/port.h"

namespace pawl::engine {

/// All operations of a broker. An operation's row says where it goes on; it is written in the same batch as
/// the changes of a slice, so that a crash neither repeats nor leaves out a job. What it reads, it reads from
/// snapshots; what it changes, it changes through the port. It has no thread and no clock of its own, so that
/// the simulation drives it as the runner does. Thread: one.
class OperationDriver {
 public:
  using Instant = OperationPace::Instant;
  using Answer = std::expected<OperationView, ListError>;
  struct Options {
    PayloadValue value_at;                         // null: filters by payload find nothing
    std::function<void(const std::string&)> warn;  // may be null
    std::function<Instant()> now;                  // of the steady clock
    std::function<std::uint64_t()> random;         // for ids
    std::size_t slice_jobs = 256;                  // changed in one batch
    std::size_t slice_rows = 20'000;               // seen for one slice, when the filter refuses most
    std::size_t count_jobs = 20'000;               // counted at once
    std::chrono::milliseconds read_most{75};       // of one slice of a bulk operation
  };
  OperationDriver(Port& port, Options options);

  /// Takes up what is on disk. Once, before all else.
  void load();
  /// Each answers when what it answers is on disk; busy: it may not be.
  Answer start(OperationSpec spec);
  Answer get(const std::string& id) const;
  Answer cancel(const std::string& id, const std::optional<Actor>& actor);
  Answer pause(const std::string& id, bool paused, const std::optional<Actor>& actor);
  std::vector<OperationView> list() const;

  /// One step of each that runs and whose time has come.
  void drive();
  /// When drive() has something to do again; nothing: when an operation is started or resumed.
  std::optional<Instant> next() const;
  /// Those that ended a week ago.
  void forget_old();

 private:
  struct Operation {
    OperationRow row;
    OperationPace pace;
    std::optional<core::QueueNumber> queue;
    Instant looked{};         // after the jobs that it replayed
    bool handed_out = false;  // all of them; what remains is what becomes of those under way
    Instant not_before{};     // the engine had no room
  };

  void drive(Operation& operation);
  bool look(Operation& operation);
  void advance(Operation& operation, std::size_t most);
  void advance_by_id(Operation& operation, std::size_t most);
  std::optional<core::QueueNumber> queue_of(Operation& operation, bool& gone);
  void count(Operation& operation);
  bool carry_out(Operation& operation, std::vector<core::JobId> jobs,
                 std::function<bool(const core::Job&)> wanted, std::string position);
  Answer change(const std::string& id, OperationView::State state, const std::optional<Actor>& actor);
  /// actor: whose doing it is; absent: it came to its end by itself, which counts as its starter's.
  bool end(Operation& operation, OperationView::State state, const std::optional<Actor>& actor = {});
  void give_up(Operation& operation);
  void wait(Operation& operation) const;
  bool save(const OperationRow& row, const std::optional<AuditEntry>& entry = {});

  Port& port_;
  const Options options_;
  std::map<std::string, Operation> operations_;  // by id
};

/// Neither running nor paused.
bool has_ended(const OperationView& view);

}  // namespace pawl::engine
