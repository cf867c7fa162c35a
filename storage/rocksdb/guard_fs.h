// Stands between RocksDB and the file system, for what RocksDB does not do: it knows which logs hold durable
// data, keeps files from being deleted until the store is known to be whole, parks writers once a log has
// failed, and remembers what could not be read.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rocksdb/file_system.h"
#include "storage/rocksdb/watermark.h"

namespace pawl::storage {

/// This build of RocksDB aborts the process when a log file is touched after one of its writes or syncs has
/// failed. So whoever writes or syncs holds its gate, and a write that fails waits for the other gate before
/// it lets RocksDB know. Of a sync that fails RocksDB is not told at all, since its own threads sync logs
/// too: it is known here, and from then on nothing is answered as durable and nothing is written.
struct LogGates {
  std::timed_mutex writing;
  std::timed_mutex syncing;
  std::atomic<bool> log_failed = false;

  /// `call` is called, on the thread that writes, each time a record has got into a log: while RocksDB still
  /// puts its rows into the memtable. Null: nobody listens; not called any more when this returns.
  void on_record(std::function<void()> call) {
    const std::lock_guard lock(listener_mutex_);
    listener_ = std::move(call);
  }
  void record_written() {
    const std::lock_guard lock(listener_mutex_);
    if (listener_) listener_();
  }

  void sync_failed(std::string why) {
    {
      const std::lock_guard lock(mutex_);
      if (why_.empty()) why_ = std::move(why);
    }
    log_failed.store(true, std::memory_order_release);
  }
  std::string why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  mutable std::mutex mutex_;
  std::string why_;
  std::mutex listener_mutex_;
  std::function<void()> listener_;
};

/// Tables that a thread could not open or read. RocksDB reads for an iterator on the thread that moves it.
struct FailedReads {
  std::uint64_t count = 0;
  std::string last;  // why, with the table's path
};
const FailedReads& failed_reads_of_this_thread();

/// Thread: any.
class GuardFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  /// Called before logs with numbers below `released` are deleted; false keeps them.
  using OnRelease = std::function<bool(std::uint64_t released)>;

  explicit GuardFileSystem(std::shared_ptr<rocksdb::FileSystem> target);
  ~GuardFileSystem() override;

  static const char* kClassName() { return "PawlGuard"; }
  const char* Name() const override { return kClassName(); }

  LogGates& gates() { return *gates_; }
  /// Logs made since open that have durable data, ascending.
  std::vector<LogExpectation> durable_logs() const;
  /// The manifest that CURRENT names, if it was made since open; else number 0.
  LogExpectation current_manifest() const;
  /// The log or manifest that was opened for reading last: where a recovery that failed had got to.
  std::string last_read() const;

  /// Who reads one of these logs from now on finds its end there, whatever the file holds behind it.
  void end_logs_at(std::map<std::uint64_t, std::uint64_t> ends);
  /// Until now deletions of logs, tables and manifests were only noted; carries them out, and later ones at
  /// once.
  void let_go(OnRelease on_release);

  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  /// Sizes of one log. Shared with the open file, which outlives its entry here.
  struct Log {
    std::atomic<std::uint64_t> appended = 0;
    std::atomic<std::uint64_t> durable = 0;
  };

 private:
  rocksdb::IOStatus delete_log(std::uint64_t number, const std::string& path);

  const std::shared_ptr<LogGates> gates_ = std::make_shared<LogGates>();
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<Log>> logs_;
  std::pair<std::uint64_t, std::shared_ptr<Log>> newest_manifest_;
  std::pair<std::uint64_t, std::shared_ptr<Log>> current_manifest_;
  std::string last_read_;
  std::map<std::uint64_t, std::uint64_t> ends_;
  bool holding_ = true;
  std::vector<std::string> held_;
  OnRelease on_release_;
};

/// The number of `NNNNNN.log` in the name of a path; 0 for any other file.
std::uint64_t log_number(std::string_view path);
/// The number of `MANIFEST-NNNNNN`; 0 for any other file.
std::uint64_t manifest_number(std::string_view path);

}  // namespace pawl::storage
