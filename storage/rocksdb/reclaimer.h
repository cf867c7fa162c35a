// Gives back the disk space of expired rows.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "rocksdb/db.h"
#include "storage/store.h"

namespace pawl::storage {

/// Compaction drops expired rows, but RocksDB compacts tables because they overlap, and rows in the order of
/// their ids never do. So a thread looks now and then for tables that are due (due_moment in expiry.h) and
/// has each rewritten in its own level, which leaves little or nothing of it.
class Reclaimer {
 public:
  /// The handles of the expiring families; they outlive the Reclaimer. Called on its thread.
  using Families = std::function<std::vector<rocksdb::ColumnFamilyHandle*>()>;

  Reclaimer(rocksdb::DB& db, WallClock clock, Families families);
  /// Waits for the compaction that is under way.
  ~Reclaimer();

  /// Looks at all tables once, and compacts those that are due: how many. Thread: any.
  std::size_t look();

 private:
  /// When each table is due, by path; the last moment there is where it is not. A table does not change.
  using Moments = std::unordered_map<std::string, std::uint64_t>;
  struct Table {
    std::string name;
    int level;
    bool due;
  };

  void run();
  bool stopping();
  /// All tables below level 0 in the order of level and key.
  std::vector<Table> tables(rocksdb::ColumnFamilyHandle* family, std::uint64_t now, Moments& seen);
  std::size_t compact(rocksdb::ColumnFamilyHandle* family, const std::vector<Table>& tables);

  rocksdb::DB& db_;
  const WallClock clock_;
  const Families families_;

  std::mutex look_mutex_;
  Moments moments_;  // of the tables that were there at the last look; under look_mutex_

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;  // last: everything above is there when it starts
};

}  // namespace pawl::storage
