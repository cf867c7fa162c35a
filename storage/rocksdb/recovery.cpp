#include "storage/rocksdb/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/crc.hpp>
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
// full, first, middle, last = 1…4; the recyclable kinds are never written
constexpr unsigned char full_type = 1;
constexpr unsigned char last_type = 4;

Error damaged(const std::string& path, const std::string& how) {
  return {Errc::corrupt, fmt::format("{} {}. {}", path, how, next_step)};
}

std::uint64_t skip_block_end(std::uint64_t at) {
  const std::uint64_t left = block_bytes - at % block_bytes;
  return left < header_bytes ? at + left : at;
}

struct LogTail {
  std::uint64_t whole = 0;    // end of the last whole batch
  std::uint64_t written = 0;  // end of the last byte that is not zero
};

/// A record as it stands in a block.
struct Record {
  std::uint32_t check_sum;
  std::uint64_t length;
  unsigned char type;
  const char* checked;  // type and fragment

  explicit Record(const char* header)
      : check_sum(byte(header, 0) | byte(header, 1) << 8 | byte(header, 2) << 16 | byte(header, 3) << 24),
        length(byte(header, 4) | byte(header, 5) << 8),
        type(static_cast<unsigned char>(header[6])),
        checked(header + 6) {}

  bool is_whole() const {
    boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> crc;  // CRC-32C
    crc.process_bytes(checked, 1 + length);
    const std::uint32_t sum = crc.checksum();
    return check_sum == ((sum >> 15 | sum << 17) + 0xa282ead8u);  // masked, as RocksDB stores it
  }
  bool ends_batch() const { return type == full_type || type == last_type; }

 private:
  static std::uint32_t byte(const char* at, std::size_t i) { return static_cast<unsigned char>(at[i]); }
};

std::uint64_t end_of_written(std::uint64_t begin, rocksdb::Slice bytes) {
  std::size_t left = bytes.size();
  while (left > 0 && bytes[left - 1] == 0) --left;
  return left == 0 ? 0 : begin + left;
}

/// Walks from record to record. Up to `durable` their check sums are RocksDB's to verify; behind that the
/// first that is not whole ends the log.
Result<LogTail> walk_log(rocksdb::FileSystem& fs, const std::string& path, std::uint64_t durable) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  if (const auto status = fs.NewSequentialFile(path, {}, &file, nullptr); !status.ok()) {
    return std::unexpected(to_error(status, "reading " + path));
  }
  std::vector<char> block(block_bytes);
  LogTail tail;
  std::uint64_t at = 0;
  bool ended = false;
  for (std::uint64_t begin = 0;; begin += block_bytes) {
    rocksdb::Slice read;
    if (const auto status = file->Read(block_bytes, {}, &read, block.data(), nullptr); !status.ok()) {
      return std::unexpected(to_error(status, "reading " + path));
    }
    const std::uint64_t end = begin + block_bytes;
    tail.written = std::max(tail.written, end_of_written(begin, read));
    while (!ended && at < end) {
      if (const std::uint64_t next = skip_block_end(at); next != at) {
        at = next;
        continue;
      }
      if (at - begin + header_bytes > read.size()) break;
      const Record record(read.data() + (at - begin));
      const std::uint64_t record_end = at + header_bytes + record.length;
      const bool possible = record.type != 0 && record.type <= last_type && record_end <= end;
      if (!possible && at < durable) {
        return std::unexpected(damaged(path, fmt::format("is damaged at byte {}", at)));
      }
      const bool there = possible && record_end <= begin + read.size();
      if (record_end > durable && !(there && record.is_whole())) {
        ended = true;
        break;
      }
      at = record_end;
      if (record.ends_batch()) tail.whole = at;
    }
    if (read.size() < block_bytes) return tail;
  }
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
  if (const auto tail = walk_log(fs, path, durable); !tail) return std::unexpected(tail.error());
  return {};
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

std::map<std::string, std::uint64_t> file_sizes(rocksdb::FileSystem& fs, const std::string& db_dir) {
  std::map<std::string, std::uint64_t> sizes;
  std::vector<std::string> names;
  if (!fs.GetChildren(db_dir, {}, &names, nullptr).ok()) return sizes;
  for (const std::string& name : names) {
    std::uint64_t size = 0;
    if (fs.GetFileSize(db_dir + "/" + name, {}, &size, nullptr).ok()) sizes[name] = size;
  }
  return sizes;
}

std::map<std::uint64_t, std::uint64_t> log_sizes(rocksdb::FileSystem& fs, const std::string& db_dir) {
  std::map<std::uint64_t, std::uint64_t> sizes;
  for (const auto& [name, size] : file_sizes(fs, db_dir)) {
    if (const std::uint64_t number = log_number(name); number != 0) sizes[number] = size;
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

Result<LogEnds> find_log_ends(rocksdb::FileSystem& fs, const std::string& db_dir, const Watermark& mark) {
  LogEnds result;
  for (const auto& [number, size] : log_sizes(fs, db_dir)) {
    if (number < mark.released) continue;
    const auto promised = std::ranges::find(mark.wals, number, &LogExpectation::number);
    const std::uint64_t durable = promised == mark.wals.end() ? 0 : promised->durable_bytes;
    const auto tail = walk_log(fs, fmt::format("{}/{:06}.log", db_dir, number), durable);
    if (!tail) return std::unexpected(tail.error());
    const std::uint64_t end = std::max(tail->whole, durable);
    result.ends[number] = end;
    result.torn_bytes += tail->written - std::min(tail->written, end);
  }
  return result;
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

std::uint64_t ReplayAudit::torn_bytes(const std::map<std::uint64_t, std::uint64_t>& log_ends) const {
  std::uint64_t torn = 0;
  for (const auto& [number, size] : log_ends) {
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
