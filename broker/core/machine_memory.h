// What the machine holds in memory: queues with their lanes and groups, limits, workers that wait, jobs. Only
// the sources of broker/core include it.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/core/machine.h"

namespace pawl::core {

struct Entry;
struct Waiter;
struct Queue;
struct Group;
struct Limit;

/// Ready jobs in memory, in ready order.
struct Line {
  std::map<ReadyKey, Entry*> order;
  /// How many jobs have each name. Empty while there are few: those are looked through.
  std::unordered_map<std::string, std::size_t> names;
  std::size_t bytes = 0;

  void add(Entry& entry);
  void remove(const Entry& entry);

  bool empty() const { return order.empty(); }
  std::size_t size() const { return order.size(); }
  bool has_any(const std::vector<std::string>& wanted) const;
  /// The first whose name is wanted; null when there is none. An empty list wants any.
  Entry* first(const std::vector<std::string>& wanted) const;
};

struct Lane;
/// Where a lane's first job stands among those of its group.
struct Head {
  Millis rank = 0;  // while priorities age: its submit, as much earlier as its priority is worth
  ReadyKey key;
  Lane* lane = nullptr;

  friend bool operator<(const Head& a, const Head& b);
  friend bool operator==(const Head&, const Head&) = default;
};

/// Jobs of a queue that may start under the same conditions (lane.h): a window onto their ready order.
struct Lane {
  Queue* queue = nullptr;
  std::uint32_t number = 0;  // 0: the queue's own order
  LaneKey key;

  /// Every ready job of the lane whose key is at most `cursor` stands in the window; when `beyond` is false,
  /// every ready job does.
  Line window;
  std::optional<ReadyKey> cursor;
  bool beyond = false;

  /// For workers that take only some names: every ready job beyond `cursor` whose name is one of `named`
  /// (sorted) and whose key is at most `named_cursor` (any key, when `named_exhausted`) stands here. Nobody
  /// else gets these: that would overtake the unread jobs between.
  Line finds;
  std::vector<std::string> named;
  std::optional<ReadyKey> named_cursor;
  bool named_exhausted = false;

  // While its queue has groups (lanes.cpp).
  Group* group = nullptr;
  std::vector<Limit*> limits;
  std::size_t active = 0;
  JobId runs;                  // of a strict order: the active one
  std::optional<Head> stands;  // among the heads of its group
  bool parked = false;         // something keeps its first job from starting; it is told when that ends
  Limit* parked_on = nullptr;  // a limit; else its strict order
  std::pair<std::int64_t, std::uint64_t> parked_turn;
  Millis wake_at = never;

  bool has_jobs() const { return !window.empty() || beyond || active > 0; }
};

/// Its queue's number and its own.
std::pair<std::uint32_t, std::uint32_t> address_of(const Lane& lane);

/// So that the same seed gives the same bytes.
struct LaneOrder {
  bool operator()(const Lane* a, const Lane* b) const;
};

/// What a group did of late: sums in which what lies `group_memory_ms` back counts a third (1/e).
struct Recent {
  double jobs = 0;     // that ended a run
  double busy_ms = 0;  // worker time
  Millis at = 0;       // mono

  void add(std::int64_t run_ms, Millis mono);
  Recent at_time(Millis mono) const;
};

/// The jobs of one group of a queue; those without a group are a group too.
struct Group {
  Queue* queue = nullptr;
  std::string name;
  std::set<Head> heads;  // the first of each lane that is not parked
  std::size_t lanes = 0;
  std::size_t active = 0;
  Pace pace;  // against the queue's rate limit for groups
  std::optional<GroupPause> pause;
  bool has_row = false;

  // Fairness: who used the least worker time, in milliseconds, is served next; of equals, who waits longest.
  std::int64_t pass = 0;
  std::int64_t used = 0;  // its pass when it was served last; one that comes again is put level with others
  std::uint64_t served = 0;
  double run_ms = 0;  // how long its jobs run, of late; 0: none has ended
  bool in_turns = false;
  Recent recent;
  bool parked = false;  // its limits or a pause keep all of it
  Millis wake_at = never;
};
struct Turn {
  std::int64_t pass;
  std::uint64_t served;
  Group* group;
  friend bool operator<(const Turn& a, const Turn& b) {
    if (a.pass != b.pass) return a.pass < b.pass;
    if (a.served != b.served) return a.served < b.served;
    return a.group->name < b.group->name;
  }
};

/// A limit that has a name. One that nobody has made limits nothing, but what names it is counted.
struct Limit {
  LimitRow row;
  bool exists = false;
  bool dirty = false;
  std::size_t active = 0;
  /// Lanes that it keeps from starting: of each queue, who is next first.
  struct Parked {
    std::pair<std::int64_t, std::uint64_t> turn;
    Lane* lane;
    friend bool operator<(const Parked& a, const Parked& b) {
      if (a.turn != b.turn) return a.turn < b.turn;
      return a.lane->number < b.lane->number;
    }
  };
  std::map<std::uint32_t, std::set<Parked>> parked;
  std::size_t lanes = 0;  // in memory
  Millis wake_at = never;
};

/// A queue: its own order, its other lanes, and who waits for its jobs.
struct Queue : Lane {
  QueueRow row;
  bool dirty = false;  // row differs from the store's

