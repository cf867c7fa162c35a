#include "storage/rocksdb/expiry.h"

#include <bit>
#include <chrono>

namespace pawl::storage {

namespace {

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

}  // namespace

std::uint64_t now_ms(const WallClock& clock) {
  using namespace std::chrono;
  if (clock) return clock();
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

bool is_shown(std::string_view value, std::uint64_t now_ms) {
  if (value.size() < 8) return true;
  std::uint64_t stamp = 0;
  __builtin_memcpy(&stamp, value.data(), 8);
  if constexpr (std::endian::native == std::endian::little) stamp = __builtin_bswap64(stamp);
  return stamp == 0 || stamp > now_ms;
}

std::unique_ptr<rocksdb::CompactionFilter> ExpiryFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context& /*context*/) {
  using Decision = rocksdb::CompactionFilter::Decision;
  const Decision drop = remains_ == Remains::purge ? Decision::kPurge : Decision::kRemove;
  return std::make_unique<ExpiryFilter>(now_ms(clock_), drop);
}

}  // namespace pawl::storage
