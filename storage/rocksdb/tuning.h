// How RocksDB is set up.
#pragma once

#include <memory>

#include "rocksdb/cache.h"
#include "rocksdb/options.h"
#include "storage/store.h"

namespace pawl::storage {

/// The settings that all families share, and the caches behind them. Lives as long as the database.
class Tuning {
 public:
  explicit Tuning(const Options& options);

  rocksdb::DBOptions db_options(rocksdb::Env* env) const;
  /// spec may be null: a family that this program does not know.
  rocksdb::ColumnFamilyOptions family_options(const FamilySpec* spec) const;
  /// Bytes in caches and write buffers.
  std::size_t memory_bytes() const { return cache_->GetUsage(); }

 private:
  std::size_t memory_budget_;
  WallClock wall_clock_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
};

}  // namespace pawl::storage
