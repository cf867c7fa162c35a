// Rows that carry the time of their end: the stamp, the compaction filter that drops them, and what a table
// remembers of its rows' stamps.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "rocksdb/compaction_filter.h"
#include "rocksdb/table_properties.h"
#include "storage/store.h"

namespace pawl::storage {

std::uint64_t now_ms(const WallClock& clock);

/// Whether readers see a row of an expiring family. A value without a stamp is always seen.
bool is_shown(std::string_view value, std::uint64_t now_ms);

/// Drops the expired rows of the tables that are compacted. Thread: any.
class ExpiryFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  /// What a dropped row leaves behind for older versions below it; keys that are erased by SingleDelete need
  /// purge.
  enum class Remains : std::uint8_t { tombstone, purge };

  ExpiryFilterFactory(WallClock clock, Remains remains) : clock_(std::move(clock)), remains_(remains) {}
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "PawlExpiry"; }

 private:
  WallClock clock_;
  Remains remains_;
};

/// Has each table of an expiring family remember its due moment: when three quarters of its rows have expired
/// (wall-clock milliseconds). Estimated from a sample of its stamps. Thread: any.
class ExpiryCollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(Context context) override;
  const char* Name() const override { return "PawlExpiry"; }
};

/// The table's due moment; none if it never comes, or if the table was written before tables had one.
std::optional<std::uint64_t> due_moment(const rocksdb::TableProperties& properties);

}  // namespace pawl::storage
