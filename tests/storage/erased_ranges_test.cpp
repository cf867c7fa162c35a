// Reading where ranges were erased: nothing that a range erased is shown, nothing else is left out, and what
// cannot be read is an error. The fixed cases are those in which RocksDB 7.8.3 by itself loses rows in
// silence.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "rocksdb/db.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/erased_ranges.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "tests/storage/forgetting_disk.h"
#include "tests/storage/mixed_load.h"

namespace pawl::storage::test {
namespace {

using Told = std::vector<std::pair<std::string, std::string>>;

std::string row_key(unsigned number) { return fmt::format("row/{:05}", number); }

std::unique_ptr<Store> open_on(const std::shared_ptr<ForgettingDisk>& disk) {
  auto store = open_rocksdb("/data", load_options(), {.file_system = disk});
  EXPECT_TRUE(store) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

TEST(ErasedRangesTest, OverlapIsExactAtBothEnds) {
  ErasedRanges ranges;
  EXPECT_FALSE(ranges.overlap("", "z"));
  ranges.add("c", "e");
  EXPECT_TRUE(ranges.overlap("", "z"));
  EXPECT_TRUE(ranges.overlap("d", "d\x01"));
  EXPECT_TRUE(ranges.overlap("a", "c\x01"));
  EXPECT_TRUE(ranges.overlap("d\xff", "z"));
  EXPECT_FALSE(ranges.overlap("a", "c"));
  EXPECT_FALSE(ranges.overlap("e", "z"));
}

TEST(ErasedRangesTest, AnEmptyRangeErasesNothing) {
  ErasedRanges ranges;
  ranges.add("c", "c");
  ranges.add("e", "d");
  EXPECT_FALSE(ranges.overlap("", "z"));
}

TEST(ErasedRangesTest, TheyAreAsTheirUnion) {
  std::mt19937_64 random(1);
  for (unsigned round = 0; round < 200; ++round) {
    ErasedRanges ranges;
    std::vector<bool> erased(60);
    for (unsigned i = 0; i < 8; ++i) {
      const auto begin = static_cast<unsigned>(random() % 60);
      const auto end = static_cast<unsigned>(random() % 60);
      ranges.add(row_key(begin), row_key(end));
      for (unsigned at = begin; at < end; ++at) erased[at] = true;
    }
    for (unsigned at = 0; at < 60; ++at)
      EXPECT_EQ(ranges.overlap(row_key(at), row_key(at + 1)), erased[at]) << at;
  }
}

TEST(ErasedRangesTest, OfVeryManyNoneIsForgotten) {
  ErasedRanges ranges;
  for (unsigned at = 0; at < 9'000; at += 3) ranges.add(row_key(at), row_key(at + 1));
  for (unsigned at = 0; at < 9'000; at += 3) EXPECT_TRUE(ranges.overlap(row_key(at), row_key(at + 1))) << at;
  EXPECT_FALSE(ranges.overlap(row_key(9'000), "s"));
}

TEST(ErasedRangesTest, TablesRememberThemUntilACompactionHasCarriedThemOut) {
  const auto disk = std::make_shared<ForgettingDisk>();
  {
    const auto store = open_on(disk);
    const auto partition = *store->acquire(load_partition);
    Batch batch;
    for (unsigned at = 0; at < 100; ++at) batch.put(entries, row_key(at), "there");
    partition->commit(batch, nullptr);
    batch.clear();
    batch.erase_range(entries, row_key(20), row_key(30));
    batch.erase_range(entries, row_key(60), row_key(70));
    partition->commit(batch, nullptr);
  }
  {
    const auto database = Database::open("/data", load_options(), {.file_system = disk});
    ASSERT_TRUE(database) << database.error().message;
    const auto taken = (*database)->take_seat(load_partition);
    const auto& erased = taken->seat->erased;
    EXPECT_TRUE(erased[1].overlap(row_key(20), row_key(21)));
    EXPECT_TRUE(erased[1].overlap(row_key(69), row_key(70)));
    EXPECT_FALSE(erased[1].overlap("", row_key(20)));
    EXPECT_FALSE(erased[1].overlap(row_key(70), "s"));
    EXPECT_FALSE(erased[0].overlap("", "~"));
    rocksdb::CompactRangeOptions all;
    all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    EXPECT_TRUE((*database)->db().CompactRange(all, taken->seat->families[1], nullptr, nullptr).ok());
  }
  const auto database = Database::open("/data", load_options(), {.file_system = disk});
  EXPECT_FALSE((*(*database)->take_seat(load_partition)).seat->erased[1].overlap("", "~"));
}

/// What a range holds, in the order of the scan.
Result<std::vector<std::string>> keys_of(const Partition& partition, Range range) {
  std::vector<std::string> keys;
  const auto snapshot = partition.snapshot();
  const auto scanned = snapshot->scan(range, [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  return keys;
}

/// Two tables of some blocks and, in the log, an erased range over the older and a part of the newer: what
/// stands behind it is live. Too few tables for a compaction.
struct Layers {
  static constexpr unsigned erased_to = 140;
  static constexpr unsigned rows = 210;

  Layers() {
    const auto disk = std::make_shared<ForgettingDisk>();
    put(disk, 0, 100);
    put(disk, 100, 200);
    const auto store = open_on(disk);
    const auto partition = *store->acquire(load_partition);
    Batch batch;
    batch.erase_range(counters, "", row_key(erased_to));
    for (unsigned at = 200; at < rows; ++at) batch.put(counters, row_key(at), "in the log");
    partition->commit(batch, nullptr);
    killed = disk->after_kill();
  }

  void put(const std::shared_ptr<ForgettingDisk>& disk, unsigned from, unsigned to) {
    const auto store = open_on(disk);
    const auto partition = *store->acquire(load_partition);
    Batch batch;
    for (unsigned at = from; at < to; ++at) {
      std::string value(400, '\0');  // noise, which does not compress
      for (char& byte : value) byte = static_cast<char>(random());
      batch.put(counters, row_key(at), value);
    }
    partition->commit(batch, nullptr);
  }

  std::mt19937_64 random;
  Image killed;
};

class ErasedRangesDamageTest : public testing::TestWithParam<bool> {
 protected:
  const Range all{counters, "", "~", GetParam()};
  const Layers layers;
};

TEST_P(ErasedRangesDamageTest, ADamagedTableBesideAnErasedRangeIsNoGap) {
  unsigned refused = 0;
  for (const auto& [path, bytes] : layers.killed) {
    if (!path.ends_with(".sst") || bytes.size() < 10'000) continue;
    for (const std::size_t at : {100u, 9'000u, 18'000u, 27'000u}) {
      SCOPED_TRACE(testing::Message() << path << " at " << at);
      Image image = layers.killed;
      image[path][at] = static_cast<char>(image[path][at] ^ 1);
      const auto store = open_on(std::make_shared<ForgettingDisk>(image));
      const auto keys = keys_of(**store->acquire(load_partition), all);
      ASSERT_FALSE(keys) << keys->size() << " rows";
      EXPECT_EQ(keys.error().code, Errc::corrupt);
      EXPECT_NE(keys.error().message.find(path.substr(path.rfind('/') + 1)), std::string::npos)
          << keys.error().message;
      ++refused;
    }
  }
  EXPECT_EQ(refused, 8u);
}

TEST_P(ErasedRangesDamageTest, WhatCouldNotBeReadOnceIsNoGap) {
  unsigned failed = 0;
  for (std::uint64_t count = 1;; ++count) {
    const auto disk = std::make_shared<ForgettingDisk>(layers.killed);
    const auto store = open_on(disk);
    const auto partition = *store->acquire(load_partition);
    disk->fail(ForgettingDisk::Op::read, count, rocksdb::IOStatus::IOError("Input/output error"), 1);
    const auto keys = keys_of(*partition, all);
    if (!disk->has_failed()) break;
    if (keys)
      EXPECT_EQ(keys->size(), Layers::rows - Layers::erased_to) << count;
    else
      EXPECT_EQ(keys.error().code, Errc::io) << keys.error().message;
    ++failed;
    ASSERT_LT(count, 1'000u);
  }
  EXPECT_GE(failed, 3u);
}

INSTANTIATE_TEST_SUITE_P(Directions, ErasedRangesDamageTest, testing::Bool(),
                         [](const auto& direction) { return direction.param ? "Backward" : "Forward"; });

/// One life of a store and of a map beside it.
class Twins {
 public:
  explicit Twins(std::uint64_t seed) : random_(seed) { reopen(); }

  void change() {
    Batch batch;
    for (unsigned i = 0; i < 1 + random_() % 20; ++i) {
      const std::string key = any_key();
      const auto kind = random_() % 10;
      if (kind < 7) {
        batch.put(counters, key, std::to_string(++puts_));
        rows_[key] = std::to_string(puts_);
      } else if (kind < 9) {
        batch.erase(counters, key);
        rows_.erase(key);
      } else if (const std::string end = any_key(); key < end) {
        batch.erase_range(counters, key, end);
        rows_.erase(rows_.lower_bound(key), rows_.lower_bound(end));
      }
    }
    partition_->commit(batch, nullptr);
  }

  /// Walks over some range with some jumps, and expects what the map has.
  void look() {
    Range range{counters, any_key(), any_key(), random_() % 2 == 0};
    if (range.end < range.begin) std::swap(range.begin, range.end);
    std::map<std::string, std::string> jumps;
    for (unsigned i = 0; i < random_() % 4; ++i) {
      const std::string from = any_key();
      const std::string to = any_key();
      if (range.reverse ? to < from : from < to) jumps[from] = to;
    }
    const auto jump_at = [&](const std::string& key) {
      const auto jump = jumps.find(key);
      return jump == jumps.end() ? std::string() : jump->second;
    };
    Told found;
    const auto snapshot = partition_->snapshot();
    const auto walked =
        snapshot->walk(range, [&](std::string_view key, std::string_view value, std::string& to) {
          found.emplace_back(key, value);
          to = jump_at(std::string(key));
          return true;
        });
    ASSERT_TRUE(walked) << walked.error().message;
    EXPECT_EQ(found, expected(range, jump_at));
  }

  void reopen() {
    partition_.reset();
    store_.reset();
    store_ = open_on(disk_);
    partition_ = *store_->acquire(load_partition);
  }

 private:
  std::string any_key() { return row_key(static_cast<unsigned>(random_() % 400)); }

  template <typename JumpAt>
  Told expected(const Range& range, const JumpAt& jump_at) const {
    Told rows(rows_.lower_bound(range.begin), rows_.lower_bound(range.end));
    if (range.reverse) std::ranges::reverse(rows);
    Told told;
    std::string to;
    for (const auto& row : rows) {
      if (!to.empty() && (range.reverse ? row.first >= to : row.first < to)) continue;
      told.push_back(row);
      to = jump_at(row.first);
    }
    return told;
  }

  std::mt19937_64 random_;
  std::uint64_t puts_ = 0;
  std::map<std::string, std::string> rows_;
  const std::shared_ptr<ForgettingDisk> disk_ = std::make_shared<ForgettingDisk>();
  std::unique_ptr<Store> store_;
  std::unique_ptr<Partition> partition_;
};

TEST(ErasedRangesReadTest, EveryWalkIsAsInAMap) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Twins twins(seed);
    for (unsigned step = 1; step <= 300; ++step) {
      twins.change();
      for (unsigned i = 0; i < 5; ++i) twins.look();
      if (step % 40 == 0) twins.reopen();
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace pawl::storage::test
