// The data directory on the machine's own disk: modes, owners, formats, closing and opening, and what
// compaction gives back.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <sstream>
#include <string>

#include "rocksdb/db.h"
#include "storage/rocksdb/database.h"
#include "storage/store.h"
#include "tests/storage/mixed_load.h"

namespace pawl::storage::test {
namespace {

namespace fs = std::filesystem;

class RocksDbFilesTest : public testing::Test {
 protected:
  RocksDbFilesTest() {
    std::string pattern = fs::temp_directory_path() / "pawl-storage-XXXXXX";
    base = ::mkdtemp(pattern.data());
    directory = base / "data";
  }
  ~RocksDbFilesTest() override { fs::remove_all(base); }

  Result<std::unique_ptr<Store>> open(std::uint64_t format = 1) const {
    Options options = load_options();
    options.format_version = format;
    return Store::open("rocksdb:" + directory.string(), options);
  }
  void fill(std::uint64_t from, std::uint64_t to) const {
    auto store = open();
    ASSERT_TRUE(store) << store.error().message;
    const auto partition = *(*store)->acquire(load_partition);
    for (std::uint64_t number = from; number <= to; ++number) partition->commit(load_batch(number), nullptr);
  }
  /// Every file with its bytes and its time.
  std::map<std::string, std::pair<std::string, fs::file_time_type>> all_files() const {
    std::map<std::string, std::pair<std::string, fs::file_time_type>> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (!entry.is_regular_file()) continue;
      std::ostringstream bytes;
      bytes << std::ifstream(entry.path()).rdbuf();
      files[entry.path()] = {bytes.str(), entry.last_write_time()};
    }
    return files;
  }

  fs::path base;
  fs::path directory;
};

TEST_F(RocksDbFilesTest, TheDirectoryIsMadeForItsOwnerOnly) {
  ASSERT_TRUE(open());
  EXPECT_EQ(fs::status(directory).permissions(), fs::perms::owner_all);
}

TEST_F(RocksDbFilesTest, ACleanCloseLeavesNothingToReplay) {
  fill(1, 100);
  EXPECT_EQ((*Database::open(directory, load_options(), {}))->replayed_batches(), 0u);
  EXPECT_FALSE(fs::exists(directory / "OWNER"));
  auto store = open();
  ASSERT_TRUE(store);
  const auto partition = *(*store)->acquire(load_partition);
  EXPECT_EQ(audit(*read_all(*partition), 100), "");
}

TEST_F(RocksDbFilesTest, ManyRestartsLoseNothing) {
  for (std::uint64_t round = 0; round < 4; ++round) fill(round * 30 + 1, round * 30 + 30);
  auto store = open();
  const auto partition = *(*store)->acquire(load_partition);
  EXPECT_EQ(audit(*read_all(*partition), 120), "");
}

TEST_F(RocksDbFilesTest, ADirectoryInUseIsRefusedNamingTheProcess) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer knows no threads after a fork";
#endif
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = open();
    char byte = store ? 'y' : 'n';
    [[maybe_unused]] ssize_t moved = ::write(ready[1], &byte, 1);
    ::close(done[1]);
    moved = ::read(done[0], &byte, 1);
    ::_exit(0);
  }
  ::close(done[0]);
  ::close(ready[1]);  // so that a child that dies is an end of file
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::in_use);
  EXPECT_NE(store.error().message.find("pid " + std::to_string(child)), std::string::npos)
      << store.error().message;
  ::close(done[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(open()) << "the lock went with its process";
  ::close(ready[0]);
}

TEST_F(RocksDbFilesTest, TheSameProcessIsRefusedToo) {
  const auto first = open();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::in_use);
  EXPECT_NE(second.error().message.find("pid " + std::to_string(::getpid())), std::string::npos);
}

TEST_F(RocksDbFilesTest, ANewerFormatIsRefusedUntouched) {
  fill(1, 20);
  std::ofstream(directory / "FORMAT") << "pawl store format 2\n";
  const auto before = all_files();
  const auto store = open(1);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::newer_format);
  EXPECT_EQ(all_files(), before);
  EXPECT_TRUE(open(2));
}

TEST_F(RocksDbFilesTest, AnOlderFormatIsRaised) {
  fill(1, 20);
  ASSERT_TRUE(open(3));
  const auto store = open(2);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::newer_format);
}

TEST_F(RocksDbFilesTest, UnknownUrlsAreRefused) {
  for (const char* url : {"", "rocksdb:", "mysql:host", "/var/lib/pawl", "memory:x"}) {
    const auto store = Store::open(url, load_options());
    ASSERT_FALSE(store) << url;
    EXPECT_EQ(store.error().code, Errc::invalid);
  }
}

TEST_F(RocksDbFilesTest, APathThatIsAFileIsRefused) {
  std::ofstream(directory) << "x";
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::io);
}

