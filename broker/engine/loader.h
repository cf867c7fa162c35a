// Reads what the machine asks for and hands it over, decoded. A store that answers inline costs no wait; one
// that answers later is waited for, and nothing is applied meanwhile, so no answer is ever stale.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/core/machine.h"
#include "broker/engine/codec.h"
#include "broker/engine/inbox.h"
#include "storage/store.h"

namespace pawl::engine {

/// Thread: engine.
class Loader {
 public:
  /// failed: a row could not be read or is damaged; the sentence says which. The broker must stop.
  Loader(const storage::Partition& partition, core::Machine& machine, Inbox& arrivals,
         std::function<void(const std::string&)> failed)
      : partition_(partition), machine_(machine), arrivals_(arrivals), failed_(std::move(failed)) {}

  /// Asks for all of it; rows that expired by now_wall count as absent.
  void fetch(const core::Needs& needs, core::Millis now_wall);
  /// Jobs most of which are parked: many of a queue are read in one go. The others are looked for elsewhere.
  void fetch_parked(std::vector<core::JobId> ids, core::Millis now_wall);
  void fetch_window(const core::WindowRequest& request);
  void fetch_named(const core::NamedRequest& request);
  void fetch_timers(const core::TimerRequest& request);
  /// Waits until everything that was asked for is handed over.
  void settle();
  /// The store answered later than inline: ask for many at once.
  bool is_slow() const { return slow_; }

  /// One row, waited for.
  std::optional<std::string> read(storage::Family family, std::string_view key);
  /// All rows of a range, waited for; visit runs on this thread or, of a slow store, on another.
  void read_all(storage::Range range, storage::Visit visit);
  /// Reads the ready or else the parked row of a job that a grant names, waited for.
  std::optional<core::Job> read_granted(const core::Grant::Entry& entry);
  void fail(const std::string& why);

 private:
  using Value = storage::Result<std::optional<std::string_view>>;
  using Answer = std::function<void(std::optional<std::string_view>)>;

  template <typename Row, typename Decode>
  void fetch_rows(storage::Family family, std::string_view prefix, Decode decode,
                  std::function<void(std::vector<Row>)> done);
  void fetch_by_priority(const core::JobId& id);
  void fetch_from_lane(const core::JobId& id);
  void fetch_lanes(const core::Needs& needs);
  void fetch_graphs(const core::Needs& needs);
  void fetch_joins(const core::JobId& parent, std::vector<core::Dependent> rows);
  void get(storage::Family family, std::string_view key, Answer answer);
  /// Looks in one place after another, `places` of them, from `place` on.
  void fetch_job(const core::JobId& id, core::Place place, core::Millis now_wall, int places = 4);
  void scan_parked(std::span<const core::JobId> ids, core::Millis now_wall);
  void scan(const storage::Range& range, const storage::Visit& visit, std::function<void()> finished);

  const storage::Partition& partition_;
  core::Machine& machine_;
  Inbox& arrivals_;
  std::function<void(const std::string&)> failed_;
  std::thread::id owner_ = std::this_thread::get_id();
  std::vector<core::Job>
      spare_;  // empty, with the room of an earlier window: fresh memory costs as much as the reads
  std::size_t under_way_ = 0;
  bool slow_ = false;
};

}  // namespace pawl::engine
