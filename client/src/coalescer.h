// Group commit on the client's side: what many threads ask for one by one travels together.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <pawl/error.hpp>
#include <pawl/records.hpp>
#include <string>
#include <thread>
#include <vector>

namespace pawl::client {

/// The first caller to find no call under way becomes the leader: it sends what has piled up, its own job
/// among it, and hands the lead to the next in line, or to the coalescer's own thread where that one does not
/// wait. Nobody waits for a timer. The calls are begun in the order of the line, so jobs arrive in the order
/// of their submits.
///
/// A caller that blocks has one call under way. The coalescer's own thread has up to two, so that the broker
/// reads the one while its disk is busy with the other: a line that is worth it is sent in two halves.
///
/// Thread: any. The destructor sends what stands in line and returns when all of it is answered.
class Coalescer {
 public:
  using Answer = Result<Enqueued>;
  using Answers = std::vector<Answer>;
  /// Waits for the answers to one call.
  using Finish = std::move_only_function<Answers()>;
  /// Sends the bodies in one call. What it returns is called once, and in the order of the calls; it gives
  /// one answer for each body, in order. Both are called by one thread at a time, without the lock.
  using Begin = std::function<Finish(std::vector<std::string> bodies)>;

  struct Limits {
    std::size_t jobs = 2'000;      // in one call
    std::size_t bytes = 4u << 20;  // in one call, but one job at least
  };

  Coalescer(Begin begin, Limits limits) : begin_(std::move(begin)), limits_(limits) {}
  ~Coalescer();

  /// Blocks until there is an answer for this body.
  Answer submit(std::string body);

  /// Returns at once; `done` gets the answer on the coalescer's own thread or on that of another caller. It
  /// must be short and throw nothing; it may submit again.
  using Done = std::move_only_function<void(Answer)>;
  void submit_async(std::string body, Done done);

  /// How many stand in line for the next call.
  std::size_t waiting() const;

 private:
  struct Waiter {  // a caller that blocks; on its stack
    std::optional<Answer> answer;
    bool leads = false;
    std::condition_variable turned;  // answered, or made the leader
  };
  struct Entry {
    std::string body;
    Waiter* waiter = nullptr;  // or
    Done done = {};            // who gets the answer
  };

  struct Call {
    std::vector<Entry> entries;
    Finish finish;
  };

  /// Sends from the head of the line and hands the lead on when all that was sent is answered: one call, or,
  /// when `follow`, until the line holds nothing more for this thread. REQUIRES: the caller leads and holds
  /// the lock.
  void lead(std::unique_lock<std::mutex>& lock, bool follow);
  Call begin(std::unique_lock<std::mutex>& lock, std::size_t most);
  void finish(std::unique_lock<std::mutex>& lock, Call call);
  /// How many to send now beside the calls that are under way; 0: wait for their answers.
  std::size_t worth_sending(const std::deque<Call>& under_way) const;
  void hand_on();
  void run_sender();

  const Begin begin_;
  const Limits limits_;
  mutable std::mutex mutex_;  // callers come from any thread, and each waits for another's work
  std::deque<Entry> line_;    // not taken by a call yet
  bool under_way_ = false;    // there is a leader
  bool sender_leads_ = false;
  bool ending_ = false;
  std::condition_variable sender_turned_;
  std::thread sender_;  // started by the first submit_async
};

/// The answers to one batch of bodies, given a way to post one batch. When the broker refuses the batch as a
/// whole for what stands in it (400, 413, 422), the jobs that its errors point at get their error, and the
/// rest is posted again; where the errors point at nothing, the batch is halved until the wrong job stands
/// alone.
std::vector<Coalescer::Answer> submit_isolating(
    const std::vector<std::string>& bodies,
    const std::function<Result<std::vector<Enqueued>>(const std::vector<const std::string*>& bodies)>& post);

}  // namespace pawl::client
