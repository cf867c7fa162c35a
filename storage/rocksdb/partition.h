// The writer of one partition in RocksDB, and its frozen views.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "rocksdb/write_batch.h"
#include "storage/rocksdb/database.h"
#include "storage/store.h"

namespace pawl::storage {

class RocksPartition final : public Partition {
 public:
  RocksPartition(std::shared_ptr<Database> database, Database::Taken taken);
  ~RocksPartition() override;

  std::uint64_t epoch() const override { return epoch_; }
  void commit(const Batch& batch, Done done) override;
  void get(Family family, std::string_view key,
           const std::function<void(Result<std::optional<std::string_view>>)>& answer) const override;
  void scan(const Range& range, const Visit& visit,
            const std::function<void(Result<void>)>& finished) const override;
  std::unique_ptr<Snapshot> snapshot() const override;
  Counters counters() const override;

 private:
  void translate(const Batch& batch);

  const std::shared_ptr<Database> database_;
  const std::shared_ptr<Seat> seat_;
  const std::uint64_t epoch_;
  rocksdb::WriteBatch scratch_;           // keeps its memory between commits
  mutable rocksdb::PinnableSlice found_;  // what get() answers from
  std::atomic<std::uint64_t> commits_ = 0;
  std::atomic<std::uint64_t> keys_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
};

}  // namespace pawl::storage
