// The worker's side of the protocol pawl.worker.v1: what is held, what waits for a confirmation, what is sent
// next.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <pawl/worker.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/src/backoff.h"
#include "client/src/json_slices.h"
#include "client/src/outbox.h"
#include "client/src/pool.h"
#include "client/src/told_credit.h"
#include "client/src/ws_link.h"

namespace pawl::client {

/// Decides; does no I/O of its own. It outlives connections: after a break it greets the broker with the
/// leases it holds and says again what was not confirmed (a settlement is idempotent by its lease).
///
/// Thread: the link's, except drain(), stop() and counts(): any.
class WorkerSession : public LinkUser {
  using clock = std::chrono::steady_clock;

 public:
  struct Setup {
    WorkerOptions options;           // complete: worker_id and concurrency are set
    std::vector<std::string> names;  // job names to ask for; empty: any
  };

  WorkerSession(Setup setup, std::shared_ptr<Outbox> outbox, Pool& pool);

  void on_open() override;
  void on_message(std::shared_ptr<const std::string> text) override;
  std::optional<milliseconds> on_down(const Error& why) override;
  std::string next_message() override;
  milliseconds on_tick() override;
  bool finished() const override { return finished_; }
  void on_signal() override;

  /// No job begins after the call; the rest is noted only: wake the link afterwards.
  void drain() {
    pool_.hold();
    drain_asked_ = true;
  }
  void stop() {
    pool_.hold();
    stop_asked_ = true;
  }

  WorkerCounts counts() const;
  /// Why the broker will never take this worker, when that is so.
  const std::optional<Error>& fatal() const { return fatal_; }

 private:
  /// Something that was sent and waits for its confirmation: settlements, or one job's log lines.
  struct Parcel {
    std::vector<Settlement> settlements;
    std::optional<LogLines> logs;
  };
  enum class Phase { down, opened, welcomed };

  // Frames out.
  std::string due_message();
  std::string hello();
  std::string credit(unsigned wanted);
  std::string heartbeat(clock::time_point now);
  std::string send(Parcel parcel);
  std::optional<Parcel> next_parcel(clock::time_point now);
  void collect();

  // Frames in.
  void on_welcome(JsonSlice frame);
  void on_jobs(JsonSlice frame, const std::shared_ptr<const std::string>& text);
  void on_settled(JsonSlice frame);
  void on_heartbeats(JsonSlice frame);
  void on_error(JsonSlice frame);
  void on_refused_parcel(Parcel parcel, const Error& why);
  void confirm(Settlement settlement, JsonSlice result);

  void hold(const std::shared_ptr<HeldJob>& job);
  void lose(const std::shared_ptr<HeldJob>& job);
  void forget(const std::shared_ptr<HeldJob>& job);
  std::shared_ptr<HeldJob> held(std::string_view job_id) const;
  /// The settlement becomes a failed attempt, since its result cannot be told.
  static Settlement instead(const Settlement& refused, std::string type, std::string message);
  void drop_oversized();

  void begin_drain(clock::time_point now);
  void advance_drain(clock::time_point now);
  bool all_said() const;
  unsigned wanted_credit() const;
  void notice(const std::string& line) const;

  const Setup setup_;
  const std::shared_ptr<Outbox> outbox_;
  Pool& pool_;
  RetryWaits waits_;

  Phase phase_ = Phase::down;
  bool ever_welcomed_ = false;
  bool hello_due_ = false;
  /// When to say again what the broker had no room for and confirms with no id: hello, credit or bye.
  std::optional<clock::time_point> say_again_at_;
  std::uint64_t next_frame_ = 1;
  ToldCredit told_credit_;

  std::unordered_map<std::string_view, std::shared_ptr<HeldJob>> held_;  // by job id, which the job keeps
  std::size_t enough_ = 1;                     // settlements that are worth a look at the outbox
  Outbox::Content pending_;                    // taken from the outbox, not sent yet
  std::deque<Parcel> again_;                   // was sent, must be sent again
  clock::time_point again_at_{};               // not before then
  std::map<std::uint64_t, Parcel> under_way_;  // by frame id
  std::map<std::uint64_t, HeldJobs> beats_under_way_;
  clock::time_point beats_looked_at_{};
  clock::time_point progress_sent_at_{};

  std::atomic<bool> drain_asked_{false};
  std::atomic<bool> stop_asked_{false};
  bool draining_ = false;
  bool bye_due_ = false;
  clock::time_point drain_deadline_{};           // then the stop tokens fire
  std::optional<clock::time_point> stopped_at_;  // when they did
  std::optional<clock::time_point> idle_since_;  // while draining: nothing is held any more
  bool finished_ = false;
  std::optional<Error> fatal_;

  struct {
    std::atomic<std::uint64_t> received{0}, completed{0}, failed{0}, released{0}, refused{0}, leases_lost{0},
        connections{0};
  } counts_;
};

}  // namespace pawl::client
