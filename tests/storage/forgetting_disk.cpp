#include "tests/storage/forgetting_disk.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string_view>

#include "rocksdb/env.h"

namespace pawl::storage::test {

namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using Node = ForgettingDisk::Node;
using NodePtr = std::shared_ptr<Node>;

IOStatus missing(const std::string& path) {
  return IOStatus::PathNotFound(path, "No such file or directory");
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  SequentialFile(ForgettingDisk& disk, NodePtr node) : disk_(disk), node_(std::move(node)) {}
  IOStatus Read(std::size_t size, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    const IOStatus status = disk_.read(*node_, at_, size, result, scratch);
    if (status.ok()) at_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t bytes) override {
    at_ += bytes;
    return IOStatus::OK();
  }

 private:
  ForgettingDisk& disk_;
  NodePtr node_;
  std::uint64_t at_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccessFile(ForgettingDisk& disk, NodePtr node) : disk_(disk), node_(std::move(node)) {}
  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return disk_.read(*node_, offset, size, result, scratch);
  }

 private:
  ForgettingDisk& disk_;
  NodePtr node_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  /// REQUIRES: the disk's lock is held.
  WritableFile(ForgettingDisk& disk, NodePtr node)
      : disk_(disk), node_(std::move(node)), at_(node_->bytes.size()) {}
  using FSWritableFile::Append;
  // As with a descriptor of one's own: what another one wrote beyond this one's place is overwritten.
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    return disk_.append(*node_, at_, data);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override {
    at_ = size;
    return disk_.truncate(*node_, size);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return disk_.sync(*node_); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return at_; }

 private:
  ForgettingDisk& disk_;
  NodePtr node_;
  std::uint64_t at_;
};

class ReadWriteFile final : public rocksdb::FSRandomRWFile {
 public:
  ReadWriteFile(ForgettingDisk& disk, NodePtr node) : disk_(disk), node_(std::move(node)) {}
  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions&, IODebugContext*) override {
    return disk_.overwrite(*node_, offset, data);
  }
  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return disk_.read(*node_, offset, size, result, scratch);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return disk_.sync(*node_); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  ForgettingDisk& disk_;
  NodePtr node_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(ForgettingDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return disk_.sync_names(path_); }

 private:
  ForgettingDisk& disk_;
  std::string path_;
};

class Lock final : public rocksdb::FileLock {
 public:
  explicit Lock(std::string path) : path(std::move(path)) {}
  std::string path;
};

class NoLogger final : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
  std::size_t GetLogFileSize() const override { return 0; }
};

}  // namespace

ForgettingDisk::ForgettingDisk() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

ForgettingDisk::ForgettingDisk(const Image& image) : ForgettingDisk() {
  for (const auto& [path, bytes] : image) {
    names_[path] = std::make_shared<Node>(bytes, bytes, bytes.size());
    for (std::string at = directory_of(path); !at.empty(); at = directory_of(at)) directories_.insert(at);
  }
  durable_names_ = names_;
}

namespace {

// Of what was overwritten and not synced, each sector came to the disk or not; of what was appended, a piece.
void tear(const Node& node, std::string& bytes, std::mt19937_64& random) {
  constexpr std::size_t sector = 512;
  const std::size_t synced = bytes.size();
  for (std::size_t at = node.dirty_from / sector * sector; at < std::min(synced, node.bytes.size());
       at += sector) {
    const std::size_t size = std::min({sector, synced - at, node.bytes.size() - at});
    if (random() % 2 == 0) bytes.replace(at, size, node.bytes, at, size);
  }
  if (node.bytes.size() > synced)
    bytes.append(node.bytes, synced, random() % (node.bytes.size() - synced + 1));
}

}  // namespace

Image ForgettingDisk::after_cut(Cut cut, std::uint64_t seed) const {
  std::mt19937_64 random(seed);
  const std::lock_guard lock(mutex_);
  Image image;
  for (const auto& [path, node] : cut == Cut::clean ? durable_names_ : names_) {
    std::string bytes = node->durable;
    if (cut == Cut::torn) tear(*node, bytes, random);
    image[path] = std::move(bytes);
  }
  return image;
}

Image ForgettingDisk::after_kill() const {
  const std::lock_guard lock(mutex_);
  Image image;
  for (const auto& [path, node] : names_) image[path] = node->bytes;
  return image;
}

void ForgettingDisk::on_sync(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  on_sync_ = std::move(call);
}

void ForgettingDisk::fail(Op op, std::uint64_t count, IOStatus with, std::uint64_t times) {
  const std::lock_guard lock(mutex_);
  failing_ = op;
  until_failure_ = count;
  failure_ = std::move(with);
  failures_left_ = times;
  has_failed_ = false;
}

void ForgettingDisk::heal() {
  const std::lock_guard lock(mutex_);
  until_failure_ = 0;
}

