// Drives operations on a thread of their own, and sweeps what is old between their slices.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/engine/operation_driver.h"
#include "broker/engine/operations.h"
#include "broker/engine/port.h"
#include "broker/engine/sweeper.h"

namespace pawl::engine {

class OperationRunner final : public Operations {
 public:
  struct Options {
    std::chrono::milliseconds sweep_every;  // see Sweeper
    PayloadValue value_at;                  // see OperationDriver
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
  using Instant = OperationDriver::Instant;
  struct Waiting {
    std::string operation;
    Answer answer;
    Instant until;
  };
  using Request = std::function<void(bool serve)>;

  void post(Request request);
  void run();
  void answer_waiting(Instant now, bool all);
  Instant next_wake() const;

  OperationDriver driver_;  // the thread's own, and so are the next two
  Sweeper sweeper_;
  std::vector<Waiting> waiting_;  // for an operation's end
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Request> requests_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pawl::engine
