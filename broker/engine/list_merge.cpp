#include "broker/engine/list_merge.h"

#include <algorithm>
#include <utility>

namespace pawl::engine {

using core::JobId;
using core::Place;
using core::Status;

namespace {

constexpr std::size_t chunk_max = 256;
constexpr std::size_t chunk_bytes = 1u << 20;
constexpr std::size_t chunk_rows = 4096;  // seen for one chunk, when the filter refuses most

bool wants(const std::vector<Status>& statuses, std::initializer_list<Status> any) {
  if (statuses.empty()) return true;
  return std::ranges::any_of(
      any, [&](Status status) { return std::ranges::find(statuses, status) != statuses.end(); });
}

}  // namespace

bool matches(const JobFilter& filter, const core::Job& job) {
  if (!wants(filter.status, {job.status})) return false;
  if (filter.name && *filter.name != job.name) return false;
  if (filter.group && *filter.group != job.group) return false;
  if (filter.tag && std::ranges::find(job.tags, *filter.tag) == job.tags.end()) return false;
  if (filter.fingerprint && fingerprint_of(job) != *filter.fingerprint) return false;
  return !filter.error_type || (!job.errors.empty() && job.errors.back().type == *filter.error_type);
}

bool ListMerge::Later::operator()(std::size_t a, std::size_t b) const {
  return merge->before(merge->sources_[b].buffer.front().id, merge->sources_[a].buffer.front().id);
}

ListMerge::ListMerge(Options options)
    : options_(options),
      until_(std::chrono::steady_clock::now() + options.time_max),
      heads_(Later{this}),
      seen_(options.after) {}

bool ListMerge::budget_left() const {
  return rows_ < options_.rows_max && std::chrono::steady_clock::now() < until_;
}

storage::Result<void> ListMerge::add_queue(core::QueueNumber queue) {
  const std::vector<Status>& status = options_.filter.status;
  const std::string prefix = queue_key(queue).str();
  if (wants(status, {Status::delayed, Status::blocked})) {
    if (auto added = add_source(Place::parked, prefix); !added) return added;
  }
  if (wants(status, {Status::completed, Status::cancelled})) {
    if (auto added = add_source(Place::ended, prefix); !added) return added;
  }
  if (wants(status, {Status::failed})) {
    if (auto added = add_source(Place::dead, prefix); !added) return added;
  }
  if (!wants(status, {Status::pending, Status::stalled})) return {};
  // Ready rows are in id order within one priority of one lane: find which there are, from head to head.
  std::string begin = prefix;
  while (!begin.empty()) {
    std::string found;
    const auto scanned =
        options_.snapshot.scan({family::ready, std::exchange(begin, {}), queue_end(queue).str()},
                               [&](std::string_view key, std::string_view) {
                                 if (key.size() > 16) found = key.substr(0, key.size() - 16);
                                 return false;
                               });
    if (!scanned) return scanned;
    if (found.empty()) break;
    if (auto added = add_source(Place::ready, found); !added) return added;
    begin = found + std::string(17, '\xff');
  }
  return {};
}

storage::Result<void> ListMerge::add_source(Place place, std::string prefix) {
  sources_.push_back({place, std::move(prefix), options_.after, false, 8, {}});
  const auto read = read_chunk(sources_.back());
  if (!read) return read;
  push(sources_.size() - 1);
  return {};
}

void ListMerge::add_resident(std::vector<JobId> ids) {
  std::ranges::sort(ids, [this](const JobId& a, const JobId& b) { return before(a, b); });
  Source source;
  source.exhausted = true;
  for (const JobId& id : ids) {
    if (!options_.after || before(*options_.after, id)) source.buffer.push_back({id, std::nullopt});
  }
  sources_.push_back(std::move(source));
  push(sources_.size() - 1);
}

void ListMerge::push(std::size_t index) {
  if (!sources_[index].buffer.empty())
    heads_.push(index);
  else if (!sources_[index].exhausted)
    hungry_.push_back(index);
}

bool ListMerge::visit(Source& source, std::size_t& bytes, std::string_view key, std::string_view value) {
  ++rows_;
  source.frontier = id_at(key, source.prefix.size());
  Decoded<core::Job> job = decode_job(source.place, key, value);
  if (!job) {
    damaged_ = job.error().what;
    return false;
  }
  if (expired(job->expires_at, options_.now_wall) || !matches(options_.filter, *job)) return true;
  bytes += value.size();
  source.buffer.push_back({job->id, std::move(*job)});
  return true;
}

storage::Result<void> ListMerge::read_chunk(Source& source) {
  storage::Range range{family_of(source.place), source.prefix, source.prefix + std::string(17, '\xff')};
  range.reverse = options_.filter.newest_first;
  if (source.frontier && range.reverse) range.end = source.prefix + std::string(source.frontier->view());
  if (source.frontier && !range.reverse)
    range.begin = source.prefix + std::string(source.frontier->view()) + '\0';
  std::size_t bytes = 0;
  bool stopped = false;
  const std::size_t rows_before = rows_;
  const auto scanned = options_.snapshot.scan(range, [&](std::string_view key, std::string_view value) {
    if (source.buffer.size() >= source.chunk || bytes >= chunk_bytes || rows_ - rows_before >= chunk_rows) {
      stopped = true;
      return false;
    }
    if (key.size() != source.prefix.size() + 16) {
      damaged_ = "the key of a job has a wrong size";
      return false;
    }
    return visit(source, bytes, key, value);
  });
  if (!scanned) return scanned;
  if (!damaged_.empty()) return std::unexpected(storage::Error{storage::Errc::corrupt, damaged_});
  source.exhausted = !stopped;
  source.chunk = std::min(source.chunk * 2, chunk_max);
  return {};
}

// The budget ended: what is before every source's frontier is still complete.
std::optional<ListMerge::Candidate> ListMerge::rest() {
  if (heads_.empty()) return std::nullopt;
  const std::size_t index = heads_.top();
  Source& source = sources_[index];
  if (barrier_ && before(*barrier_, source.buffer.front().id)) return std::nullopt;
  heads_.pop();
  Candidate candidate = std::move(source.buffer.front());
  source.buffer.pop_front();
  push(index);
  return candidate;
}

// A source whose chunk is used up must be read before anything later is given.
storage::Result<void> ListMerge::feed() {
  while (!barrier_ && !hungry_.empty()) {
    const std::size_t index = hungry_.back();
    hungry_.pop_back();
    Source& source = sources_[index];
    while (source.buffer.empty() && !source.exhausted && budget_left()) {
      if (auto read = read_chunk(source); !read) return read;
    }
    if (!source.buffer.empty() || source.exhausted) {
      push(index);
      continue;
    }
    for (const Source& any : sources_) {
      if (!any.exhausted && (!barrier_ || before(*any.frontier, *barrier_))) barrier_ = any.frontier;
    }
  }
  return {};
}

storage::Result<std::optional<ListMerge::Candidate>> ListMerge::next() {
  std::optional<Candidate> candidate;
  do {
    if (const auto fed = feed(); !fed) return std::unexpected(fed.error());
    candidate = rest();
  } while (candidate && seen_ && candidate->id == *seen_);  // a job that memory and the snapshot both name
  if (candidate) {
    seen_ = candidate->id;
  } else if (barrier_) {
    seen_ = barrier_;
  } else {
    complete_ = true;
  }
  return candidate;
}

}  // namespace pawl::engine