IOStatus ForgettingDisk::may(Op op) {
  if (op != failing_ || until_failure_ == 0 || failures_left_ == 0) return IOStatus::OK();
  if (until_failure_ > 1) {
    --until_failure_;
    return IOStatus::OK();
  }
  --failures_left_;
  has_failed_ = true;
  return failure_;
}

NodePtr ForgettingDisk::find(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

void ForgettingDisk::tell_sync() {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    call = on_sync_;
  }
  if (call) call();
}

IOStatus ForgettingDisk::append(Node& node, std::uint64_t& at, const Slice& data) {
  const std::lock_guard lock(mutex_);
  const IOStatus status = may(Op::append);
  // A failed write leaves a piece, as a full disk does.
  const std::size_t size = status.ok() ? data.size() : data.size() / 2;
  node.bytes.resize(std::max(node.bytes.size(), at + size));
  node.bytes.replace(at, size, data.data(), size);
  node.dirty_from = std::min<std::size_t>(node.dirty_from, at);
  at += size;
  return status;
}

IOStatus ForgettingDisk::overwrite(Node& node, std::uint64_t offset, const Slice& data) {
  const std::lock_guard lock(mutex_);
  if (const IOStatus status = may(Op::append); !status.ok()) return status;
  node.bytes.resize(std::max(node.bytes.size(), offset + data.size()));
  node.dirty_from = std::min<std::size_t>(node.dirty_from, offset);
  node.bytes.replace(offset, data.size(), data.data(), data.size());
  return IOStatus::OK();
}

IOStatus ForgettingDisk::truncate(Node& node, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  node.bytes.resize(size);
  node.dirty_from = std::min<std::size_t>(node.dirty_from, size);
  return IOStatus::OK();
}

IOStatus ForgettingDisk::sync(Node& node) {
  tell_sync();
  {
    const std::lock_guard lock(mutex_);
    ++syncs_;
    if (const IOStatus status = may(Op::sync); !status.ok()) return status;
    node.durable.resize(node.dirty_from);
    node.durable.append(node.bytes, node.dirty_from);
    node.dirty_from = node.bytes.size();
  }
  tell_sync();
  return IOStatus::OK();
}

IOStatus ForgettingDisk::sync_names(const std::string& directory) {
  tell_sync();
  {
    const std::lock_guard lock(mutex_);
    ++syncs_;
    if (const IOStatus status = may(Op::sync); !status.ok()) return status;
    std::string prefix = directory;
    if (prefix.empty() || prefix.back() != '/') prefix += '/';
    const auto inside = [&](const std::string& path) {
      return path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos;
    };
    std::erase_if(durable_names_, [&](const auto& entry) { return inside(entry.first); });
    for (const auto& [path, node] : names_) {
      if (inside(path)) durable_names_[path] = node;
    }
  }
  tell_sync();
  return IOStatus::OK();
}

IOStatus ForgettingDisk::read(const Node& node, std::uint64_t offset, std::size_t size, Slice* result,
                              char* scratch) {
  const std::lock_guard lock(mutex_);
  if (const IOStatus status = may(Op::read); !status.ok()) return status;
  const std::size_t begin = std::min<std::size_t>(offset, node.bytes.size());
  const std::size_t length = std::min(size, node.bytes.size() - begin);
  std::memcpy(scratch, node.bytes.data() + begin, length);
  *result = Slice(scratch, length);
  return IOStatus::OK();
}

std::uint64_t ForgettingDisk::size(const Node& node) const {
  const std::lock_guard lock(mutex_);
  return node.bytes.size();
}

IOStatus ForgettingDisk::NewSequentialFile(const std::string& path, const rocksdb::FileOptions&,
                                           std::unique_ptr<rocksdb::FSSequentialFile>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  NodePtr node = find(path);
  if (!node) return missing(path);
  *result = std::make_unique<SequentialFile>(*this, std::move(node));
  return IOStatus::OK();
}

IOStatus ForgettingDisk::NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions&,
                                             std::unique_ptr<rocksdb::FSRandomAccessFile>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  NodePtr node = find(path);
  if (!node) return missing(path);
  *result = std::make_unique<RandomAccessFile>(*this, std::move(node));
  return IOStatus::OK();
}

IOStatus ForgettingDisk::NewWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                         std::unique_ptr<rocksdb::FSWritableFile>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  if (const IOStatus status = may(Op::create); !status.ok()) return status;
  auto node = std::make_shared<Node>();
  names_[path] = node;
  *result = std::make_unique<WritableFile>(*this, std::move(node));
  return IOStatus::OK();
}

IOStatus ForgettingDisk::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions&,
                                            std::unique_ptr<rocksdb::FSWritableFile>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  NodePtr node = find(path);
  if (!node) return missing(path);
  *result = std::make_unique<WritableFile>(*this, std::move(node));
  return IOStatus::OK();
}

