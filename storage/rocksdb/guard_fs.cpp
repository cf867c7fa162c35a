#include "storage/rocksdb/guard_fs.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include "storage/rocksdb/zeroed_log.h"

namespace pawl::storage {

namespace {

using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

std::string_view name_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_kept(std::string_view path) {
  const std::string_view name = name_of(path);
  return name.ends_with(".log") || name.ends_with(".sst") || name.starts_with("MANIFEST-");
}

/// One log or manifest that is being written; a manifest has no gates.
class GuardedLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  GuardedLog(std::unique_ptr<FSWritableFile> file, std::shared_ptr<GuardFileSystem::Log> log,
             std::shared_ptr<LogGates> gates)
      : FSWritableFileOwnerWrapper(std::move(file)), log_(std::move(log)), gates_(std::move(gates)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return appended(data.size(), FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& check,
                  IODebugContext* debug) override {
    return appended(data.size(), FSWritableFileOwnerWrapper::Append(data, options, check, debug));
  }
  /// RocksDB ends each record so. It also flushes within one that is larger than its buffer of 1 MiB, which
  /// costs that one a sync more, and where nothing was appended.
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = FSWritableFileOwnerWrapper::Flush(options, debug);
    const std::uint64_t size = log_->appended.load(std::memory_order_acquire);
    if (status.ok() && gates_ && told_.exchange(size) < size) gates_->record_written();
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const std::uint64_t size = log_->appended.load(std::memory_order_acquire);
    return synced(size, FSWritableFileOwnerWrapper::Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const std::uint64_t size = log_->appended.load(std::memory_order_acquire);
    return synced(size, FSWritableFileOwnerWrapper::Fsync(options, debug));
  }

 private:
  IOStatus appended(std::size_t bytes, IOStatus status) {
    if (status.ok()) {
      log_->appended.fetch_add(bytes, std::memory_order_release);
    } else {
      park();
    }
    return status;
  }

  IOStatus synced(std::uint64_t size, IOStatus status) {
    if (!status.ok()) {
      if (!gates_) return status;
      gates_->sync_failed(status.ToString());
      return IOStatus::OK();
    }
    std::uint64_t durable = log_->durable.load(std::memory_order_relaxed);
    while (durable < size && !log_->durable.compare_exchange_weak(durable, size)) {
    }
    return status;
  }

  /// After this nobody new starts on the other side, and who was there is done. Bounded: should the other
  /// side wait for this one, an abort after the wait is the lesser evil.
  void park() {
    if (!gates_) return;
    gates_->log_failed.store(true, std::memory_order_release);
    if (gates_->syncing.try_lock_for(std::chrono::seconds(1))) gates_->syncing.unlock();
  }

  std::shared_ptr<GuardFileSystem::Log> log_;
  std::shared_ptr<LogGates> gates_;
  std::atomic<std::uint64_t> told_ = 0;  // up to where record_written() has been called
};

/// A file that ends early.
class ShorterFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  ShorterFile(std::unique_ptr<rocksdb::FSSequentialFile> file, std::uint64_t bytes)
      : FSSequentialFileOwnerWrapper(std::move(file)), left_(bytes) {}

  IOStatus Read(std::size_t size, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    const std::size_t wanted = std::min<std::uint64_t>(size, left_);
    IOStatus status = FSSequentialFileOwnerWrapper::Read(wanted, options, result, scratch, debug);
    if (status.ok()) left_ -= result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t bytes) override {
    left_ -= std::min(bytes, left_);
    return FSSequentialFileOwnerWrapper::Skip(bytes);
  }
  // Only direct reads are positioned, and logs are not read so.
  IOStatus PositionedRead(std::uint64_t, std::size_t, const IOOptions&, Slice*, char*,
                          IODebugContext*) override {
    return IOStatus::NotSupported("PositionedRead");
  }

 private:
  std::uint64_t left_;
};

thread_local FailedReads failed_reads;

IOStatus seen(const std::string& path, IOStatus status) {
  if (!status.ok()) {
    ++failed_reads.count;
    failed_reads.last = path + ": " + status.ToString();
  }
  return status;
}

/// Remembers that it could not be read.
class WatchedTable final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  WatchedTable(std::unique_ptr<rocksdb::FSRandomAccessFile> file, std::string path)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), path_(std::move(path)) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    return seen(path_, FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug));
  }

 private:
  const std::string path_;
};

}  // namespace

const FailedReads& failed_reads_of_this_thread() { return failed_reads; }

std::uint64_t manifest_number(std::string_view path) {
  constexpr std::string_view prefix = "MANIFEST-";
  const std::string_view name = name_of(path);
  std::uint64_t number = 0;
  if (!name.starts_with(prefix)) return 0;
  const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

std::uint64_t log_number(std::string_view path) {
  const std::string_view name = name_of(path);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || std::string_view(end, name.data() + name.size()) != ".log") return 0;
  return number;
}

