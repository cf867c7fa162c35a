#include "storage/rocksdb/erased_ranges.h"

#include <algorithm>
#include <optional>

namespace pawl::storage {

namespace {

constexpr const char* begin_property = "pawl.erased.begin";
constexpr const char* end_property = "pawl.erased.end";
constexpr std::size_t ranges_max = 1024;

class ErasedRangesCollector final : public rocksdb::TablePropertiesCollector {
 public:
  rocksdb::Status AddUserKey(const rocksdb::Slice& key, const rocksdb::Slice& value, rocksdb::EntryType type,
                             rocksdb::SequenceNumber, std::uint64_t) override {
    if (type != rocksdb::kEntryRangeDeletion) return rocksdb::Status::OK();
    if (!begin_ || key.ToStringView() < *begin_) begin_ = key.ToString();
    end_ = std::max(end_, value.ToString());
    return rocksdb::Status::OK();
  }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties* properties) override {
    if (!begin_) return rocksdb::Status::OK();
    properties->emplace(begin_property, *begin_);
    properties->emplace(end_property, end_);
    return rocksdb::Status::OK();
  }
  rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }
  const char* Name() const override { return "PawlErasedRanges"; }

 private:
  std::optional<std::string> begin_;
  std::string end_;
};

}  // namespace

void ErasedRanges::add(std::string_view begin, std::string_view end) {
  if (begin >= end) return;
  const std::lock_guard lock(mutex_);
  std::string first(begin);
  std::string last(end);
  auto at = ends_.upper_bound(begin);
  if (at != ends_.begin() && std::prev(at)->second >= begin) --at;
  while (at != ends_.end() && at->first <= last) {
    first = std::min(first, at->first);
    last = std::max(last, at->second);
    at = ends_.erase(at);
  }
  ends_.emplace_hint(at, std::move(first), std::move(last));
  if (ends_.size() > ranges_max) join_neighbours();
}

void ErasedRanges::join_neighbours() {
  for (auto at = ends_.begin(); at != ends_.end(); ++at) {
    const auto next = std::next(at);
    if (next == ends_.end()) break;
    at->second = next->second;
    ends_.erase(next);
  }
}

bool ErasedRanges::overlap(std::string_view begin, std::string_view end) const {
  const std::lock_guard lock(mutex_);
  if (everywhere_) return true;
  const auto behind = ends_.lower_bound(end);
  return behind != ends_.begin() && std::prev(behind)->second > begin;
}

rocksdb::Status ErasedRanges::add_tables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) {
  rocksdb::TablePropertiesCollection tables;
  if (auto status = db.GetPropertiesOfAllTables(family, &tables); !status.ok()) return status;
  for (const auto& [path, properties] : tables) {
    if (properties->num_range_deletions == 0) continue;
    const auto& remembered = properties->user_collected_properties;
    const auto begin = remembered.find(begin_property);
    const auto end = remembered.find(end_property);
    if (begin != remembered.end() && end != remembered.end()) {
      add(begin->second, end->second);
    } else {  // written before tables remembered it
      const std::lock_guard lock(mutex_);
      everywhere_ = true;
    }
  }
  return rocksdb::Status::OK();
}

rocksdb::TablePropertiesCollector* ErasedRangesCollectorFactory::CreateTablePropertiesCollector(Context) {
  return new ErasedRangesCollector();
}

}  // namespace pawl::storage
