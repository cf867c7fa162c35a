// The disk refuses writes, syncs, renames or new files at some point of the load: nothing is acknowledged
// that a restart does not find, and nothing is tried again.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "storage/rocksdb/rocksdb_store.h"
#include "tests/storage/forgetting_disk.h"
#include "tests/storage/mixed_load.h"

namespace pawl::storage::test {
namespace {

using rocksdb::IOStatus;

struct Fault {
  ForgettingDisk::Op op;
  std::uint64_t count;
  bool full;  // ENOSPC instead of EIO
};

/// Names the test; without it the name is made of bytes, padding among them.
void PrintTo(const Fault& fault, std::ostream* out) {
  static constexpr const char* ops[] = {"append", "sync", "create"};
  *out << ops[static_cast<int>(fault.op)] << fault.count << (fault.full ? "full" : "");
}

struct Ending {
  std::uint64_t acknowledged = 0;
  bool failed = false;
  bool order_kept = true;  // nothing durable after a failed commit
};

/// Runs the load on a disk that fails half way, then closes.
Ending run_load(const std::shared_ptr<ForgettingDisk>& disk, const Fault& fault) {
  Ending ending;
  auto store = open_rocksdb("/data", load_options(), {.file_system = disk});
  EXPECT_TRUE(store) << store.error().message;
  auto partition = (*store)->acquire(load_partition);
  EXPECT_TRUE(partition) << partition.error().message;
  disk->fail(
      fault.op, fault.count,
      fault.full ? IOStatus::NoSpace("No space left on device") : IOStatus::IOError("Input/output error"));
  std::atomic<bool> failed = false;
  for (std::uint64_t number = 1; number <= 400 && !failed; ++number) {
    (*partition)->commit(load_batch(number), [&, number](Outcome outcome) {
      if (outcome == Outcome::durable) {
        ending.order_kept = ending.order_kept && !failed;
        ending.acknowledged = number;
      } else {
        failed = true;
      }
    });
  }
  if (failed) {
    (*partition)->commit(load_batch(401), [&](Outcome outcome) { EXPECT_EQ(outcome, Outcome::failed); });
  }
  partition->reset();
  ending.failed = failed;
  return ending;
}

std::string audit_after_restart(const Image& image, std::uint64_t acknowledged) {
  auto store =
      open_rocksdb("/data", load_options(), {.file_system = std::make_shared<ForgettingDisk>(image)});
  if (!store) return store.error().message;
  auto partition = (*store)->acquire(load_partition);
  if (!partition) return partition.error().message;
  const auto contents = read_all(**partition);
  return contents ? audit(*contents, acknowledged) : contents.error().message;
}

void expect_safe(const Fault& fault) {
  SCOPED_TRACE(testing::Message() << "operation " << static_cast<int>(fault.op) << " number " << fault.count
                                  << (fault.full ? " ENOSPC" : " EIO"));
  const auto disk = std::make_shared<ForgettingDisk>();
  const Ending ending = run_load(disk, fault);
  EXPECT_TRUE(ending.order_kept);
  EXPECT_EQ(audit_after_restart(disk->after_cut(ForgettingDisk::Cut::clean), ending.acknowledged), "");
  EXPECT_EQ(audit_after_restart(disk->after_kill(), ending.acknowledged), "");
}

class FaultTest : public testing::TestWithParam<Fault> {};

TEST_P(FaultTest, NothingAcknowledgedIsLost) { expect_safe(GetParam()); }

std::vector<Fault> faults() {
  std::vector<Fault> all;
  using Op = ForgettingDisk::Op;
  for (const std::uint64_t count : {1, 2, 3, 5, 9, 17, 40, 80, 150, 300}) {
    all.push_back({Op::append, count, false});
    all.push_back({Op::append, count, true});
    all.push_back({Op::sync, count, false});
  }
  for (const std::uint64_t count : {1, 2, 3, 4, 6, 9}) all.push_back({Op::create, count, count % 2 == 0});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultTest, testing::ValuesIn(faults()));

TEST(FaultFixtureTest, AFailedSyncEndsEveryLaterCommitAsFailed) {
  const auto disk = std::make_shared<ForgettingDisk>();
  auto store = open_rocksdb("/data", load_options(), {.file_system = disk});
  ASSERT_TRUE(store);
  auto partition = (*store)->acquire(load_partition);
  ASSERT_TRUE(partition);
  disk->fail(ForgettingDisk::Op::sync, 1, IOStatus::IOError("Input/output error"));
  std::vector<Outcome> outcomes;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    (*partition)->commit(load_batch(number), [&](Outcome outcome) { outcomes.push_back(outcome); });
  }
  partition->reset();
  EXPECT_EQ(outcomes, std::vector<Outcome>(3, Outcome::failed));
  EXPECT_TRUE(disk->has_failed());
  const std::uint64_t syncs = disk->syncs();
  disk->heal();
  EXPECT_FALSE((*store)->acquire(load_partition))
      << "a store that has failed stays so until it is opened again";
  EXPECT_EQ(disk->syncs(), syncs) << "a sync was tried again";
}

TEST(FaultFixtureTest, LittleFreeSpaceShowsInTheCounters) {
  const auto disk = std::make_shared<ForgettingDisk>();
  disk->set_free_bytes(1 << 20);
  Options options = load_options();
  options.free_space_floor_bytes = 2 << 20;
  auto store = open_rocksdb("/data", options, {.file_system = disk});
  ASSERT_TRUE(store);
  auto partition = (*store)->acquire(load_partition);
  EXPECT_TRUE((*partition)->counters().low_on_space);
}

}  // namespace
}  // namespace pawl::storage::test
