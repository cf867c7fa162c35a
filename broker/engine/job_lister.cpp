#include "broker/engine/job_lister.h"

#include <algorithm>
#include <utility>

#include "broker/engine/bytes.h"
#include "broker/engine/cursor.h"
#include "broker/engine/graph_reader.h"

namespace pawl::engine {

using core::JobId;
using core::Status;

namespace {

constexpr std::size_t waiting_max = 256;
constexpr std::size_t limit_max = 1000;
constexpr std::uint8_t jobs_cursor = 1;
constexpr std::uint8_t logs_cursor = 2;
constexpr std::chrono::hours index_kept{1};
constexpr std::chrono::milliseconds build_rest{20};

/// Where a list goes on.
struct ListPlace {
  std::optional<JobId> after;
  std::uint64_t scanned = 0;  // by the pages before
};

std::string make_jobs_cursor(const JobFilter& filter, const JobId& seen, std::uint64_t scanned) {
  std::string bytes;
  append(bytes, 1 + 2 * varint_max + 16, [&](Writer& to) {
    to.byte(jobs_cursor);
    to.varint(hash_of(filter));
    to.raw(seen.view());
    to.varint(scanned);
  });
  return to_base64url(bytes);
}

std::expected<ListPlace, ListError> parse_jobs_cursor(const JobFilter& filter, const std::string& text) {
  if (text.empty()) return ListPlace{};
  const std::optional<std::string> bytes = from_base64url(text);
  if (!bytes) return std::unexpected(ListError::bad_cursor);
  Reader from(*bytes);
  const bool fits = from.byte() == jobs_cursor && from.varint() == hash_of(filter);
  const std::string_view id = from.raw(16);
  const std::uint64_t scanned = from.varint();
  if (!fits || !from.done()) return std::unexpected(ListError::bad_cursor);
  return ListPlace{id_at(id, 0), scanned};
}

bool names(const JobFilter& filter, Status status) {
  return std::ranges::find(filter.status, status) != filter.status.end();
}

// Whose rows do not say what is asked for: an active job's still says what it was before its lease.
bool wants_active(const JobFilter& filter) {
  return names(filter, Status::active) || (filter.status.empty() && filter.worker.has_value());
}

std::uint64_t wanted_of(const JobFilter& filter,
                        const std::array<std::uint64_t, core::status_count>& counts) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (filter.status.empty() || names(filter, static_cast<Status>(i))) sum += counts[i];
  }
  return sum;
}

}  // namespace

std::uint32_t hash_of(const JobFilter& filter) {
  std::uint32_t hash = 2166136261u;
  const auto mix = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619u;
    hash = (hash ^ 0xffu) * 16777619u;
  };
  for (const auto& field :
       {filter.queue, filter.name, filter.group, filter.tag, filter.error_type, filter.worker, filter.text}) {
    mix(field ? "=" + *field : std::string());
  }
  for (const auto& [path, value] : filter.payload) mix(path + "=" + value);
  for (const auto& id : {filter.id_first, filter.id_last}) mix(id ? id->view() : std::string_view());
  for (const auto& at : {filter.created_from, filter.created_before})
    mix(at ? std::to_string(*at) : std::string());
  mix(std::to_string(filter.attempts_min) + "-" + std::to_string(filter.attempts_max));
  mix(filter.fingerprint ? "=" + fingerprint_text(*filter.fingerprint) : std::string());
  for (const Status status : filter.status) mix(core::name_of(status));
  mix(filter.by_time ? "time" : filter.newest_first ? "newest" : "oldest");
  return hash;
}

SnapshotLister::SnapshotLister(Port& port, SearchIndex& index, FailureGroups& failures,
                               const PayloadValue& value_at)
    : port_(port), index_(index), failures_(failures), value_at_(value_at), thread_([this] { run(); }) {}
SnapshotLister::~SnapshotLister() { stop(); }

void SnapshotLister::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  build_.reset();
}

void SnapshotLister::post(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && waiting_.size() < waiting_max) {
      waiting_.push_back(std::move(work));
      wake_.notify_one();
      return;
    }
  }
  work(false);
}

