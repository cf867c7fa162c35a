// The history's own rules, without a thread: what becomes a second, a minute, a row; and how rows are read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/engine/codec.h"
#include "broker/engine/history.h"
#include "storage/store.h"

namespace pawl::engine {

/// How deep queues were at one moment. Number 0 is all together.
using Depths = std::map<std::uint32_t, Depth>;

/// Seconds go in, rows come out; until they are written, reads find them here. Thread: one.
class HistoryBook {
 public:
  /// Takes up what is on disk: minutes that have not been made of their seconds yet. Before anything else.
  storage::Result<void> recover(const storage::Snapshot& snapshot, core::Millis wall);

  /// All seconds before `before` are over. traffic: what they brought, oldest first for each queue, and
  /// before a stop also the second that is not over; what comes of it later is added to it. depths: as of
  /// now, of all together, of `queues()` and of every queue in the traffic. A queue that is missing there is
  /// gone.
  void close(core::Millis before, const std::vector<Traffic>& traffic, const Depths& depths);
  /// Queues whose depth is watched though nothing runs there.
  std::vector<core::QueueNumber> queues() const;

  /// What is to be written; written() says that it is.
  const std::map<std::string, HistoryRow>& unwritten() const { return unwritten_; }
  void written() { unwritten_.clear(); }
  /// When the next minute becomes a row though nothing happens any more; never: none is open.
  core::Millis minute_ends() const;

  /// open: the second that is not over. now: the depth of what is asked for.
  storage::Result<HistorySeries> read(const storage::Snapshot& snapshot, core::QueueNumber queue,
                                      const HistoryQuery& query, core::Millis wall,
                                      const std::vector<Traffic>& open, const Depth& now) const;

 private:
  struct Series {
    Depth depth{};
    HistoryPoint newest;  // its newest second
    bool minute_open = false;
    HistoryPoint minute;  // of its newest seconds; one that is not open is on its way to the disk, or there
  };
  void note(std::uint32_t queue, const HistoryPoint& second);
  void add_to_minute(std::uint32_t queue, Series& series, const HistoryPoint& second);
  void finish_minute(std::uint32_t queue, Series& series);
  void put(char step, std::uint32_t queue, const HistoryPoint& point);
  storage::Result<std::optional<HistoryPoint>> last_before(const storage::Snapshot& snapshot, char step,
                                                           core::QueueNumber queue, core::Millis at,
                                                           core::Millis wall) const;

  std::map<std::uint32_t, Series> series_;       // 0: all together
  std::map<std::string, HistoryRow> unwritten_;  // by key
};

}  // namespace pawl::engine