TEST_F(RocksDbFilesTest, CompactionDropsExpiredRowsAndErasedOnesFromTheDisk) {
  std::atomic<std::uint64_t> now = 1000;
  Options options;
  options.families = {{"expiring", false, true}, {"both", true, true}, {"once", true}};
  options.wall_clock = [&] { return now.load(); };
  auto database = Database::open(directory, options, {});
  ASSERT_TRUE(database);
  const auto taken = *(*database)->take_seat(0);
  const std::string expired("\0\0\0\0\0\0\x07\xd0", 8);  // 2000
  const std::string lasting(8, '\0');
  for (std::size_t family = 0; family < 3; ++family) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < 100; ++i) {
      const std::string key = std::to_string(1000 + i);
      ASSERT_TRUE(batch.Put(taken.seat->families[family], key, i % 2 == 0 ? expired : lasting).ok());
    }
    ASSERT_TRUE((*database)->write(batch));
    ASSERT_TRUE((*database)->db().Flush({}, taken.seat->families[family]).ok());
  }
  now = 3000;
  rocksdb::CompactRangeOptions whole;
  whole.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (std::size_t family = 0; family < 3; ++family) {
    rocksdb::WriteBatch batch;  // a key that the filter has dropped may be erased all the same
    ASSERT_TRUE(batch.SingleDelete(taken.seat->families[2], std::to_string(1000 + family)).ok());
    ASSERT_TRUE(batch.SingleDelete(taken.seat->families[1], std::to_string(1000 + family)).ok());
    ASSERT_TRUE((*database)->write(batch));
    ASSERT_TRUE((*database)->db().CompactRange(whole, taken.seat->families[family], nullptr, nullptr).ok());
  }
  const auto rows = [&](std::size_t family) {
    std::uint64_t rows = 0;
    (*database)->db().GetIntProperty(taken.seat->families[family], "rocksdb.estimate-num-keys", &rows);
    return rows;
  };
  EXPECT_EQ(rows(0), 50u);
  EXPECT_LE(rows(1), 50u);
  EXPECT_LE(rows(2), 99u);
}

/// One store with an expiring family of each kind, under a clock that the test moves.
class ReclaimTest : public RocksDbFilesTest {
 protected:
  void SetUp() override {
    RocksDbFilesTest::SetUp();
    Options options;
    options.families = {{"expiring", false, true}, {"both", true, true}, {"plain"}};
    options.wall_clock = [this] { return now.load(); };
    auto opened = Database::open(directory, options, {});
    ASSERT_TRUE(opened);
    database = *opened;
    seat = database->take_seat(0)->seat;
  }
  void TearDown() override {
    seat.reset();
    database.reset();
    RocksDbFilesTest::TearDown();
  }

  /// `rows` rows in the order of their keys, in a table of their own in the last level; the row i ends at
  /// end(i).
  void write_table(std::size_t family, int rows, const std::function<std::uint64_t(int)>& end) {
    rocksdb::WriteBatch batch;
    for (int i = 0; i < rows; ++i) {
      std::string value(8, '\0');
      for (std::uint64_t byte = 0, stamp = end(i); byte < 8; ++byte) {
        value[7 - byte] = static_cast<char>(stamp >> (8 * byte));
      }
      ASSERT_TRUE(batch.Put(seat->families[family], std::to_string(next_key++), value).ok());
    }
    ASSERT_TRUE(database->write(batch));
    ASSERT_TRUE(database->db().Flush({}, seat->families[family]).ok());
    rocksdb::ColumnFamilyMetaData meta;
    database->db().GetColumnFamilyMetaData(seat->families[family], &meta);
    std::vector<std::string> fresh;
    for (const auto& file : meta.levels[0].files) fresh.push_back(file.name);
    rocksdb::CompactionOptions as_they_are;
    as_they_are.compression = rocksdb::kDisableCompressionOption;
    ASSERT_TRUE(database->db().CompactFiles(as_they_are, seat->families[family], fresh, 6).ok());
  }

  std::size_t tables(std::size_t family) {
    rocksdb::ColumnFamilyMetaData meta;
    database->db().GetColumnFamilyMetaData(seat->families[family], &meta);
    return meta.file_count;
  }
  std::uint64_t rows(std::size_t family) {
    std::uint64_t rows = 0;
    database->db().GetIntProperty(seat->families[family], "rocksdb.estimate-num-keys", &rows);
    return rows;
  }

  std::atomic<std::uint64_t> now = 1000;
  std::shared_ptr<Database> database;
  std::shared_ptr<Seat> seat;
  int next_key = 100'000;
};

TEST_F(ReclaimTest, TablesWhoseRowsHaveExpiredLeaveTheDisk) {
  for (std::size_t family = 0; family < 3; ++family) {
    for (std::uint64_t table = 0; table < 10; ++table) {
      write_table(family, 100, [&](int) { return 2000 + table; });
    }
    ASSERT_EQ(tables(family), 10u);
  }
  EXPECT_EQ(database->reclaimer().look(), 0u) << "nothing has expired";
  now = 2003;
  EXPECT_EQ(database->reclaimer().look(), 8u) << "four tables in two families";
  EXPECT_EQ(tables(0), 6u);
  EXPECT_EQ(tables(1), 6u);
  now = 9000;
  EXPECT_EQ(database->reclaimer().look(), 12u);
  EXPECT_EQ(tables(0), 0u);
  EXPECT_EQ(tables(1), 0u);
  EXPECT_EQ(tables(2), 10u) << "what looks like a stamp is none in a family that does not expire";
  EXPECT_EQ(database->reclaimer().look(), 0u);
}

TEST_F(ReclaimTest, ATableIsRewrittenWhenMostOfItHasExpiredAndTheRestStays) {
  write_table(0, 10'000, [](int i) { return i % 10 == 0 ? 0 : 2000 + static_cast<std::uint64_t>(i) / 10; });
  write_table(0, 10'000, [](int i) { return i % 2 == 0 ? 0 : 2000; });  // half of it lasts
  now = 2400;
  EXPECT_EQ(database->reclaimer().look(), 0u);
  EXPECT_EQ(rows(0), 20'000u);
  now = 3000;
  EXPECT_EQ(database->reclaimer().look(), 1u);
  EXPECT_EQ(rows(0), 11'000u);
  EXPECT_EQ(database->reclaimer().look(), 0u) << "what is left never expires";
}

}  // namespace
}  // namespace pawl::storage::test
