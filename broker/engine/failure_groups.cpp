#include "broker/engine/failure_groups.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/engine/codec.h"

namespace pawl::engine {

using core::Millis;

namespace {

constexpr std::size_t sample_max = 500;
constexpr Millis hour_ms = 3'600'000;

// At most `most` bytes, not within a character.
std::string head_of(std::string_view text, std::size_t most) {
  std::size_t end = std::min(text.size(), most);
  while (end > 0 && end < text.size() && (static_cast<std::uint8_t>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

}  // namespace

FailureChange FailureChange::of(What what, const core::Job& job) {
  FailureChange change{what, job.queue, fingerprint_of(job), job.expires_at};
  if (what != What::arrived) return change;
  change.at = job.finished_at;
  if (!job.errors.empty()) {
    change.type = job.errors.back().type;
    change.sample = head_of(job.errors.back().message, sample_max);
  }
  return change;
}

FailureGroups::~FailureGroups() { stop(); }

void FailureGroups::build(std::unique_ptr<storage::Snapshot> snapshot, Millis wall,
                          std::function<void(const std::string&)> warn) {
  thread_ = std::thread([this, snapshot = std::move(snapshot), wall, warn = std::move(warn)]() mutable {
    count(std::move(snapshot), wall, warn);
  });
}

void FailureGroups::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void FailureGroups::count(std::unique_ptr<storage::Snapshot> snapshot, Millis wall,
                          const std::function<void(const std::string&)>& warn) {
  constexpr std::size_t chunk = 256;
  std::vector<FailureChange> found;
  const auto take = [&] {
    const std::lock_guard lock(mutex_);
    for (const FailureChange& change : std::exchange(found, {})) apply(change);
    return !stopping_;
  };
  const auto scanned = snapshot->scan(
      {family::dead, {}, std::string(21, '\xff')}, [&](std::string_view key, std::string_view value) {
        const Decoded<core::Job> job = decode_job(core::Place::dead, key, value);
        // What is damaged is said by whoever needs that job, and by a check.
        if (job && !expired(job->expires_at, wall))
          found.push_back(FailureChange::of(FailureChange::What::arrived, *job));
        return found.size() < chunk || take();
      });
  if (!scanned && warn) warn("the dead letters could not be counted by cause: " + scanned.error().message);
  snapshot.reset();
  if (!take()) return;
  const std::lock_guard lock(mutex_);
  for (const FailureChange& change : std::exchange(pending_, {})) apply(change);
  built_ = true;
}

void FailureGroups::add(const std::vector<FailureChange>& changes) {
  if (changes.empty()) return;
  const std::lock_guard lock(mutex_);
  if (!built_) {
    pending_.insert(pending_.end(), changes.begin(), changes.end());
    return;
  }
  for (const FailureChange& change : changes) apply(change);
}

// The lock is held.
void FailureGroups::apply(const FailureChange& change) {
  const auto number = static_cast<std::uint32_t>(change.queue);
  if (change.what == FailureChange::What::queue_gone) {
    queues_.erase(number);
    return;
  }
  Queue& queue = queues_[number];
  auto found = queue.find(change.fingerprint);
  // Once some are counted together, no new group begins until they have all left: so a failure leaves the
  // group that it came to.
  if (found == queue.end() && (queue.size() >= groups_max_ || queue.contains(Fingerprint::none)))
    found = queue.find(Fingerprint::none);
  if (change.what == FailureChange::What::left) {
    if (found == queue.end()) return;
    Counted& counted = found->second;
    if (change.expires_at != 0) {
      const auto leaving = counted.expiring.find(change.expires_at);
      if (leaving == counted.expiring.end()) return;  // it had expired
      if (--leaving->second == 0) counted.expiring.erase(leaving);
    }
    if (--counted.group.count == 0) queue.erase(found);
    return;
  }
  if (found == queue.end()) {
    const bool apart = queue.size() < groups_max_;
    found = queue.try_emplace(apart ? change.fingerprint : Fingerprint::none).first;
    FailureGroup& group = found->second.group;
    group.fingerprint = found->first;
    group.first_seen = change.at;
    found->second.trend_hour = change.at / hour_ms;
  }
  Counted& counted = found->second;
  FailureGroup& group = counted.group;
  ++group.count;
  if (change.expires_at != 0) ++counted.expiring[change.expires_at];
  group.first_seen = std::min(group.first_seen, change.at);
  if (change.at >= group.last_seen) {
    group.last_seen = change.at;
    group.type = change.type;
    group.sample = change.sample;
  }
  const std::int64_t hour = change.at / hour_ms;
  advance_trend(counted, hour);
  const std::int64_t ago = counted.trend_hour - hour;
  constexpr auto hours = static_cast<std::int64_t>(FailureGroup::trend_hours);
  if (ago < hours) ++group.trend[static_cast<std::size_t>(hours - 1 - ago)];
}

void FailureGroups::advance_trend(Counted& counted, std::int64_t hour) {
  auto& trend = counted.group.trend;
  if (hour <= counted.trend_hour) return;
  const auto steps = static_cast<std::size_t>(
      std::min<std::int64_t>(hour - counted.trend_hour, static_cast<std::int64_t>(trend.size())));
  std::shift_left(trend.begin(), trend.end(), static_cast<std::ptrdiff_t>(steps));
  std::fill(trend.end() - static_cast<std::ptrdiff_t>(steps), trend.end(), 0);
  counted.trend_hour = hour;
}

void FailureGroups::expire(Queue& queue, Millis wall) {
  for (auto it = queue.begin(); it != queue.end();) {
    Counted& counted = it->second;
    while (!counted.expiring.empty() && counted.expiring.begin()->first <= wall) {
      counted.group.count -= counted.expiring.begin()->second;
      counted.expiring.erase(counted.expiring.begin());
    }
    it = counted.group.count == 0 ? queue.erase(it) : std::next(it);
  }
}

std::optional<std::vector<FailureGroup>> FailureGroups::read(core::QueueNumber queue, Millis wall) {
  const std::lock_guard lock(mutex_);
  if (!built_) return std::nullopt;
  std::vector<FailureGroup> groups;
  const auto found = queues_.find(static_cast<std::uint32_t>(queue));
  if (found == queues_.end()) return groups;
  expire(found->second, wall);
  for (auto& [fingerprint, counted] : found->second) {
    advance_trend(counted, wall / hour_ms);
    groups.push_back(counted.group);
  }
  std::ranges::stable_sort(groups, std::ranges::greater{}, &FailureGroup::count);
  return groups;
}

}  // namespace pawl::engine
