#include "storage/rocksdb/expiry.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

namespace pawl::storage {

namespace {

constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
constexpr const char* due_property = "pawl.expiry.due";

/// When the row ends; `never` without a stamp.
std::uint64_t stamp_of(std::string_view value) {
  if (value.size() < 8) return never;
  std::uint64_t stamp = 0;
  __builtin_memcpy(&stamp, value.data(), 8);
  if constexpr (std::endian::native == std::endian::little) stamp = __builtin_bswap64(stamp);
  return stamp == 0 ? never : stamp;
}

class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  ExpiryFilter(std::uint64_t now_ms, Decision drop) : now_ms_(now_ms), drop_(drop) {}

  const char* Name() const override { return "PawlExpiry"; }
  Decision FilterV2(int /*level*/, const rocksdb::Slice& /*key*/, ValueType type, const rocksdb::Slice& value,
                    std::string* /*new_value*/, std::string* /*skip_until*/) const override {
    if (type != ValueType::kValue || is_shown(value.ToStringView(), now_ms_)) return Decision::kKeep;
    return drop_;
  }

 private:
  std::uint64_t now_ms_;
  Decision drop_;
};

/// Keeps every nth stamp, n doubling when the sample is full.
class ExpiryCollector final : public rocksdb::TablePropertiesCollector {
 public:
  rocksdb::Status AddUserKey(const rocksdb::Slice&, const rocksdb::Slice& value, rocksdb::EntryType type,
                             rocksdb::SequenceNumber, std::uint64_t) override {
    if (type != rocksdb::kEntryPut || rows_++ % every_ != 0) return rocksdb::Status::OK();
    sample_.push_back(stamp_of(value.ToStringView()));
    if (sample_.size() == sample_max) {
      for (std::size_t i = 0; i < sample_max / 2; ++i) sample_[i] = sample_[2 * i];
      sample_.resize(sample_max / 2);
      every_ *= 2;
    }
    return rocksdb::Status::OK();
  }

  rocksdb::Status Finish(rocksdb::UserCollectedProperties* properties) override {
    if (sample_.empty()) return rocksdb::Status::OK();
    const auto due = sample_.begin() + static_cast<std::ptrdiff_t>((sample_.size() - 1) * 3 / 4);
    std::ranges::nth_element(sample_, due);
    if (*due != never) properties->emplace(due_property, std::to_string(*due));
    return rocksdb::Status::OK();
  }

  rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }
  const char* Name() const override { return "PawlExpiry"; }

 private:
  static constexpr std::size_t sample_max = 1024;
  std::vector<std::uint64_t> sample_;
  std::uint64_t rows_ = 0;
  std::uint64_t every_ = 1;
};

}  // namespace

std::uint64_t now_ms(const WallClock& clock) {
  using namespace std::chrono;
  if (clock) return clock();
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

bool is_shown(std::string_view value, std::uint64_t now_ms) { return stamp_of(value) > now_ms; }

std::unique_ptr<rocksdb::CompactionFilter> ExpiryFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context& /*context*/) {
  using Decision = rocksdb::CompactionFilter::Decision;
  const Decision drop = remains_ == Remains::purge ? Decision::kPurge : Decision::kRemove;
  return std::make_unique<ExpiryFilter>(now_ms(clock_), drop);
}

rocksdb::TablePropertiesCollector* ExpiryCollectorFactory::CreateTablePropertiesCollector(Context) {
  return new ExpiryCollector();
}

std::optional<std::uint64_t> due_moment(const rocksdb::TableProperties& properties) {
  const auto found = properties.user_collected_properties.find(due_property);
  if (found == properties.user_collected_properties.end()) return std::nullopt;
  return std::strtoull(found->second.c_str(), nullptr, 10);
}

}  // namespace pawl::storage
