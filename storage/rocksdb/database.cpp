#include "storage/rocksdb/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "rocksdb/convenience.h"
#include "storage/rocksdb/expiry.h"
#include "storage/rocksdb/status.h"

namespace pawl::storage {

namespace {

/// Partition 0 has the plain names; most stores have no other.
std::string name_on_disk(std::uint32_t partition, const std::string& family) {
  return partition == 0 ? family : fmt::format("{}/{}", partition, family);
}

std::string family_of(const std::string& name_on_disk) {
  const std::size_t slash = name_on_disk.find('/');
  return slash == std::string::npos ? name_on_disk : name_on_disk.substr(slash + 1);
}

/// The process that has RocksDB's own lock, where it is not a Pawl; 0 if that cannot be told.
pid_t lock_holder(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return 0;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool known = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return known ? lock.l_pid : 0;
}

}  // namespace

Database::Database(std::unique_ptr<Directory> directory, Options options, RocksDbTesting testing)
    : options_(std::move(options)),
      testing_(std::move(testing)),
      directory_(std::move(directory)),
      guard_(std::make_shared<GuardFileSystem>(testing_.file_system ? testing_.file_system
                                                                    : rocksdb::FileSystem::Default())),
      env_(rocksdb::NewCompositeEnv(guard_)),
      tuning_(options_) {}

Result<std::shared_ptr<Database>> Database::open(const std::string& path, Options options,
                                                 RocksDbTesting testing) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  const bool real = testing.file_system == nullptr;
  auto directory = Directory::open(real ? rocksdb::FileSystem::Default() : testing.file_system, trimmed,
                                   options.format_version, real);
  if (!directory) return std::unexpected(directory.error());
  auto watermark = WatermarkFile::open((*directory)->fs(), (*directory)->watermark_path());
  if (!watermark) return std::unexpected(watermark.error());

  const Watermark mark = watermark->newest();
  std::shared_ptr<Database> database(
      new Database(std::move(*directory), std::move(options), std::move(testing)));
  Result<void> step = check_promised_files(*database->guard_, database->directory_->db_path(), mark);
  if (step) step = database->open_db(mark);
  if (step) step = database->check_recovered(mark);
  if (step) step = database->read_erased_ranges();
  if (step) step = database->start(std::move(*watermark));
  if (!step) return std::unexpected(step.error());
  return database;
}

Result<void> Database::open_db(const Watermark& mark) {
  const std::string path = directory_->db_path();
  rocksdb::DBOptions db_options = tuning_.db_options(env_.get());
  db_options.create_if_missing = mark.db_id.empty();
  audit_.expect(mark);
  db_options.wal_filter = &audit_;

  std::vector<std::string> names;
  if (guard_->FileExists(path + "/CURRENT", {}, nullptr).ok()) {
    const auto listed = rocksdb::DB::ListColumnFamilies(db_options, path, &names);
    if (!listed.ok()) return std::unexpected(open_error(listed));
  } else {
    names.push_back(rocksdb::kDefaultColumnFamilyName);
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    const auto spec = std::ranges::find(options_.families, family_of(name), &FamilySpec::name);
    families.emplace_back(name, tuning_.family_options(spec == options_.families.end() ? nullptr : &*spec));
  }

  const auto logs = find_log_ends(*guard_, path, mark);
  if (!logs) return std::unexpected(logs.error());
  guard_->end_logs_at(logs->ends);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(db_options, path, families, &handles, &db);
  if (!status.ok()) return std::unexpected(open_error(status));
  db_.reset(db);
  for (std::size_t i = 0; i < names.size(); ++i) handles_[names[i]] = handles[i];

  if (const std::uint64_t torn = logs->torn_bytes + audit_.torn_bytes(logs->ends);
      torn > 0 && options_.notice) {
    options_.notice(
        fmt::format("The log in {} ended in the middle of a write, as a power cut leaves it: {} bytes that "
                    "were never acknowledged were dropped.",
                    path, torn));
  }
  return {};
}

Error Database::open_error(const rocksdb::Status& status) const {
  const std::string path = directory_->db_path();
  if (!audit_.gap().empty()) return {Errc::corrupt, fmt::format("{}. {}", audit_.gap(), next_step)};
  if (status.ToString().find("lock") != std::string::npos && status.IsIOError()) {
    const pid_t pid = lock_holder(path + "/LOCK");
    const std::string owner = pid > 0 ? fmt::format("pid {}", pid) : "another process";
    return {Errc::in_use,
            fmt::format("The database {} is in use by {}. Stop it first, or use another directory.", path,
                        owner)};
  }
  const std::string text = status.ToString();
  const std::string last = guard_->last_read();
  const bool names_file = text.find(path + "/") != std::string::npos;
  return to_error(status, names_file || last.empty() ? "opening " + path : "reading " + last);
}

