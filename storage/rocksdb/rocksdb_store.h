// The default driver: one RocksDB for all partitions, group commit with a thread that does nothing but fsync.
#pragma once

#include <memory>
#include <string>

#include "storage/store.h"

namespace rocksdb {
class FileSystem;
}

namespace pawl::storage {

/// What tests may change.
struct RocksDbTesting {
  /// Everything that matters goes through it; null means the operating system's.
  std::shared_ptr<rocksdb::FileSystem> file_system = nullptr;
  /// Negative control: report commits as durable without an fsync.
  bool skip_sync = false;
};

/// Opens (or makes) the store in `directory`. Errors: in_use names the process; newer_format and corrupt name
/// the file and the next step, with nothing in the directory deleted. docs/STORAGE_FORMAT.md describes the
/// files.
Result<std::unique_ptr<Store>> open_rocksdb(const std::string& directory, Options options,
                                            RocksDbTesting testing);

}  // namespace pawl::storage
