// Partitions in ordered maps: for tests and for the simulation, where the disk must be slow, fail or forget
// on command.
#pragma once

#include <cstdint>
#include <memory>

#include "storage/store.h"

namespace pawl::storage {

/// Keeps what was committed for as long as it lives: a partition may be destroyed and acquired again, as a
/// process that restarts on the same disk.
///
/// Automatic mode (the default): a commit is durable before commit() returns and its `done` runs inside it.
/// Manual mode: commits are visible to reads at once and pile up until sync(), as on a disk whose fsync is
/// slow.
///
/// Aborts with a message when a caller breaks the contract of a family: a key of a written_once family put
/// twice, or a value of an expiring family without its stamp.
///
/// Thread: any; one mutex, held for the length of a call. `done` is called with it released.
class MemoryStore final : public Store {
 public:
  enum class Mode : std::uint8_t { automatic, manual };

  explicit MemoryStore(Options options, Mode mode = Mode::automatic);
  ~MemoryStore() override;

  Result<std::unique_ptr<Partition>> acquire(std::uint32_t partition) override;

  /// Makes the oldest `commits` of those that wait durable, in order, as one fsync; calls their `done`.
  /// Returns how many there were.
  std::size_t sync(std::size_t commits);
  std::size_t sync_all();
  /// How many commits wait for a sync.
  std::size_t unsynced() const;

  /// The power fails: all but the oldest `kept` of the waiting commits are undone, as is what `failed` left
  /// behind, and every partition handed out becomes `gone`. The `done` of waiting commits is never called:
  /// who waited for it is gone too.
  void crash(std::size_t kept = 0);

  /// The next commit ends as `failed`, and all after it, until crash() or a new acquire(). reached_disk says
  /// whether it is there after the restart: both are allowed.
  void fail_next_commit(bool reached_disk = false);
  /// The next sync ends the commits that it covers as `failed`, and all after them.
  void fail_next_sync(bool reached_disk = false);

  /// Gauges that the counters of every partition show from now on.
  void set_pressure(bool write_stalled, bool low_on_space);

  struct Usage {
    std::size_t rows = 0;
    std::size_t bytes = 0;  // of keys and values
  };
  /// What all families hold, rows that have expired but were not dropped yet included.
  Usage usage() const;
  Usage usage(std::uint32_t partition, Family family) const;

 private:
  friend class MemoryPartition;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pawl::storage
