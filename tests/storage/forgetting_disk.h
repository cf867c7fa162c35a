// A disk in memory that keeps only what was synced, remembers what a power cut would have left at any sync,
// and fails on command. It is stricter than most file systems: a file that was synced but whose directory was
// not is gone.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "rocksdb/file_system.h"

namespace pawl::storage::test {

/// Contents of all files, by path.
using Image = std::map<std::string, std::string>;

/// Thread: any; one mutex.
class ForgettingDisk final : public rocksdb::FileSystemWrapper {
 public:
  ForgettingDisk();
  /// A disk as a power cut left it.
  explicit ForgettingDisk(const Image& image);

  static const char* kClassName() { return "ForgettingDisk"; }
  const char* Name() const override { return kClassName(); }

  /// What of the unsynced is there after a cut: nothing, or part of it: a piece of every file's tail, some
  /// sectors of what was overwritten, and all names.
  enum class Cut : std::uint8_t { clean, torn };
  Image after_cut(Cut cut, std::uint64_t seed = 0) const;
  /// What is there when the process was killed but the machine was not.
  Image after_kill() const;

  /// Called at every sync, before and after it takes effect, with no lock held. Null: nothing.
  void on_sync(std::function<void()> call);
  std::uint64_t syncs() const { return syncs_; }

  enum class Op : std::uint8_t { append, sync, create, rename, read };
  /// The count-th such operation from now on (1 = the next) and those of its kind after it fail: so many, or
  /// until heal().
  void fail(Op op, std::uint64_t count, rocksdb::IOStatus with, std::uint64_t times = ~std::uint64_t{0});
  /// Whether that operation came.
  bool has_failed() const { return has_failed_; }
  void heal();
  void set_free_bytes(std::uint64_t bytes) { free_bytes_ = bytes; }

  struct Node {
    std::string bytes;
    std::string durable;
    std::size_t dirty_from = 0;  // bytes and durable agree before it
  };

  // What the file objects call.
  /// Writes at `at` and moves it on.
  rocksdb::IOStatus append(Node& node, std::uint64_t& at, const rocksdb::Slice& data);
  rocksdb::IOStatus overwrite(Node& node, std::uint64_t offset, const rocksdb::Slice& data);
  rocksdb::IOStatus truncate(Node& node, std::uint64_t size);
  rocksdb::IOStatus sync(Node& node);
  rocksdb::IOStatus sync_names(const std::string& directory);
  rocksdb::IOStatus read(const Node& node, std::uint64_t offset, std::size_t size, rocksdb::Slice* result,
                         char* scratch);
  std::uint64_t size(const Node& node) const;

  // rocksdb::FileSystem
  using Options = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      Debug* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        Debug* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result, Debug* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       Debug* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* result, Debug* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const Options& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result, Debug* debug) override;
  rocksdb::IOStatus FileExists(const std::string& path, const Options& options, Debug* debug) override;
  rocksdb::IOStatus GetChildren(const std::string& directory, const Options& options,
                                std::vector<std::string>* result, Debug* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const Options& options, Debug* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, std::size_t size, const Options& options,
                             Debug* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& path, const Options& options, Debug* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const Options& options,
                                       Debug* debug) override;
  rocksdb::IOStatus DeleteDir(const std::string& path, const Options& options, Debug* debug) override;
  rocksdb::IOStatus GetFileSize(const std::string& path, const Options& options, std::uint64_t* size,
                                Debug* debug) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& path, const Options& options,
                                            std::uint64_t* time, Debug* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const Options& options,
                               Debug* debug) override;
  rocksdb::IOStatus LockFile(const std::string& path, const Options& options, rocksdb::FileLock** lock,
                             Debug* debug) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const Options& options, Debug* debug) override;
  rocksdb::IOStatus NewLogger(const std::string& path, const Options& options,
                              std::shared_ptr<rocksdb::Logger>* result, Debug* debug) override;
  rocksdb::IOStatus GetAbsolutePath(const std::string& path, const Options& options, std::string* result,
                                    Debug* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const Options& options, std::uint64_t* bytes,
                                 Debug* debug) override;
  rocksdb::IOStatus IsDirectory(const std::string& path, const Options& options, bool* result,
                                Debug* debug) override;

 private:
  using Names = std::map<std::string, std::shared_ptr<Node>>;
  /// REQUIRES: mutex_ is held.
  rocksdb::IOStatus may(Op op);
  std::shared_ptr<Node> find(const std::string& path) const;
  void tell_sync();

  mutable std::mutex mutex_;
  Names names_;
  Names durable_names_;
  std::set<std::string> directories_;
  std::set<std::string> locks_;
  std::function<void()> on_sync_;
  Op failing_ = Op::append;
  std::uint64_t until_failure_ = 0;  // 0: no failure is planned
  std::uint64_t failures_left_ = 0;
  rocksdb::IOStatus failure_;
  std::atomic<bool> has_failed_ = false;
  std::atomic<std::uint64_t> syncs_ = 0;
  std::atomic<std::uint64_t> free_bytes_ = std::uint64_t{1} << 40;
};

}  // namespace pawl::storage::test
