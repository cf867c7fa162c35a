// What every driver must do, whatever is below it. A new driver adds one line at the end.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/memory/memory_store.h"
#include "storage/rocksdb/rocksdb_store.h"
#include "storage/store.h"
#include "tests/storage/forgetting_disk.h"

namespace pawl::storage::test {
namespace {

constexpr Family plain{0};
constexpr Family once{1};
constexpr Family expiring{2};
using Rows = std::vector<std::string>;  // "key=value"

/// One driver on one disk, which outlives the store.
struct Bench {
  std::function<std::unique_ptr<Store>(Options)> open;
  std::function<void()> before_close = [] {};
};

struct Driver {
  std::string name;
  std::function<Bench()> make;
};

std::string stamped(std::uint64_t stamp, std::string_view rest = "") {
  std::string value;
  for (int shift = 56; shift >= 0; shift -= 8) value += static_cast<char>(stamp >> shift & 0xff);
  return value.append(rest);
}

class ConformanceTest : public testing::TestWithParam<Driver> {
 protected:
  void SetUp() override {
    options.families = {{"plain"},
                        {"once", true},
                        {"expiring", false, true},
                        {"both", true, true},
                        {"ordered", true, false, 10}};
    options.wall_clock = [this] { return now.load(); };
    bench = GetParam().make();
    start();
  }

  void start() {
    store = bench.open(options);
    ASSERT_NE(store, nullptr);
    partition = *store->acquire(0);
  }
  void restart() {
    bench.before_close();
    partition.reset();
    store.reset();
    start();
  }

  static Outcome commit(Partition& to, const Batch& batch) {
    std::promise<Outcome> ended;
    to.commit(batch, [&](Outcome outcome) { ended.set_value(outcome); });
    return ended.get_future().get();
  }
  void put(Family family, std::string_view key, std::string_view value) {
    Batch batch;
    batch.put(family, key, value);
    ASSERT_EQ(commit(*partition, batch), Outcome::durable);
  }
  void erase(Family family, std::string_view key) {
    Batch batch;
    batch.erase(family, key);
    ASSERT_EQ(commit(*partition, batch), Outcome::durable);
  }

  std::optional<std::string> get(Family family, std::string_view key) const {
    std::optional<std::string> found;
    partition->get(family, key, [&](Result<std::optional<std::string_view>> answer) {
      ASSERT_TRUE(answer) << answer.error().message;
      if (*answer) found = std::string(**answer);
    });
    return found;
  }
  Rows scan(Range range, std::size_t most = ~std::size_t{0}) const {
    Rows rows;
    bool finished = false;
    partition->scan(
        range,
        [&](std::string_view key, std::string_view value) {
          rows.push_back(std::string(key) + "=" + std::string(value));
          return rows.size() < most;
        },
        [&](Result<void> result) {
          finished = true;
          ASSERT_TRUE(result) << result.error().message;
        });
    EXPECT_TRUE(finished);
    return rows;
  }
  static Rows scan(const Snapshot& snapshot, Range range) {
    Rows rows;
    const auto result = snapshot.scan(range, [&](std::string_view key, std::string_view value) {
      rows.push_back(std::string(key) + "=" + std::string(value));
      return true;
    });
    EXPECT_TRUE(result);
    return rows;
  }

