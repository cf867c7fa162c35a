// The data directory around the database: who has it open, and which format it has.
//
//   FORMAT     the version of the format; read before anything else is touched
//   OWNER      the process that has the store open; OWNER.lock is locked while it lives
//   WATERMARK  what must be there at the next start
//   db/        RocksDB's files
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "rocksdb/file_system.h"
#include "storage/store.h"

namespace pawl::storage {

/// Locked for as long as the object lives. Thread: one at a time.
class Directory {
 public:
  /// Makes the directory if it is absent, locks it and checks its format. A format that is newer than
  /// `format_version` is refused before anything is written; an older one is raised by raise_format(). `real`
  /// says that the file system is the operating system's, so that modes can be set.
  static Result<std::unique_ptr<Directory>> open(std::shared_ptr<rocksdb::FileSystem> fs, std::string path,
                                                 std::uint64_t format_version, bool real);
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  rocksdb::FileSystem& fs() const { return *fs_; }
  const std::string& path() const { return path_; }
  std::string db_path() const { return path_ + "/db"; }
  std::string watermark_path() const { return path_ + "/WATERMARK"; }

  /// Says that this program's format may be written from now on.
  Result<void> raise_format();

 private:
  Directory(std::shared_ptr<rocksdb::FileSystem> fs, std::string path, std::uint64_t format_version);
  Result<void> make(bool real);
  Result<void> lock();
  /// The version in FORMAT; 0 when there is no store yet.
  Result<std::uint64_t> read_format() const;
  Result<void> create_store();
  Result<void> replace_file(const std::string& name, const std::string& bytes);
  Result<void> sync_directory(const std::string& path) const;

  std::shared_ptr<rocksdb::FileSystem> fs_;
  const std::string path_;
  const std::uint64_t format_version_;
  std::uint64_t found_version_ = 0;
  rocksdb::FileLock* lock_ = nullptr;
};

}  // namespace pawl::storage
