#include "storage/rocksdb/partition.h"

#include <cstdio>
#include <cstdlib>

#include "storage/rocksdb/cursor.h"
#include "storage/rocksdb/expiry.h"

namespace pawl::storage {

namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

/// Reads as of `snapshot`, or of now when it is null.
class Reader {
 public:
  Reader(Database& database, const Seat& seat, const rocksdb::Snapshot* snapshot)
      : database_(database), seat_(seat), snapshot_(snapshot) {}

  /// Null: no such row. Errors: corrupt, io.
  Result<bool> get(Family family, std::string_view key, rocksdb::PinnableSlice& found) const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    found.Reset();
    const auto status = database_.db().Get(options, handle(family), slice(key), &found);
    if (status.IsNotFound()) return false;
    if (!status.ok()) return std::unexpected(database_.read_error(status));
    return !database_.spec(family).expires || is_shown(found.ToStringView(), now_ms(database_.wall_clock()));
  }

  Result<void> scan(const Range& range, const Visit& visit) const {
    return walk(range, [&visit](std::string_view key, std::string_view value, std::string&) {
      return visit(key, value);
    });
  }

  Result<void> walk(const Range& range, const Walk& visit) const {
    if (range.begin >= range.end) return {};
    const bool expires = database_.spec(range.family).expires;
    const std::uint64_t now = expires ? now_ms(database_.wall_clock()) : 0;

    std::string to;
    Cursor row(database_, seat_, range, snapshot_);
    for (; row.valid(); to.empty() ? row.next() : row.jump(to)) {
      to.clear();
      if (expires && !is_shown(row.value(), now)) continue;
      if (!visit(row.key(), row.value(), to)) return {};
    }
    // A damaged block ends the iteration like the end of the range does.
    if (const auto status = row.status(); !status.ok()) return std::unexpected(database_.read_error(status));
    return {};
  }

 private:
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return seat_.families.at(static_cast<std::size_t>(family));
  }

  Database& database_;
  const Seat& seat_;
  const rocksdb::Snapshot* snapshot_;
};

class RocksSnapshot final : public Snapshot {
 public:
  RocksSnapshot(std::shared_ptr<Database> database, std::shared_ptr<Seat> seat)
      : database_(std::move(database)), seat_(std::move(seat)), snapshot_(database_->db().GetSnapshot()) {}
  ~RocksSnapshot() override { database_->db().ReleaseSnapshot(snapshot_); }

  Result<std::optional<std::string>> get(Family family, std::string_view key) const override {
    rocksdb::PinnableSlice found;
    const auto shown = Reader(*database_, *seat_, snapshot_).get(family, key, found);
    if (!shown) return std::unexpected(shown.error());
    return *shown ? std::optional(found.ToString()) : std::nullopt;
  }
  Result<void> scan(const Range& range, const Visit& visit) const override {
    return Reader(*database_, *seat_, snapshot_).scan(range, visit);
  }

  Result<void> walk(const Range& range, const Walk& visit) const override {
    return Reader(*database_, *seat_, snapshot_).walk(range, visit);
  }

 private:
  const std::shared_ptr<Database> database_;
  const std::shared_ptr<Seat> seat_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace

RocksPartition::RocksPartition(std::shared_ptr<Database> database, Database::Taken taken)
    : database_(std::move(database)), seat_(std::move(taken.seat)), epoch_(taken.epoch) {}

RocksPartition::~RocksPartition() { database_->syncer().drain(); }

void RocksPartition::translate(const Batch& batch) {
  scratch_.Clear();
  batch.for_each([&](const Batch::Entry& entry) {
    const auto index = static_cast<std::size_t>(entry.family);
    if (index >= seat_->families.size()) {
      std::fprintf(stderr, "storage/rocksdb: a batch names family %zu of %zu\n", index,
                   seat_->families.size());
      std::abort();
    }
    rocksdb::ColumnFamilyHandle* family = seat_->families[index];
    rocksdb::Status status;
    switch (entry.op) {
      case Batch::Op::put:
        status = scratch_.Put(family, slice(entry.key), slice(entry.value));
        break;
      case Batch::Op::erase:
        status = database_->spec(entry.family).written_once ? scratch_.SingleDelete(family, slice(entry.key))
                                                            : scratch_.Delete(family, slice(entry.key));
        break;
      case Batch::Op::erase_range:
        // RocksDB 7.8.3 would put it by the hint of the rows, into their list.
        if (const std::size_t prefix = database_->spec(entry.family).ordered_prefix;
            prefix > 0 && entry.key.size() >= prefix) {
          std::fprintf(stderr, "storage/rocksdb: an erased range begins within an ordered prefix\n");
          std::abort();
        }
        if (entry.key < entry.value) {
          seat_->erased[index]->add(entry.key, entry.value);
          status = scratch_.DeleteRange(family, slice(entry.key), slice(entry.value));
        }
        break;
    }
    if (!status.ok()) {
      std::fprintf(stderr, "storage/rocksdb: a batch cannot be built: %s\n", status.ToString().c_str());
      std::abort();
    }
  });
}

void RocksPartition::commit(const Batch& batch, Done done) {
  translate(batch);
  const std::lock_guard lock(seat_->mutex);
  Outcome outcome = Outcome::durable;
  if (seat_->epoch != epoch_) {
    outcome = Outcome::gone;
  } else if (scratch_.Count() > 0 && !database_->write(scratch_)) {
    outcome = Outcome::failed;
  } else if (database_->syncer().failed()) {
    outcome = Outcome::failed;
  } else {
    commits_.fetch_add(1, std::memory_order_relaxed);
    keys_.fetch_add(batch.count(), std::memory_order_relaxed);
    constexpr std::size_t entry_head_bytes = 10;
    bytes_.fetch_add(batch.bytes() - batch.count() * entry_head_bytes, std::memory_order_relaxed);
  }
  database_->syncer().push(std::move(done), outcome);
}

void RocksPartition::get(Family family, std::string_view key,
                         const std::function<void(Result<std::optional<std::string_view>>)>& answer) const {
  const auto shown = Reader(*database_, *seat_, nullptr).get(family, key, found_);
  if (!shown) return answer(std::unexpected(shown.error()));
  answer(*shown ? std::optional(found_.ToStringView()) : std::nullopt);
  found_.Reset();
}

void RocksPartition::scan(const Range& range, const Visit& visit,
                          const std::function<void(Result<void>)>& finished) const {
  finished(Reader(*database_, *seat_, nullptr).scan(range, visit));
}

std::unique_ptr<Snapshot> RocksPartition::snapshot() const {
  return std::make_unique<RocksSnapshot>(database_, seat_);
}

Counters RocksPartition::counters() const {
  Counters counters;
  counters.commits = commits_.load(std::memory_order_relaxed);
  counters.keys = keys_.load(std::memory_order_relaxed);
  counters.bytes = bytes_.load(std::memory_order_relaxed);
  database_->fill(counters);
  return counters;
}

}  // namespace pawl::storage