void SnapshotLister::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    idle(lock);
    if (waiting_.empty()) return;
    const Work work = std::move(waiting_.front());
    waiting_.pop_front();
    const bool serve = !stopping_;
    lock.unlock();
    work(serve);
    lock.lock();
  }
}

// Until a request is there or it shall stop; builds the index meanwhile, or forgets it.
void SnapshotLister::idle(std::unique_lock<std::mutex>& lock) {
  const auto called = [this] { return stopping_ || !waiting_.empty(); };
  while (!called()) {
    if (!index_.armed()) {
      wake_.wait(lock, called);
    } else if (to_build_.empty()) {
      if (wake_.wait_until(lock, searched_at_ + index_kept, called)) return;
      forget_index();
    } else {
      lock.unlock();
      build_some();
      lock.lock();
      wake_.wait_for(lock, build_rest, called);
    }
  }
}

void SnapshotLister::list(JobFilter filter, std::size_t limit, std::string cursor, JobsAnswer answer) {
  post([this, filter = std::move(filter), limit, cursor = std::move(cursor),
        answer = std::move(answer)](bool serve) {
    if (serve)
      answer(read_jobs(filter, std::clamp<std::size_t>(limit, 1, limit_max), cursor));
    else
      answer(std::unexpected(ListError::busy));
  });
}

void SnapshotLister::suggest(SuggestField field, std::string prefix, std::size_t limit,
                             SuggestAnswer answer) {
  post([this, field, prefix = std::move(prefix), limit, answer = std::move(answer)](bool serve) {
    if (serve)
      answer(read_words(field, prefix, std::clamp<std::size_t>(limit, 1, limit_max)));
    else
      answer(std::unexpected(ListError::busy));
  });
}

void SnapshotLister::logs(JobId id, std::optional<std::uint32_t> attempt, std::size_t limit,
                          std::string cursor, LogsAnswer answer) {
  post([this, id, attempt, limit, cursor = std::move(cursor), answer = std::move(answer)](bool serve) {
    if (serve)
      answer(read_logs(id, attempt, std::clamp<std::size_t>(limit, 1, limit_max), cursor));
    else
      answer(std::unexpected(ListError::busy));
  });
}

void SnapshotLister::failure_groups(std::string queue, GroupsAnswer answer) {
  post([this, queue = std::move(queue), answer = std::move(answer)](bool serve) {
    if (!serve) return answer(std::unexpected(ListError::busy));
    const auto reply = port_.ask(core::GetQueue{queue});
    if (!reply) return answer(std::unexpected(reply.error()));
    const auto* view = std::get_if<core::QueueView>(&*reply);
    if (view == nullptr) return answer(std::unexpected(ListError::unknown_queue));
    auto groups = failures_.read(view->number, port_.wall());
    if (!groups) return answer(std::unexpected(ListError::busy));
    answer(std::move(*groups));
  });
}

void SnapshotLister::workflow(core::WorkflowId id, WorkflowAnswer answer) {
  post([this, id, answer = std::move(answer)](bool serve) {
    if (serve)
      answer(read_workflow(port_, id));
    else
      answer(std::unexpected(ListError::busy));
  });
}

void SnapshotLister::workflows(std::size_t limit, std::string cursor, WorkflowsAnswer answer) {
  post([this, limit, cursor = std::move(cursor), answer = std::move(answer)](bool serve) {
    if (serve)
      answer(read_workflows(port_, std::clamp<std::size_t>(limit, 1, limit_max), cursor));
    else
      answer(std::unexpected(ListError::busy));
  });
}

std::expected<JobPage, ListError> SnapshotLister::read_jobs(const JobFilter& filter, std::size_t limit,
                                                            const std::string& cursor) {
  if (filter.by_time) return read_by_time(filter, limit, cursor);
  const auto from = parse_jobs_cursor(filter, cursor);
  if (!from) return std::unexpected(from.error());
  // Armed before the snapshot, so that what the snapshot shows was noted.
  const bool indexed = SearchProbe::of(filter).useful() && want_index();
  // The snapshot first: whatever it shows is durable before any later answer of the engine.
  const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
  ListMerge::Options options{*snapshot, filter, port_.wall(), from->after};
  options.index = indexed ? &index_ : nullptr;
  options.value_at = &value_at_;
  ListMerge merge(options);
  JobPage page;
  page.scanned = from->scanned;
  if (const auto added = add_sources(merge, *snapshot, filter, page); !added)
    return std::unexpected(added.error());
  if (const auto filled = fill(merge, filter, limit, page); !filled) return std::unexpected(filled.error());
  return page;
}

