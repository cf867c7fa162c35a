// Nothing is told before it is durable: what a batch owes to the outside waits here.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker/core/reply.h"
#include "broker/engine/event_ring.h"
#include "broker/engine/failure_groups.h"
#include "broker/engine/meters.h"
#include "storage/store.h"

namespace pawl::engine {

class ReplyTarget;

/// What is told when a batch is durable.
struct Owed {
  struct Reply {
    std::shared_ptr<ReplyTarget> target;
    std::uint64_t tag = 0;
    core::Reply reply;
  };
  std::vector<Reply> replies;
  std::vector<std::shared_ptr<JobEvent>> events;
  std::vector<Meters::Sample> samples;
  std::vector<FailureChange> failures;
  std::vector<std::function<void()>> calls;
  std::uint64_t commands = 0;
};

/// Thread: engine, but for what done() runs on the store's thread. Batches are told in order, each wholly.
class Gate {
 public:
  /// failed: called once, on any thread, with a sentence for people, when a commit did not become durable.
  /// From then on nothing is told.
  Gate(EventRing& events, Meters& meters, FailureGroups& failures,
       std::function<void(const std::string&)> failed)
      : events_(events), meters_(meters), failures_(failures), on_failed_(std::move(failed)) {}

  /// The batch about to be handed to commit; what comes back is its done.
  storage::Partition::Done hold(Owed owed);
  /// Of a batch that wrote nothing: told after the last one held, at once when none is.
  void follow(Owed owed);
  /// Waits until fewer than `most` are held, or something failed.
  void wait_below(std::size_t most);
  void fail(const std::string& why);
  bool failed() const;
  /// See EventRing::wanted().
  bool wants_events() const { return events_.wanted(); }

 private:
  struct Held {
    Owed owed;
    std::chrono::steady_clock::time_point since;
    bool written = true;
  };
  void done(storage::Outcome outcome);
  void tell(Owed owed);

  EventRing& events_;
  Meters& meters_;
  FailureGroups& failures_;
  std::function<void(const std::string&)> on_failed_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Held> held_;  // the front stays in until it is told, so that nothing overtakes it
  std::size_t written_ = 0;
  bool failed_ = false;
};

}  // namespace pawl::engine