Result<void> Database::check_recovered(const Watermark& mark) {
  std::string id;
  if (const auto status = db_->GetDbIdentity(id); !status.ok()) return std::unexpected(read_error(status));
  const std::string watermark = directory_->watermark_path();
  if (!mark.db_id.empty() && mark.db_id != id) {
    return std::unexpected(Error{Errc::corrupt, fmt::format("{} belongs to another database than {}. {}",
                                                            watermark, directory_->db_path(), next_step)});
  }
  if (const auto found = db_->GetLatestSequenceNumber(); found < mark.sequence) {
    return std::unexpected(Error{
        Errc::corrupt,
        fmt::format(
            "{} ends at write {}, but {} says that {} was on disk: a log, table or MANIFEST file is missing "
            "or was replaced by an older one. {}",
            directory_->db_path(), found, watermark, mark.sequence, next_step)});
  }
  return {};
}

Result<void> Database::read_erased_ranges() {
  for (const auto& [name, handle] : handles_) {
    if (const auto status = erased_[handle].add_tables(*db_, handle); !status.ok())
      return std::unexpected(read_error(status));
  }
  return {};
}

Result<void> Database::start(WatermarkFile watermark) {
  if (auto raised = directory_->raise_format(); !raised) return raised;
  std::string id;
  if (const auto status = db_->GetDbIdentity(id); !status.ok()) return std::unexpected(read_error(status));
  ledger_ = std::make_unique<Ledger>(std::move(watermark), *guard_, std::move(id));
  guard_->let_go([this](std::uint64_t released) { return ledger_->release(released); });
  const auto status = ledger_->record(db_->GetLatestSequenceNumber(), Ledger::Sync::now);
  if (!status.ok()) return std::unexpected(to_error(status, "writing " + directory_->watermark_path()));
  look_around();
  syncer_ = std::make_unique<Syncer>(
      *db_, gates(), *ledger_, Syncer::Hooks{options_.notice, [this] { look_around(); }, testing_.skip_sync});
  reclaimer_ = std::make_unique<Reclaimer>(*db_, options_.wall_clock, [this] { return expiring_families(); });
  return {};
}

std::vector<rocksdb::ColumnFamilyHandle*> Database::expiring_families() {
  const std::lock_guard lock(seats_mutex_);
  std::vector<rocksdb::ColumnFamilyHandle*> expiring;
  for (const auto& [name, handle] : handles_) {
    const auto spec = std::ranges::find(options_.families, family_of(name), &FamilySpec::name);
    if (spec != options_.families.end() && spec->expires) expiring.push_back(handle);
  }
  return expiring;
}

Database::~Database() { close(); }

