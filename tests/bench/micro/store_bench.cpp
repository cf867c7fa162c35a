// A batch of new jobs into RocksDB, without an fsync: what the writing itself costs.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "broker/engine/codec.h"
#include "broker/engine/engine.h"
#include "samples.h"
#include "storage/rocksdb/rocksdb_store.h"

namespace pawl::micro {
namespace {

/// Removed at the end.
class Folder {
 public:
  Folder() {
    path_ = (std::filesystem::temp_directory_path() / "pawl-micro-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void fill(storage::Batch& batch, std::uint64_t first, std::uint64_t jobs) {
  batch.clear();
  std::string row;
  for (std::uint64_t n = first; n < first + jobs; ++n) {
    const core::Job job = pending_job(n, 200);
    row.clear();
    engine::encode_job(core::Place::ready, job, row);
    batch.put(engine::family::ready, engine::ready_key(job.queue, job.priority, job.id), row);
  }
}

/// commit() of `range` new jobs; making the batch is not counted.
void write_to_rocksdb(benchmark::State& state) {
  const auto jobs = static_cast<std::uint64_t>(state.range(0));
  const Folder folder;
  storage::Options options;
  options.families = engine::families();
  const auto store = storage::open_rocksdb(folder.path() + "/data", std::move(options), {.skip_sync = true});
  if (!store) return state.SkipWithError(store.error().message.c_str());
  const auto partition = (*store)->acquire(0);
  if (!partition) return state.SkipWithError(partition.error().message.c_str());
  storage::Batch batch;
  std::uint64_t written = 0;
  for ([[maybe_unused]] auto turn : state) {
    fill(batch, written, jobs);
    written += jobs;
    const auto begin = std::chrono::steady_clock::now();
    (*partition)->commit(batch, [](storage::Outcome) {});
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(written));
}
BENCHMARK(write_to_rocksdb)->Arg(1)->Arg(16)->Arg(256)->UseManualTime();

}  // namespace
}  // namespace pawl::micro
