#include "storage/rocksdb/erased_ranges.h"

#include <algorithm>

namespace pawl::storage {

namespace {

constexpr const char* erased_property = "pawl.erased";
constexpr std::size_t ranges_of_table_max = 256;

void append_sized(std::string& out, std::string_view text) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(text.size() >> shift & 0xff);
  out += text;
}

std::optional<std::string_view> take_sized(std::string_view& from) {
  if (from.size() < 4) return std::nullopt;
  std::size_t size = 0;
  for (const char byte : from.substr(0, 4)) size = size << 8 | static_cast<unsigned char>(byte);
  from.remove_prefix(4);
  if (size > from.size()) return std::nullopt;
  const std::string_view text = from.substr(0, size);
  from.remove_prefix(size);
  return text;
}

class ErasedRangesCollector final : public rocksdb::TablePropertiesCollector {
 public:
  rocksdb::Status AddUserKey(const rocksdb::Slice& key, const rocksdb::Slice& value, rocksdb::EntryType type,
                             rocksdb::SequenceNumber, std::uint64_t) override {
    if (type != rocksdb::kEntryRangeDeletion) return rocksdb::Status::OK();
    ranges_.add(key.ToStringView(), value.ToStringView());
    any_ = true;
    return rocksdb::Status::OK();
  }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties* properties) override {
    if (any_) properties->emplace(erased_property, ranges_.encode());
    return rocksdb::Status::OK();
  }
  rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }
  const char* Name() const override { return "PawlErasedRanges"; }

 private:
  RangeUnion ranges_{ranges_of_table_max};
  bool any_ = false;
};

}  // namespace

void RangeUnion::add(std::string_view begin, std::string_view end) {
  if (begin >= end) return;
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
  if (ends_.size() > most_) join_neighbours();
}

void RangeUnion::join_neighbours() {
  for (auto at = ends_.begin(); at != ends_.end(); ++at) {
    const auto next = std::next(at);
    if (next == ends_.end()) break;
    at->second = next->second;
    ends_.erase(next);
  }
}

bool RangeUnion::overlaps(std::string_view begin, std::string_view end) const {
  const auto behind = ends_.lower_bound(end);
  return behind != ends_.begin() && std::prev(behind)->second > begin;
}

std::string RangeUnion::encode() const {
  std::string out;
  for (const auto& [begin, end] : ends_) {
    append_sized(out, begin);
    append_sized(out, end);
  }
  return out;
}

bool RangeUnion::add_encoded(std::string_view text) {
  while (!text.empty()) {
    const auto begin = take_sized(text);
    const auto end = begin ? take_sized(text) : std::nullopt;
    if (!end) return false;
    add(*begin, *end);
  }
  return true;
}

void ErasedRanges::add(std::string_view begin, std::string_view end) {
  const std::lock_guard lock(mutex_);
  ranges_.add(begin, end);
}

bool ErasedRanges::overlaps(std::string_view begin, std::string_view end) const {
  const std::lock_guard lock(mutex_);
  return everywhere_ || ranges_.overlaps(begin, end);
}

rocksdb::Status ErasedRanges::add_tables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) {
  rocksdb::TablePropertiesCollection tables;
  if (auto status = db.GetPropertiesOfAllTables(family, &tables); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  for (const auto& [path, properties] : tables) {
    if (properties->num_range_deletions == 0) continue;
    const auto remembered = properties->user_collected_properties.find(erased_property);
    const bool known =
        remembered != properties->user_collected_properties.end() && ranges_.add_encoded(remembered->second);
    if (!known) everywhere_ = true;  // written before tables remembered it
  }
  return rocksdb::Status::OK();
}

rocksdb::TablePropertiesCollector* ErasedRangesCollectorFactory::CreateTablePropertiesCollector(Context) {
  return new ErasedRangesCollector();
}

}  // namespace pawl::storage