// Which queues, and what they declare.
std::expected<void, ListError> SnapshotLister::find_queues(const storage::Snapshot& snapshot,
                                                           const JobFilter& filter, JobPage& page) {
  queue_names_.clear();
  if (filter.queue) {
    const auto reply = port_.ask(core::GetQueue{*filter.queue});
    if (!reply) return std::unexpected(reply.error());
    const auto* queue = std::get_if<core::QueueView>(&*reply);
    if (queue == nullptr) return std::unexpected(ListError::unknown_queue);
    queue_names_[static_cast<std::uint32_t>(queue->number)] = queue->name;
    page.of += wanted_of(filter, queue->counts);
    const std::vector<std::string>& paths = queue->settings.searchable;
    for (const auto& [path, value] : filter.payload) {
      if (std::ranges::find(paths, path) == paths.end()) return std::unexpected(ListError::not_searchable);
    }
    return {};
  }
  // An id that is known to its end names its queue.
  const bool whole = filter.id_first && filter.id_last &&
                     filter.id_first->queue() == filter.id_last->queue() &&
                     filter.id_first->high() == filter.id_last->high();
  bool damaged = false;
  const auto scanned = snapshot.scan({family::queues, {}, std::string(5, '\xff')},
                                     [&](std::string_view key, std::string_view value) {
                                       Decoded<core::QueueRow> row = decode_queue(key, value);
                                       damaged = damaged || !row;
                                       if (!row) return false;
                                       if (whole && row->number != filter.id_first->queue()) return true;
                                       queue_names_[static_cast<std::uint32_t>(row->number)] = row->name;
                                       page.of += wanted_of(filter, row->counts);
                                       return true;
                                     });
  if (!scanned || damaged) return std::unexpected(ListError::store);
  return {};
}

std::expected<void, ListError> SnapshotLister::add_active(ListMerge& merge, const JobFilter& filter) {
  const auto ids = std::make_shared<std::vector<JobId>>();
  const bool ran = port_.run([ids, worker = filter.worker](core::Machine& machine, BatchOutbox&, core::Now) {
    for (const auto& [id, lease] : machine.active_leases()) {
      if (!worker || lease.worker_id == *worker) ids->push_back(id);
    }
  });
  if (!ran) return std::unexpected(ListError::busy);
  std::erase_if(*ids, [this](const JobId& id) {
    return !queue_names_.contains(static_cast<std::uint32_t>(id.queue()));
  });
  merge.add_resident(std::move(*ids));
  return {};
}

std::expected<void, ListError> SnapshotLister::add_sources(ListMerge& merge,
                                                           const storage::Snapshot& snapshot,
                                                           const JobFilter& filter, JobPage& page) {
  if (const auto found = find_queues(snapshot, filter, page); !found) return found;
  if (wants_active(filter)) {
    if (const auto added = add_active(merge, filter); !added) return added;
  }
  for (const auto& [number, name] : queue_names_) {
    if (!merge.add_queue(core::QueueNumber{number})) return std::unexpected(ListError::store);
    if (index_.armed() && !index_.progress(core::QueueNumber{number}).complete) to_build_.insert(number);
  }
  return {};
}

