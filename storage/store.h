// The seam between the engine and whatever keeps its bytes: ordered keys and atomic batches.
// It never speaks of jobs. Drivers: storage/rocksdb (the default) and storage/memory (tests, simulation).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pawl::storage {

/// What can go wrong; a code exists only where a caller acts differently on it.
enum class Errc : std::uint8_t {
  in_use = 1,        // another process has the data directory open
  newer_format = 2,  // written by a newer Pawl; nothing was touched
  corrupt = 3,       // a file is damaged or missing; the message names it and the next step
  io = 4,            // the operating system refused; state on disk is unknown
  no_space = 5,      // the disk is (nearly) full
  gone = 6,          // another owner acquired the partition with a higher epoch
  invalid = 7,       // wrong use: unknown URL, unknown family
};

struct Error {
  Errc code;
  std::string message;  // one sentence for people, with what to do next
};

template <typename T>
using Result = std::expected<T, Error>;

/// An index into the list of families that the store was opened with.
enum class Family : std::uint8_t {};

/// How the keys of one family behave; drivers use it to pick the cheapest way to erase.
struct FamilySpec {
  std::string name;  // stable: it is the name on disk
  /// Every key is put at most once between two erases (never overwritten). Erasing is then a SingleDelete.
  bool written_once = false;
  /// Every value begins with a big-endian u64, wall-clock milliseconds. Once that stamp is in the past the
  /// store may drop the row whenever it likes, without a write; readers must treat it as absent. 0 means
  /// never.
  bool expires = false;
  /// Keys that share their first so many bytes are mostly put in their order: the driver may look for the
  /// place of one beside the one before. 0: they are not. REQUIRES: a range that is erased begins with a
  /// shorter key.
  std::size_t ordered_prefix = 0;
};

/// A list of puts and erases that becomes durable as a whole or not at all. Later entries win over earlier
/// ones. Value type; Thread: any, one at a time.
class Batch {
 public:
  enum class Op : std::uint8_t { put = 0, erase = 1, erase_range = 2 };
  struct Entry {
    Op op;
    Family family;
    std::string_view key;
    std::string_view value;  // put: the value; erase_range: the exclusive end; erase: empty
  };

  void put(Family family, std::string_view key, std::string_view value) { add(Op::put, family, key, value); }
  void erase(Family family, std::string_view key) { add(Op::erase, family, key, {}); }
  /// Erases [begin, end). For whole buckets only: it costs every later reader something. Not for written_once
  /// keys that are put again under the same name.
  void erase_range(Family family, std::string_view begin, std::string_view end) {
    add(Op::erase_range, family, begin, end);
  }
  void clear() {
    bytes_.clear();
    count_ = 0;
  }
  bool empty() const { return count_ == 0; }
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return bytes_.size(); }

  /// Calls visit(Entry) in order. The views live until the batch changes.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    std::string_view rest = bytes_;
    while (!rest.empty()) {
      Entry entry{static_cast<Op>(rest[0]), static_cast<Family>(rest[1]), {}, {}};
      std::uint32_t key_size = 0;
      std::uint32_t value_size = 0;
      rest.copy(reinterpret_cast<char*>(&key_size), 4, 2);
      rest.copy(reinterpret_cast<char*>(&value_size), 4, 6);
      entry.key = rest.substr(10, key_size);
      entry.value = rest.substr(10 + key_size, value_size);
      rest.remove_prefix(10 + std::size_t{key_size} + value_size);
      visit(entry);
    }
  }

 private:
  void add(Op op, Family family, std::string_view key, std::string_view value) {
    const auto key_size = static_cast<std::uint32_t>(key.size());
    const auto value_size = static_cast<std::uint32_t>(value.size());
    char head[10];
    head[0] = static_cast<char>(op);
    head[1] = static_cast<char>(family);
    __builtin_memcpy(head + 2, &key_size, 4);
    __builtin_memcpy(head + 6, &value_size, 4);
    bytes_.append(head, sizeof head).append(key).append(value);
    ++count_;
  }

  std::string bytes_;
  std::size_t count_ = 0;
};

/// How a commit ended.
enum class Outcome : std::uint8_t {
  durable,  // on disk: no crash undoes it
  gone,     // another owner has a higher epoch: forget this partition's memory, answer "retry"
  failed,   // unknown: it may or may not be there after a restart. Stop and recover; never retry
};

