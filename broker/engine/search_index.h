// Which stretches of job ids may hold what a search asks for. Made when somebody searches, in memory, and
// forgotten when nobody does: jobs pay nothing for it. docs/adr/0014-an-index-that-searching-makes.md
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/core/job.h"
#include "broker/engine/lists.h"

namespace pawl::engine {

/// What a value is of. `payload`: "path\0value".
enum class SearchField : std::uint8_t { name, group, tag, error_type, worker, payload };
inline constexpr std::size_t search_field_count = 6;

std::uint64_t search_hash(SearchField field, std::string_view value);

/// What jobs can be found by, as the engine thread collects it for one batch.
class SearchNotes {
 public:
  /// paths: what the job's queue declares as searchable.
  void add(const core::Job& job, const std::vector<std::string>* paths, const PayloadValue& value_at);
  bool empty() const { return jobs_.empty(); }
  void clear();
  /// For values that were told once need not be told again. Only grows; of a bounded size.
  void forget_told() { told_.clear(); }

 private:
  friend class SearchIndex;
  struct OfJob {
    core::JobId id;
    std::uint32_t attempts;
    std::uint32_t hashes;  // how many of hashes_ are its own
  };
  void add_value(SearchField field, std::string_view value);

  std::vector<OfJob> jobs_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::pair<SearchField, std::string>> words_;  // values that were not told yet
  std::unordered_set<std::uint64_t> told_;
};

/// What must be so in a block that a search wants to see.
struct SearchProbe {
  std::vector<std::uint64_t> hashes;  // all of them
  std::uint32_t attempts_min = 0;
  std::uint32_t attempts_max = UINT32_MAX;
  bool useful() const { return !hashes.empty() || attempts_min > 0 || attempts_max != UINT32_MAX; }
  static SearchProbe of(const JobFilter& filter);
};

/// A stretch of ids, both ends in it.
struct IdRange {
  core::JobId first;
  core::JobId last;
};

/// For each queue, blocks of some hundred jobs in id order, each with the values that any of its jobs has had
/// since the index was armed or built: never too few of them, perhaps too many. A row that a snapshot shows
/// was noted before that snapshot was taken.
///
/// Thread: any; one mutex, held for microseconds.
class SearchIndex {
 public:
  static constexpr std::size_t block_jobs = 512;
  static constexpr std::size_t bytes_max = 64u << 20;
  static constexpr std::size_t words_max = 5000;  // of each field, for completion

  bool armed() const { return armed_.load(std::memory_order_acquire); }
  /// From now on the engine notes what it writes. What it had begun before must become durable before the
  /// first build.
  void arm();
  /// Forgets everything.
  void disarm();
  void note(const SearchNotes& notes);

  // Building, by one thread: jobs of a queue in id order, from a snapshot taken after arm().
  /// Up to where the queue is built; absent: not begun. `complete`: to its end.
  struct Progress {
    std::optional<core::JobId> built_to;
    bool complete = false;
    std::uint64_t resets = 0;  // of the queue, so far
  };
  Progress progress(core::QueueNumber queue) const;
  /// to: with the `resets` that stood there before the snapshot was taken; when the queue was reset since,
  /// nothing happens.
  void build(core::QueueNumber queue, const SearchNotes& notes, const Progress& to);
  /// Its declared paths changed, or the queue is gone: it must be built anew.
  void reset(core::QueueNumber queue);
  /// Blocks take more than they may: they stop splitting, and searches become slower.
  bool full() const;

  /// The next stretch from `range` on (from its last id down, when `newest_first`) that may hold a match;
  /// nothing: there is none. `skipped` grows by the jobs of the blocks that were passed over.
  std::optional<IdRange> next(core::QueueNumber queue, const SearchProbe& probe, IdRange range,
                              bool newest_first, std::uint64_t& skipped) const;
  /// Known values that begin so, sorted.
  std::vector<std::string> words(SearchField field, std::string_view prefix, std::size_t most) const;

 private:
  struct Block {
    core::JobId last;
    std::uint32_t jobs = 0;  // how often one was noted
    std::uint32_t attempts_min = UINT32_MAX;
    std::uint32_t attempts_max = 0;
    std::vector<std::uint64_t> values;  // exact while few; then the words of a bloom filter
    bool bloom = false;
  };
  struct OfQueue {
    std::map<core::JobId, Block> blocks;  // by their first id; each reaches to the next one's
    std::optional<core::JobId> built_to;
    bool complete = false;
  };
  void add(OfQueue& queue, const core::JobId& id, std::uint32_t attempts, const std::uint64_t* hashes,
           std::size_t count);
  void add_value(Block& block, std::uint64_t hash);
  void add_all(const SearchNotes& notes);
  static bool may_hold(const Block& block, const SearchProbe& probe);

  std::atomic<bool> armed_{false};
  mutable std::mutex mutex_;
  std::unordered_map<std::uint32_t, OfQueue> queues_;
  std::unordered_map<std::uint32_t, std::uint64_t> resets_;
  std::size_t bytes_ = 0;
  std::array<std::set<std::string, std::less<>>, search_field_count> words_;
};

}  // namespace pawl::engine