IOStatus ForgettingDisk::NewRandomRWFile(const std::string& path, const rocksdb::FileOptions&,
                                         std::unique_ptr<rocksdb::FSRandomRWFile>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  NodePtr node = find(path);
  if (!node) return missing(path);
  *result = std::make_unique<ReadWriteFile>(*this, std::move(node));
  return IOStatus::OK();
}

IOStatus ForgettingDisk::NewDirectory(const std::string& path, const Options&,
                                      std::unique_ptr<rocksdb::FSDirectory>* result, Debug*) {
  *result = std::make_unique<Directory>(*this, path);
  return IOStatus::OK();
}

IOStatus ForgettingDisk::FileExists(const std::string& path, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  return names_.contains(path) || directories_.contains(path) ? IOStatus::OK() : IOStatus::NotFound(path);
}

IOStatus ForgettingDisk::GetChildren(const std::string& directory, const Options&,
                                     std::vector<std::string>* result, Debug*) {
  const std::lock_guard lock(mutex_);
  result->clear();
  std::string prefix = directory;
  if (prefix.empty() || prefix.back() != '/') prefix += '/';
  const auto add = [&](const std::string& path) {
    if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos) {
      result->push_back(path.substr(prefix.size()));
    }
  };
  for (const auto& [path, node] : names_) add(path);
  for (const std::string& path : directories_) add(path);
  return IOStatus::OK();
}

IOStatus ForgettingDisk::DeleteFile(const std::string& path, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  return names_.erase(path) > 0 ? IOStatus::OK() : missing(path);
}

IOStatus ForgettingDisk::Truncate(const std::string& path, std::size_t size, const Options&, Debug*) {
  NodePtr node;
  {
    const std::lock_guard lock(mutex_);
    node = find(path);
  }
  return node ? truncate(*node, size) : missing(path);
}

IOStatus ForgettingDisk::CreateDir(const std::string& path, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  directories_.insert(path);
  return IOStatus::OK();
}

IOStatus ForgettingDisk::CreateDirIfMissing(const std::string& path, const Options& options, Debug* debug) {
  return CreateDir(path, options, debug);
}

IOStatus ForgettingDisk::DeleteDir(const std::string& path, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  directories_.erase(path);
  return IOStatus::OK();
}

IOStatus ForgettingDisk::GetFileSize(const std::string& path, const Options&, std::uint64_t* size, Debug*) {
  const std::lock_guard lock(mutex_);
  const NodePtr node = find(path);
  if (!node) return missing(path);
  *size = node->bytes.size();
  return IOStatus::OK();
}

IOStatus ForgettingDisk::GetFileModificationTime(const std::string&, const Options&, std::uint64_t* time,
                                                 Debug*) {
  *time = 0;
  return IOStatus::OK();
}

IOStatus ForgettingDisk::RenameFile(const std::string& from, const std::string& to, const Options&, Debug*) {
  const std::lock_guard lock(mutex_);
  if (const IOStatus status = may(Op::rename); !status.ok()) return status;
  NodePtr node = find(from);
  if (!node) return missing(from);
  names_.erase(from);
  names_[to] = std::move(node);
  return IOStatus::OK();
}

IOStatus ForgettingDisk::LockFile(const std::string& path, const Options&, rocksdb::FileLock** lock, Debug*) {
  const std::lock_guard guard(mutex_);
  if (!locks_.insert(path).second) return IOStatus::IOError("lock hold by current process", path);
  *lock = new Lock(path);
  return IOStatus::OK();
}

IOStatus ForgettingDisk::UnlockFile(rocksdb::FileLock* lock, const Options&, Debug*) {
  const std::lock_guard guard(mutex_);
  locks_.erase(static_cast<Lock*>(lock)->path);
  delete lock;
  return IOStatus::OK();
}

IOStatus ForgettingDisk::NewLogger(const std::string&, const Options&,
                                   std::shared_ptr<rocksdb::Logger>* result, Debug*) {
  *result = std::make_shared<NoLogger>();
  return IOStatus::OK();
}

IOStatus ForgettingDisk::GetAbsolutePath(const std::string& path, const Options&, std::string* result,
                                         Debug*) {
  *result = path;
  return IOStatus::OK();
}

IOStatus ForgettingDisk::GetFreeSpace(const std::string&, const Options&, std::uint64_t* bytes, Debug*) {
  *bytes = free_bytes_;
  return IOStatus::OK();
}

IOStatus ForgettingDisk::IsDirectory(const std::string& path, const Options&, bool* result, Debug*) {
  const std::lock_guard lock(mutex_);
  *result = directories_.contains(path);
  return IOStatus::OK();
}

}  // namespace pawl::storage::test
