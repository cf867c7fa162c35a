#include "storage/rocksdb/tombstones.h"

#include <algorithm>
#include <cstdint>

namespace pawl::storage {

namespace {

/// A stretch of keys that is mostly tombstones marks the table.
class TombstoneCollector final : public rocksdb::TablePropertiesCollector {
 public:
  rocksdb::Status AddUserKey(const rocksdb::Slice&, const rocksdb::Slice&, rocksdb::EntryType type,
                             rocksdb::SequenceNumber, std::uint64_t) override {
    const bool tombstone = type == rocksdb::kEntryDelete || type == rocksdb::kEntrySingleDelete;
    run_ = tombstone ? std::min<std::uint32_t>(run_ + 1, marks_at) : (run_ > 0 ? run_ - 1 : 0);
    marked_ = marked_ || run_ == marks_at;
    return rocksdb::Status::OK();
  }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties*) override { return rocksdb::Status::OK(); }
  rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }
  const char* Name() const override { return "PawlTombstones"; }
  bool NeedCompact() const override { return marked_; }

 private:
  static constexpr std::uint32_t marks_at = 256;
  std::uint32_t run_ = 0;  // tombstones less other keys, in the stretch that is being read
  bool marked_ = false;
};

}  // namespace

rocksdb::TablePropertiesCollector* TombstoneCollectorFactory::CreateTablePropertiesCollector(Context) {
  return new TombstoneCollector();
}

}  // namespace pawl::storage
