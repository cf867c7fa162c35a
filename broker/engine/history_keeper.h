// Gathers the history once a second while something happens, writes it, and reads it for charts.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "broker/engine/history_book.h"
#include "broker/engine/meters.h"
#include "broker/engine/port.h"

namespace pawl::engine {

/// One thread. It sleeps while the broker writes nothing: what it wrote itself makes it look once more, find
/// nothing new, and sleep. Rows are written every `write_every` at most, in a batch of the engine's.
class HistoryKeeper final : public History {
 public:
  static constexpr std::chrono::milliseconds write_every{5000};

  /// Both must outlive it.
  HistoryKeeper(Port& port, Meters& meters, std::function<void(const std::string&)> warn, bool gathers);
  ~HistoryKeeper() override;
  /// Writes what is not written yet, joins. Idempotent. The engine must still serve.
  void stop();

  void read(HistoryQuery query, Answer answer) override;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  using Request = std::function<void(bool serve)>;
  struct Look {
    core::Millis wall = 0;
    Depths depths;
  };

  void run();
  void recover();
  bool look(const std::vector<core::QueueNumber>& queues, Look& into);
  /// all: also what the second that is not over has brought so far.
  void gather(bool all = false);
  void write();
  Instant next_wake(bool stirred);
  void answer_read(const HistoryQuery& query, const Answer& answer);

  Port& port_;
  Meters& meters_;
  std::function<void(const std::string&)> warn_;
  const bool gathers_;
  HistoryBook book_;                // the thread's own, and so is `written_at_`
  Depths newest_;                   // as of the last look
  Instant written_at_;              // the last write
  core::Millis due_ = core::never;  // wall; when the second in which it was stirred is over

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Request> requests_;
  bool stirred_ = false;  // the broker wrote something since the last look
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pawl::engine
