// Delayed jobs by when they are due, in the order of their timers; active ones by when they began, which is
// in memory.
#include <algorithm>
#include <utility>

#include "broker/engine/bytes.h"
#include "broker/engine/cursor.h"
#include "broker/engine/job_lister.h"

namespace pawl::engine {

using core::JobId;

namespace {
constexpr std::uint8_t time_cursor = 4;
constexpr std::size_t timers_max = 50'000;  // looked at for one page, when the filter refuses most
constexpr std::size_t leases_asked = 512;
constexpr std::chrono::milliseconds time_max{75};

std::string key_after(core::Millis at, const JobId& id) { return timer_key(at, id).str() + '\0'; }

}  // namespace

/// Where a list goes on.
struct SnapshotLister::TimePlace {
  std::string begin;  // the first key of a timer, or of what would be one, that was not seen yet
  std::uint64_t scanned = 0;

  static std::optional<TimePlace> parse(const JobFilter& filter, const std::string& cursor) {
    TimePlace place;
    if (cursor.empty()) return place;
    const std::optional<std::string> bytes = from_base64url(cursor);
    if (!bytes) return std::nullopt;
    Reader from(*bytes);
    const bool fits = from.byte() == time_cursor && from.varint() == hash_of(filter);
    place.begin = from.text();
    place.scanned = from.varint();
    return fits && from.done() ? std::optional(place) : std::nullopt;
  }
  std::string cursor(const JobFilter& filter) const {
    std::string bytes;
    append(bytes, 1 + 3 * varint_max + begin.size(), [&](Writer& to) {
      to.byte(time_cursor);
      to.varint(hash_of(filter));
      to.text(begin);
      to.varint(scanned);
    });
    return to_base64url(bytes);
  }
};

std::expected<JobPage, ListError> SnapshotLister::read_by_time(const JobFilter& filter, std::size_t limit,
                                                               const std::string& cursor) {
  auto place = TimePlace::parse(filter, cursor);
  if (!place) return std::unexpected(ListError::bad_cursor);
  const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
  JobPage page;
  if (const auto found = find_queues(*snapshot, filter, page); !found) return std::unexpected(found.error());
  const bool active = filter.status.front() == core::Status::active;
  const auto goes_on =
      active ? add_longest(filter, limit, *place, page) : add_due(*snapshot, filter, limit, *place, page);
  if (!goes_on) return std::unexpected(goes_on.error());
  page.complete = page.complete || page.jobs.size() >= limit;
  page.scanned = place->scanned = *goes_on ? std::min(place->scanned, page.of) : page.of;
  if (*goes_on) page.next_cursor = place->cursor(filter);
  return page;
}

std::expected<bool, ListError> SnapshotLister::add_due(const storage::Snapshot& snapshot,
                                                       const JobFilter& filter, std::size_t limit,
                                                       TimePlace& place, JobPage& page) {
  const Instant until = std::chrono::steady_clock::now() + time_max;
  std::size_t looked_at = 0;
  bool goes_on = true;
  while (goes_on && page.complete && page.jobs.size() < limit) {
    std::vector<ListMerge::Candidate> candidates;
    bool damaged = false;
    goes_on = false;
    const auto visit = [&](std::string_view key, std::string_view) {
      // One at least: to find the first may take long, and a page must come further.
      const bool spent =
          looked_at > 0 && (looked_at >= timers_max || std::chrono::steady_clock::now() >= until);
      goes_on = spent || candidates.size() >= limit - page.jobs.size();
      page.complete = !spent;
      if (goes_on) return false;
      ++looked_at;
      place.begin = std::string(key) + '\0';
      const auto timer = parse_timer(key);
      damaged = damaged || !timer;
      if (!timer) return false;
      const JobId& id = timer->second;
      if (!queue_names_.contains(static_cast<std::uint32_t>(id.queue()))) return true;
      const std::string row_key = placed_key(id.queue(), id).str();
      const auto row = snapshot.get(family::parked, row_key);
      damaged = damaged || !row;
      if (!row || !*row) return !damaged;
      Decoded<core::Job> job = decode_job(core::Place::parked, row_key, **row);
      damaged = damaged || !job;
      if (!job) return false;
      if (job->status == core::Status::delayed) ++place.scanned;  // what waits for an event has a timer, too
      if (matches(filter, *job, value_at_)) candidates.push_back({id, std::move(*job)});
      return true;
    };
    const auto scanned = snapshot.scan({family::timers, place.begin, std::string(25, '\xff')}, visit);
    if (!scanned || damaged) return std::unexpected(ListError::store);
    // Asked even when there is nothing to ask for: the answer says that all before it is durable.
    if (const auto laid = overlay(std::move(candidates), filter, page); !laid)
      return std::unexpected(laid.error());
  }
  return goes_on;
}

std::expected<bool, ListError> SnapshotLister::add_longest(const JobFilter& filter, std::size_t limit,
                                                           TimePlace& place, JobPage& page) {
  const auto leases = std::make_shared<std::vector<std::pair<core::Millis, JobId>>>();
  const Instant until = std::chrono::steady_clock::now() + time_max;
  const bool ran =
      port_.run([leases, worker = filter.worker](core::Machine& machine, BatchOutbox&, core::Now) {
        for (const auto& [id, lease] : machine.active_leases()) {
          if (!worker || lease.worker_id == *worker) leases->emplace_back(lease.granted_wall, id);
        }
      });
  if (!ran) return std::unexpected(ListError::busy);
  std::erase_if(*leases, [&](const auto& lease) {
    return !queue_names_.contains(static_cast<std::uint32_t>(lease.second.queue())) ||
           (!place.begin.empty() && key_after(lease.first, lease.second) <= place.begin);
  });
  std::ranges::sort(*leases);
  std::size_t at = 0;
  while (at < leases->size() && page.complete && page.jobs.size() < limit) {
    // Many are asked for at once: each question waits for the disk.
    const std::size_t begin = at;
    std::vector<ListMerge::Candidate> candidates;
    for (const std::size_t end = std::min(at + leases_asked, leases->size()); at < end; ++at)
      candidates.push_back({(*leases)[at].second, {}});
    if (const auto laid = overlay(std::move(candidates), filter, page); !laid)
      return std::unexpected(laid.error());
    if (page.jobs.size() > limit) {
      page.jobs.erase(page.jobs.begin() + static_cast<std::ptrdiff_t>(limit), page.jobs.end());
      const JobId& last = page.jobs.back().job.id;
      at = begin;
      while ((*leases)[at++].second != last) {
      }
    }
    place.begin = key_after((*leases)[at - 1].first, (*leases)[at - 1].second);
    place.scanned += at - begin;
    page.complete = std::chrono::steady_clock::now() < until;
  }
  return at < leases->size();
}

}  // namespace pawl::engine
