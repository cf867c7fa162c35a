#include "storage/rocksdb/reclaimer.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "storage/rocksdb/expiry.h"

namespace pawl::storage {

namespace {

constexpr std::chrono::seconds look_interval{15};
constexpr std::size_t run_max = 8;  // tables compacted at once: memory and time stay small
constexpr std::uint64_t table_bytes = std::uint64_t{64} << 20;
constexpr std::uint64_t not_due = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Reclaimer::Reclaimer(rocksdb::DB& db, WallClock clock, Families families)
    : db_(db), clock_(std::move(clock)), families_(std::move(families)), thread_([this] { run(); }) {}

Reclaimer::~Reclaimer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Reclaimer::run() {
  pthread_setname_np(pthread_self(), "pawl-reclaim");  // for top -H and perf
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, look_interval, [this] { return stop_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

bool Reclaimer::stopping() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

std::size_t Reclaimer::look() {
  const std::lock_guard lock(look_mutex_);
  const std::uint64_t now = now_ms(clock_);
  Moments seen;
  std::size_t compacted = 0;
  for (rocksdb::ColumnFamilyHandle* family : families_()) {
    const std::vector<Table> found = tables(family, now, seen);
    compacted += compact(family, found);
  }
  moments_ = std::move(seen);
  return compacted;
}

std::vector<Reclaimer::Table> Reclaimer::tables(rocksdb::ColumnFamilyHandle* family, std::uint64_t now,
                                                Moments& seen) {
  rocksdb::ColumnFamilyMetaData meta;
  db_.GetColumnFamilyMetaData(family, &meta);
  rocksdb::TablePropertiesCollection properties;
  bool read = false;
  const auto moment = [&](const std::string& path) {
    if (const auto known = moments_.find(path); known != moments_.end()) return known->second;
    if (!read) db_.GetPropertiesOfAllTables(family, &properties).PermitUncheckedError();
    read = true;
    const auto found = properties.find(path);
    return found == properties.end() ? not_due : due_moment(*found->second).value_or(not_due);
  };
  std::vector<Table> tables;
  for (const rocksdb::LevelMetaData& level : meta.levels) {
    // What lies in level 0 goes down with its next compaction, which drops what has expired by then.
    if (level.level == 0) continue;
    for (const rocksdb::SstFileMetaData& file : level.files) {
      const std::uint64_t due = moment(file.directory + file.name);
      seen.emplace(file.directory + file.name, due);
      tables.push_back({file.name, level.level, due <= now && !file.being_compacted});
    }
  }
  return tables;
}

std::size_t Reclaimer::compact(rocksdb::ColumnFamilyHandle* family, const std::vector<Table>& tables) {
  rocksdb::CompactionOptions options;
  options.compression = rocksdb::kDisableCompressionOption;  // the family's
  options.output_file_size_limit = table_bytes;
  std::size_t compacted = 0;
  for (std::size_t begin = 0; begin < tables.size() && !stopping();) {
    // Neighbours together, so that what is left of them is one table. Nothing lies between them.
    std::size_t end = begin;
    std::vector<std::string> names;
    while (end < tables.size() && end - begin < run_max && tables[end].due &&
           tables[end].level == tables[begin].level) {
      names.push_back(tables[end++].name);
    }
    if (!names.empty()) {
      // A refusal is no harm: RocksDB began to compact one of them meanwhile, or the store has failed.
      if (db_.CompactFiles(options, family, names, tables[begin].level).ok()) compacted += names.size();
    }
    begin = std::max(end, begin + 1);
  }
  return compacted;
}

}  // namespace pawl::storage
