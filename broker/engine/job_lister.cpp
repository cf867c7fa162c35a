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

// A cursor belongs to its filter: with another one its place would mean nothing.
std::uint32_t hash_of(const JobFilter& filter) {
  std::uint32_t hash = 2166136261u;
  const auto mix = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619u;
    hash = (hash ^ 0xffu) * 16777619u;
  };
  for (const auto& field : {filter.queue, filter.name, filter.group, filter.tag, filter.error_type}) {
    mix(field ? "=" + *field : std::string());
  }
  mix(filter.fingerprint ? "=" + fingerprint_text(*filter.fingerprint) : std::string());
  for (const Status status : filter.status) mix(core::name_of(status));
  mix(filter.newest_first ? "newest" : "oldest");
  return hash;
}

std::string make_jobs_cursor(const JobFilter& filter, const JobId& seen) {
  std::string bytes;
  append(bytes, 1 + varint_max + 16, [&](Writer& to) {
    to.byte(jobs_cursor);
    to.varint(hash_of(filter));
    to.raw(seen.view());
  });
  return to_base64url(bytes);
}

std::expected<std::optional<JobId>, ListError> parse_jobs_cursor(const JobFilter& filter,
                                                                 const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::optional<std::string> bytes = from_base64url(text);
  if (!bytes) return std::unexpected(ListError::bad_cursor);
  Reader from(*bytes);
  const bool fits = from.byte() == jobs_cursor && from.varint() == hash_of(filter);
  const std::string_view id = from.raw(16);
  if (!fits || !from.done()) return std::unexpected(ListError::bad_cursor);
  return id_at(id, 0);
}

bool wants_active(const JobFilter& filter) {
  return std::ranges::find(filter.status, Status::active) != filter.status.end();
}

}  // namespace

SnapshotLister::SnapshotLister(Port& port, FailureGroups& failures)
    : port_(port), failures_(failures), thread_([this] { run(); }) {}
SnapshotLister::~SnapshotLister() { stop(); }

void SnapshotLister::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
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
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const Work work = std::move(waiting_.front());
    waiting_.pop_front();
    const bool serve = !stopping_;
    lock.unlock();
    work(serve);
    lock.lock();
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

void SnapshotLister::logs(JobId id, std::size_t limit, std::string cursor, LogsAnswer answer) {
  post([this, id, limit, cursor = std::move(cursor), answer = std::move(answer)](bool serve) {
    if (serve)
      answer(read_logs(id, std::clamp<std::size_t>(limit, 1, limit_max), cursor));
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
  const auto after = parse_jobs_cursor(filter, cursor);
  if (!after) return std::unexpected(after.error());
  // The snapshot first: whatever it shows is durable before any later answer of the engine.
  const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
  ListMerge merge({*snapshot, filter, port_.wall(), *after});
  if (const auto added = add_sources(merge, *snapshot, filter); !added) return std::unexpected(added.error());
  JobPage page;
  if (const auto filled = fill(merge, filter, limit, page); !filled) return std::unexpected(filled.error());
  return page;
}

std::expected<void, ListError> SnapshotLister::add_sources(ListMerge& merge,
                                                           const storage::Snapshot& snapshot,
                                                           const JobFilter& filter) {
  queue_names_.clear();
  std::optional<core::QueueNumber> only;
  if (filter.queue) {
    const auto reply = port_.ask(core::GetQueue{*filter.queue});
    if (!reply) return std::unexpected(reply.error());
    const auto* queue = std::get_if<core::QueueView>(&*reply);
    if (queue == nullptr) return std::unexpected(ListError::unknown_queue);
    only = queue->number;
    queue_names_[static_cast<std::uint32_t>(queue->number)] = queue->name;
  } else {
    bool damaged = false;
    const auto scanned = snapshot.scan({family::queues, {}, std::string(5, '\xff')},
                                       [&](std::string_view key, std::string_view value) {
                                         Decoded<core::QueueRow> row = decode_queue(key, value);
                                         damaged = damaged || !row;
                                         if (!row) return false;
                                         queue_names_[static_cast<std::uint32_t>(row->number)] = row->name;
                                         return true;
                                       });
    if (!scanned || damaged) return std::unexpected(ListError::store);
  }
  if (wants_active(filter)) {
    const auto ids = std::make_shared<std::vector<JobId>>();
    const bool ran = port_.run([ids, only](core::Machine& machine, BatchOutbox&, core::Now) {
      for (const auto& [id, lease] : machine.active_leases()) {
        if (!only || id.queue() == *only) ids->push_back(id);
      }
    });
    if (!ran) return std::unexpected(ListError::busy);
    merge.add_resident(std::move(*ids));
  }
  for (const auto& [number, name] : queue_names_) {
    if (!merge.add_queue(core::QueueNumber{number})) return std::unexpected(ListError::store);
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
  if (more) {
    const auto further = merge.next();
    if (!further) return std::unexpected(ListError::store);
    if (*further || !merge.is_complete()) page.next_cursor = make_jobs_cursor(filter, *seen);
  } else if (!merge.is_complete()) {
    page.complete = false;
    page.next_cursor = make_jobs_cursor(filter, *seen);
  }
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
      if (!item.gone && matches(filter, item.view.job)) page.jobs.push_back(std::move(item.view));
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

std::expected<JobLister::Logs, ListError> SnapshotLister::read_logs(const JobId& id, std::size_t limit,
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
    for (std::size_t i = std::exchange(skip, 0); i < row->lines.size(); ++i) {
      if (logs.lines.size() < limit) {
        logs.lines.push_back({row->at, std::move(row->lines[i])});
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
