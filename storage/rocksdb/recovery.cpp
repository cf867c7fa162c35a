#include "storage/rocksdb/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "rocksdb/write_batch.h"
#include "storage/rocksdb/guard_fs.h"
#include "storage/rocksdb/status.h"

namespace pawl::storage {

namespace {

// A log is a row of blocks; each holds records of a header (check sum 4, length 2, type 1) and a fragment of
// a batch. What is left of a block and too small for a header is zeroes.
constexpr std::uint64_t block_bytes = 32768;
constexpr std::uint64_t header_bytes = 7;
constexpr unsigned char last_type =
    4;  // full, first, middle, last = 1…4; the recyclable kinds are never written

Error damaged(const std::string& path, const std::string& how) {
  return {Errc::corrupt, fmt::format("{} {}. {}", path, how, next_step)};
}

std::uint64_t skip_block_end(std::uint64_t at) {
  const std::uint64_t left = block_bytes - at % block_bytes;
  return left < header_bytes ? at + left : at;
}

/// Walks from record to record up to `durable`. Check sums are RocksDB's to verify.
Result<void> walk_log(rocksdb::FileSystem& fs, const std::string& path, std::uint64_t durable) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  if (const auto status = fs.NewSequentialFile(path, {}, &file, nullptr); !status.ok()) {
    return std::unexpected(to_error(status, "reading " + path));
  }
  std::vector<char> block(block_bytes);
  std::uint64_t at = 0;
  for (std::uint64_t begin = 0; at < durable; begin += block_bytes) {
    rocksdb::Slice read;
    if (const auto status = file->Read(block_bytes, {}, &read, block.data(), nullptr); !status.ok()) {
      return std::unexpected(to_error(status, "reading " + path));
    }
    const std::uint64_t end = begin + block_bytes;
    while (at < std::min(end, durable)) {
      if (const std::uint64_t next = skip_block_end(at); next != at) {
        at = next;
        continue;
      }
      if (at - begin + header_bytes > read.size()) break;
      const char* header = read.data() + (at - begin);
      const auto length = static_cast<std::uint64_t>(static_cast<unsigned char>(header[4])) |
                          static_cast<std::uint64_t>(static_cast<unsigned char>(header[5])) << 8;
      const auto type = static_cast<unsigned char>(header[6]);
      const std::uint64_t record_end = at + header_bytes + length;
      if (type == 0 || type > last_type || record_end > end) {
        return std::unexpected(damaged(path, fmt::format("is damaged at byte {}", at)));
      }
      at = record_end;
    }
    if (read.size() < block_bytes)
      break;  // the file is long enough, so only the durable part of a header is left
  }
  return {};
}

Result<void> check_log(rocksdb::FileSystem& fs, const std::string& path, std::uint64_t durable) {
  std::uint64_t size = 0;
  if (const auto status = fs.GetFileSize(path, {}, &size, nullptr); !status.ok()) {
    return std::unexpected(to_error(status, "reading " + path));
  }
  if (size < durable) {
    return std::unexpected(
        damaged(path, fmt::format("is cut short: {} bytes of at least {} are there", size, durable)));
  }
  return walk_log(fs, path, durable);
}

Result<void> check_manifest(rocksdb::FileSystem& fs, const std::string& db_dir,
                            const LogExpectation& promised) {
  const std::string current = db_dir + "/CURRENT";
  std::string name;
  if (const auto status = rocksdb::ReadFileToString(&fs, current, &name); !status.ok()) {
    return std::unexpected(to_error(status, "reading " + current));
  }
  while (!name.empty() && name.back() == '\n') name.pop_back();
  const std::uint64_t number = manifest_number(name);
  if (number == 0) return std::unexpected(damaged(current, "is damaged"));
  if (number < promised.number) {
    return std::unexpected(damaged(
        current, fmt::format("is an old copy: it names {}, and {} came after it", name, promised.number)));
  }
  return number == promised.number ? check_log(fs, db_dir + "/" + name, promised.durable_bytes)
                                   : Result<void>();
}

}  // namespace

std::map<std::uint64_t, std::uint64_t> log_sizes(rocksdb::FileSystem& fs, const std::string& db_dir) {
  std::map<std::uint64_t, std::uint64_t> sizes;
  std::vector<std::string> names;
  if (!fs.GetChildren(db_dir, {}, &names, nullptr).ok()) return sizes;
  for (const std::string& name : names) {
    std::uint64_t size = 0;
    const std::uint64_t number = log_number(name);
    if (number != 0 && fs.GetFileSize(db_dir + "/" + name, {}, &size, nullptr).ok()) sizes[number] = size;
  }
  return sizes;
}

Result<void> check_promised_files(rocksdb::FileSystem& fs, const std::string& db_dir, const Watermark& mark) {
  if (mark.db_id.empty()) return {};
  if (!fs.FileExists(db_dir + "/CURRENT", {}, nullptr).ok()) {
    return std::unexpected(damaged(db_dir + "/CURRENT", "is missing"));
  }
  if (auto checked = check_manifest(fs, db_dir, mark.manifest); !checked) return checked;
  const auto sizes = log_sizes(fs, db_dir);
  for (const LogExpectation& wal : mark.wals) {
    if (wal.number < mark.released) continue;
    const std::string path = fmt::format("{}/{:06}.log", db_dir, wal.number);
    if (!sizes.contains(wal.number)) return std::unexpected(damaged(path, "is missing"));
    if (auto checked = check_log(fs, path, wal.durable_bytes); !checked) return checked;
  }
  return {};
}

ReplayAudit::WalProcessingOption ReplayAudit::LogRecordFound(unsigned long long log, const std::string& path,
                                                             const rocksdb::WriteBatch& batch,
                                                             rocksdb::WriteBatch*, bool*) {
  std::uint64_t sequence = 0;  // the first eight bytes of every batch, little-endian
  for (std::size_t i = 8; i-- > 0;) sequence = sequence << 8 | static_cast<unsigned char>(batch.Data()[i]);
  if (next_sequence_ != 0 && sequence != next_sequence_) {
    const auto promised = [&](const LogExpectation& wal) { return wal.number >= log; };
    if (!read_to_.contains(log) && std::ranges::none_of(promised_, promised)) {
      stopped_at_ = log;
      return WalProcessingOption::kStopReplay;
    }
    gap_ = fmt::format("{} goes on at {} where {} was expected: a part of the log is missing", path, sequence,
                       next_sequence_);
    return WalProcessingOption::kCorruptedRecord;
  }
  next_sequence_ = sequence + batch.Count();
  ++batches_;

  std::uint64_t& at = read_to_[log];
  for (std::uint64_t left = batch.GetDataSize(); left > 0;) {
    at = skip_block_end(at);
    const std::uint64_t fragment = std::min(left, block_bytes - at % block_bytes - header_bytes);
    at += header_bytes + fragment;
    left -= fragment;
  }
  return WalProcessingOption::kContinueProcessing;
}

std::uint64_t ReplayAudit::torn_bytes(const std::map<std::uint64_t, std::uint64_t>& log_sizes) const {
  std::uint64_t torn = 0;
  for (const auto& [number, size] : log_sizes) {
    const auto read = read_to_.find(number);
    if (read != read_to_.end()) {
      torn += size - std::min(size, read->second);
    } else if (stopped_at_ != 0 && number >= stopped_at_) {
      torn += size;
    }
  }
  return torn;
}

}  // namespace pawl::storage