std::expected<void, ListError> SnapshotLister::fill(ListMerge& merge, const JobFilter& filter,
                                                    std::size_t limit, JobPage& page) {
  bool more = true;
  while (more && page.jobs.size() < limit) {
    std::vector<ListMerge::Candidate> candidates;
    while (candidates.size() < limit - page.jobs.size()) {
      auto candidate = merge.next();
      if (!candidate) return std::unexpected(ListError::store);
      more = candidate->has_value();
      if (!more) break;
      candidates.push_back(std::move(**candidate));
    }
    // Asked even when there is nothing to ask for: the answer says that all before it is durable.
    if (const auto laid = overlay(std::move(candidates), filter, page); !laid) return laid;
  }
  const std::optional<JobId> seen = merge.seen();
  std::uint64_t looked_at = merge.looked_at();
  bool goes_on = !more && !merge.is_complete();
  if (more) {
    const auto further = merge.next();
    if (!further) return std::unexpected(ListError::store);
    goes_on = *further || !merge.is_complete();
    if (!goes_on) looked_at = merge.looked_at();
  } else {
    page.complete = merge.is_complete();
  }
  // The index counts a job that changed more than once.
  page.scanned = std::min(page.scanned + looked_at, page.of);
  if (goes_on) page.next_cursor = make_jobs_cursor(filter, *seen, page.scanned);
  return {};
}

std::expected<void, ListError> SnapshotLister::overlay(std::vector<ListMerge::Candidate> candidates,
                                                       const JobFilter& filter, JobPage& page) {
  core::LookResident look;
  for (const ListMerge::Candidate& candidate : candidates) look.ids.push_back(candidate.id);
  auto reply = port_.ask(std::move(look));
  if (!reply) return std::unexpected(reply.error());
  auto* resident = std::get_if<core::Resident>(&*reply);
  if (resident == nullptr) return std::unexpected(ListError::busy);
  std::unordered_map<JobId, core::Resident::Item*, core::JobIdHash> known;
  for (core::Resident::Item& item : resident->jobs) known[item.id] = &item;
  for (ListMerge::Candidate& candidate : candidates) {
    const auto it = known.find(candidate.id);
    if (it != known.end()) {
      core::Resident::Item& item = *it->second;
      if (!item.gone && matches(filter, item.view.job, value_at_)) page.jobs.push_back(std::move(item.view));
      continue;
    }
    if (!candidate.job) continue;
    core::JobView view;
    view.queue = queue_names_[static_cast<std::uint32_t>(candidate.job->queue)];
    view.job = std::move(*candidate.job);
    page.jobs.push_back(std::move(view));
  }
  return {};
}

std::expected<JobLister::Logs, ListError> SnapshotLister::read_logs(const JobId& id,
                                                                    std::optional<std::uint32_t> attempt,
                                                                    std::size_t limit,
                                                                    const std::string& cursor) {
  // Where to go on: the row's key after the id, and how many of its lines were given.
  std::string begin(id.view());
  std::size_t skip = 0;
  if (!cursor.empty()) {
    const std::optional<std::string> bytes = from_base64url(cursor);
    if (!bytes) return std::unexpected(ListError::bad_cursor);
    Reader from(*bytes);
    const bool fits = from.byte() == logs_cursor;
    begin += from.raw(12);
    skip = from.varint32();
    if (!fits || !from.done()) return std::unexpected(ListError::bad_cursor);
  }
  const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
  const auto reply = port_.ask(core::GetJob{id});
  if (!reply) return std::unexpected(reply.error());
  if (!std::holds_alternative<core::JobView>(*reply)) return std::unexpected(ListError::unknown_job);

  Logs logs;
  bool damaged = false;
  const auto visit = [&](std::string_view key, std::string_view value) {
    Decoded<LogRow> row = decode_logs(key, value);
    damaged = damaged || !row;
    if (!row) return false;
    if (attempt && row->attempt != *attempt) {
      skip = 0;
      return true;
    }
    for (std::size_t i = std::exchange(skip, 0); i < row->lines.size(); ++i) {
      if (logs.lines.size() < limit) {
        logs.lines.push_back({row->at, row->attempt, std::move(row->lines[i])});
        continue;
      }
      std::string bytes;
      append(bytes, 1 + 12 + varint_max, [&](Writer& to) {
        to.byte(logs_cursor);
        to.raw(key.substr(16));
        to.varint(i);
      });
      logs.next_cursor = to_base64url(bytes);
      return false;
    }
    return true;
  };
  const auto scanned =
      snapshot->scan({family::logs, begin, std::string(id.view()).append(13, '\xff')}, visit);
  if (!scanned || damaged) return std::unexpected(ListError::store);
  return logs;
}

}  // namespace pawl::engine
