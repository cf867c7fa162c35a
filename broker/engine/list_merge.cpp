#include "broker/engine/list_merge.h"

#include <algorithm>
#include <utility>

namespace pawl::engine {

using core::JobId;
using core::Place;
using core::Status;

namespace {

constexpr std::size_t chunk_max = 4096;   // rows of one chunk
constexpr std::size_t chunk_found = 256;  // of them those that the filter wants
constexpr std::size_t chunk_bytes = 1u << 20;
// What the buffers of many sources may hold together, about.
constexpr std::size_t all_found = 16'384;
constexpr std::size_t all_bytes = 32u << 20;

bool wants(const std::vector<Status>& statuses, std::initializer_list<Status> any) {
  if (statuses.empty()) return true;
  return std::ranges::any_of(
      any, [&](Status status) { return std::ranges::find(statuses, status) != statuses.end(); });
}

}  // namespace

namespace {

bool payload_mentions(const std::string& payload, std::string_view text, const JobFilter& filter) {
  if (payload.find(text) == std::string::npos) return false;
  return !filter.shown || filter.shown(payload).find(text) != std::string::npos;
}

bool mentions(const core::Job& job, std::string_view text, const JobFilter& filter) {
  if (job.payload && payload_mentions(*job.payload, text, filter)) return true;
  return std::ranges::any_of(job.errors, [&](const core::AttemptError& error) {
    return error.type.find(text) != std::string::npos || error.message.find(text) != std::string::npos ||
           error.stack.find(text) != std::string::npos;
  });
}

bool holds(const core::Job& job, const std::pair<std::string, std::string>& wanted,
           const PayloadValue& value_at) {
  return value_at && job.payload && value_at(*job.payload, wanted.first) == wanted.second;
}

bool matches_ranges(const JobFilter& filter, const core::Job& job) {
  if (filter.id_first && job.id < *filter.id_first) return false;
  if (filter.id_last && *filter.id_last < job.id) return false;
  if (filter.created_from && job.created_at < *filter.created_from) return false;
  if (filter.created_before && job.created_at >= *filter.created_before) return false;
  return job.attempts_made >= filter.attempts_min && job.attempts_made <= filter.attempts_max;
}

// Ids run ahead of the clock when more than 4096 are given out in a millisecond.
constexpr core::Millis ids_ahead_ms = 500;

IdRange range_of(const JobFilter& filter) {
  IdRange range{JobId::from_words(0, 0), JobId::from_words(UINT64_MAX, UINT64_MAX)};
  if (filter.id_first) range.first = *filter.id_first;
  if (filter.id_last) range.last = *filter.id_last;
  if (filter.created_from && *filter.created_from > 0) {
    range.first =
        std::max(range.first, JobId::from_words(static_cast<std::uint64_t>(*filter.created_from) << 16, 0));
  }
  if (filter.created_before) {
    const auto end =
        static_cast<std::uint64_t>(std::max<core::Millis>(*filter.created_before, 0) + ids_ahead_ms);
    range.last = std::min(range.last, JobId::from_words(end << 16, 0));
  }
  return range;
}

JobId id_before(JobId id) {
  for (std::size_t i = 16; i-- > 0;) {
    if (id.bytes[i]-- != 0) break;
  }
  return id;
}

}  // namespace

bool matches(const JobFilter& filter, const core::Job& job, const PayloadValue& value_at) {
  if (!wants(filter.status, {job.status})) return false;
  if (filter.name && *filter.name != job.name) return false;
  if (filter.group && *filter.group != job.group) return false;
  if (filter.tag && std::ranges::find(job.tags, *filter.tag) == job.tags.end()) return false;
  if (filter.error_type && (job.errors.empty() || job.errors.back().type != *filter.error_type)) return false;
  if (filter.fingerprint && fingerprint_of(job) != *filter.fingerprint) return false;
  if (filter.worker && *filter.worker != job.worker_id) return false;
  if (!matches_ranges(filter, job)) return false;
  if (filter.text && !mentions(job, *filter.text, filter)) return false;
  return std::ranges::all_of(filter.payload,
                             [&](const auto& wanted) { return holds(job, wanted, value_at); });
}

bool ListMerge::Later::operator()(std::size_t a, std::size_t b) const {
  const Source& first = merge->sources_[a];
  const Source& second = merge->sources_[b];
  if (first.head() == second.head()) return first.buffer.empty() && !second.buffer.empty();
  return merge->before(second.head(), first.head());
}

ListMerge::ListMerge(Options options)
    : options_(options), heads_(Later{this}), probe_(SearchProbe::of(options.filter)), seen_(options.after) {}

const PayloadValue& ListMerge::value_at() const {
  static const PayloadValue none;
  return options_.value_at != nullptr ? *options_.value_at : none;
}

bool ListMerge::budget_left() const {
  return rows_ < options_.rows_max && std::chrono::steady_clock::now() < *until_;
}

storage::Result<void> ListMerge::add_queue(core::QueueNumber queue) {
  const std::vector<Status>& status = options_.filter.status;
  const std::string prefix = queue_key(queue).str();
  const std::optional<Start> start = start_of(queue);
  if (!start) return {};
  if (wants(status, {Status::delayed, Status::blocked})) {
    if (auto added = add_source(Place::parked, queue, prefix); !added) return added;
  }
  if (wants(status, {Status::completed, Status::cancelled})) {
    if (auto added = add_source(Place::ended, queue, prefix); !added) return added;
  }
  if (wants(status, {Status::failed})) {
    if (auto added = add_source(Place::dead, queue, prefix); !added) return added;
  }
  if (!wants(status, {Status::pending, Status::stalled})) return {};
  if (!options_.filter.group) return add_ready(queue, *start, prefix, queue_end(queue).str());
  if (auto added = add_ready(queue, *start, prefix, lanes_begin(queue).str()); !added) return added;
  return add_lanes_of_group(queue, *start);
}

// Nothing: no job of the queue matches.
std::optional<ListMerge::Start> ListMerge::start_of(core::QueueNumber queue) {
  Source any;
  any.frontier = options_.after;
  const std::optional<IdRange> left = rest_of(any);
  if (!left) return std::nullopt;
  if (options_.index == nullptr || !probe_.useful()) return Start{*left, *left};
  std::uint64_t skipped = 0;
  const auto stretch = options_.index->next(queue, probe_, *left, options_.filter.newest_first, skipped);
  if (stretch) return Start{*left, *stretch};
  passed_.emplace_back(options_.filter.newest_first ? left->first : left->last, skipped);
  return std::nullopt;
}

// A job that waits in a lane waits in one of its group.
storage::Result<void> ListMerge::add_lanes_of_group(core::QueueNumber queue, const Start& start) {
  std::vector<std::uint32_t> lanes;
  const auto scanned = options_.snapshot.scan({family::lanes, queue_key(queue).str(), queue_end(queue).str()},
                                              [&](std::string_view key, std::string_view value) {
                                                const Decoded<core::LaneKey> lane = decode_lane_key(key);
                                                const Decoded<std::uint32_t> number = decode_lane(value);
                                                if (!lane || !number)
                                                  damaged_ = "the record of a lane is damaged";
                                                if (damaged_.empty() && lane->group == *options_.filter.group)
                                                  lanes.push_back(*number);
                                                return damaged_.empty();
                                              });
  if (!scanned) return scanned;
  if (!damaged_.empty()) return std::unexpected(storage::Error{storage::Errc::corrupt, damaged_});
  for (const std::uint32_t lane : lanes) {
    const std::string begin = lane_prefix(queue, lane).str();
    if (auto added = add_ready(queue, start, begin, begin + std::string(19, '\xff')); !added) return added;
  }
  return {};
}

// Ready rows are in id order within one priority of one lane. Finds which of those lines there are and, of
// each, the first id that may match; its rows are read when their turn comes.
storage::Result<void> ListMerge::add_ready(core::QueueNumber queue, const Start& start,
                                           const std::string& begin, const std::string& end) {
  const bool newest_first = options_.filter.newest_first;
  const auto visit = [&](std::string_view key, std::string_view, std::string& to) {
    if (key.size() <= 16) {
      damaged_ = "the key of a job has a wrong size";
      return false;
    }
    std::string line(key.substr(0, key.size() - 16));
    const JobId id = id_at(key, line.size());
    if (newest_first && start.stretch.last < id) {
      to = line + std::string(start.stretch.last.view()) + '\0';
      return true;
    }
    if (!newest_first && id < start.stretch.first) {
      to = line + std::string(start.stretch.first.view());
      return true;
    }
    if (start.left.first <= id && id <= start.left.last) {
      const bool counts = sources_.empty() || sources_.back().queue != queue;
      // Just before it, in the order of the list.
      const JobId frontier = newest_first ? id_after(id).value_or(id) : id_before(id);
      sources_.push_back({Place::ready, line, queue, counts, frontier, false, 4, {}});
      push(sources_.size() - 1);
    }
    to = newest_first ? line : line + std::string(17, '\xff');
    return true;
  };
  const auto walked = options_.snapshot.walk({family::ready, begin, end, newest_first}, visit);
  if (!walked) return walked;
  if (!damaged_.empty()) return std::unexpected(storage::Error{storage::Errc::corrupt, damaged_});
  return {};
}

storage::Result<void> ListMerge::add_source(Place place, core::QueueNumber queue, std::string prefix) {
  const bool counts = sources_.empty() || sources_.back().queue != queue;
  sources_.push_back({place, std::move(prefix), queue, counts, options_.after, false, 4, {}});
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
  if (!sources_[index].buffer.empty() || !sources_[index].exhausted) heads_.push(index);
}

bool ListMerge::visit(Source& source, std::size_t& bytes, std::string_view key, std::string_view value) {
  ++rows_;
  source.frontier = id_at(key, source.prefix.size());
  if (options_.counts) passed_.emplace_back(*source.frontier, 1);
  Decoded<core::Job> job = decode_job(source.place, key, value);
  if (!job) {
    damaged_ = job.error().what;
    return false;
  }
  if (expired(job->expires_at, options_.now_wall) || !matches(options_.filter, *job, value_at())) return true;
  bytes += value.size();
  source.buffer.push_back({job->id, std::move(*job)});
  return true;
}

std::uint64_t ListMerge::looked_at() const {
  std::uint64_t sum = 0;
  for (const auto& [id, count] : passed_) {
    if (complete_ || (seen_ && !before(*seen_, id))) sum += count;
  }
  return sum;
}

// What the filter leaves of the source's ids beyond the frontier.
std::optional<IdRange> ListMerge::rest_of(const Source& source) const {
  IdRange range = range_of(options_.filter);
  if (source.frontier && options_.filter.newest_first) {
    if (*source.frontier == JobId{}) return std::nullopt;
    range.last = std::min(range.last, id_before(*source.frontier));
  } else if (source.frontier) {
    const std::optional<JobId> after = id_after(*source.frontier);
    if (!after) return std::nullopt;
    range.first = std::max(range.first, *after);
  }
  if (range.last < range.first) return std::nullopt;
  return range;
}

storage::Result<void> ListMerge::read_chunk(Source& source) {
  const bool newest_first = options_.filter.newest_first;
  const std::optional<IdRange> left = rest_of(source);
  std::optional<IdRange> stretch = left;
  if (left && options_.index != nullptr && probe_.useful()) {
    std::uint64_t skipped = 0;
    stretch = options_.index->next(source.queue, probe_, *left, newest_first, skipped);
    const JobId far = newest_first ? left->first : left->last;
    const JobId near = !stretch ? far : newest_first ? stretch->last : stretch->first;
    if (source.counts && skipped > 0) passed_.emplace_back(near, skipped);
  }
  source.exhausted = !stretch;
  if (!stretch) return {};
  storage::Range range{family_of(source.place), source.prefix + std::string(stretch->first.view()),
                       source.prefix + std::string(stretch->last.view()) + '\0', newest_first};
  std::size_t bytes = 0;
  bool stopped = false;
  const std::size_t rows_before = rows_;
  const std::size_t found_max = std::clamp<std::size_t>(all_found / sources_.size(), 4, chunk_found);
  const std::size_t bytes_max = std::clamp<std::size_t>(all_bytes / sources_.size(), 4096, chunk_bytes);
  const auto scanned = options_.snapshot.scan(range, [&](std::string_view key, std::string_view value) {
    if (rows_ - rows_before >= source.chunk || bytes >= bytes_max || source.buffer.size() >= found_max) {
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
  source.chunk = std::min(source.chunk * 2, chunk_max);
  if (stopped) return {};
  source.frontier = newest_first ? stretch->first : stretch->last;
  source.exhausted = !rest_of(source);
  return {};
}

void ListMerge::go_on() {
  rows_ = 0;
  until_.reset();
}

storage::Result<std::optional<ListMerge::Candidate>> ListMerge::next() {
  if (!until_) until_ = std::chrono::steady_clock::now() + options_.time_max;
  while (!heads_.empty()) {
    const std::size_t index = heads_.top();
    Source& source = sources_[index];
    if (source.buffer.empty()) {
      // Nothing later is given before this source was read on.
      if (!budget_left()) {
        seen_ = source.frontier;
        return std::nullopt;
      }
      heads_.pop();
      if (auto read = read_chunk(source); !read) return std::unexpected(read.error());
      push(index);
      continue;
    }
    heads_.pop();
    Candidate candidate = std::move(source.buffer.front());
    source.buffer.pop_front();
    push(index);
    if (seen_ && candidate.id == *seen_) continue;  // memory and the snapshot both name it
    seen_ = candidate.id;
    return candidate;
  }
  complete_ = true;
  return std::nullopt;
}

}  // namespace pawl::engine
