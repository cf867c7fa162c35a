// The thread that makes written commits durable and tells their owners, in order.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/rocksdb/guard_fs.h"
#include "storage/rocksdb/ledger.h"
#include "storage/store.h"

namespace rocksdb {
class DB;
}

namespace pawl::storage {

/// Loop: fsync the log once for all that is in it, answer what that made durable. A sync begins as soon as a
/// commit's record is in the log, while RocksDB still puts its rows into the memtable; the answer waits for
/// both. While it syncs, the next batches are written. After a failed write or sync everything ends as
/// `failed` and nothing is tried again.
class Syncer {
 public:
  struct Hooks {
    std::function<void(const std::string&)> notice;  // may be null
    std::function<void()> housekeeping;              // now and then, also when nothing is committed
    bool skip_sync = false;
  };

  Syncer(rocksdb::DB& db, LogGates& gates, Ledger& ledger, Hooks hooks);
  /// Answers what is queued, then ends the thread.
  ~Syncer();

  /// Queues the answer of a commit that was written (durable) or refused. Thread: any; keeps the order of the
  /// calls.
  void push(Partition::Done done, Outcome outcome);
  /// Waits until everything pushed before is answered. Not on the sync thread.
  void drain();
  /// From now on nothing becomes durable. Thread: any.
  void fail(const std::string& why);
  /// How many records have got into the log since this began.
  std::uint64_t records() const;
  /// One more has. RocksDB's file tells (LogGates::on_record); a writer that finds that it was not told does.
  void record_written();
  bool failed() const { return failed_.load(std::memory_order_acquire); }

  std::uint64_t syncs() const { return syncs_.load(std::memory_order_relaxed); }
  std::uint64_t sync_micros() const { return sync_micros_.load(std::memory_order_relaxed); }
  std::uint64_t last_sync_micros() const { return last_sync_micros_.load(std::memory_order_relaxed); }

 private:
  struct Pending {
    Partition::Done done;
    Outcome outcome;
    std::uint64_t record;  // the last in the log when it was pushed: its own, or one after it
  };

  void unlock_and_wake(std::unique_lock<std::mutex>& lock);
  bool has_work() const;
  void take_answerable(std::vector<Pending>& into);
  void run();
  void answer(std::vector<Pending>& batch);
  bool sync();
  void record();

  rocksdb::DB& db_;
  LogGates& gates_;
  Ledger& ledger_;
  const Hooks hooks_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable drained_;
  std::vector<Pending> pending_;  // in the order of their records
  std::uint64_t records_ = 0;     // that are in the log
  std::uint64_t durable_ = 0;     // of them, the first so many are on disk
  bool broken_ = false;           // a sync has failed: no more of them will be
  bool waiting_ = false;          // the sync thread sleeps: whoever has something for it wakes it
  bool stop_ = false;
  std::uint64_t pushed_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t synced_to_ = 0;  // the last sequence number that is on disk; of the sync thread

  std::atomic<bool> failed_ = false;
  std::atomic<std::uint64_t> syncs_ = 0;
  std::atomic<std::uint64_t> sync_micros_ = 0;
  std::atomic<std::uint64_t> last_sync_micros_ = 0;
  std::thread thread_;  // last: everything above is there when it starts
};

}  // namespace pawl::storage
