// A log whose blocks are written, as zeroes, before its records come.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "rocksdb/file_system.h"

namespace pawl::storage {

/// Appending to a file changes its size and takes new blocks, and each sync then writes the inode beside the
/// data: on ext4 that is a third to a half of what a small sync costs. So some way ahead of the records the
/// file already holds zeroes. They are written when the records reach the end of the last ones, and only
/// while syncs are small: a large one does not feel the difference, but would write everything twice.
///
/// Close() takes the zeroes off again. After a kill or a power cut they are still there: see find_log_ends().
///
/// Thread: as RocksDB's own, one that appends and one that syncs.
class ZeroedLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  static constexpr std::uint64_t chunk_bytes = 256u << 10;      // of zeroes at a time
  static constexpr std::uint64_t small_sync_bytes = 64u << 10;  // of records in an average sync, at most

  /// `ahead`: the same file, to write beyond its end.
  ZeroedLog(std::unique_ptr<rocksdb::FSWritableFile> file, std::unique_ptr<rocksdb::FSRandomRWFile> ahead);

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& check,
                           rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Close(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;

 private:
  void write_ahead(std::uint64_t appended);
  void note_sync();

  const std::unique_ptr<rocksdb::FSRandomRWFile> ahead_;
  std::atomic<std::uint64_t> end_ = 0;        // of the records
  std::atomic<std::uint64_t> mean_sync_ = 0;  // bytes of records
  std::uint64_t zeroed_to_ = 0;               // the appending thread's
  std::uint64_t synced_to_ = 0;               // the syncing thread's
  bool failed_ = false;                       // no more zeroes
};

}  // namespace pawl::storage
