#include "storage/memory/memory_store.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

namespace pawl::storage {

namespace {

using Table = std::map<std::string, std::string, std::less<>>;

[[noreturn]] void broken(const std::string& family, std::string_view key, const char* what) {
  std::fprintf(stderr, "storage/memory: family %s, key ", family.c_str());
  for (const char c : key) std::fprintf(stderr, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  std::fprintf(stderr, ": %s\n", what);
  std::abort();
}

std::uint64_t system_millis() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

std::uint64_t stamp_of(std::string_view value) {
  std::uint64_t stamp = 0;
  for (std::size_t i = 0; i < 8; ++i) stamp = stamp << 8 | static_cast<unsigned char>(value[i]);
  return stamp;
}

bool is_shown(bool expires, std::string_view value, std::uint64_t now) {
  if (!expires) return true;
  const std::uint64_t stamp = stamp_of(value);
  return stamp == 0 || stamp > now;
}

/// One family of one partition. The table is shared with snapshots and copied when it changes under one.
struct Shelf {
  FamilySpec spec;
  std::shared_ptr<Table> table = std::make_shared<Table>();
  std::size_t bytes = 0;
  std::string swept_to;  // where the search for expired rows goes on

  bool shows(std::string_view value, std::uint64_t now) const { return is_shown(spec.expires, value, now); }
  Table& writable() {
    if (table.use_count() > 1) table = std::make_shared<Table>(*table);
    return *table;
  }
};

/// How one row was before a commit, to undo it.
struct Former {
  Family family;
  std::string key;
  std::optional<std::string> value;
};

}  // namespace

namespace memory {
/// The rows of one partition and who may write them.
struct Rows {
  std::vector<Shelf> shelves;
  std::uint64_t epoch = 0;
  std::uint64_t commits = 0;
  Counters counters;

  Shelf& shelf(Family family) {
    const auto index = static_cast<std::size_t>(family);
    if (index >= shelves.size()) broken("?", {}, "no such family");
    return shelves[index];
  }
};
}  // namespace memory

using memory::Rows;

namespace {

void set_row(Shelf& shelf, Table::iterator at, std::string_view key, std::string_view value) {
  if (at != shelf.table->end() && at->first == key) {
    shelf.bytes += value.size();
    shelf.bytes -= at->second.size();
    at->second.assign(value);
  } else {
    shelf.table->emplace_hint(at, key, value);
    shelf.bytes += key.size() + value.size();
  }
}

void drop_row(Shelf& shelf, Table::iterator at) {
  shelf.bytes -= at->first.size() + at->second.size();
  shelf.table->erase(at);
}

/// Drops a few rows whose stamp has passed; called now and then so that the whole shelf is looked at in turn.
void sweep(Shelf& shelf, std::uint64_t now, std::size_t rows) {
  Table& table = shelf.writable();
  auto at = table.lower_bound(shelf.swept_to);
  for (; rows > 0 && at != table.end(); --rows) {
    const auto next = std::next(at);
    if (!shelf.shows(at->second, now)) drop_row(shelf, at);
    at = next;
  }
  shelf.swept_to = at == table.end() ? std::string() : at->first;
}

Result<void> scan_table(const Table& table, bool expires, const Range& range, std::uint64_t now,
                        const Visit& visit) {
  if (range.begin >= range.end) return {};
  auto first = table.lower_bound(range.begin);
  auto last = table.lower_bound(range.end);
  if (range.reverse) {
    while (last != first) {
      --last;
      if (is_shown(expires, last->second, now) && !visit(last->first, last->second)) return {};
    }
    return {};
  }
  for (; first != last; ++first) {
    if (is_shown(expires, first->second, now) && !visit(first->first, first->second)) return {};
  }
  return {};
}

}  // namespace

struct MemoryStore::State {
  struct Waiting {
    std::uint32_t partition = 0;
    Outcome outcome = Outcome::durable;
    Partition::Done done;
    std::vector<Former> undo;
  };

  mutable std::mutex mutex;
  Options options;
  Mode mode = Mode::automatic;
  std::map<std::uint32_t, Rows> partitions;
  std::deque<Waiting> waiting;
  std::vector<Waiting> failed;  // their rows are undone by the crash that follows
  bool fail_commit = false;
  bool fail_sync = false;
  bool failing_reached_disk = false;
  bool broken_disk = false;
  bool write_stalled = false;
  bool low_on_space = false;

