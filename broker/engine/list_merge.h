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
#include "storage/store.h"

namespace pawl::engine {

/// Whether a job as it stands is one of those asked for; the queue is not looked at.
bool matches(const JobFilter& filter, const core::Job& job);

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
    std::size_t rows_max = 50'000;     // to scan in all, but for a first chunk of each source
    std::chrono::milliseconds time_max{250};
  };
  explicit ListMerge(Options options);

  /// Adds everything of one queue that the filter may want.
  storage::Result<void> add_queue(core::QueueNumber queue);
  /// Adds ids that memory names.
  void add_resident(std::vector<core::JobId> ids);

  /// The next in order, or nothing: at the end, or when the budget ended (see is_complete()).
  storage::Result<std::optional<Candidate>> next();
  /// After next() gave nothing: whether all was seen.
  bool is_complete() const { return complete_; }
  /// All up to here was seen: where a later merge goes on.
  std::optional<core::JobId> seen() const { return seen_; }

 private:
  struct Source {
    core::Place place = core::Place::ready;
    std::string prefix;                   // of the keys; the id follows
    std::optional<core::JobId> frontier;  // read up to here
    bool exhausted = false;
    std::size_t chunk = 8;
    std::deque<Candidate> buffer;
  };

  bool before(const core::JobId& a, const core::JobId& b) const {
    return options_.filter.newest_first ? b < a : a < b;
  }
  bool budget_left() const;
  storage::Result<void> add_source(core::Place place, std::string prefix);
  storage::Result<void> read_chunk(Source& source);
  bool visit(Source& source, std::size_t& bytes, std::string_view key, std::string_view value);
  void push(std::size_t index);
  storage::Result<void> feed();
  std::optional<Candidate> rest();

  struct Later {
    const ListMerge* merge;
    bool operator()(std::size_t a, std::size_t b) const;
  };

  Options options_;
  std::chrono::steady_clock::time_point until_;
  std::vector<Source> sources_;
  std::priority_queue<std::size_t, std::vector<std::size_t>, Later> heads_;
  std::vector<std::size_t> hungry_;  // sources whose chunk is used up
  std::size_t rows_ = 0;
  std::optional<core::JobId> seen_;
  std::optional<core::JobId> barrier_;  // set when the budget ended: nothing after it is given
  std::string damaged_;
  bool complete_ = false;
};

}  // namespace pawl::engine
