// What handlers have to say to the broker, on its way from their threads to the session's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <pawl/worker.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "client/src/held_job.h"

namespace pawl::client {

enum class Verdict : std::uint8_t { complete, fail, release };

struct Settlement {
  std::shared_ptr<HeldJob> job;
  Verdict verdict = Verdict::complete;
  std::string text;  // the JSON object as it goes into a settle frame
};

struct LogLines {
  std::shared_ptr<HeldJob> job;
  std::string text;  // JSON strings with commas between them, as they go into a logs frame
  std::size_t count = 0;
};

/// A progress report as it goes into a heartbeat.
struct Progress {
  std::shared_ptr<HeldJob> job;
  double percent = -1;
  std::string message;
  bool message_told = false;
};

/// Collects until the session takes. Thread: any.
class Outbox {
 public:
  /// `wake` is called when there is something new and the session rests; under the lock, so that it is never
  /// called after close(). It must not call back.
  /// `keep_step` asks the broker and waits for its answer. Thread: any.
  using KeepStep = std::function<Result<JsonText>(const HeldJob&, std::string_view step, const JsonText&)>;
  /// `invoke` gives the job back until another one has ended, and waits for the broker's answer. Thread: any.
  using Invoke = std::function<Result<void>(const HeldJob&, std::string_view as, const JobSpec&)>;
  /// `add_children` gives the job back until those have ended, and waits for the broker's answer. Thread:
  /// any.
  using AddChildren = std::function<Result<void>(const HeldJob&, const std::vector<WorkflowJob>&)>;
  explicit Outbox(std::function<void()> wake, KeepStep keep_step = {}, Invoke invoke = {},
                  AddChildren add_children = {})
      : wake_(std::move(wake)),
        keep_step_(std::move(keep_step)),
        invoke_(std::move(invoke)),
        add_children_(std::move(add_children)) {}

  Result<JsonText> keep_step(const HeldJob& job, std::string_view step, const JsonText& result) const {
    return keep_step_(job, step, result);
  }
  Result<void> invoke(const HeldJob& job, std::string_view as, const JobSpec& spec) const {
    return invoke_(job, as, spec);
  }
  Result<void> add_children(const HeldJob& job, const std::vector<WorkflowJob>& children) const {
    return add_children_(job, children);
  }

  void complete(const std::shared_ptr<HeldJob>& job, std::string_view result);
  void fail(const std::shared_ptr<HeldJob>& job, const Failure& failure);
  void release(const std::shared_ptr<HeldJob>& job, milliseconds delay);
  void rate_limited(const std::shared_ptr<HeldJob>& job, milliseconds retry_after);
  void suspend(const std::shared_ptr<HeldJob>& job, const Suspension& suspension);
  void progress(const std::shared_ptr<HeldJob>& job, double percent, std::string_view message);
  void log(const std::shared_ptr<HeldJob>& job, std::string_view line);

  // The session's side.

  struct Content {
    std::vector<Settlement> settlements;
    std::vector<LogLines> logs;  // those of a job that is settled were written before its settlement
  };
  /// Moves out what has come since. Both at once, so that no verdict overtakes the lines before it.
  Content take();
  /// Those that came first, until their messages are `bytes_max` long.
  std::vector<Progress> take_progress(std::size_t bytes_max);
  bool has_progress() const;
  /// Says that the session looked and will not look again without being woken: by the first log line, by
  /// `enough` settlements, and by any progress. False, and it is not resting, when lines or so many
  /// settlements came meanwhile.
  bool rest(std::size_t enough);

  /// From now on everything that comes is dropped, and nobody is woken: the worker has ended.
  void close();

 private:
  void add(Settlement settlement);
  /// Wakes the session unless that was done since it rested. REQUIRES: lock held.
  void wake();

  mutable std::mutex mutex_;  // handlers' threads against the session's
  std::function<void()> wake_;
  const KeepStep keep_step_;
  const Invoke invoke_;
  const AddChildren add_children_;
  Content content_;
  HeldJobs dirty_;
  bool woken_ = true;       // the session looks again by itself
  std::size_t enough_ = 1;  // settlements that are worth its look
  bool closed_ = false;
};

}  // namespace pawl::client
