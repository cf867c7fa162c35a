#include "storage/rocksdb/status.h"

#include <fmt/format.h>

namespace pawl::storage {

namespace {

/// A table that is not found is looked for under a name of old, and that is the name that RocksDB reports.
std::string text_of(const rocksdb::Status& status) {
  std::string text = status.ToString();
  for (std::size_t at = text.find(".ldb"); at != std::string::npos; at = text.find(".ldb")) {
    text.replace(at, 4, ".sst");
  }
  return text;
}

}  // namespace

Error to_error(const rocksdb::Status& status, const std::string& doing) {
  if (status.IsNoSpace()) {
    return {Errc::no_space, fmt::format("The disk is full: {} failed ({}). Make room and start again.", doing,
                                        text_of(status))};
  }
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsNotFound() || status.IsInvalidArgument()) {
    return {Errc::corrupt,
            fmt::format("Data is damaged or missing: {} failed ({}). {}", doing, text_of(status), next_step)};
  }
  return {Errc::io, fmt::format("{} failed ({}). Look at the disk and the system log, then start again.",
                                doing, text_of(status))};
}

}  // namespace pawl::storage
