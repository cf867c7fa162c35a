#include "storage/memory/memory_store.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace pawl::storage::test {
namespace {

constexpr Family plain{0};
constexpr Family once{1};
constexpr Family expiring{2};

Options options() {
  Options options;
  options.families = {{"plain"}, {"once", true}, {"expiring", false, true}};
  return options;
}

Batch put(Family family, std::string_view key, std::string_view value) {
  Batch batch;
  batch.put(family, key, value);
  return batch;
}

std::optional<std::string> get(const Partition& partition, std::string_view key) {
  std::optional<std::string> found;
  partition.get(plain, key, [&](Result<std::optional<std::string_view>> answer) {
    if (*answer) found = std::string(**answer);
  });
  return found;
}

/// A store in manual mode whose commits note how they ended.
class ManualMemoryStoreTest : public testing::Test {
 protected:
  void commit(std::string_view key, std::string_view value) {
    partition->commit(put(plain, key, value), [this](Outcome outcome) { outcomes.push_back(outcome); });
  }

  MemoryStore store{options(), MemoryStore::Mode::manual};
  std::unique_ptr<Partition> partition = *store.acquire(0);
  std::vector<Outcome> outcomes;
};

TEST_F(ManualMemoryStoreTest, CommitsAreReadableAtOnceAndAnsweredAtTheSync) {
  commit("a", "1");
  commit("b", "2");
  EXPECT_EQ(get(*partition, "a"), "1");
  EXPECT_TRUE(outcomes.empty());
  EXPECT_EQ(store.unsynced(), 2u);
  EXPECT_EQ(store.sync(1), 1u);
  EXPECT_EQ(outcomes, std::vector{Outcome::durable});
  EXPECT_EQ(store.sync_all(), 1u);
  EXPECT_EQ(outcomes.size(), 2u);
}

TEST_F(ManualMemoryStoreTest, ACrashForgetsWhatWasNotSynced) {
  commit("a", "1");
  store.sync_all();
  commit("a", "2");
  commit("b", "1");
  Batch erase;
  erase.erase(plain, "a");
  erase.erase_range(plain, "b", "c");
  partition->commit(erase, nullptr);
  EXPECT_EQ(get(*partition, "a"), std::nullopt);
  store.crash();
  EXPECT_EQ(outcomes.size(), 1u) << "who waited is gone with the process";
  commit("c", "1");
  EXPECT_EQ(outcomes.back(), Outcome::gone);
  partition = *store.acquire(0);
  EXPECT_EQ(get(*partition, "a"), "1");
  EXPECT_EQ(get(*partition, "b"), std::nullopt);
  EXPECT_EQ(store.usage().rows, 1u);
  EXPECT_EQ(store.usage().bytes, 2u);
}

TEST_F(ManualMemoryStoreTest, ACrashMayKeepTheOldestOfTheUnsynced) {
  commit("a", "1");
  commit("b", "1");
  store.crash(1);
  partition = *store.acquire(0);
  EXPECT_EQ(get(*partition, "a"), "1");
  EXPECT_EQ(get(*partition, "b"), std::nullopt);
}

TEST_F(ManualMemoryStoreTest, AFailedSyncFailsAllThatFollowsUntilTheRestart) {
  commit("a", "1");
  store.fail_next_sync();
  EXPECT_EQ(store.sync_all(), 1u);
  commit("b", "1");
  store.sync_all();
  EXPECT_EQ(outcomes, std::vector(2, Outcome::failed));
  store.crash();
  partition = *store.acquire(0);
  EXPECT_EQ(get(*partition, "a"), std::nullopt);
  commit("c", "1");
  store.sync_all();
  EXPECT_EQ(outcomes.back(), Outcome::durable);
}

TEST_F(ManualMemoryStoreTest, AFailedCommitMayBeThereAfterTheRestart) {
  store.fail_next_commit(true);
  commit("a", "1");
  commit("b", "1");
  store.sync_all();
  EXPECT_EQ(outcomes, std::vector(2, Outcome::failed));
  store.crash();
  partition = *store.acquire(0);
  EXPECT_EQ(get(*partition, "a"), "1");
  EXPECT_EQ(get(*partition, "b"), std::nullopt);
}

TEST_F(ManualMemoryStoreTest, ARefusedCommitIsAnsweredAfterThoseBeforeIt) {
  commit("a", "1");
  store.fail_next_commit();
  commit("b", "1");
  EXPECT_TRUE(outcomes.empty());
  store.sync_all();
  EXPECT_EQ(outcomes.size(), 2u);
}

TEST(MemoryStoreTest, ExpiredRowsAreDroppedInTime) {
  std::uint64_t now = 1000;
  Options with_clock = options();
  with_clock.wall_clock = [&now] { return now; };
  MemoryStore store(with_clock);
  const auto partition = *store.acquire(0);
  for (int i = 0; i < 500; ++i) {
    partition->commit(put(expiring, std::to_string(i), std::string_view("\0\0\0\0\0\0\x07\xd0", 8)),
                      nullptr);  // 2000
  }
  EXPECT_EQ(store.usage(0, expiring).rows, 500u);
  now = 2000;
  for (int i = 0; i < 500; ++i) partition->commit(put(plain, "k", "v"), nullptr);
  EXPECT_EQ(store.usage(0, expiring).rows, 0u);
}

TEST(MemoryStoreDeathTest, BrokenContractsAbort) {
  MemoryStore store(options());
  const auto partition = *store.acquire(0);
  partition->commit(put(once, "k", "1"), nullptr);
  EXPECT_DEATH(partition->commit(put(once, "k", "2"), nullptr), "family once, key 6b: put twice");
  EXPECT_DEATH(partition->commit(put(expiring, "k", "short"), nullptr), "needs its 8 bytes of stamp");
  Batch again;
  again.erase(once, "k");
  again.put(once, "k", "2");
  partition->commit(again, nullptr);
}

}  // namespace
}  // namespace pawl::storage::test
