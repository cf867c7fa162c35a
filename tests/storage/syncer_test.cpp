#include "storage/rocksdb/syncer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <semaphore>

#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "tests/storage/forgetting_disk.h"

namespace pawl::storage::test {
namespace {

using std::chrono::seconds;

/// A database whose log is synced by nobody but the Syncer.
class SyncerTest : public ::testing::Test {
 protected:
  SyncerTest() {
    rocksdb::DBOptions options;
    options.env = env_.get();
    options.create_if_missing = true;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open(options, "/db", {{"default", {}}}, &handles, &db);
    EXPECT_TRUE(status.ok()) << status.ToString();
    db_.reset(db);
    for (auto* handle : handles) EXPECT_TRUE(db_->DestroyColumnFamilyHandle(handle).ok());
    EXPECT_TRUE(WatermarkFile::create(*disk_, "/w"));
    ledger_ = std::make_unique<Ledger>(std::move(*WatermarkFile::open(*disk_, "/w")), *guard_, "id");
    syncer_ = std::make_unique<Syncer>(*db_, guard_->gates(), *ledger_,
                                       Syncer::Hooks{nullptr, [] {}, /*skip_sync=*/false});
  }
  ~SyncerTest() override {
    disk_->on_sync(nullptr);
    let_go();  // whom a failed test has left there
    syncer_.reset();
  }

  void write() {
    const std::lock_guard gate(guard_->gates().writing);
    ASSERT_TRUE(db_->Put({}, "key", "value").ok());
  }
  struct Answer {
    Outcome outcome;
    std::uint64_t syncs;  // that there had been by then
  };
  std::future<Answer> push() {
    auto promise = std::make_shared<std::promise<Answer>>();
    syncer_->push([this, promise](Outcome outcome) { promise->set_value({outcome, syncer_->syncs()}); },
                  Outcome::durable);
    return promise->get_future();
  }
  /// The next sync of the disk says that it begins, and waits until it is let go.
  void hold_next_sync() {
    disk_->on_sync([this, held = std::make_shared<std::atomic<bool>>(false)] {
      if (held->exchange(true)) return;
      begun_.release();
      let_go_.acquire();
    });
  }
  void let_go() { let_go_.release(); }
  bool sync_begins() { return begun_.try_acquire_for(seconds(10)); }

  std::shared_ptr<ForgettingDisk> disk_ = std::make_shared<ForgettingDisk>();
  std::shared_ptr<GuardFileSystem> guard_ = std::make_shared<GuardFileSystem>(disk_);
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(guard_);
  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Syncer> syncer_;
  std::counting_semaphore<> begun_{0};
  std::counting_semaphore<> let_go_{0};
};

// The writer is still in RocksDB then: what it pushes later finds the disk at work, or done.
TEST_F(SyncerTest, ASyncBeginsWithTheRecordNotWithThePush) {
  hold_next_sync();
  write();
  ASSERT_TRUE(sync_begins());
  std::future<Answer> answer = push();
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  let_go();
  const Answer given = answer.get();
  EXPECT_EQ(given.outcome, Outcome::durable);
  EXPECT_EQ(given.syncs, 1u) << "the commit was in the log when that sync began";
}

TEST_F(SyncerTest, WhatIsWrittenDuringASyncWaitsForTheNext) {
  hold_next_sync();
  write();
  ASSERT_TRUE(sync_begins());
  std::future<Answer> first = push();
  write();
  std::future<Answer> second = push();
  let_go();
  EXPECT_EQ(first.get().syncs, 1u);
  EXPECT_EQ(second.get().syncs, 2u);
}

TEST_F(SyncerTest, WhatWroteNothingIsAnsweredWithoutASync) {
  write();
  EXPECT_EQ(push().get().outcome, Outcome::durable);
  EXPECT_EQ(push().get().syncs, 1u);
}

TEST_F(SyncerTest, AfterAFailedSyncNothingIsDurableAndNothingIsTriedAgain) {
  write();
  EXPECT_EQ(push().get().outcome, Outcome::durable);
  disk_->fail(ForgettingDisk::Op::sync, 1, rocksdb::IOStatus::IOError("Input/output error"));
  write();
  EXPECT_EQ(push().get().outcome, Outcome::failed);
  disk_->heal();
  const std::uint64_t syncs = disk_->syncs();
  EXPECT_EQ(push().get().outcome, Outcome::failed);
  EXPECT_EQ(disk_->syncs(), syncs);
}

}  // namespace
}  // namespace pawl::storage::test
