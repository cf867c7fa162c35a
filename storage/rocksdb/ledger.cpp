#include "storage/rocksdb/ledger.h"

#include <algorithm>

namespace pawl::storage {

namespace {
constexpr std::chrono::milliseconds sync_interval{100};
}

Ledger::Ledger(WatermarkFile file, const GuardFileSystem& guard, std::string db_id)
    : file_(std::move(file)), guard_(guard), mark_(file_.newest()), released_on_disk_(mark_.released) {
  mark_.db_id = std::move(db_id);
}

bool Ledger::logs_changed() {
  const std::lock_guard lock(mutex_);
  return !std::ranges::equal(guard_.durable_logs(), mark_.wals, {}, &LogExpectation::number,
                             &LogExpectation::number);
}

rocksdb::IOStatus Ledger::record(std::uint64_t sequence, Sync sync) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  std::vector<LogExpectation> wals = guard_.durable_logs();
  const bool same_logs =
      std::ranges::equal(wals, mark_.wals, {}, &LogExpectation::number, &LogExpectation::number);
  const bool due = sync == Sync::now || !same_logs || now - synced_at_ >= sync_interval;
  mark_.sequence = std::max(mark_.sequence, sequence);
  mark_.wals = std::move(wals);
  if (const LogExpectation manifest = guard_.current_manifest(); manifest.number != 0)
    mark_.manifest = manifest;
  if (due) synced_at_ = now;
  return file_.write(mark_, due);
}

bool Ledger::release(std::uint64_t released) {
  const std::lock_guard lock(mutex_);
  if (released <= released_on_disk_) return true;
  mark_.released = std::max(mark_.released, released);
  std::erase_if(mark_.wals, [&](const LogExpectation& wal) { return wal.number < mark_.released; });
  // Asked again after a failure it must fail again: else the log goes, and what is on disk still promises it.
  if (!file_.write(mark_, true).ok()) return false;
  released_on_disk_ = mark_.released;
  return true;
}

}  // namespace pawl::storage
