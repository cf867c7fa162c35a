// Drives operations slice by slice through the engine's own inbox, and sweeps what is old between them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/engine/codec.h"
#include "broker/engine/operations.h"
#include "broker/engine/port.h"
#include "broker/engine/sweeper.h"

namespace pawl::engine {

/// One thread. An operation's row says where it goes on; it is written in the same batch as the changes of a
/// slice, so that a crash neither repeats nor leaves out a job.
class OperationRunner final : public Operations {
 public:
  struct Options {
    std::chrono::milliseconds sweep_every;  // see Sweeper
    PayloadValue value_at;                  // null: filters by payload find nothing
    std::function<void(const std::string&)> warn;
  };
  OperationRunner(Port& port, Options options);
  ~OperationRunner() override;
  /// Leaves running operations as they are on disk, joins. Idempotent. The engine must still serve.
  void stop();

  void start(OperationSpec spec, bool wait, Answer answer) override;
  void get(std::string id, Answer answer) override;
  void cancel(std::string id, std::optional<Actor> actor, Answer answer) override;
  void pause(std::string id, bool paused, std::optional<Actor> actor, Answer answer) override;
  void list(ListAnswer answer) override;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Waiting {
    Answer answer;
    Instant until;
  };
  struct Operation {
    OperationRow row;
    std::optional<core::QueueNumber> queue;
    double tokens = 1;
    std::deque<std::pair<Instant, std::size_t>> recent;  // what was done within the last second
    Instant filled;
    std::vector<Waiting> waiting;
    Instant looked{};  // after the jobs that it replayed
  };
  struct Slice {
    std::vector<core::CommandBody> commands;
    std::function<bool(const core::Job&)> wanted;  // looked at again by the engine; null: all
    std::string position;
    bool last = false;
    bool failed = false;
  };
  using Request = std::function<void(bool serve)>;

  void post(Request request);
  void run();
  void load();
  void begin(OperationSpec spec, bool wait, const Answer& answer);
  /// actor: whose doing it is; absent: it came to its end by itself, which counts as its starter's.
  void end(Operation& operation, OperationView::State state, const std::optional<Actor>& actor = {});
  bool save(const Operation& operation, const std::optional<AuditEntry>& entry = {});
  void forget_old();
  void change(std::string id, std::function<void(Operation&)> change, const Answer& answer);
  void drive(Operation& operation);
  bool look(Operation& operation);
  std::size_t allowance(Operation& operation, Instant now) const;
  void advance(Operation& operation, std::size_t most);
  Slice read_slice(const Operation& operation, std::size_t most) const;
  Slice read_bulk_slice(const Operation& operation, std::size_t most) const;
  void count(Operation& operation);
  bool carry_out(Operation& operation, Slice slice);
  bool rest(std::chrono::milliseconds time);
  void answer_late(Instant now);
  Instant next_wake(Instant now) const;

  Port& port_;
  const Options options_;
  Sweeper sweeper_;
  std::map<std::string, Operation> operations_;  // by id; the thread's own
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Request> requests_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pawl::engine