GuardFileSystem::GuardFileSystem(std::shared_ptr<rocksdb::FileSystem> target)
    : FileSystemWrapper(std::move(target)) {}

GuardFileSystem::~GuardFileSystem() = default;

std::vector<LogExpectation> GuardFileSystem::durable_logs() const {
  const std::lock_guard lock(mutex_);
  std::vector<LogExpectation> result;
  for (const auto& [number, log] : logs_) {
    if (const std::uint64_t durable = log->durable.load(); durable > 0) result.push_back({number, durable});
  }
  return result;
}

LogExpectation GuardFileSystem::current_manifest() const {
  const std::lock_guard lock(mutex_);
  if (!current_manifest_.second) return {};
  return {current_manifest_.first, current_manifest_.second->durable.load()};
}

std::string GuardFileSystem::last_read() const {
  const std::lock_guard lock(mutex_);
  return last_read_;
}

void GuardFileSystem::let_go(OnRelease on_release) {
  std::vector<std::string> held;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    on_release_ = std::move(on_release);
    held.swap(held_);
  }
  // What cannot be deleted now is deleted at a later start: RocksDB looks for left-over files when it opens.
  for (const std::string& path : held) DeleteFile(path, {}, nullptr).PermitUncheckedError();
}

IOStatus GuardFileSystem::NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                            IODebugContext* debug) {
  std::optional<std::uint64_t> end;
  if (is_kept(path)) {
    const std::lock_guard lock(mutex_);
    last_read_ = path;
    if (const auto known = ends_.find(log_number(path)); known != ends_.end()) end = known->second;
  }
  IOStatus status = FileSystemWrapper::NewSequentialFile(path, options, result, debug);
  if (status.ok() && end) *result = std::make_unique<ShorterFile>(std::move(*result), *end);
  return status;
}

IOStatus GuardFileSystem::NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                              IODebugContext* debug) {
  IOStatus status = seen(path, FileSystemWrapper::NewRandomAccessFile(path, options, result, debug));
  if (status.ok()) *result = std::make_unique<WatchedTable>(std::move(*result), path);
  return status;
}

void GuardFileSystem::end_logs_at(std::map<std::uint64_t, std::uint64_t> ends) {
  const std::lock_guard lock(mutex_);
  ends_ = std::move(ends);
}

IOStatus GuardFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                          std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) {
  const IOStatus status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
  if (!status.ok()) return status;
  const std::uint64_t number = log_number(path);
  if (number != 0) {
    std::unique_ptr<rocksdb::FSRandomRWFile> ahead;
    if (FileSystemWrapper::NewRandomRWFile(path, options, &ahead, debug).ok()) {
      *result = std::make_unique<ZeroedLog>(std::move(*result), std::move(ahead));
    }
  }
  const std::lock_guard lock(mutex_);
  std::erase(held_, path);
  if (number != 0) {
    auto log = std::make_shared<Log>();
    logs_[number] = log;
    *result = std::make_unique<GuardedLog>(std::move(*result), std::move(log), gates_);
  } else if (const std::uint64_t manifest = manifest_number(path); manifest != 0) {
    newest_manifest_ = {manifest, std::make_shared<Log>()};
    *result = std::make_unique<GuardedLog>(std::move(*result), newest_manifest_.second, nullptr);
  }
  return status;
}

IOStatus GuardFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                     IODebugContext* debug) {
  const IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (status.ok() && name_of(to) == "CURRENT") {
    const std::lock_guard lock(mutex_);
    current_manifest_ = newest_manifest_;
  }
  return status;
}

IOStatus GuardFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                     IODebugContext* debug) {
  if (is_kept(path)) {
    const std::lock_guard lock(mutex_);
    if (holding_) {
      held_.push_back(path);
      return IOStatus::OK();
    }
  }
  if (const std::uint64_t number = log_number(path); number != 0) return delete_log(number, path);
  return FileSystemWrapper::DeleteFile(path, options, debug);
}

IOStatus GuardFileSystem::delete_log(std::uint64_t number, const std::string& path) {
  OnRelease on_release;
  {
    const std::lock_guard lock(mutex_);
    logs_.erase(number);
    on_release = on_release_;
  }
  // RocksDB lets logs go from the oldest on: what is below a log that it deletes is not needed either.
  if (on_release && !on_release(number + 1)) return IOStatus::IOError("the watermark could not be written");
  return FileSystemWrapper::DeleteFile(path, {}, nullptr);
}

}  // namespace pawl::storage
