// Rows that carry the time of their end: the stamp and the compaction filter that drops them.
#pragma once

#include <cstdint>
#include <memory>

#include "rocksdb/compaction_filter.h"
#include "storage/store.h"

namespace pawl::storage {

std::uint64_t now_ms(const WallClock& clock);

/// Whether readers see a row of an expiring family. A value without a stamp is always seen.
bool is_shown(std::string_view value, std::uint64_t now_ms);

/// Thread: any.
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

}  // namespace pawl::storage
