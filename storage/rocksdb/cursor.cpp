#include "storage/rocksdb/cursor.h"

namespace pawl::storage {

Cursor::Cursor(Database& database, const Seat& seat, const Range& range, const rocksdb::Snapshot* snapshot)
    : reverse_(range.reverse),
      lower_(range.begin),
      upper_(range.end),
      failed_reads_(failed_reads_of_this_thread().count) {
  const auto family = static_cast<std::size_t>(range.family);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.iterate_lower_bound = &lower_;
  options.iterate_upper_bound = &upper_;
  options.background_purge_on_iterator_cleanup = true;
  const auto start = [&](bool ignore_erased) {
    options.ignore_range_deletions = ignore_erased;
    std::unique_ptr<rocksdb::Iterator> iterator(database.db().NewIterator(options, seat.families.at(family)));
    reverse_ ? iterator->SeekToLast() : iterator->SeekToFirst();
    return iterator;
  };
  row_ = start(true);
  // Asked when it is made: every range whose rows it would show is known by then.
  if (seat.erased.at(family)->overlaps(range.begin, range.end)) {
    witness_ = std::move(row_);
    row_ = start(false);
  }
  follow();
}

void Cursor::step(rocksdb::Iterator& iterator) const { reverse_ ? iterator.Prev() : iterator.Next(); }

void Cursor::jump(rocksdb::Iterator& iterator, const rocksdb::Slice& to) const {
  if (!reverse_) return iterator.Seek(to);
  iterator.SeekForPrev(to);
  if (iterator.Valid() && iterator.key() == to) iterator.Prev();
}

void Cursor::next() {
  step(*row_);
  follow();
}

void Cursor::jump(std::string_view to) {
  const rocksdb::Slice key(to.data(), to.size());
  jump(*row_, key);
  if (witness_) jump(*witness_, key);
  follow();
}

void Cursor::follow() {
  if (!witness_ || !row_->status().ok()) return;
  const auto behind = [this] {
    const int order = witness_->key().compare(row_->key());
    return reverse_ ? order > 0 : order < 0;
  };
  while (witness_->Valid() && (!row_->Valid() || behind())) step(*witness_);
}

rocksdb::Status Cursor::status() const {
  if (auto status = row_->status(); !status.ok() || !witness_) return status;
  if (auto status = witness_->status(); !status.ok()) return status;
  // What failed once may have been readable again when the witness came.
  const FailedReads& failed = failed_reads_of_this_thread();
  return failed.count == failed_reads_ ? rocksdb::Status::OK() : rocksdb::Status::IOError(failed.last);
}

}  // namespace pawl::storage
