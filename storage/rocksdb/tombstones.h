// Has tables that are full of erased keys compacted early, so that scans do not wade through them.
#pragma once

#include "rocksdb/table_properties.h"

namespace pawl::storage {

/// RocksDB ships such a collector, but it does not count SingleDelete. Thread: any.
class TombstoneCollectorFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(Context context) override;
  const char* Name() const override { return "PawlTombstones"; }
};

}  // namespace pawl::storage
