#include "storage/rocksdb/watermark.h"

#include <gtest/gtest.h>

#include "storage/rocksdb/ledger.h"
#include "tests/storage/forgetting_disk.h"

namespace pawl::storage::test {
namespace {

const Watermark sample{"3f1c", 4711, 8, {{8, 100}, {12, 7}}, {5, 310}};
constexpr std::size_t slot = WatermarkFile::slot_bytes;

/// A file whose two slots hold `sample` and a younger one.
std::string written_file() {
  ForgettingDisk disk;
  EXPECT_TRUE(WatermarkFile::create(disk, "/w"));
  auto file = WatermarkFile::open(disk, "/w");
  EXPECT_TRUE(file->write(sample, false).ok());
  Watermark younger = sample;
  younger.sequence = 5000;
  EXPECT_TRUE(file->write(younger, true).ok());
  return disk.after_cut(ForgettingDisk::Cut::torn)["/w"];
}

Result<Watermark> read(const std::string& bytes) {
  ForgettingDisk disk(Image{{"/w", bytes}});
  auto file = WatermarkFile::open(disk, "/w");
  if (!file) return std::unexpected(file.error());
  return file->newest();
}

TEST(WatermarkTest, ANewFileIsEmpty) {
  ForgettingDisk disk;
  ASSERT_TRUE(WatermarkFile::create(disk, "/w"));
  EXPECT_EQ(WatermarkFile::open(disk, "/w")->newest(), Watermark{});
}

TEST(WatermarkTest, TheYoungerSlotIsRead) { EXPECT_EQ(read(written_file())->sequence, 5000u); }

// RocksDB asks again for a file that it could not delete. A log that went although the disk still promised it
// would keep the store from ever starting again.
TEST(WatermarkTest, AReleaseThatCouldNotBeWrittenIsRefusedAgain) {
  const auto disk = std::make_shared<ForgettingDisk>();
  ASSERT_TRUE(WatermarkFile::create(*disk, "/w"));
  auto file = WatermarkFile::open(*disk, "/w");
  ASSERT_TRUE(file);
  const GuardFileSystem guard(disk);
  Ledger ledger(std::move(*file), guard, "3f1c");
  for (const auto op : {ForgettingDisk::Op::append, ForgettingDisk::Op::sync}) {
    disk->fail(op, 1, rocksdb::IOStatus::IOError("Input/output error"));
    EXPECT_FALSE(ledger.release(5));
    EXPECT_FALSE(ledger.release(5));
    EXPECT_FALSE(ledger.release(4));
    disk->heal();
  }
  EXPECT_TRUE(ledger.release(5));
  EXPECT_TRUE(ledger.release(4));
  const auto on_disk = read(disk->after_cut(ForgettingDisk::Cut::torn)["/w"]);
  ASSERT_TRUE(on_disk) << on_disk.error().message;
  EXPECT_EQ(on_disk->released, 5u);
}

TEST(WatermarkTest, ATornSlotLeavesTheOther) {
  std::string bytes;
  ForgettingDisk disk;
  ASSERT_TRUE(WatermarkFile::create(disk, "/w"));
  auto file = WatermarkFile::open(disk, "/w");
  ASSERT_TRUE(file->write(sample, true).ok());
  bytes = disk.after_kill()["/w"];
  const std::size_t older = bytes.find("generation=3") < slot ? slot : 0;
  bytes.replace(older, 40, 40, '#');
  EXPECT_EQ(*read(bytes), sample);
}

TEST(WatermarkTest, EveryFlippedBitIsNoticed) {
  const std::string whole = written_file();
  for (std::size_t at = 0; at < whole.find('\n') * 8; ++at) {
    std::string bytes = whole;
    bytes[at / 8] = static_cast<char>(bytes[at / 8] ^ 1 << at % 8);
    const auto mark = read(bytes);
    ASSERT_TRUE(mark);
    EXPECT_TRUE(mark->sequence == 5000 || *mark == sample) << "bit " << at;
  }
}

TEST(WatermarkTest, TwoDamagedSlotsAreRefusedByName) {
  const auto mark = read(std::string(2 * slot, 'x'));
  ASSERT_FALSE(mark);
  EXPECT_EQ(mark.error().code, Errc::corrupt);
  EXPECT_NE(mark.error().message.find("/w"), std::string::npos);
}

TEST(WatermarkTest, TheFormatOnDiskStays) {
  EXPECT_EQ(encode_watermark(sample, 9),
            "pawl-watermark-1 generation=9 db=3f1c sequence=4711 released=8 wals=8:100,12:7 manifest=5:310 "
            "sum=5f42a61bf9224825\n");
}

TEST(WatermarkTest, MoreLogsThanFitKeepTheNewest) {
  Watermark many = sample;
  for (std::uint64_t number = 20; number < 500; ++number) many.wals.push_back({number, 1ull << 40});
  ForgettingDisk disk;
  ASSERT_TRUE(WatermarkFile::create(disk, "/w"));
  ASSERT_TRUE(WatermarkFile::open(disk, "/w")->write(many, true).ok());
  const auto file = WatermarkFile::open(disk, "/w");
  EXPECT_EQ(file->newest().wals.back().number, 499u);
  EXPECT_LE(encode_watermark(many, 1).size(), slot);
}

}  // namespace
}  // namespace pawl::storage::test
