// From RocksDB's statuses to the seam's errors.
#pragma once

#include <string>
#include <string_view>

#include "rocksdb/status.h"
#include "storage/store.h"

namespace pawl::storage {

/// Ends every message about damage.
inline constexpr std::string_view next_step =
    "Nothing was deleted: put the file back, or restore the directory from a backup, and start again.";

/// doing: what was tried, with the file's name where it is known.
/// A file that is missing is damage, not an I/O error: all files that are looked for must be there.
Error to_error(const rocksdb::Status& status, const std::string& doing);

}  // namespace pawl::storage
