#include "storage/rocksdb/zeroed_log.h"

#include <algorithm>
#include <array>

namespace pawl::storage {

namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

const std::array<char, ZeroedLog::chunk_bytes> zeroes{};

}  // namespace

ZeroedLog::ZeroedLog(std::unique_ptr<rocksdb::FSWritableFile> file,
                     std::unique_ptr<rocksdb::FSRandomRWFile> ahead)
    : FSWritableFileOwnerWrapper(std::move(file)), ahead_(std::move(ahead)) {}

IOStatus ZeroedLog::Append(const Slice& data, const IOOptions& options, IODebugContext* debug) {
  IOStatus status = FSWritableFileOwnerWrapper::Append(data, options, debug);
  if (status.ok()) write_ahead(data.size());
  return status;
}

IOStatus ZeroedLog::Append(const Slice& data, const IOOptions& options, const DataVerificationInfo& check,
                           IODebugContext* debug) {
  IOStatus status = FSWritableFileOwnerWrapper::Append(data, options, check, debug);
  if (status.ok()) write_ahead(data.size());
  return status;
}

void ZeroedLog::write_ahead(std::uint64_t appended) {
  const std::uint64_t end = end_.load(std::memory_order_relaxed) + appended;
  end_.store(end, std::memory_order_release);
  if (end <= zeroed_to_ || failed_ || mean_sync_.load(std::memory_order_relaxed) > small_sync_bytes) return;
  const std::uint64_t until = (end / chunk_bytes + 1) * chunk_bytes;
  // A disk that has no room for zeroes has, perhaps, still some for records.
  failed_ = !ahead_->Write(end, Slice(zeroes.data(), until - end), {}, nullptr).ok();
  if (!failed_) zeroed_to_ = until;
}

IOStatus ZeroedLog::Sync(const IOOptions& options, IODebugContext* debug) {
  note_sync();
  return FSWritableFileOwnerWrapper::Sync(options, debug);
}

IOStatus ZeroedLog::Fsync(const IOOptions& options, IODebugContext* debug) {
  note_sync();
  return FSWritableFileOwnerWrapper::Fsync(options, debug);
}

void ZeroedLog::note_sync() {
  const std::uint64_t end = end_.load(std::memory_order_acquire);
  const std::uint64_t mean = mean_sync_.load(std::memory_order_relaxed);
  mean_sync_.store(mean - mean / 8 + (end - synced_to_) / 8, std::memory_order_relaxed);
  synced_to_ = end;
}

IOStatus ZeroedLog::Close(const IOOptions& options, IODebugContext* debug) {
  const std::uint64_t end = end_.load(std::memory_order_acquire);
  IOStatus trimmed;
  // Also when the zeroes could not be written whole.
  if (zeroed_to_ > end || failed_) trimmed = FSWritableFileOwnerWrapper::Truncate(end, options, debug);
  IOStatus closed = FSWritableFileOwnerWrapper::Close(options, debug);
  trimmed.PermitUncheckedError();  // zeroes that stay are taken off at the next start
  return closed;
}

}  // namespace pawl::storage
