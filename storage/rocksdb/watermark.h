// What must be there when the store is opened again. RocksDB alone opens without complaint when a log file is
// gone or cut short; the watermark is what notices.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rocksdb/file_system.h"
#include "storage/store.h"

namespace pawl::storage {

/// One write-ahead log or manifest, which have the same form, and how much of it is known to be on disk.
struct LogExpectation {
  std::uint64_t number = 0;
  std::uint64_t durable_bytes = 0;

  bool operator==(const LogExpectation&) const = default;
};

struct Watermark {
  std::string db_id;                 // empty: the database was never opened
  std::uint64_t sequence = 0;        // everything up to it is on disk
  std::uint64_t released = 0;        // logs with smaller numbers are not needed any more
  std::vector<LogExpectation> wals;  // ascending; only these are promised
  LogExpectation manifest;           // a later one may have taken its place

  bool operator==(const Watermark&) const = default;
};

/// One line, with a check sum and a generation, so that the younger of two can be told from the older and
/// from a torn one.
std::string encode_watermark(const Watermark& mark, std::uint64_t generation);

/// A file with two slots that are written in turn: a torn write leaves the other one. Thread: one at a time.
class WatermarkFile {
 public:
  static constexpr std::size_t slot_bytes = 4096;

  /// Writes a new file with an empty watermark, synced; the caller syncs the directory.
  static Result<void> create(rocksdb::FileSystem& fs, const std::string& path);
  /// Errors: corrupt when neither slot is whole.
  static Result<WatermarkFile> open(rocksdb::FileSystem& fs, const std::string& path);

  const Watermark& newest() const { return newest_; }
  /// Writes into the older slot. Without sync it outlives a killed process but not a power cut.
  rocksdb::IOStatus write(const Watermark& mark, bool sync);

 private:
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  Watermark newest_;
  std::uint64_t generation_ = 0;
};

}  // namespace pawl::storage