  std::uint64_t now() const { return options.wall_clock ? options.wall_clock() : system_millis(); }
  Rows& rows(std::uint32_t partition);
  void apply(Rows& rows, const Batch& batch, std::vector<Former>* undo);
  static void put(Shelf& shelf, const Batch::Entry& entry, std::uint64_t now, std::vector<Former>* undo);
  static void erase(Shelf& shelf, const Batch::Entry& entry, std::vector<Former>* undo);
  static void erase_range(Shelf& shelf, const Batch::Entry& entry, std::vector<Former>* undo);
  void undo(const Waiting& commit);
  void commit(std::uint32_t partition, std::uint64_t epoch, const Batch& batch, Partition::Done done);
  std::size_t sync(std::size_t commits);
};

Rows& MemoryStore::State::rows(std::uint32_t partition) {
  Rows& rows = partitions[partition];
  if (rows.shelves.empty()) {
    for (const FamilySpec& spec : options.families) rows.shelves.push_back(Shelf{spec, {}, 0, {}});
    for (Shelf& shelf : rows.shelves) shelf.table = std::make_shared<Table>();
  }
  return rows;
}

void MemoryStore::State::put(Shelf& shelf, const Batch::Entry& entry, std::uint64_t now,
                             std::vector<Former>* undo) {
  if (shelf.spec.expires && entry.value.size() < 8) {
    broken(shelf.spec.name, entry.key, "a value of an expiring family needs its 8 bytes of stamp");
  }
  Table& table = shelf.writable();
  const auto at = table.lower_bound(entry.key);
  const bool there = at != table.end() && at->first == entry.key;
  if (there && shelf.spec.written_once && shelf.shows(at->second, now)) {
    broken(shelf.spec.name, entry.key, "put twice in a written_once family");
  }
  if (undo) {
    undo->push_back({entry.family, std::string(entry.key), there ? std::optional(at->second) : std::nullopt});
  }
  set_row(shelf, at, entry.key, entry.value);
}

void MemoryStore::State::erase(Shelf& shelf, const Batch::Entry& entry, std::vector<Former>* undo) {
  Table& table = shelf.writable();
  const auto at = table.find(entry.key);
  if (at == table.end()) return;
  if (undo) undo->push_back({entry.family, at->first, at->second});
  drop_row(shelf, at);
}

void MemoryStore::State::erase_range(Shelf& shelf, const Batch::Entry& entry, std::vector<Former>* undo) {
  if (entry.key >= entry.value) return;
  Table& table = shelf.writable();
  auto at = table.lower_bound(entry.key);
  while (at != table.end() && at->first < entry.value) {
    if (undo) undo->push_back({entry.family, at->first, at->second});
    const auto next = std::next(at);
    drop_row(shelf, at);
    at = next;
  }
}

void MemoryStore::State::apply(Rows& rows, const Batch& batch, std::vector<Former>* undo) {
  const std::uint64_t now = this->now();
  batch.for_each([&](const Batch::Entry& entry) {
    Shelf& shelf = rows.shelf(entry.family);
    rows.counters.bytes += entry.key.size() + entry.value.size();
    switch (entry.op) {
      case Batch::Op::put:
        return put(shelf, entry, now, undo);
      case Batch::Op::erase:
        return erase(shelf, entry, undo);
      case Batch::Op::erase_range:
        return erase_range(shelf, entry, undo);
    }
  });
  rows.counters.keys += batch.count();
  ++rows.counters.commits;
  constexpr std::uint64_t sweep_every = 64;
  if (++rows.commits % sweep_every != 0) return;
  for (Shelf& shelf : rows.shelves) {
    if (shelf.spec.expires && shelf.table.use_count() == 1) sweep(shelf, now, 4 * sweep_every);
  }
}

void MemoryStore::State::undo(const Waiting& commit) {
  Rows& rows = this->rows(commit.partition);
  for (auto former = commit.undo.rbegin(); former != commit.undo.rend(); ++former) {
    Shelf& shelf = rows.shelf(former->family);
    Table& table = shelf.writable();
    const auto at = table.lower_bound(former->key);
    if (former->value) {
      set_row(shelf, at, former->key, *former->value);
    } else if (at != table.end() && at->first == former->key) {
      drop_row(shelf, at);
    }
  }
}

void MemoryStore::State::commit(std::uint32_t partition, std::uint64_t epoch, const Batch& batch,
                                Partition::Done done) {
  std::unique_lock lock(mutex);
  Rows& rows = this->rows(partition);
  Waiting commit{partition, Outcome::durable, std::move(done), {}};
  if (epoch != rows.epoch) {
    commit.outcome = Outcome::gone;
  } else if (broken_disk || std::exchange(fail_commit, false)) {
    // What comes after a failed commit never reaches the disk; the failed one itself may.
    commit.outcome = Outcome::failed;
    if (!broken_disk && failing_reached_disk) apply(rows, batch, nullptr);
    broken_disk = true;
  } else if (mode == Mode::automatic) {
    apply(rows, batch, nullptr);
    ++rows.counters.syncs;
    if (std::exchange(fail_sync, false)) {
      commit.outcome = Outcome::failed;
      broken_disk = true;
    }
  } else {
    apply(rows, batch, &commit.undo);
  }
  // Answers come in order: also a refused commit waits for those before it.
  if (mode == Mode::manual && (commit.outcome == Outcome::durable || !waiting.empty())) {
    waiting.push_back(std::move(commit));
    return;
  }
  lock.unlock();
  if (commit.done) commit.done(commit.outcome);
}

std::size_t MemoryStore::State::sync(std::size_t commits) {
  std::vector<Waiting> ended;
  {
    const std::lock_guard lock(mutex);
    const bool fails = !waiting.empty() && std::exchange(fail_sync, false);
    const bool reached_disk = failing_reached_disk;
    if (!waiting.empty()) ++rows(waiting.front().partition).counters.syncs;
    for (; !waiting.empty() && ended.size() < commits; waiting.pop_front()) {
      Waiting& commit = waiting.front();
      if (commit.outcome == Outcome::durable && (fails || broken_disk)) {
        commit.outcome = Outcome::failed;
        if (!fails || !reached_disk) failed.push_back({commit.partition, {}, {}, std::move(commit.undo)});
      }
      ended.push_back(std::move(commit));
    }
    broken_disk = broken_disk || fails;
  }
  for (Waiting& commit : ended) {
    if (commit.done) commit.done(commit.outcome);
  }
  return ended.size();
}

/// The writer of one epoch.
class MemoryPartition final : public Partition {
 public:
  MemoryPartition(std::shared_ptr<MemoryStore::State> state, std::uint32_t partition, std::uint64_t epoch)
      : state_(std::move(state)), partition_(partition), epoch_(epoch) {}

