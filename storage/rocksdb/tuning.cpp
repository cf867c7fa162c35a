#include "storage/rocksdb/tuning.h"

#include <algorithm>

#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"
#include "storage/rocksdb/erased_ranges.h"
#include "storage/rocksdb/expiry.h"
#include "storage/rocksdb/tombstones.h"

namespace pawl::storage {

namespace {
constexpr std::size_t kib = std::size_t{1} << 10;
constexpr std::size_t mib = std::size_t{1} << 20;
/// The few expired rows among many that last (Reclaimer takes tables that are mostly expired) leave the disk
/// within about twice that.
constexpr std::uint64_t periodic_compaction_s = 6 * 3600;
}  // namespace

Tuning::Tuning(const Options& options)
    : memory_budget_(std::max<std::size_t>(options.memory_budget_bytes, mib / 2)),
      wall_clock_(options.wall_clock),
      cache_(rocksdb::NewLRUCache(memory_budget_, 4, false, 0.2)),
      write_buffers_(std::make_shared<rocksdb::WriteBufferManager>(memory_budget_ / 2, cache_)) {}

rocksdb::DBOptions Tuning::db_options(rocksdb::Env* env) const {
  rocksdb::DBOptions db;
  db.env = env;
  db.max_background_jobs = 2;
  db.write_buffer_manager = write_buffers_;
  db.max_total_wal_size = memory_budget_;
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // All that was replayed goes to synced tables: what a killed process left in the page cache must not be
  // older than what is synced next.
  db.avoid_flush_during_recovery = false;
  db.write_dbid_to_manifest = true;
  db.allow_concurrent_memtable_write = false;  // there is one writer
  db.enable_write_thread_adaptive_yield = false;
  db.avoid_unnecessary_blocking_io = true;
  db.bytes_per_sync = mib;
  db.max_open_files = 512;
  db.max_log_file_size = 4 * mib;
  db.keep_log_file_num = 4;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.max_bgerror_resume_count = 0;  // a failure is final: what was written since is unknown
  return db;
}

rocksdb::ColumnFamilyOptions Tuning::family_options(const FamilySpec* spec) const {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache_;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Who asks for one row of a backlog mostly finds it: a filter would only grow with the backlog in memory.
  if (spec == nullptr || !spec->written_once) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  table.block_size = 8 * 1024;
  table.index_block_restart_interval = 16;  // keys begin alike: half of what grows with a backlog in memory

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = std::clamp<std::size_t>(memory_budget_ / 6, 64 * kib, 64 * mib);
  family.arena_block_size = std::min(256 * kib, family.write_buffer_size / 8);  // a quiet family costs little
  family.max_write_buffer_number = 4;
  family.compression = rocksdb::kLZ4Compression;
  family.level_compaction_dynamic_level_bytes = true;
  family.level0_slowdown_writes_trigger = 24;
  family.level0_stop_writes_trigger = 40;
  family.table_properties_collector_factories = {std::make_shared<TombstoneCollectorFactory>(),
                                                 std::make_shared<ErasedRangesCollectorFactory>()};
  // The place of the row before is where the next one goes: no search from the head of the memtable.
  if (spec && spec->ordered_prefix > 0) {
    family.memtable_insert_with_hint_prefix_extractor.reset(
        rocksdb::NewFixedPrefixTransform(spec->ordered_prefix));
  }
  if (spec && spec->expires) {
    family.compaction_filter_factory = std::make_shared<ExpiryFilterFactory>(
        wall_clock_,
        spec->written_once ? ExpiryFilterFactory::Remains::purge : ExpiryFilterFactory::Remains::tombstone);
    family.table_properties_collector_factories.push_back(std::make_shared<ExpiryCollectorFactory>());
    family.periodic_compaction_seconds = periodic_compaction_s;
  }
  return family;
}

}  // namespace pawl::storage
