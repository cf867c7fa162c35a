// Reading where ranges were erased: nothing that a range erased is shown, nothing else is left out, and what
// cannot be read is an error. The fixed cases are those in which RocksDB 7.8.3 by itself loses rows in
// silence.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "storage/rocksdb/database.h"
#include "storage/rocksdb/erased_ranges.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "tests/storage/forgetting_disk.h"
#include "tests/storage/mixed_load.h"

namespace pawl::storage::test {
namespace {

using Told = std::vector<std::pair<std::string, std::string>>;

std::string row_key(unsigned number) { return fmt::format("row/{:05}", number); }

/// A store and the one partition of it.
struct Opened {
  std::unique_ptr<Store> store;
  std::unique_ptr<Partition> partition;
};

Opened open_on(const std::shared_ptr<ForgettingDisk>& disk) {
  auto store = open_rocksdb("/data", load_options(), {.file_system = disk});
  if (!store) throw std::runtime_error(store.error().message);
  auto partition = (*store)->acquire(load_partition);
  if (!partition) throw std::runtime_error(partition.error().message);
  return {std::move(*store), std::move(*partition)};
}

std::shared_ptr<Database> database_on(const std::shared_ptr<ForgettingDisk>& disk) {
  auto database = Database::open("/data", load_options(), {.file_system = disk});
  if (!database) throw std::runtime_error(database.error().message);
  return *database;
}

TEST(ErasedRangesTest, OverlapIsExactAtBothEnds) {
  ErasedRanges ranges;
  EXPECT_FALSE(ranges.overlaps("", "z"));
  ranges.add("c", "e");
  EXPECT_TRUE(ranges.overlaps("", "z"));
  EXPECT_TRUE(ranges.overlaps("d", "d\x01"));
  EXPECT_TRUE(ranges.overlaps("a", "c\x01"));
  EXPECT_TRUE(ranges.overlaps("d\xff", "z"));
  EXPECT_FALSE(ranges.overlaps("a", "c"));
  EXPECT_FALSE(ranges.overlaps("e", "z"));
}

TEST(ErasedRangesTest, AnEmptyRangeErasesNothing) {
  ErasedRanges ranges;
  ranges.add("c", "c");
  ranges.add("e", "d");
  EXPECT_FALSE(ranges.overlaps("", "z"));
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
      EXPECT_EQ(ranges.overlaps(row_key(at), row_key(at + 1)), erased[at]) << at;
  }
}

TEST(ErasedRangesTest, OfTooManyNoneIsForgotten) {
  RangeUnion ranges(16);
  for (unsigned at = 0; at < 9'000; at += 3) ranges.add(row_key(at), row_key(at + 1));
  for (unsigned at = 0; at < 9'000; at += 3) EXPECT_TRUE(ranges.overlaps(row_key(at), row_key(at + 1))) << at;
  EXPECT_FALSE(ranges.overlaps(row_key(9'000), "s"));
}

TEST(ErasedRangesTest, WhatIsEncodedComesBackAndNothingElseDoes) {
  RangeUnion ranges(16);
  ranges.add("", "b");
  ranges.add(std::string("c\0d", 3), std::string(300, 'x'));
  const std::string text = ranges.encode();
  RangeUnion read(16);
  EXPECT_TRUE(read.add_encoded(text));
  EXPECT_EQ(read.encode(), text);
  EXPECT_FALSE(read.overlaps("b", "c"));
  for (std::size_t size = 1; size < text.size(); ++size) {
    const bool at_a_border = size == 4 + 0 + 4 + 1;
    EXPECT_EQ(RangeUnion(16).add_encoded(text.substr(0, size)), at_a_border) << size;
  }
}

TEST(ErasedRangesTest, TablesRememberThemUntilACompactionHasCarriedThemOut) {
  const auto disk = std::make_shared<ForgettingDisk>();
  {
    const auto opened = open_on(disk);
    Batch batch;
    for (unsigned at = 0; at < 100; ++at) batch.put(entries, row_key(at), "there");
    opened.partition->commit(batch, nullptr);
    batch.clear();
    batch.erase_range(entries, row_key(20), row_key(30));
    batch.erase_range(entries, row_key(60), row_key(70));
    opened.partition->commit(batch, nullptr);
  }
  {
    const auto database = database_on(disk);
    const auto taken = database->take_seat(load_partition);
    ASSERT_TRUE(taken) << taken.error().message;
    const auto& erased = taken->seat->erased;
    EXPECT_TRUE(erased[1]->overlaps(row_key(20), row_key(21)));
    EXPECT_TRUE(erased[1]->overlaps(row_key(69), row_key(70)));
    EXPECT_FALSE(erased[1]->overlaps("", row_key(20)));
    EXPECT_FALSE(erased[1]->overlaps(row_key(30), row_key(60)));
    EXPECT_FALSE(erased[1]->overlaps(row_key(70), "s"));
    EXPECT_FALSE(erased[0]->overlaps("", "~"));
    rocksdb::CompactRangeOptions all;
    all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    EXPECT_TRUE(database->db().CompactRange(all, taken->seat->families[1], nullptr, nullptr).ok());
  }
  const auto taken = database_on(disk)->take_seat(load_partition);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_FALSE(taken->seat->erased[1]->overlaps("", "~"));
}

TEST(ErasedRangesTest, ATableThatRemembersNothingMayHaveErasedAnywhere) {
  const auto disk = std::make_shared<ForgettingDisk>();
  const auto env = rocksdb::NewCompositeEnv(disk);
  rocksdb::Options options;
  options.create_if_missing = true;
  options.env = env.get();
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, "/data", &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  ErasedRanges erased;
  ASSERT_TRUE(db->Put({}, "a", "there").ok());
  ASSERT_TRUE(db->Flush({}).ok());
  ASSERT_TRUE(erased.add_tables(*db, db->DefaultColumnFamily()).ok());
  EXPECT_FALSE(erased.overlaps("", "~"));
  ASSERT_TRUE(db->DeleteRange({}, db->DefaultColumnFamily(), "a", "b").ok());
  ASSERT_TRUE(db->Flush({}).ok());
  ASSERT_TRUE(erased.add_tables(*db, db->DefaultColumnFamily()).ok());
  EXPECT_TRUE(erased.overlaps("x", "y"));
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
    const auto opened = open_on(disk);
    Batch batch;
    batch.erase_range(counters, "", row_key(erased_to));
    for (unsigned at = 200; at < rows; ++at) batch.put(counters, row_key(at), "in the log");
    opened.partition->commit(batch, nullptr);
    killed = disk->after_kill();
  }

  void put(const std::shared_ptr<ForgettingDisk>& disk, unsigned from, unsigned to) {
    const auto opened = open_on(disk);
    Batch batch;
    for (unsigned at = from; at < to; ++at) {
      std::string value(400, '\0');  // noise, which does not compress
      for (char& byte : value) byte = static_cast<char>(random());
      batch.put(counters, row_key(at), value);
    }
    opened.partition->commit(batch, nullptr);
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
      const auto opened = open_on(std::make_shared<ForgettingDisk>(image));
      const auto keys = keys_of(*opened.partition, all);
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
    const auto opened = open_on(disk);
    disk->fail(ForgettingDisk::Op::read, count, rocksdb::IOStatus::IOError("Input/output error"), 1);
    const auto keys = keys_of(*opened.partition, all);
    if (!disk->has_failed()) break;
    if (keys) {
      EXPECT_EQ(keys->size(), Layers::rows - Layers::erased_to) << count;
    } else {
      EXPECT_EQ(keys.error().code, Errc::io) << keys.error().message;
    }
    ++failed;
    ASSERT_LT(count, 1'000u);
  }
  EXPECT_GE(failed, 3u);
}

INSTANTIATE_TEST_SUITE_P(Directions, ErasedRangesDamageTest, testing::Bool(),
                         [](const auto& direction) { return direction.param ? "Backward" : "Forward"; });

/// Many tables below level 0, one after the other in the order of their rows; with a few rows erased as a
/// range, or without.
class TablesInARowTest : public testing::TestWithParam<bool> {
 protected:
  static constexpr unsigned rows = 3'000;
  static constexpr unsigned erased = 2;

  TablesInARowTest() {
    const auto disk = std::make_shared<ForgettingDisk>();
    {
      const auto opened = open_on(disk);
      std::mt19937_64 random;
      for (unsigned row = 0; row < rows; ++row) {
        std::string value(1'000, '\0');  // noise, which does not compress
        for (char& byte : value) byte = static_cast<char>(random());
        Batch batch;
        batch.put(entries, row_key(row), value);
        if (GetParam() && row == rows / 2) batch.erase_range(entries, row_key(10), row_key(10 + erased));
        opened.partition->commit(batch, nullptr);
      }
    }
    whole = disk->after_kill();
  }

  std::vector<std::string> below_level_0() const {
    const auto database = database_on(std::make_shared<ForgettingDisk>(whole));
    std::vector<rocksdb::LiveFileMetaData> tables;
    database->db().GetLiveFilesMetaData(&tables);
    std::vector<std::string> paths;
    for (const auto& table : tables) {
      const std::string path = table.directory + "/" + table.relative_filename;
      if (table.level > 0 && table.column_family_name == "entries" && whole.contains(path))
        paths.push_back(path);
    }
    return paths;
  }

  Image whole;
};

TEST_P(TablesInARowTest, ADamagedFirstBlockIsNoGap) {
  const auto paths = below_level_0();
  EXPECT_GT(paths.size(), 3u);
  for (const std::string& path : paths) {
    SCOPED_TRACE(path);
    Image image = whole;
    image[path][100] = static_cast<char>(image[path][100] ^ 1);
    const auto opened = open_on(std::make_shared<ForgettingDisk>(image));
    for (const bool reverse : {false, true}) {
      const auto keys = keys_of(*opened.partition, {entries, "", "~", reverse});
      ASSERT_FALSE(keys) << keys->size() << " rows";
      EXPECT_NE(keys.error().message.find(path.substr(path.rfind('/') + 1)), std::string::npos)
          << keys.error().message;
    }
  }
}

TEST_P(TablesInARowTest, TheUndamagedOnesAreReadWhole) {
  const auto opened = open_on(std::make_shared<ForgettingDisk>(whole));
  const auto keys = keys_of(*opened.partition, {entries, "", "~", false});
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->size(), GetParam() ? rows - erased : rows);
}

INSTANTIATE_TEST_SUITE_P(Ranges, TablesInARowTest, testing::Bool(),
                         [](const auto& erased) { return erased.param ? "SomeErased" : "NoneErased"; });

/// One life of a store and of a map beside it.
class Twins {
 public:
  explicit Twins(std::uint64_t seed) : random_(seed) { reopen(); }

  void change() {
    Batch batch;
    for (auto left = 1 + random_() % 20; left > 0; --left) {
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
    opened_.partition->commit(batch, nullptr);
  }

  /// Walks over some range with some jumps, and expects what the map has.
  void look() {
    Range range{counters, any_key(), any_key(), random_() % 2 == 0};
    if (range.end < range.begin) std::swap(range.begin, range.end);
    std::map<std::string, std::string> jumps;
    for (auto left = random_() % 4; left > 0; --left) {
      const std::string from = any_key();
      const std::string to = any_key();
      if (range.reverse ? to < from : from < to) jumps[from] = to;
    }
    const auto jump_at = [&](const std::string& key) {
      const auto jump = jumps.find(key);
      return jump == jumps.end() ? std::string() : jump->second;
    };
    Told found;
    const auto snapshot = opened_.partition->snapshot();
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
    opened_ = {};
    opened_ = open_on(disk_);
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
  Opened opened_;
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
