// Reads the rows of one range, and does not take damage for the end of it or for a gap.
//
// An iterator of RocksDB 7.8.3 that minds erased ranges loses errors: it passes over a table whose first
// block cannot be read when it comes from the table before, and it forgets what it could not read when it
// jumps over an erased range (facebook/rocksdb, pull requests 11782 and 11785; 8.5.2 has both). One that
// ignores erased ranges has neither fault, so that is the one to read with where nothing was erased as a
// range. Elsewhere such a one, the witness, goes along behind the other and reads all that it passes over.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "rocksdb/iterator.h"
#include "storage/rocksdb/database.h"
#include "storage/store.h"

namespace pawl::storage {

/// Thread: one.
class Cursor {
 public:
  /// At the first row of the range, as of `snapshot`, or of now when it is null. The range must outlive it.
  Cursor(Database& database, const Seat& seat, const Range& range, const rocksdb::Snapshot* snapshot);
  Cursor(const Cursor&) = delete;  // the iterators know where the bounds are
  Cursor& operator=(const Cursor&) = delete;

  /// False at the end, or when something could not be read.
  bool valid() const { return row_->Valid() && (!witness_ || status().ok()); }
  std::string_view key() const { return row_->key().ToStringView(); }
  std::string_view value() const { return row_->value().ToStringView(); }
  void next();
  /// Goes on at this key or behind it, in reverse at the last one before it.
  void jump(std::string_view to);
  /// OK at the end of the range, when every row of it was told.
  rocksdb::Status status() const;

 private:
  void step(rocksdb::Iterator& iterator) const;
  void jump(rocksdb::Iterator& iterator, const rocksdb::Slice& to) const;
  /// The witness comes to where the row is.
  void follow();

  const bool reverse_;
  const rocksdb::Slice lower_;
  const rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> row_;
  std::unique_ptr<rocksdb::Iterator> witness_;  // null where nothing was erased as a range
  const std::uint64_t failed_reads_;            // of this thread, before the first
};

}  // namespace pawl::storage