void Database::close() {
  reclaimer_.reset();
  const bool started = syncer_ != nullptr;
  const bool whole = started && !syncer_->failed() && !gates().log_failed && !testing_.skip_sync;
  if (started) syncer_->drain();
  syncer_.reset();
  if (!db_) return;
  if (whole && !gates().log_failed) {
    // Should it fail, the log has everything and is replayed at the next start.
    if (flush().ok())
      ledger_->record(db_->GetLatestSequenceNumber(), Ledger::Sync::now).PermitUncheckedError();
  }
  rocksdb::CancelAllBackgroundWork(db_.get(), true);
  for (const auto& [name, handle] : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();
  db_.reset();
}

rocksdb::Status Database::flush() {
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  for (const auto& [name, handle] : handles_) families.push_back(handle);
  if (const auto status = db_->Flush({}, families); !status.ok()) return status;
  // A family that was being flushed meanwhile still clings to an old log. One more small write makes a new
  // log, and all families that are empty move on to it.
  if (const auto status = db_->Put({}, "closed", std::to_string(db_->GetLatestSequenceNumber()));
      !status.ok()) {
    return status;
  }
  if (const auto status = db_->SyncWAL(); !status.ok()) return status;
  return db_->Flush({});
}

Result<rocksdb::ColumnFamilyHandle*> Database::family_handle(std::uint32_t partition,
                                                             const FamilySpec& spec) {
  const std::string name = name_on_disk(partition, spec.name);
  if (const auto found = handles_.find(name); found != handles_.end()) return found->second;
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  const auto status = db_->CreateColumnFamily(tuning_.family_options(&spec), name, &handle);
  if (!status.ok()) return std::unexpected(to_error(status, "making the family " + name));
  handles_[name] = handle;
  return handle;
}

Result<std::uint64_t> Database::stored_epoch(const std::string& key) {
  std::string text;
  const auto status = db_->Get({}, key, &text);
  if (status.IsNotFound()) return 0;
  if (!status.ok()) return std::unexpected(read_error(status));
  return std::strtoull(text.c_str(), nullptr, 10);
}

Result<Database::Taken> Database::take_seat(std::uint32_t partition) {
  const std::lock_guard lock(seats_mutex_);
  std::shared_ptr<Seat>& seat = seats_[partition];
  if (!seat) {
    auto made = std::make_shared<Seat>();
    for (const FamilySpec& spec : options_.families) {
      const auto handle = family_handle(partition, spec);
      if (!handle) return std::unexpected(handle.error());
      made->families.push_back(*handle);
      made->erased.push_back(&erased_[*handle]);
    }
    seat = std::move(made);
  }
  const std::string key = fmt::format("epoch/{}", partition);
  const auto stored = stored_epoch(key);
  if (!stored) return std::unexpected(stored.error());
  rocksdb::WriteBatch batch;
  const std::uint64_t epoch = *stored + 1;
  auto outcome = std::make_shared<std::atomic<Outcome>>(Outcome::failed);
  {
    const std::lock_guard seat_lock(seat->mutex);
    const bool written = batch.Put(key, std::to_string(epoch)).ok() && write(batch);
    if (written) seat->epoch = epoch;
    syncer_->push([outcome](Outcome ended) { *outcome = ended; },
                  written ? Outcome::durable : Outcome::failed);
  }
  syncer_->drain();
  if (*outcome != Outcome::durable) {
    return std::unexpected(
        Error{Errc::io, fmt::format("The store in {} has failed and takes no more writes. Look at the "
                                    "disk and the system log, then start again.",
                                    directory_->path())});
  }
  return Taken{seat, epoch};
}

bool Database::write(rocksdb::WriteBatch& batch) {
  rocksdb::Status status;
  {
    const std::lock_guard gate(gates().writing);
    if (syncer_->failed() || gates().log_failed.load(std::memory_order_acquire)) return false;
    const std::uint64_t records = syncer_->records();
    status = db_->Write({}, &batch);
    // What nobody counted would be taken for durable.
    if (status.ok() && syncer_->records() == records) syncer_->record_written();
  }
  if (!status.ok()) syncer_->fail("writing to the log: " + status.ToString());
  return status.ok();
}

Error Database::read_error(const rocksdb::Status& status) const {
  return to_error(status, "reading " + directory_->db_path());
}

void Database::look_around() {
  std::uint64_t stopped = 0;
  std::uint64_t delayed_rate = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kIsWriteStopped, &stopped);
  db_->GetIntProperty(rocksdb::DB::Properties::kActualDelayedWriteRate, &delayed_rate);
  write_stalled_.store(stopped != 0 || delayed_rate != 0, std::memory_order_relaxed);

  std::uint64_t free = 0;
  if (guard_->GetFreeSpace(directory_->db_path(), {}, &free, nullptr).ok()) {
    free_bytes_.store(free, std::memory_order_relaxed);
    low_on_space_.store(free < options_.free_space_floor_bytes, std::memory_order_relaxed);
  }
  // Not kTotalSstFilesSize: on a machine at rest that took milliseconds, some of them under the lock that a
  // sync needs, and this is the thread that syncs.
  std::uint64_t bytes = 0;
  for (const auto& [name, size] : file_sizes(*guard_, directory_->db_path())) bytes += size;
  disk_bytes_.store(bytes, std::memory_order_relaxed);
}

void Database::fill(Counters& counters) const {
  counters.syncs = syncer_->syncs();
  counters.sync_micros = syncer_->sync_micros();
  counters.last_sync_micros = syncer_->last_sync_micros();
  counters.disk_bytes = disk_bytes_.load(std::memory_order_relaxed);
  counters.free_bytes = free_bytes_.load(std::memory_order_relaxed);
  counters.memory_bytes = tuning_.memory_bytes();
  counters.write_stalled = write_stalled_.load(std::memory_order_relaxed);
  counters.low_on_space = low_on_space_.load(std::memory_order_relaxed);
}

}  // namespace pawl::storage
