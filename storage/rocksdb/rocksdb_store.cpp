#include "storage/rocksdb/rocksdb_store.h"

#include "storage/rocksdb/database.h"
#include "storage/rocksdb/partition.h"

namespace pawl::storage {

namespace {

class RocksStore final : public Store {
 public:
  explicit RocksStore(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  Result<std::unique_ptr<Partition>> acquire(std::uint32_t partition) override {
    auto taken = database_->take_seat(partition);
    if (!taken) return std::unexpected(taken.error());
    return std::make_unique<RocksPartition>(database_, std::move(*taken));
  }

 private:
  std::shared_ptr<Database> database_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_rocksdb(const std::string& directory, Options options,
                                            RocksDbTesting testing) {
  auto database = Database::open(directory, std::move(options), std::move(testing));
  if (!database) return std::unexpected(database.error());
  return std::make_unique<RocksStore>(std::move(*database));
}

}  // namespace pawl::storage
