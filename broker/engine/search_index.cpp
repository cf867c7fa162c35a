#include "broker/engine/search_index.h"

#include <algorithm>
#include <utility>

#include "broker/engine/keys.h"

namespace pawl::engine {

using core::JobId;
using core::QueueNumber;

namespace {

constexpr std::size_t exact_values_max = 32;
constexpr std::size_t bloom_words = 512;  // 32 768 bits: with five values a job, one false answer in 200
constexpr std::size_t block_bytes = 160;  // what a block takes beside its values, about
constexpr std::size_t told_max = 20'000;
constexpr std::size_t word_bytes_max = 128;

JobId before(JobId id) {
  for (std::size_t i = 16; i-- > 0;) {
    if (id.bytes[i]-- != 0) break;
  }
  return id;
}

JobId last_id() {
  JobId id;
  id.bytes.fill(0xff);
  return id;
}

// Four bits of the filter, from 15 bits of the hash each.
template <typename Touch>
bool each_bit(std::uint64_t hash, Touch&& touch) {
  for (int i = 0; i < 4; ++i, hash >>= 15) {
    const auto at = static_cast<std::size_t>(hash & 0x7fff);
    if (!touch(at / 64, std::uint64_t{1} << (at % 64))) return false;
  }
  return true;
}

}  // namespace

std::uint64_t search_hash(SearchField field, std::string_view value) {
  std::uint64_t hash =
      0xcbf29ce484222325ull ^ (static_cast<std::uint64_t>(field) + 1) * 0x9e3779b97f4a7c15ull;
  for (const char c : value) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ull;
  hash ^= hash >> 32;
  hash *= 0xd6e8feb86659fd93ull;
  return hash ^ hash >> 32;
}

void SearchNotes::clear() {
  jobs_.clear();
  hashes_.clear();
  words_.clear();
}

void SearchNotes::add_value(SearchField field, std::string_view value) {
  if (value.empty()) return;
  const std::uint64_t hash = search_hash(field, value);
  hashes_.push_back(hash);
  ++jobs_.back().hashes;
  if (field == SearchField::payload || value.size() > word_bytes_max || told_.size() >= told_max) return;
  if (told_.insert(hash).second) words_.emplace_back(field, value);
}

void SearchNotes::add(const core::Job& job, const std::vector<std::string>* paths,
                      const PayloadValue& value_at) {
  jobs_.push_back({job.id, job.attempts_made, 0});
  add_value(SearchField::name, job.name);
  add_value(SearchField::group, job.group);
  for (const std::string& tag : job.tags) add_value(SearchField::tag, tag);
  if (!job.errors.empty()) add_value(SearchField::error_type, job.errors.back().type);
  add_value(SearchField::worker, job.worker_id);
  if (paths == nullptr || !value_at || !job.payload) return;
  for (const std::string& path : *paths) {
    if (const auto value = value_at(*job.payload, path))
      add_value(SearchField::payload, path + '\0' + *value);
  }
}

SearchProbe SearchProbe::of(const JobFilter& filter) {
  SearchProbe probe;
  const auto want = [&](SearchField field, const std::optional<std::string>& value) {
    if (value && !value->empty()) probe.hashes.push_back(search_hash(field, *value));
  };
  want(SearchField::name, filter.name);
  want(SearchField::group, filter.group);
  want(SearchField::tag, filter.tag);
  want(SearchField::error_type, filter.error_type);
  want(SearchField::worker, filter.worker);
  for (const auto& [path, value] : filter.payload) want(SearchField::payload, path + '\0' + value);
  probe.attempts_min = filter.attempts_min;
  probe.attempts_max = filter.attempts_max;
  return probe;
}

void SearchIndex::arm() { armed_.store(true, std::memory_order_release); }

void SearchIndex::disarm() {
  const std::lock_guard lock(mutex_);
  armed_ = false;
  queues_.clear();
  resets_.clear();
  bytes_ = 0;
  for (auto& words : words_) words.clear();
}

void SearchIndex::add_value(Block& block, std::uint64_t hash) {
  if (!block.bloom) {
    const auto at = std::ranges::lower_bound(block.values, hash);
    if (at != block.values.end() && *at == hash) return;
    if (block.values.size() < exact_values_max) {
      block.values.insert(at, hash);
      bytes_ += 8;
      return;
    }
    const std::vector<std::uint64_t> exact = std::exchange(block.values, {});
    block.values.assign(bloom_words, 0);
    block.bloom = true;
    bytes_ += 8 * (bloom_words - exact.size());
    for (const std::uint64_t one : exact) add_value(block, one);
  }
  each_bit(hash, [&](std::size_t word, std::uint64_t bit) {
    block.values[word] |= bit;
    return true;
  });
}

void SearchIndex::add(OfQueue& queue, const JobId& id, std::uint32_t attempts, const std::uint64_t* hashes,
                      std::size_t count) {
  auto it = queue.blocks.upper_bound(id);
  const bool first = it == queue.blocks.begin();
  if (!first) --it;
  const bool past_a_full_one = !first && it->second.last < id && it->second.jobs >= block_jobs;
  if (first || (past_a_full_one && bytes_ < bytes_max)) {
    it = queue.blocks.emplace(id, Block{}).first;
    it->second.last = id;
    bytes_ += block_bytes;
  }
  Block& block = it->second;
  block.last = std::max(block.last, id);
  ++block.jobs;
  block.attempts_min = std::min(block.attempts_min, attempts);
  block.attempts_max = std::max(block.attempts_max, attempts);
  for (std::size_t i = 0; i < count; ++i) add_value(block, hashes[i]);
}

void SearchIndex::add_all(const SearchNotes& notes) {
  std::size_t at = 0;
  for (const SearchNotes::OfJob& job : notes.jobs_) {
    add(queues_[static_cast<std::uint32_t>(job.id.queue())], job.id, job.attempts, notes.hashes_.data() + at,
        job.hashes);
    at += job.hashes;
  }
  for (const auto& [field, word] : notes.words_) {
    auto& words = words_[static_cast<std::size_t>(field)];
    if (words.size() < words_max) words.insert(word);
  }
}

void SearchIndex::note(const SearchNotes& notes) {
  const std::lock_guard lock(mutex_);
  if (armed_) add_all(notes);
}

void SearchIndex::build(QueueNumber queue, const SearchNotes& notes, const Progress& to) {
  const std::lock_guard lock(mutex_);
  const auto number = static_cast<std::uint32_t>(queue);
  const auto resets = resets_.find(number);
  if (!armed_ || (resets == resets_.end() ? 0 : resets->second) != to.resets) return;
  add_all(notes);
  OfQueue& of = queues_[number];
  if (to.built_to) of.built_to = to.built_to;
  of.complete = to.complete;
}

SearchIndex::Progress SearchIndex::progress(QueueNumber queue) const {
  const std::lock_guard lock(mutex_);
  Progress progress;
  const auto number = static_cast<std::uint32_t>(queue);
  if (const auto it = resets_.find(number); it != resets_.end()) progress.resets = it->second;
  const auto it = queues_.find(number);
  if (it == queues_.end()) return progress;
  progress.built_to = it->second.built_to;
  progress.complete = it->second.complete;
  return progress;
}

void SearchIndex::reset(QueueNumber queue) {
  const std::lock_guard lock(mutex_);
  if (!armed_) return;
  ++resets_[static_cast<std::uint32_t>(queue)];
  const auto it = queues_.find(static_cast<std::uint32_t>(queue));
  if (it == queues_.end()) return;
  for (const auto& [first, block] : it->second.blocks) bytes_ -= block_bytes + 8 * block.values.size();
  queues_.erase(it);
}

bool SearchIndex::full() const {
  const std::lock_guard lock(mutex_);
  return bytes_ >= bytes_max;
}

bool SearchIndex::may_hold(const Block& block, const SearchProbe& probe) {
  if (block.attempts_max < probe.attempts_min || block.attempts_min > probe.attempts_max) return false;
  return std::ranges::all_of(probe.hashes, [&](std::uint64_t hash) {
    if (!block.bloom) return std::ranges::binary_search(block.values, hash);
    return each_bit(hash,
                    [&](std::size_t word, std::uint64_t bit) { return (block.values[word] & bit) != 0; });
  });
}

std::optional<IdRange> SearchIndex::next(QueueNumber queue, const SearchProbe& probe, IdRange range,
                                         bool newest_first, std::uint64_t& skipped) const {
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(static_cast<std::uint32_t>(queue));
  if (!armed_ || found == queues_.end()) return range;
  const OfQueue& of = found->second;
  if (!of.complete && !of.built_to) return range;
  // What is not built yet is one stretch, at the end.
  const JobId built_to = of.complete ? last_id() : *of.built_to;
  const auto stretch = [&](auto it) {
    const auto after = std::next(it);
    const JobId end = std::min(built_to, after == of.blocks.end() ? last_id() : before(after->first));
    return IdRange{std::max(it->first, range.first), std::min(end, range.last)};
  };
  const auto wanted = [&](auto it) {
    if (may_hold(it->second, probe)) return true;
    skipped += it->second.jobs;
    return false;
  };
  if (newest_first) {
    if (range.last > built_to) return IdRange{std::max(range.first, *id_after(built_to)), range.last};
    for (auto it = of.blocks.upper_bound(range.last); it != of.blocks.begin();) {
      --it;
      if (wanted(it)) return stretch(it);
      if (it->first <= range.first) break;
    }
    return std::nullopt;
  }
  auto it = of.blocks.upper_bound(range.first);
  if (it != of.blocks.begin()) --it;
  for (; it != of.blocks.end() && it->first <= range.last && it->first <= built_to; ++it) {
    if (it->first > range.first || std::next(it) == of.blocks.end() || std::next(it)->first > range.first) {
      if (range.first <= built_to && wanted(it)) return stretch(it);
    }
  }
  if (range.last > built_to) return IdRange{std::max(range.first, *id_after(built_to)), range.last};
  return std::nullopt;
}

std::vector<std::string> SearchIndex::words(SearchField field, std::string_view prefix,
                                            std::size_t most) const {
  const std::lock_guard lock(mutex_);
  const auto& words = words_[static_cast<std::size_t>(field)];
  std::vector<std::string> found;
  for (auto it = words.lower_bound(prefix); it != words.end() && found.size() < most; ++it) {
    if (!it->starts_with(prefix)) break;
    found.push_back(*it);
  }
  return found;
}

}  // namespace pawl::engine
