// Where ranges of rows were erased, from now on and as the tables remember it.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "rocksdb/db.h"
#include "rocksdb/table_properties.h"

namespace pawl::storage {

/// Ranges of one family in which something may have been erased as a range; there may be more in them. Only
/// grows: what compactions make of a range is seen at the next start. Thread: any.
class ErasedRanges {
 public:
  /// [begin, end). Before it is written, so that no reader meets it unknown.
  void add(std::string_view begin, std::string_view end);
  /// Takes in what the tables of the family remember.
  rocksdb::Status add_tables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family);
  bool overlap(std::string_view begin, std::string_view end) const;

 private:
  void join_neighbours();

  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> ends_;  // by their begins; apart from each other
  bool everywhere_ = false;
};

/// Has each table remember between which keys it erases ranges. Thread: any.
class ErasedRangesCollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(Context context) override;
  const char* Name() const override { return "PawlErasedRanges"; }
};

}  // namespace pawl::storage