  ~MemoryPartition() override {
    bool current = false;
    {
      const std::lock_guard lock(state_->mutex);
      current = state_->rows(partition_).epoch == epoch_;
    }
    if (current) state_->sync(~std::size_t{0});
  }

  std::uint64_t epoch() const override { return epoch_; }

  void commit(const Batch& batch, Done done) override {
    state_->commit(partition_, epoch_, batch, std::move(done));
  }

  void get(Family family, std::string_view key,
           const std::function<void(Result<std::optional<std::string_view>>)>& answer) const override {
    // The owner is the only writer, so what it reads cannot change while it looks: the answer runs unlocked.
    std::optional<std::string_view> found;
    {
      const std::lock_guard lock(state_->mutex);
      const Shelf& shelf = state_->rows(partition_).shelf(family);
      const auto at = shelf.table->find(key);
      if (at != shelf.table->end() && shelf.shows(at->second, state_->now())) {
        found = at->second;
      }
    }
    answer(found);
  }

  void scan(const Range& range, const Visit& visit,
            const std::function<void(Result<void>)>& finished) const override {
    std::unique_lock lock(state_->mutex);
    const Shelf& shelf = state_->rows(partition_).shelf(range.family);
    const std::shared_ptr<Table> table = shelf.table;
    const bool expires = shelf.spec.expires;
    const std::uint64_t now = expires ? state_->now() : 0;
    lock.unlock();
    finished(scan_table(*table, expires, range, now, visit));
  }

  std::unique_ptr<Snapshot> snapshot() const override;

  Counters counters() const override {
    const std::lock_guard lock(state_->mutex);
    Rows& rows = state_->rows(partition_);
    Counters counters = rows.counters;
    counters.memory_bytes = 0;
    for (const Shelf& shelf : rows.shelves) counters.memory_bytes += shelf.bytes;
    counters.write_stalled = state_->write_stalled;
    counters.low_on_space = state_->low_on_space;
    return counters;
  }

 private:
  std::shared_ptr<MemoryStore::State> state_;
  std::uint32_t partition_;
  std::uint64_t epoch_;
};

namespace {

class MemorySnapshot final : public Snapshot {
 public:
  MemorySnapshot(std::shared_ptr<std::mutex> mutex, std::vector<Shelf> shelves, WallClock clock)
      : mutex_(std::move(mutex)), shelves_(std::move(shelves)), clock_(std::move(clock)) {}