/// One range of one family, [begin, end) in key order. end is required: an open scan walks tombstones.
struct Range {
  Family family;
  std::string begin;
  std::string end;
  bool reverse = false;  // from the last key before end down to begin
};

/// Called for each row; return false to stop. The views live for the call only.
using Visit = std::function<bool(std::string_view key, std::string_view value)>;

/// Called for each row, as Visit. `to` comes empty; a key put there is where it goes on instead of at the
/// next row: at it or behind it, in reverse at the last one before it. Only onward.
using Walk = std::function<bool(std::string_view key, std::string_view value, std::string& to)>;

/// A frozen view for long reads. Thread: any, one at a time. Holds files on disk: keep it for seconds, not
/// hours. Must be destroyed before its partition.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual Result<std::optional<std::string>> get(Family family, std::string_view key) const = 0;
  /// Returns after the end of the range or when visit says stop. An unreadable file is an Error, never a
  /// short answer.
  virtual Result<void> scan(const Range& range, const Visit& visit) const = 0;
  /// The same, with jumps; a jump costs a fraction of another scan. Errors: as scan().
  virtual Result<void> walk(const Range& range, const Walk& visit) const = 0;
};

/// What drivers count. Cumulative since open, but for the gauges.
struct Counters {
  std::uint64_t commits = 0;
  std::uint64_t syncs = 0;        // fsyncs of the log; several commits may share one
  std::uint64_t keys = 0;         // puts and erases
  std::uint64_t bytes = 0;        // of keys and values
  std::uint64_t sync_micros = 0;  // time spent in syncs
  std::uint64_t last_sync_micros = 0;
  std::uint64_t disk_bytes = 0;    // gauge: size of the store's files
  std::uint64_t free_bytes = 0;    // gauge: free space of the disk that holds them; 0: not known
  std::uint64_t memory_bytes = 0;  // gauge: caches and write buffers
  bool write_stalled = false;      // gauge: a commit now would block; refuse new work first
  bool low_on_space = false;       // gauge: below the floor of free space
};

/// The only writer of one partition. Commit, get and scan: Thread: the owner's one thread. Destroying it
/// waits for the commits under way and calls their `done`.
class Partition {
 public:
  using Done = std::function<void(Outcome)>;

  virtual ~Partition() = default;
  /// The number that acquire() raised; larger than that of every owner before.
  virtual std::uint64_t epoch() const = 0;
  /// Writes the batch; batches become durable in call order. The batch is read before commit returns. `done`
  /// is called once, in call order, on the store's own thread or inside commit(); it must not call the
  /// partition.
  virtual void commit(const Batch& batch, Done done) = 0;
  /// Answers (inline for local drivers) with the value as of every batch already handed to commit.
  virtual void get(Family family, std::string_view key,
                   const std::function<void(Result<std::optional<std::string_view>>)>& answer) const = 0;
  /// Reads a range as of every batch already handed to commit, visit for each row, then finished.
  virtual void scan(const Range& range, const Visit& visit,
                    const std::function<void(Result<void>)>& finished) const = 0;
  /// Thread: any. Sees every batch whose commit() has returned.
  virtual std::unique_ptr<Snapshot> snapshot() const = 0;
  /// Thread: any.
  virtual Counters counters() const = 0;
};

/// Where wall-clock time comes from, for dropping expired rows. Milliseconds since 1970.
using WallClock = std::function<std::uint64_t()>;

struct Options {
  std::vector<FamilySpec> families;
  std::uint64_t format_version = 1;                 // refused if the store was written with a larger one
  WallClock wall_clock;                             // null: the system's
  std::uint64_t memory_budget_bytes = 96ull << 20;  // block cache and write buffers together
  std::uint64_t free_space_floor_bytes = 64ull << 20;
  /// Gets a sentence that the operator should see, such as a torn tail that was dropped. Thread: the caller
  /// of open or the store's own. May be null.
  std::function<void(const std::string&)> notice;
};

/// A place that keeps partitions. Thread: any.
class Store {
 public:
  virtual ~Store() = default;
  /// url: "rocksdb:/path/to/directory" (made if absent) or "memory:".
  static Result<std::unique_ptr<Store>> open(std::string_view url, Options options);
  /// Raises the partition's epoch durably and gives its only writer. The store must outlive it.
  virtual Result<std::unique_ptr<Partition>> acquire(std::uint32_t partition) = 0;
};

}  // namespace pawl::storage
