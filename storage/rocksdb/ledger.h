// Keeps the watermark up to date while the store runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "storage/rocksdb/guard_fs.h"
#include "storage/rocksdb/watermark.h"

namespace pawl::storage {

/// Thread: any. The guard must outlive it.
class Ledger {
 public:
  Ledger(WatermarkFile file, const GuardFileSystem& guard, std::string db_id);

  enum class Sync : std::uint8_t { now_and_then, now };
  /// Everything up to `sequence` is on disk. Written on every call; synced when a log came or went, every 100
  /// ms, or now.
  rocksdb::IOStatus record(std::uint64_t sequence, Sync sync);
  /// A log came or went since the last record: what is in a new one must be promised before it is answered.
  bool logs_changed();
  /// Logs with smaller numbers are about to be deleted: no longer promised once this returned true.
  /// False: that could not be written, and they must stay.
  bool release(std::uint64_t released);

 private:
  std::mutex mutex_;
  WatermarkFile file_;
  const GuardFileSystem& guard_;
  Watermark mark_;
  std::uint64_t released_on_disk_;  // mark_.released may be ahead of it after a failed write
  std::chrono::steady_clock::time_point synced_at_;
};

}  // namespace pawl::storage