  // Locked: Shelf::writable asks use_count who else has a table, and that alone orders nothing.
  ~MemorySnapshot() override {
    const std::lock_guard lock(*mutex_);
    shelves_.clear();
  }

  Result<std::optional<std::string>> get(Family family, std::string_view key) const override {
    const Shelf& shelf = shelves_.at(static_cast<std::size_t>(family));
    const auto at = shelf.table->find(key);
    if (at == shelf.table->end() || !shelf.shows(at->second, now())) return std::nullopt;
    return at->second;
  }

  Result<void> scan(const Range& range, const Visit& visit) const override {
    const Shelf& shelf = shelves_.at(static_cast<std::size_t>(range.family));
    return scan_table(*shelf.table, shelf.spec.expires, range, now(), visit);
  }

  Result<void> walk(const Range& range, const Walk& visit) const override {
    Range rest = range;
    std::string to;
    do {
      to.clear();
      const auto scanned = scan(rest, [&](std::string_view key, std::string_view value) {
        return visit(key, value, to) && to.empty();
      });
      if (!scanned) return scanned;
      (rest.reverse ? rest.end : rest.begin) = to;
    } while (!to.empty());
    return {};
  }

 private:
  std::uint64_t now() const { return clock_ ? clock_() : system_millis(); }
  const std::shared_ptr<std::mutex> mutex_;  // the store's
  std::vector<Shelf> shelves_;
  WallClock clock_;
};

}  // namespace

std::unique_ptr<Snapshot> MemoryPartition::snapshot() const {
  const std::lock_guard lock(state_->mutex);
  return std::make_unique<MemorySnapshot>(std::shared_ptr<std::mutex>(state_, &state_->mutex),
                                          state_->rows(partition_).shelves, state_->options.wall_clock);
}

MemoryStore::MemoryStore(Options options, Mode mode) : state_(std::make_shared<State>()) {
  state_->options = std::move(options);
  state_->mode = mode;
}

MemoryStore::~MemoryStore() = default;

Result<std::unique_ptr<Partition>> MemoryStore::acquire(std::uint32_t partition) {
  state_->sync(~std::size_t{0});  // the raised epoch is durable, so all before it is
  const std::lock_guard lock(state_->mutex);
  state_->broken_disk = false;
  state_->failed.clear();
  const std::uint64_t epoch = ++state_->rows(partition).epoch;
  return std::make_unique<MemoryPartition>(state_, partition, epoch);
}

std::size_t MemoryStore::sync(std::size_t commits) { return state_->sync(commits); }
std::size_t MemoryStore::sync_all() { return state_->sync(~std::size_t{0}); }

std::size_t MemoryStore::unsynced() const {
  const std::lock_guard lock(state_->mutex);
  return state_->waiting.size();
}

void MemoryStore::crash(std::size_t kept) {
  const std::lock_guard lock(state_->mutex);
  State& state = *state_;
  if (!state.failed.empty()) kept = 0;  // what followed a lost commit cannot have outlived it
  while (state.waiting.size() > kept) {
    state.undo(state.waiting.back());
    state.waiting.pop_back();
  }
  state.waiting.clear();
  for (; !state.failed.empty(); state.failed.pop_back()) state.undo(state.failed.back());
  for (auto& [number, rows] : state.partitions) ++rows.epoch;
  state.broken_disk = state.fail_commit = state.fail_sync = false;
}

void MemoryStore::fail_next_commit(bool reached_disk) {
  const std::lock_guard lock(state_->mutex);
  state_->fail_commit = true;
  state_->failing_reached_disk = reached_disk;
}

void MemoryStore::fail_next_sync(bool reached_disk) {
  const std::lock_guard lock(state_->mutex);
  state_->fail_sync = true;
  state_->failing_reached_disk = reached_disk;
}

void MemoryStore::set_pressure(bool write_stalled, bool low_on_space) {
  const std::lock_guard lock(state_->mutex);
  state_->write_stalled = write_stalled;
  state_->low_on_space = low_on_space;
}

MemoryStore::Usage MemoryStore::usage() const {
  const std::lock_guard lock(state_->mutex);
  Usage usage;
  for (const auto& [number, rows] : state_->partitions) {
    for (const Shelf& shelf : rows.shelves) {
      usage.rows += shelf.table->size();
      usage.bytes += shelf.bytes;
    }
  }
  return usage;
}

MemoryStore::Usage MemoryStore::usage(std::uint32_t partition, Family family) const {
  const std::lock_guard lock(state_->mutex);
  const Shelf& shelf = state_->rows(partition).shelf(family);
  return {shelf.table->size(), shelf.bytes};
}

}  // namespace pawl::storage
