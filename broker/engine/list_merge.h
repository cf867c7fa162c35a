// Jobs of one snapshot in id order, whatever queues, places and priorities they stand in.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/engine/codec.h"
#include "broker/engine/lists.h"
#include "broker/engine/search_index.h"
#include "storage/store.h"

namespace pawl::engine {

/// Whether a job as it stands is one of those asked for; the queue is not looked at. value_at may be null
/// when the filter asks for no payload.
bool matches(const JobFilter& filter, const core::Job& job, const PayloadValue& value_at);

/// A merge of sorted sources, each read in small chunks. Thread: one.
class ListMerge {
 public:
  struct Candidate {
    core::JobId id;
    std::optional<core::Job> job;  // as the snapshot says; absent for those that only memory names
  };
  struct Options {
    const storage::Snapshot& snapshot;
    const JobFilter& filter;
    core::Millis now_wall;
    std::optional<core::JobId> after;  // the cursor
    // To scan and to take in all, from the first next() on; what add_queue() does is not counted.
    std::size_t rows_max = 50'000;
    std::chrono::milliseconds time_max{75};
    const SearchIndex* index = nullptr;  // what it rules out is not read
    const PayloadValue* value_at = nullptr;
    bool counts = true;  // looked_at() is asked for
  };
  explicit ListMerge(Options options);

  /// Adds everything of one queue that the filter may want.
  storage::Result<void> add_queue(core::QueueNumber queue);
  /// Adds ids that memory names.
  void add_resident(std::vector<core::JobId> ids);

  /// The next in order, or nothing: at the end, or when the budget ended (see is_complete()).
  storage::Result<std::optional<Candidate>> next();
  /// After next() gave nothing: the budget begins anew.
  void go_on();
  /// After next() gave nothing: whether all was seen.
  bool is_complete() const { return complete_; }
  /// All up to here was seen: where a later merge goes on.
  std::optional<core::JobId> seen() const { return seen_; }
  /// Jobs read or ruled out by the index up to seen(): what was read ahead is read again by the next page.
  std::uint64_t looked_at() const;

 private:
  struct Source {
    core::Place place = core::Place::ready;
    std::string prefix;  // of the keys; the id follows
    core::QueueNumber queue{};
    bool counts = false;                  // of the sources of a queue one counts what the index rules out
    std::optional<core::JobId> frontier;  // read up to here
    bool exhausted = false;
    std::size_t chunk = 4;  // rows to look at next time
    std::deque<Candidate> buffer;
    /// Nothing of it comes before this, and what comes at it is in the buffer.
    const core::JobId& head() const { return buffer.empty() ? *frontier : buffer.front().id; }
  };

  bool before(const core::JobId& a, const core::JobId& b) const {
    return options_.filter.newest_first ? b < a : a < b;
  }
  bool budget_left() const;
  const PayloadValue& value_at() const;
  /// The first ids of a queue that may match. `left`: those that range and cursor allow.
  struct Start {
    IdRange left;
    IdRange stretch;
  };
  std::optional<Start> start_of(core::QueueNumber queue);
  storage::Result<void> add_ready(core::QueueNumber queue, const Start& start, const std::string& begin,
                                  const std::string& end);
  storage::Result<void> add_lanes_of_group(core::QueueNumber queue, const Start& start);
  storage::Result<void> add_source(core::Place place, core::QueueNumber queue, std::string prefix);
  storage::Result<void> read_chunk(Source& source);
  std::optional<IdRange> rest_of(const Source& source) const;
  bool visit(Source& source, std::size_t& bytes, std::string_view key, std::string_view value);
  void push(std::size_t index);

  struct Later {
    const ListMerge* merge;
    bool operator()(std::size_t a, std::size_t b) const;
  };

  Options options_;
  std::optional<std::chrono::steady_clock::time_point> until_;
  std::vector<Source> sources_;
  std::priority_queue<std::size_t, std::vector<std::size_t>, Later>
      heads_;  // of sources that are not used up
  std::size_t rows_ = 0;
  std::vector<std::pair<core::JobId, std::uint64_t>> passed_;  // up to where, how many jobs; not sorted
  SearchProbe probe_;
  std::optional<core::JobId> seen_;
  std::string damaged_;
  bool complete_ = false;
};

}  // namespace pawl::engine
