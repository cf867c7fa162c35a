// One open RocksDB with everything around it: guard, ledger, sync thread, seats of the partitions.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "storage/rocksdb/directory.h"
#include "storage/rocksdb/erased_ranges.h"
#include "storage/rocksdb/guard_fs.h"
#include "storage/rocksdb/ledger.h"
#include "storage/rocksdb/reclaimer.h"
#include "storage/rocksdb/recovery.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/rocksdb/syncer.h"
#include "storage/rocksdb/tuning.h"

namespace pawl::storage {

/// Where the owner of a partition sits: whoever has the epoch may write. Its mutex makes "still the owner?"
/// and the write one step; there is nobody to wait for but a rival.
struct Seat {
  std::mutex mutex;
  std::uint64_t epoch = 0;
  std::vector<rocksdb::ColumnFamilyHandle*> families;  // by Family
  std::vector<ErasedRanges*> erased;                   // by Family; the database's
};

/// Shared by the store, its partitions and its snapshots; the last of them closes it. Thread: any, where not
/// said otherwise.
class Database {
 public:
  static Result<std::shared_ptr<Database>> open(const std::string& path, Options options,
                                                RocksDbTesting testing);
  /// Answers what waits, flushes so that the next start replays nothing, and closes. Not on the sync thread.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  struct Taken {
    std::shared_ptr<Seat> seat;
    std::uint64_t epoch;
  };
  /// Raises the epoch durably.
  Result<Taken> take_seat(std::uint32_t partition);

  rocksdb::DB& db() { return *db_; }
  Syncer& syncer() { return *syncer_; }
  Reclaimer& reclaimer() { return *reclaimer_; }
  LogGates& gates() { return guard_->gates(); }
  const FamilySpec& spec(Family family) const { return options_.families[static_cast<std::size_t>(family)]; }
  std::size_t family_count() const { return options_.families.size(); }
  const WallClock& wall_clock() const { return options_.wall_clock; }
  /// Writes without a sync. False: the store has failed.
  bool write(rocksdb::WriteBatch& batch);
  /// Names the file where the status does not.
  Error read_error(const rocksdb::Status& status) const;
  /// How much of the log was not in tables yet when this was opened.
  std::uint64_t replayed_batches() const { return audit_.batches(); }
  /// Fills in what is counted for the whole store.
  void fill(Counters& counters) const;

 private:
  Database(std::unique_ptr<Directory> directory, Options options, RocksDbTesting testing);
  Result<void> open_db(const Watermark& mark);
  Result<void> check_recovered(const Watermark& mark);
  Result<void> read_erased_ranges();
  Result<void> start(WatermarkFile watermark);
  Error open_error(const rocksdb::Status& status) const;
  Result<rocksdb::ColumnFamilyHandle*> family_handle(std::uint32_t partition, const FamilySpec& spec);
  Result<std::uint64_t> stored_epoch(const std::string& key);
  std::vector<rocksdb::ColumnFamilyHandle*> expiring_families();
  void look_around();
  rocksdb::Status flush();
  void close();

  const Options options_;
  const RocksDbTesting testing_;
  std::unique_ptr<Directory> directory_;
  std::shared_ptr<GuardFileSystem> guard_;
  std::unique_ptr<rocksdb::Env> env_;
  Tuning tuning_;
  ReplayAudit audit_;
  std::unique_ptr<rocksdb::DB> db_;
  std::map<std::string, rocksdb::ColumnFamilyHandle*> handles_;  // by name on disk
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Syncer> syncer_;
  std::unique_ptr<Reclaimer> reclaimer_;

  std::mutex seats_mutex_;  // seats_, handles_ and which families erased_ has
  std::map<std::uint32_t, std::shared_ptr<Seat>> seats_;
  std::map<rocksdb::ColumnFamilyHandle*, ErasedRanges> erased_;

  std::atomic<std::uint64_t> disk_bytes_ = 0;
  std::atomic<std::uint64_t> free_bytes_ = 0;
  std::atomic<bool> write_stalled_ = false;
  std::atomic<bool> low_on_space_ = false;
};

}  // namespace pawl::storage
