// Cuts the power at every sync of a mixed load, opens again, and audits what is there against what was
// acknowledged.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <semaphore>
#include <vector>

#include "storage/rocksdb/rocksdb_store.h"
#include "tests/storage/forgetting_disk.h"
#include "tests/storage/mixed_load.h"

namespace pawl::storage::test {
namespace {

struct Moment {
  std::uint64_t acknowledged = 0;
  Image image;
};

/// Runs the load and keeps, for each sync before and after it took effect, what a cut would have left.
class Recorder {
 public:
  explicit Recorder(bool skip_sync) : disk_(std::make_shared<ForgettingDisk>()), skip_sync_(skip_sync) {}

  std::vector<Moment> run(std::uint64_t batches) {
    disk_->on_sync([this] { keep(); });
    {
      auto store = open_rocksdb("/data", load_options(), {.file_system = disk_, .skip_sync = skip_sync_});
      EXPECT_TRUE(store) << store.error().message;
      auto partition = (*store)->acquire(load_partition);
      std::counting_semaphore<8> in_flight(8);
      for (std::uint64_t number = 1; number <= batches; ++number) {
        in_flight.acquire();
        (*partition)->commit(load_batch(number), [&, number](Outcome outcome) {
          EXPECT_EQ(outcome, Outcome::durable);
          acknowledged_ = number;
          in_flight.release();
        });
        if (skip_sync_ && number % 50 == 0) keep();
      }
    }
    keep();
    disk_->on_sync(nullptr);
    return std::move(moments_);
  }

 private:
  void keep() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t acknowledged = acknowledged_;  // before the image: what is acknowledged is in it
    const std::uint64_t seed = moments_.size();
    moments_.push_back(
        {acknowledged,
         disk_->after_cut(seed % 2 == 0 ? ForgettingDisk::Cut::clean : ForgettingDisk::Cut::torn, seed)});
  }

  std::shared_ptr<ForgettingDisk> disk_;
  bool skip_sync_;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::mutex mutex_;
  std::vector<Moment> moments_;
};

/// Opens what a cut left; empty if it opens and holds what it must. With `second_cuts`, the power is cut
/// again at each sync of the start.
std::string check(const Moment& moment, std::vector<Moment>* second_cuts = nullptr) {
  const auto disk = std::make_shared<ForgettingDisk>(moment.image);
  std::mutex mutex;
  if (second_cuts) {
    disk->on_sync([&] {
      const std::lock_guard lock(mutex);
      second_cuts->push_back({moment.acknowledged, disk->after_cut(ForgettingDisk::Cut::clean)});
    });
  }
  auto store = open_rocksdb("/data", load_options(), {.file_system = disk});
  if (!store) return store.error().message;
  auto partition = (*store)->acquire(load_partition);
  if (!partition) return partition.error().message;
  const auto contents = read_all(**partition);
  if (!contents) return contents.error().message;
  return audit(*contents, moment.acknowledged);
}

TEST(PowerLossTest, WhatWasAcknowledgedIsThereAfterACutAtEverySync) {
  const std::vector<Moment> moments = Recorder(false).run(300);
  std::size_t with_acknowledged = 0;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    with_acknowledged += moments[i].acknowledged > 0;
    ASSERT_EQ(check(moments[i]), "") << "cut " << i << " of " << moments.size();
  }
  EXPECT_GT(with_acknowledged, 100u);
  EXPECT_EQ(moments.back().acknowledged, 300u);
  RecordProperty("cuts", static_cast<int>(moments.size()));
}

TEST(PowerLossTest, ACutDuringTheStartAfterACutLosesNothing) {
  const std::vector<Moment> moments = Recorder(false).run(150);
  std::size_t cuts = 0;
  for (std::size_t i = 0; i < moments.size(); i += 1 + moments.size() / 12) {
    std::vector<Moment> second;
    ASSERT_EQ(check(moments[i], &second), "") << "cut " << i;
    for (const Moment& moment : second) {
      ++cuts;
      ASSERT_EQ(check(moment), "") << "second cut after cut " << i;
    }
  }
  EXPECT_GT(cuts, 50u);
}

TEST(PowerLossTest, WithoutTheSyncTheAuditFindsLosses) {
  const std::vector<Moment> moments = Recorder(true).run(300);
  std::size_t losses = 0;
  for (const Moment& moment : moments) losses += !check(moment).empty();
  EXPECT_GT(losses, 0u);
}

}  // namespace
}  // namespace pawl::storage::test