  std::atomic<std::uint64_t> now = 1'000'000;
  Options options;
  Bench bench;
  std::unique_ptr<Store> store;
  std::unique_ptr<Partition> partition;
};

TEST_P(ConformanceTest, AFreshStoreIsEmpty) {
  EXPECT_EQ(get(plain, "a"), std::nullopt);
  EXPECT_EQ(scan({plain, "", "z"}), Rows{});
}

TEST_P(ConformanceTest, ReadsSeeEveryBatchHandedOverBefore) {
  Batch batch;
  for (int i = 0; i < 200; ++i) {
    batch.clear();
    batch.put(plain, "key", std::to_string(i));
    partition->commit(batch, nullptr);
    ASSERT_EQ(get(plain, "key"), std::to_string(i)) << "before it is durable";
  }
  EXPECT_EQ(partition->snapshot()->get(plain, "key").value(), "199");
}

// Keys with an ordered prefix, in many lines at once, against a map; and ranges between, that begin with
// less.
TEST_P(ConformanceTest, RowsOfManyLinesAreFoundWhereTheyBelong) {
  constexpr Family ordered{4};
  const auto padded = [](int number, std::size_t width) {
    const std::string digits = std::to_string(number);
    return std::string(width - digits.size(), '0') + digits;
  };
  const auto key_of = [&](int queue, int line, int number) {  // the first ten bytes are a line
    return "q" + padded(queue, 3) + "l" + padded(line, 5) + "n" + padded(number, 6);
  };
  std::map<std::string, std::string> rows;
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    Batch batch;
    for (int i = 0; i < 100; ++i) {
      const auto queue = static_cast<int>(random() % 3), line = static_cast<int>(random() % 20);
      // Mostly after those before, sometimes among them.
      const int number = random() % 10 != 0 ? round * 1000 + i : static_cast<int>(random() % 40'000);
      const std::string key = key_of(queue, line, number);
      if (!rows.try_emplace(key, std::to_string(i)).second) continue;
      batch.put(ordered, key, std::to_string(i));
    }
    if (round % 8 == 7) {
      const auto queue = static_cast<int>(random() % 3);
      const std::string begin = "q" + padded(queue, 3);
      batch.erase_range(ordered, begin, "q" + padded(queue + 1, 3));
      std::erase_if(rows, [&](const auto& row) { return row.first.starts_with(begin); });
    }
    ASSERT_EQ(commit(*partition, batch), Outcome::durable);
  }
  Rows expected;
  for (const auto& [key, value] : rows) expected.push_back(key + "=" + value);
  EXPECT_EQ(scan({ordered, "", "r"}), expected);
  for (const auto& [key, value] : rows) ASSERT_EQ(get(ordered, key), value);
  restart();
  EXPECT_EQ(scan({ordered, "", "r"}), expected);
}

TEST_P(ConformanceTest, LaterEntriesOfABatchWin) {
  Batch batch;
  batch.put(plain, "a", "1");
  batch.put(plain, "a", "2");
  batch.put(plain, "b", "1");
  batch.erase(plain, "b");
  batch.put(plain, "c", "1");
  batch.erase_range(plain, "c", "d");
  batch.put(plain, "c", "3");
  EXPECT_EQ(commit(*partition, batch), Outcome::durable);
  EXPECT_EQ(scan({plain, "", "z"}), (Rows{"a=2", "c=3"}));
}

TEST_P(ConformanceTest, KeysAndValuesAreBytes) {
  const std::string key("\0\xff/\0", 4);
  std::string value;
  for (int i = 0; i < 70000; ++i) value += static_cast<char>(i * 7);
  put(plain, key, value);
  put(plain, "", "empty key");
  put(plain, "empty value", "");
  restart();
  EXPECT_EQ(get(plain, key), value);
  EXPECT_EQ(get(plain, ""), "empty key");
  EXPECT_EQ(get(plain, "empty value"), "");
}

TEST_P(ConformanceTest, TheBatchIsReadBeforeCommitReturns) {
  Batch batch;
  batch.put(plain, "a", "1");
  partition->commit(batch, nullptr);
  batch.clear();
  batch.put(plain, "b", "2");
  EXPECT_EQ(commit(*partition, batch), Outcome::durable);
  EXPECT_EQ(scan({plain, "", "z"}), (Rows{"a=1", "b=2"}));
}

TEST_P(ConformanceTest, AnswersComeInOrderAndOnce) {
  std::vector<int> order;
  Batch batch;
  for (int i = 0; i < 500; ++i) {
    batch.clear();
    if (i % 3 != 0) batch.put(plain, std::to_string(i), "x");  // an empty batch keeps its place too
    partition->commit(batch, [&order, i](Outcome outcome) {
      EXPECT_EQ(outcome, Outcome::durable);
      order.push_back(i);
    });
  }
  partition.reset();  // waits for all of them
  ASSERT_EQ(order.size(), 500u);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_P(ConformanceTest, ScansKeepTheirBounds) {
  for (const char* key : {"a", "b", "ba", "c", "d"}) put(plain, key, "");
  struct Row {
    Range range;
    Rows rows;
  };
  const std::vector<Row> table = {
      {{plain, "b", "d"}, {"b=", "ba=", "c="}},
      {{plain, "b", "d", true}, {"c=", "ba=", "b="}},
      {{plain, "", "a"}, {}},
      {{plain, "", "a", true}, {}},
      {{plain, "d", "b"}, {}},
      {{plain, "b", "b"}, {}},
      {{plain, "bb", "zz"}, {"c=", "d="}},
      {{plain, "bb", "zz", true}, {"d=", "c="}},
      {{once, "", "zz"}, {}},
  };
  for (const Row& row : table)
    EXPECT_EQ(scan(row.range), row.rows) << row.range.begin << " to " << row.range.end;
  EXPECT_EQ(scan({plain, "a", "z"}, 2), (Rows{"a=", "b="})) << "stops when it is told to";
  EXPECT_EQ(scan({plain, "a", "z", true}, 1), Rows{"d="});
}

TEST_P(ConformanceTest, KeysAreOrderedAsUnsignedBytes) {
  for (const char* key : {"\x7f", "\x80", "\xff", "\x01"}) put(plain, key, "");
  EXPECT_EQ(scan({plain, "", "\xff\xff"}), (Rows{"\x01=", "\x7f=", "\x80=", "\xff="}));
}

TEST_P(ConformanceTest, ErasingARangeSparesItsEnd) {
  for (const char* key : {"a", "b", "c", "d"}) put(plain, key, "1");
  Batch batch;
  batch.erase_range(plain, "b", "d");
  batch.erase_range(plain, "z", "a");  // nothing is in a range that ends before it begins
  EXPECT_EQ(commit(*partition, batch), Outcome::durable);
  EXPECT_EQ(scan({plain, "", "z"}), (Rows{"a=1", "d=1"}));
  put(plain, "c", "2");
  restart();
  EXPECT_EQ(scan({plain, "", "z"}), (Rows{"a=1", "c=2", "d=1"}));
}

TEST_P(ConformanceTest, WrittenOnceKeysCanBeErasedAndPutAgain) {
  for (int round = 0; round < 3; ++round) {
    put(once, "k", std::to_string(round));
    EXPECT_EQ(get(once, "k"), std::to_string(round));
    if (round == 1) restart();
    erase(once, "k");
    EXPECT_EQ(get(once, "k"), std::nullopt);
  }
  erase(once, "never there");
  restart();
  EXPECT_EQ(scan({once, "", "z"}), Rows{});
}

TEST_P(ConformanceTest, ExpiredRowsAreNeverShown) {
  put(expiring, "a", stamped(now + 10, "A"));
  put(expiring, "b", stamped(0, "B"));
  put(expiring, "c", stamped(now + 20, "C"));
  const Range all{expiring, "", "z"};
  EXPECT_EQ(scan(all).size(), 3u);
  auto snapshot = partition->snapshot();
  now += 10;
  EXPECT_EQ(get(expiring, "a"), std::nullopt) << "at its stamp a row is gone";
  EXPECT_EQ(scan(all), (Rows{"b=" + stamped(0, "B"), "c=" + stamped(now + 10, "C")}));
  EXPECT_EQ(scan({expiring, "", "z", true}).size(), 2u);
  EXPECT_EQ(*snapshot->get(expiring, "a"), std::nullopt);
  EXPECT_EQ(scan(*snapshot, all).size(), 2u);
  snapshot.reset();
  put(expiring, "a", stamped(now + 1, "again"));
  EXPECT_EQ(get(expiring, "a"), stamped(now + 1, "again"));
  now += 1000;
  restart();
  EXPECT_EQ(scan(all), Rows{"b=" + stamped(0, "B")});
}

TEST_P(ConformanceTest, AWalkJumpsOnwardInBothDirectionsAndKeepsToItsRange) {
  for (const char* key : {"a1", "a2", "a3", "b1", "b2", "c1", "d1"}) put(plain, key, "");
  const auto snapshot = partition->snapshot();
  // The first of each letter that it meets, then a jump over the rest.
  const auto letters = [&](Range range) {
    Rows seen;
    const auto result = snapshot->walk(range, [&](std::string_view key, std::string_view, std::string& to) {
      EXPECT_TRUE(to.empty());
      seen.emplace_back(key);
      to = range.reverse ? std::string(1, key[0]) : std::string(1, static_cast<char>(key[0] + 1));
      return key[0] != 'z';
    });
    EXPECT_TRUE(result);
    return seen;
  };
  EXPECT_EQ(letters({plain, "a2", "d"}), (Rows{"a2", "b1", "c1"}));
  EXPECT_EQ(letters({plain, "a2", "d", true}), (Rows{"c1", "b2", "a3"}));
  EXPECT_EQ(letters({plain, "e", "f"}), Rows{});
  // To a key that is there: at it, in reverse before it. Without a jump to the next row; false ends it.
  const auto jump = [&](bool reverse, const char* at, const char* over) {
    Rows seen;
    const auto result = snapshot->walk({plain, "a", "z", reverse},
                                       [&](std::string_view key, std::string_view, std::string& to) {
                                         seen.emplace_back(key);
                                         if (key == at) to = over;
                                         return seen.size() < 4;
                                       });
    EXPECT_TRUE(result);
    return seen;
  };
  EXPECT_EQ(jump(false, "a1", "b1"), (Rows{"a1", "b1", "b2", "c1"}));
  EXPECT_EQ(jump(true, "c1", "a3"), (Rows{"d1", "c1", "a2", "a1"}));
}

TEST_P(ConformanceTest, ASnapshotStaysAsItWas) {
  put(plain, "a", "1");
  put(plain, "b", "1");
  const auto snapshot = partition->snapshot();
  put(plain, "a", "2");
  erase(plain, "b");
  put(plain, "c", "2");
  EXPECT_EQ(scan(*snapshot, {plain, "", "z"}), (Rows{"a=1", "b=1"}));
  EXPECT_EQ(scan(*snapshot, {plain, "", "z", true}), (Rows{"b=1", "a=1"}));
  EXPECT_EQ(*snapshot->get(plain, "c"), std::nullopt);
  EXPECT_EQ(scan({plain, "", "z"}), (Rows{"a=2", "c=2"}));
}

TEST_P(ConformanceTest, SnapshotsOfOtherThreadsShowWholeBatches) {
  std::atomic<bool> stop = false;
  std::jthread reader([&] {
    while (!stop) {
      const auto snapshot = partition->snapshot();
      const auto left = snapshot->get(plain, "left");
      const auto right = snapshot->get(once, "right");
      ASSERT_TRUE(left && right);
      EXPECT_EQ(left->has_value(), right->has_value());
    }
  });
  Batch batch;
  for (int i = 0; i < 400; ++i) {
    batch.clear();
    if (i % 2 == 0) {
      batch.put(plain, "left", "x");
      batch.put(once, "right", "x");
    } else {
      batch.erase(plain, "left");
      batch.erase(once, "right");
    }
    ASSERT_EQ(commit(*partition, batch), Outcome::durable);
  }
  stop = true;
}

TEST_P(ConformanceTest, ANewOwnerHasAHigherEpochAlsoAfterARestart) {
  const std::uint64_t first = partition->epoch();
  partition.reset();
  partition = *store->acquire(0);
  const std::uint64_t second = partition->epoch();
  EXPECT_GT(second, first);
  restart();
  EXPECT_GT(partition->epoch(), second);
}

TEST_P(ConformanceTest, TheOldOwnerCanChangeNothing) {
  put(plain, "a", "1");
  auto old = std::move(partition);
  partition = *store->acquire(0);
  Batch batch;
  batch.put(plain, "a", "2");
  EXPECT_EQ(commit(*old, batch), Outcome::gone);
  EXPECT_EQ(get(plain, "a"), "1");
  put(plain, "a", "3");
  EXPECT_EQ(commit(*old, batch), Outcome::gone);
  old.reset();
  EXPECT_EQ(get(plain, "a"), "3");
}

TEST_P(ConformanceTest, ANewOwnerSeesAllThatTheOldOneHandedOver) {
  Batch batch;
  std::atomic<int> durable = 0;
  for (int i = 0; i < 50; ++i) {
    batch.clear();
    batch.put(plain, std::to_string(100 + i), "");
    partition->commit(batch, [&](Outcome outcome) { durable += outcome == Outcome::durable; });
  }
  auto old = std::move(partition);
  partition = *store->acquire(0);
  EXPECT_EQ(scan({plain, "", "z"}).size(), 50u);
  old.reset();
  EXPECT_EQ(durable, 50);
}

TEST_P(ConformanceTest, PartitionsAreApart) {
  put(plain, "a", "0");
  auto other = *store->acquire(7);
  Batch batch;
  batch.put(plain, "a", "7");
  EXPECT_EQ(commit(*other, batch), Outcome::durable);
  EXPECT_EQ(get(plain, "a"), "0");
  batch.clear();
  batch.erase_range(plain, "", "z");
  EXPECT_EQ(commit(*partition, batch), Outcome::durable);
  other.reset();
  restart();
  partition = *store->acquire(7);
  EXPECT_EQ(get(plain, "a"), "7");
}

TEST_P(ConformanceTest, CountersCount) {
  const Counters before = partition->counters();
  Batch batch;
  batch.put(plain, "key", "value");
  batch.erase(plain, "none");
  ASSERT_EQ(commit(*partition, batch), Outcome::durable);
  const Counters after = partition->counters();
  EXPECT_EQ(after.commits - before.commits, 1u);
  EXPECT_EQ(after.keys - before.keys, 2u);
  EXPECT_EQ(after.bytes - before.bytes, 12u);
  EXPECT_GE(after.syncs, before.syncs + 1);
  EXPECT_FALSE(after.write_stalled);
  EXPECT_FALSE(after.low_on_space);
}

/// The same store again and again: what a process that restarts on the same disk finds.
class Lasting final : public Store {
 public:
  explicit Lasting(std::shared_ptr<Store> store) : store_(std::move(store)) {}
  Result<std::unique_ptr<Partition>> acquire(std::uint32_t partition) override {
    return store_->acquire(partition);
  }

 private:
  std::shared_ptr<Store> store_;
};

Driver memory() {
  return {"memory", [] {
            const auto kept = std::make_shared<std::shared_ptr<Store>>();
            return Bench{[kept](Options options) -> std::unique_ptr<Store> {
              if (!*kept) *kept = std::make_shared<MemoryStore>(std::move(options));
              return std::make_unique<Lasting>(*kept);
            }};
          }};
}

std::unique_ptr<Store> opened(Result<std::unique_ptr<Store>> store) {
  EXPECT_TRUE(store) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

/// On the machine's own disk.
Driver rocksdb_on_files() {
  return {"rocksdb", [] {
            std::string pattern = std::filesystem::temp_directory_path() / "pawl-conformance-XXXXXX";
            const std::shared_ptr<std::string> directory(new std::string(::mkdtemp(pattern.data())),
                                                         [](const std::string* path) {
                                                           std::filesystem::remove_all(*path);
                                                           delete path;
                                                         });
            return Bench{[directory](Options options) {
              return opened(Store::open("rocksdb:" + *directory, options));
            }};
          }};
}

/// Without a clean close between restarts: what recovery from the log makes of it.
Driver rocksdb_after_cuts() {
  return {"rocksdb_after_power_cuts", [] {
            const auto disk = std::make_shared<std::shared_ptr<ForgettingDisk>>();
            const auto image = std::make_shared<Image>();
            return Bench{[=](Options options) {
                           *disk = std::make_shared<ForgettingDisk>(*image);
                           return opened(open_rocksdb("/data", std::move(options), {.file_system = *disk}));
                         },
                         [=] { *image = (*disk)->after_cut(ForgettingDisk::Cut::clean); }};
          }};
}

INSTANTIATE_TEST_SUITE_P(Drivers, ConformanceTest,
                         testing::Values(memory(), rocksdb_on_files(), rocksdb_after_cuts()),
                         [](const testing::TestParamInfo<Driver>& info) { return info.param.name; });

}  // namespace
}  // namespace pawl::storage::test
