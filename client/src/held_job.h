// A job that this worker holds, shared by its handle, the outbox and the session.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <pawl/worker.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client/src/json_slices.h"

namespace pawl::client {

class Outbox;

/// Views point into `frame`, the text that the job came in.
struct HeldJob {
  std::shared_ptr<const std::string> frame;
  std::string_view text;
  std::string_view id;
  std::string_view lease_id;
  std::string_view queue;
  std::string_view name;
  std::string_view payload;
  std::string_view traceparent;
  std::uint32_t attempt = 1;
  std::uint32_t max_attempts = 1;
  milliseconds lease{30'000};
  std::optional<milliseconds> timeout;
  std::map<std::string, JsonText, std::less<>> steps;  // of earlier attempts, and of this one; the handler's

  std::shared_ptr<Outbox> outbox;  // outlives the worker, so that late handles find something to talk to
  std::stop_source stop;
  std::atomic<StopReason> reason{StopReason::none};
  /// Set by the first verdict, and when no verdict can count any more.
  std::atomic<bool> settled{false};

  // Guarded by the outbox.
  double progress = -1;
  std::string message;
  bool message_told = false;
  bool dirty = false;  // progress is not sent yet
  std::uint32_t log_lines = 0;

  // The session's.
  std::chrono::steady_clock::time_point beat_at;

  /// Fires the stop token, once.
  void request_stop(StopReason why) {
    StopReason none = StopReason::none;
    if (reason.compare_exchange_strong(none, why)) stop.request_stop();
  }
  /// True for the one caller that may give the verdict.
  bool take_verdict() { return !settled.exchange(true); }
};

using HeldJobs = std::vector<std::shared_ptr<HeldJob>>;

/// Reads the job of a `jobs` frame with which `rest` begins. Its `text` is empty when that is not
/// well-formed; its ids are when it has none. `now` (wall clock) gives the lease its length when the broker
/// does not say it.
std::shared_ptr<HeldJob> read_held_job(JsonSlice rest, const std::shared_ptr<const std::string>& frame,
                                       const std::shared_ptr<Outbox>& outbox, Time now);

}  // namespace pawl::client
