#include "storage/rocksdb/directory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <string_view>

#include "storage/rocksdb/status.h"
#include "storage/rocksdb/watermark.h"

namespace pawl::storage {

namespace {

constexpr std::string_view format_prefix = "pawl store format ";

std::string format_text(std::uint64_t version) { return fmt::format("{}{}\n", format_prefix, version); }

/// Who holds the lock, for people.
std::string owner_of(rocksdb::FileSystem& fs, const std::string& path) {
  std::string owner;
  if (!rocksdb::ReadFileToString(&fs, path + "/OWNER", &owner).ok()) return "another process";
  while (!owner.empty() && owner.back() == '\n') owner.pop_back();
  return owner;
}

bool is_held(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  return text.find("temporarily unavailable") != std::string::npos ||
         text.find("lock hold") != std::string::npos || text.find("held by") != std::string::npos;
}

}  // namespace

Directory::Directory(std::shared_ptr<rocksdb::FileSystem> fs, std::string path, std::uint64_t format_version)
    : fs_(std::move(fs)), path_(std::move(path)), format_version_(format_version) {}

Directory::~Directory() {
  if (!lock_) return;
  fs_->DeleteFile(path_ + "/OWNER", {}, nullptr).PermitUncheckedError();
  fs_->UnlockFile(lock_, {}, nullptr).PermitUncheckedError();
}

Result<std::unique_ptr<Directory>> Directory::open(std::shared_ptr<rocksdb::FileSystem> fs, std::string path,
                                                   std::uint64_t format_version, bool real) {
  std::unique_ptr<Directory> directory(new Directory(std::move(fs), std::move(path), format_version));
  if (auto read = directory->read_format(); !read) return std::unexpected(read.error());
  if (auto made = directory->make(real); !made) return std::unexpected(made.error());
  if (auto locked = directory->lock(); !locked) return std::unexpected(locked.error());
  // Once more under the lock: another process may have made the store meanwhile.
  const auto version = directory->read_format();
  if (!version) return std::unexpected(version.error());
  directory->found_version_ = *version;
  if (*version == 0) {
    if (auto created = directory->create_store(); !created) return std::unexpected(created.error());
  }
  return directory;
}

Result<void> Directory::make(bool real) {
  if (real) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(path_, error);
    if (!error && made) std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
    if (error) {
      return std::unexpected(Error{
          Errc::io, fmt::format("The data directory {} cannot be made: {}. Check the path and its owner.",
                                path_, error.message())});
    }
  } else if (const auto status = fs_->CreateDirIfMissing(path_, {}, nullptr); !status.ok()) {
    return std::unexpected(to_error(status, "making " + path_));
  }
  if (const auto status = fs_->CreateDirIfMissing(db_path(), {}, nullptr); !status.ok()) {
    return std::unexpected(to_error(status, "making " + db_path()));
  }
  return {};
}

Result<void> Directory::lock() {
  if (const auto status = fs_->LockFile(path_ + "/OWNER.lock", {}, &lock_, nullptr); !status.ok()) {
    lock_ = nullptr;
    if (!is_held(status)) return std::unexpected(to_error(status, "locking " + path_ + "/OWNER.lock"));
    return std::unexpected(
        Error{Errc::in_use,
              fmt::format("The data directory {} is in use by {}. Stop it first, or use another directory.",
                          path_, owner_of(*fs_, path_))});
  }
  const auto status =
      rocksdb::WriteStringToFile(fs_.get(), fmt::format("pid {}\n", ::getpid()), path_ + "/OWNER", false);
  if (!status.ok()) return std::unexpected(to_error(status, "writing " + path_ + "/OWNER"));
  return {};
}

Result<std::uint64_t> Directory::read_format() const {
  const std::string file = path_ + "/FORMAT";
  if (const auto exists = fs_->FileExists(file, {}, nullptr); !exists.ok()) {
    if (!exists.IsNotFound() && !exists.IsPathNotFound()) {
      return std::unexpected(to_error(exists, "looking for " + file));
    }
    if (fs_->FileExists(db_path() + "/CURRENT", {}, nullptr).ok()) {
      return std::unexpected(Error{Errc::corrupt, fmt::format("{} is missing. {}", file, next_step)});
    }
    return 0;
  }
  std::string text;
  if (const auto status = rocksdb::ReadFileToString(fs_.get(), file, &text); !status.ok()) {
    return std::unexpected(to_error(status, "reading " + file));
  }
  std::uint64_t version = 0;
  if (text.starts_with(format_prefix)) {
    std::from_chars(text.data() + format_prefix.size(), text.data() + text.size(), version);
  }
  if (version == 0) {
    return std::unexpected(Error{Errc::corrupt, fmt::format("{} is damaged. {}", file, next_step)});
  }
  if (version > format_version_) {
    return std::unexpected(
        Error{Errc::newer_format,
              fmt::format("{} was written by a newer Pawl (format {}, this one knows {}). Nothing was "
                          "changed: start the newer version.",
                          path_, version, format_version_)});
  }
  return version;
}

Result<void> Directory::create_store() {
  // FORMAT comes last: with it the store exists, and then the watermark must.
  if (auto made = WatermarkFile::create(*fs_, watermark_path()); !made) return made;
  found_version_ = format_version_;
  if (auto written = replace_file("FORMAT", format_text(format_version_)); !written) return written;
  return sync_directory(path_.find('/') == std::string::npos ? "." : path_.substr(0, path_.rfind('/') + 1));
}

Result<void> Directory::raise_format() {
  if (found_version_ >= format_version_) return {};
  found_version_ = format_version_;
  return replace_file("FORMAT", format_text(format_version_));
}

Result<void> Directory::replace_file(const std::string& name, const std::string& bytes) {
  const std::string path = path_ + "/" + name;
  const std::string temporary = path + ".new";
  rocksdb::IOStatus status = rocksdb::WriteStringToFile(fs_.get(), bytes, temporary, true);
  if (status.ok()) status = fs_->RenameFile(temporary, path, {}, nullptr);
  if (!status.ok()) return std::unexpected(to_error(status, "writing " + path));
  return sync_directory(path_);
}

Result<void> Directory::sync_directory(const std::string& path) const {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  rocksdb::IOStatus status = fs_->NewDirectory(path, {}, &directory, nullptr);
  if (status.ok()) status = directory->Fsync({}, nullptr);
  if (!status.ok()) return std::unexpected(to_error(status, "syncing " + path));
  return {};
}

}  // namespace pawl::storage
