#include "storage/rocksdb/syncer.h"

#include <pthread.h>

#include <chrono>
#include <iterator>

#include "rocksdb/db.h"

namespace pawl::storage {

namespace {
using std::chrono::steady_clock;
constexpr std::chrono::milliseconds housekeeping_interval{250};
}  // namespace

Syncer::Syncer(rocksdb::DB& db, LogGates& gates, Ledger& ledger, Hooks hooks)
    : db_(db), gates_(gates), ledger_(ledger), hooks_(std::move(hooks)), thread_([this] { run(); }) {
  gates_.on_record([this] { record_written(); });
}

Syncer::~Syncer() {
  gates_.on_record(nullptr);
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Syncer::record_written() {
  std::unique_lock lock(mutex_);
  ++records_;
  unlock_and_wake(lock);
}

std::uint64_t Syncer::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

void Syncer::push(Partition::Done done, Outcome outcome) {
  std::unique_lock lock(mutex_);
  pending_.push_back({std::move(done), outcome, records_});
  ++pushed_;
  unlock_and_wake(lock);
}

void Syncer::unlock_and_wake(std::unique_lock<std::mutex>& lock) {
  const bool asleep = waiting_ && has_work();
  if (asleep) waiting_ = false;
  lock.unlock();
  if (asleep) wake_.notify_one();
}

bool Syncer::has_work() const {
  if (!broken_ && records_ > durable_) return true;
  return !pending_.empty() && (broken_ || pending_.front().record <= durable_);
}

void Syncer::drain() {
  std::unique_lock lock(mutex_);
  const std::uint64_t until = pushed_;
  drained_.wait(lock, [&] { return answered_ >= until; });
}

void Syncer::fail(const std::string& why) {
  if (failed_.exchange(true, std::memory_order_acq_rel)) return;
  if (hooks_.notice) hooks_.notice("The store has failed and takes no more commits: " + why);
}

void Syncer::run() {
  pthread_setname_np(pthread_self(), "pawl-sync");  // for top -H and perf
  std::vector<Pending> answerable;
  auto housekept_at = steady_clock::now();
  for (;;) {
    std::uint64_t records = 0;
    bool sync_now = false;
    {
      std::unique_lock lock(mutex_);
      if (!has_work() && !stop_) {
        waiting_ = true;
        wake_.wait_for(lock, housekeeping_interval, [this] { return has_work() || stop_; });
        waiting_ = false;
      }
      if (!has_work() && stop_) return;
      records = records_;
      sync_now = !broken_ && records > durable_;
    }
    const bool synced = sync_now && sync();
    bool recorded = !synced || hooks_.skip_sync;
    if (!recorded && ledger_.logs_changed()) {
      record();
      recorded = true;
    }
    {
      const std::lock_guard lock(mutex_);
      if (synced) durable_ = records;
      broken_ = broken_ || (sync_now && !synced);
      take_answerable(answerable);
    }
    answer(answerable);
    // Nobody waits for it: a watermark that is a sync or a commit behind promises less, and what is there is
    // read anyway.
    if (!recorded) record();
    if (const auto now = steady_clock::now(); now - housekept_at >= housekeeping_interval) {
      housekept_at = now;
      hooks_.housekeeping();
    }
  }
}

void Syncer::take_answerable(std::vector<Pending>& into) {
  std::size_t count = 0;
  for (; count < pending_.size(); ++count) {
    Pending& pending = pending_[count];
    if (pending.record <= durable_) continue;
    if (!broken_) break;
    if (pending.outcome == Outcome::durable) pending.outcome = Outcome::failed;
  }
  if (count == pending_.size()) return into.swap(pending_);
  const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(count);
  into.assign(std::make_move_iterator(pending_.begin()), std::make_move_iterator(end));
  pending_.erase(pending_.begin(), end);
}

void Syncer::answer(std::vector<Pending>& batch) {
  if (batch.empty()) return;
  for (Pending& pending : batch) {
    if (pending.done) pending.done(pending.outcome);
  }
  const std::size_t count = batch.size();
  batch.clear();
  {
    const std::lock_guard lock(mutex_);
    answered_ += count;
  }
  drained_.notify_all();
}

bool Syncer::sync() {
  if (hooks_.skip_sync) return true;
  // Read before the sync: what has a number by now was written to the log before.
  const std::uint64_t written_to = db_.GetLatestSequenceNumber();
  const auto begin = steady_clock::now();
  rocksdb::Status status;
  {
    const std::lock_guard gate(gates_.syncing);
    if (failed() || gates_.log_failed.load(std::memory_order_acquire)) return false;
    status = db_.SyncWAL();
  }
  if (!status.ok() || gates_.log_failed.load(std::memory_order_acquire)) {
    fail("syncing the log: " + (status.ok() ? gates_.why() : status.ToString()));
    return false;
  }
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin).count();
  const auto spent = static_cast<std::uint64_t>(micros);
  last_sync_micros_.store(spent, std::memory_order_relaxed);
  sync_micros_.fetch_add(spent, std::memory_order_relaxed);
  syncs_.fetch_add(1, std::memory_order_relaxed);
  synced_to_ = written_to;
  return true;
}

void Syncer::record() {
  const rocksdb::IOStatus recorded = ledger_.record(synced_to_, Ledger::Sync::now_and_then);
  // What was synced is safe and was answered so; but the next commits would not be watched.
  if (!recorded.ok()) fail("writing the watermark: " + recorded.ToString());
}

}  // namespace pawl::storage
