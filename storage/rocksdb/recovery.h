// Checks around opening a database: RocksDB's own recovery misses whole log files and what is cut off their
// ends.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rocksdb/file_system.h"
#include "rocksdb/wal_filter.h"
#include "storage/rocksdb/watermark.h"
#include "storage/store.h"

namespace pawl::storage {

/// Before opening, reading only: every file that the watermark promises is there, long enough, and made of
/// records as far as it is known to be durable. Errors: corrupt, naming the file.
Result<void> check_promised_files(rocksdb::FileSystem& fs, const std::string& db_dir, const Watermark& mark);

/// Where the logs end for the one who reads them, by number.
struct LogEnds {
  std::map<std::uint64_t, std::uint64_t> ends;
  std::uint64_t torn_bytes = 0;  // behind them, without the zeroes at the end
};

/// Before opening, reading only, once the promised files are there: each log ends behind its last whole
/// batch. What a power cut leaves behind that is zeroes that were written ahead, or a batch of which some
/// sectors came to the disk and some did not; RocksDB would take it for damage. Nothing that is promised
/// stands behind an end.
///
/// Behind what is promised, which after a power cut is at most 100 ms old, damage cannot be told from a torn
/// end.
Result<LogEnds> find_log_ends(rocksdb::FileSystem& fs, const std::string& db_dir, const Watermark& mark);

/// Watches the replay of the logs: every batch must begin where the one before it ended, over all logs.
/// RocksDB itself skips a zeroed block or a missing log in silence.
///
/// A log that is not promised holds nothing that was acknowledged, and a power cut may have taken the
/// unsynced end of the log before it: there the replay stops. A gap before or in a promised log is damage.
/// Thread: the one that opens.
class ReplayAudit final : public rocksdb::WalFilter {
 public:
  /// REQUIRES: before the database is opened.
  void expect(const Watermark& mark) { promised_ = mark.wals; }

  const char* Name() const override { return "PawlReplayAudit"; }
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& path,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* new_batch,
                                     bool* batch_changed) override;

  /// What was wrong, naming the file; empty if nothing was.
  const std::string& gap() const { return gap_; }
  std::uint64_t batches() const { return batches_; }
  /// Bytes at the end of the logs that were not replayed: what a power cut tore.
  std::uint64_t torn_bytes(const std::map<std::uint64_t, std::uint64_t>& log_ends) const;

 private:
  std::map<std::uint64_t, std::uint64_t> read_to_;  // by log number
  std::uint64_t next_sequence_ = 0;
  std::uint64_t batches_ = 0;
  std::vector<LogExpectation> promised_;
  std::uint64_t stopped_at_ = 0;  // the log that is not replayed, nor those after it; 0: none
  std::string gap_;
};

/// Sizes of all files in the directory, by name, those included that are about to be deleted; none when it
/// cannot be read.
std::map<std::string, std::uint64_t> file_sizes(rocksdb::FileSystem& fs, const std::string& db_dir);
/// Sizes of its logs, by number.
std::map<std::uint64_t, std::uint64_t> log_sizes(rocksdb::FileSystem& fs, const std::string& db_dir);

}  // namespace pawl::storage
