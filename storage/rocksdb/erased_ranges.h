// Where ranges of rows were erased, from now on and as the tables remember it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "rocksdb/db.h"
#include "rocksdb/table_properties.h"

namespace pawl::storage {

/// A union of ranges [begin, end) of keys. Beyond `most` of them neighbours are joined, and what lies between
/// counts, too. Thread: one.
class RangeUnion {
 public:
  explicit RangeUnion(std::size_t most) : most_(most) {}

  void add(std::string_view begin, std::string_view end);
  bool overlaps(std::string_view begin, std::string_view end) const;

  /// For a table's properties: of each range the size of its begin in four bytes, big-endian, the begin, and
  /// the end likewise.
  std::string encode() const;
  /// Adds what was encoded; false: it was not.
  bool add_encoded(std::string_view text);

 private:
  void join_neighbours();

  const std::size_t most_;
  std::map<std::string, std::string, std::less<>> ends_;  // by their begins; apart from each other
};

/// Ranges of one family in which something may have been erased as a range; there may be more in them. Only
/// grows: what compactions make of a range is seen at the next start. Thread: any.
class ErasedRanges {
 public:
  /// [begin, end). Before it is written, so that no reader meets it unknown.
  void add(std::string_view begin, std::string_view end);
  /// Takes in what the tables of the family remember. Reads the properties of each.
  rocksdb::Status add_tables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family);
  bool overlaps(std::string_view begin, std::string_view end) const;

 private:
  static constexpr std::size_t ranges_max = 16'384;

  mutable std::mutex mutex_;
  RangeUnion ranges_{ranges_max};
  bool everywhere_ = false;
};

/// Has each table remember in which ranges it erases. Thread: any.
class ErasedRangesCollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(Context context) override;
  const char* Name() const override { return "PawlErasedRanges"; }
};

}  // namespace pawl::storage
