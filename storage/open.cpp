#include <string>

#include "storage/memory/memory_store.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store.h"

namespace pawl::storage {

Result<std::unique_ptr<Store>> Store::open(std::string_view url, Options options) {
  constexpr std::string_view rocksdb = "rocksdb:";
  if (url == "memory:") return std::make_unique<MemoryStore>(std::move(options));
  if (url.starts_with(rocksdb) && url.size() > rocksdb.size()) {
    return open_rocksdb(std::string(url.substr(rocksdb.size())), std::move(options), {});
  }
  return std::unexpected(Error{Errc::invalid, "The storage URL \"" + std::string(url) +
                                                  "\" is unknown: use rocksdb:/path or memory:."});
}

}  // namespace pawl::storage
