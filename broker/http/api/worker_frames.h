// The frames of the worker protocol pawl.worker.v1: text ↔ commands and replies. docs/worker-protocol.md
// describes them. Pure functions, Thread: any.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "broker/core/command.h"
#include "broker/core/reply.h"
#include "broker/http/api/limits.h"
#include "broker/http/api/problem.h"

namespace pawl::http::api {

/// The first frame; sent again it changes queues, names and credit.
struct HelloFrame {
  core::OpenWorker open;
  std::string host;  // what it runs on, and which release of it; for people to read; may be empty
  std::string version;
};
struct CreditFrame {
  std::uint32_t credit = 0;
};
struct SettleFrame {
  std::uint64_t id = 0;  // the worker's own number; comes back in the answer
  core::Settle settle;
};
struct HeartbeatFrame {
  std::uint64_t id = 0;
  core::Heartbeat heartbeat;
};
struct LogsFrame {
  std::uint64_t id = 0;
  core::AppendLogs logs;
};
struct ByeFrame {};

using WorkerFrame = std::variant<HelloFrame, CreditFrame, SettleFrame, HeartbeatFrame, LogsFrame, ByeFrame>;

/// Why a frame was not taken; nothing was done.
struct FrameProblem {
  /// 0: send `error_frame`, the connection stays. Else close with this code (1007: not JSON) and
  /// `close_reason` (at most 123 bytes).
  std::uint16_t close_code = 0;
  std::string close_reason;
  std::string error_frame;
};

/// Reads one text frame from a worker. Never throws.
std::expected<WorkerFrame, FrameProblem> read_worker_frame(std::string_view text, const Limits& limits = {});

// What the broker says; each returns one frame's text.
std::string write_welcome(std::string_view worker_id, const core::WorkerOpened& opened,
                          core::Millis disconnect_grace_ms, std::string_view version);
std::string write_jobs(const core::Granted& granted);
std::string write_settled(std::uint64_t id, const core::Settled& settled);
std::string write_heartbeats(std::uint64_t id, const core::HeartbeatDone& done);
std::string write_logged(std::uint64_t id, const core::LogsKept& kept);
std::string write_logs_refused(std::uint64_t id, const core::Refused& refused);
std::string write_notice(const core::Notice& notice);
/// A command that was not taken: problem_of(Busy), problem_of(Refused), or a state of the connection that
/// forbids it. Without an id it answers a frame that has none.
std::string write_error(std::optional<std::uint64_t> id, const Problem& problem);

}  // namespace pawl::http::api