  std::unordered_map<std::uint32_t, std::unique_ptr<Lane>> lanes;
  std::unordered_map<LaneKey, Lane*, LaneHash, LaneEqual> lanes_by_key;
  std::map<std::string, std::unique_ptr<Group>> groups;  // none: it has only its own order
  std::set<Turn> turns;                                  // groups that may start a job
  std::set<std::string> reopened;                        // limits that may let a parked lane start
  std::int64_t turn_pass = 0;                            // of the group that was served last
  std::uint64_t turns_served = 0;
  double run_ms_of_jobs = 0;
  std::size_t lined = 0;  // jobs in the windows of its other lanes

  /// Waiters with room for a job of this queue, the next in turn first.
  std::list<Waiter*> waiters;
  std::uint64_t granted = 0;     // the number of its newest grant of jobs to a worker
  std::size_t subscribers = 0;   // polls and connections, with room or without
  std::size_t slots = 0;         // jobs that those could hold
  Millis limited_until = never;  // its limits let something start then, and somebody waits for it

  bool has_lanes() const { return !groups.empty(); }
  std::uint64_t& count(Status status) { return row.counts[static_cast<std::size_t>(status)]; }
  std::uint64_t count(Status status) const { return row.counts[static_cast<std::size_t>(status)]; }
};

inline std::uint32_t number_of(const Queue& queue) { return static_cast<std::uint32_t>(queue.row.number); }

/// A poll (one answer) or a worker connection (many).
struct Waiter {
  struct Subscription {
    Queue* queue;
    std::uint32_t weight;
    double pass = 0;  // stride scheduling: the queue with the lowest pass is served next
    std::list<Waiter*>::iterator place;
  };
  Ticket ticket = Ticket::none;
  std::string worker_id;
  bool connection = false;
  std::vector<Subscription> queues;
  std::vector<std::string> names;  // empty: any
  std::uint32_t credit = 0;
  std::uint32_t held = 0;
  bool waiting = false;  // stands in its queues' lists
  Millis deadline_mono = never;

  std::uint32_t room() const { return credit > held ? credit - held : 0; }
};

struct ActiveLease {
  LeaseState lease;
  std::uint64_t grant = 0;
  Ticket connection = Ticket::none;
  Millis granted_mono = 0;
  std::int64_t charged = 0;  // to its group, in advance; 0: its queue had no groups
};

/// A job in memory.
struct Entry {
  Job job;
  Queue* queue = nullptr;
  Lane* lane = nullptr;        // while it is ready or active
  Line* line = nullptr;        // its lane's window or finds, if it stands there
  Place row = Place::ready;    // where its row stands, or will stand after this batch
  bool gone = false;           // deleted since the last commit
  std::size_t kept_bytes = 0;  // not 0: it is due soon and stays in memory, counted so
  std::optional<ActiveLease> active;

  std::size_t steps_bytes = 0;  // of the job

  std::size_t bytes() const { return 512 + (job.payload ? job.payload->size() : 0) + steps_bytes; }
};

/// A grant row whose leases are not all over.
struct GrantState {
  std::vector<JobId> jobs;
  std::size_t live = 0;
  Millis looked_at = never;  // when it is the next time: its entry in the heap; later ones are void
};

/// An event that waits for others.
struct Gathered {
  std::uint64_t number = 0;
  Bytes data;
  bool has_row = false;
};
struct TriggerState {
  TriggerRow row;
  std::deque<Gathered> gathered;
  std::size_t bytes = 0;  // of their data
};

struct RetainedKey {
  Millis expires_at;
  QueueNumber queue;
  Status status;
  auto operator<=>(const RetainedKey&) const = default;
};

}  // namespace pawl::core
