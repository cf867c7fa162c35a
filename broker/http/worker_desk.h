// One worker's conversation with the engine: frames in, commands out; replies in, frames out. Knows no
// socket.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "broker/core/reply.h"
#include "broker/engine/engine.h"
#include "broker/http/api/worker_frames.h"

namespace pawl::http {

/// Thread: one, the session's. The engine must outlive it.
class WorkerDesk {
 public:
  struct Options {
    api::Limits limits;
    core::Millis disconnect_grace_ms = 5000;
    std::string version;
    std::size_t requests_max = 256;
    /// Hears what the worker says of itself. May be null.
    std::function<void(const std::string& worker_id, std::string host, std::string version)> introduced{};
  };
  /// Why the connection must be closed (RFC 6455, section 7.4).
  struct Close {
    std::uint16_t code;
    std::string reason;
  };

  WorkerDesk(Options options, engine::Engine& engine) : options_(std::move(options)), engine_(engine) {}

  /// Carries out one text frame; replies go to `target`.
  std::optional<Close> take_frame(std::string_view text, std::shared_ptr<engine::ReplyTarget> target);
  void take_reply(std::uint64_t tag, core::Reply&& reply);
  /// The next frame to send; empty when there is none. Jobs that wait are merged into few frames.
  std::string next_frame();

  /// As many frames are unanswered as may be.
  bool is_full() const { return asked_.size() >= options_.requests_max; }
  bool said_bye() const { return bye_; }
  /// No lease, no unanswered frame, nothing to send.
  bool holds_nothing() const { return held_.empty() && asked_.empty() && out_.empty() && !opening_; }
  /// Tells the engine that the worker is gone. False: it could not take that now.
  bool leave();

 private:
  /// What a frame asked, until it is answered.
  struct Asked {
    enum class Kind : std::uint8_t { settle, heartbeat, logs, bye };
    Kind kind;
    std::optional<std::uint64_t> id;
    std::vector<core::LeaseNumber> leases;  // settle
  };
  static constexpr std::uint64_t worker_tag = 0;

  std::optional<Close> on(api::HelloFrame& frame, const std::shared_ptr<engine::ReplyTarget>& target);
  std::optional<Close> on(api::CreditFrame& frame, const std::shared_ptr<engine::ReplyTarget>& target);
  std::optional<Close> on(api::SettleFrame& frame, const std::shared_ptr<engine::ReplyTarget>& target);
  std::optional<Close> on(api::HeartbeatFrame& frame, const std::shared_ptr<engine::ReplyTarget>& target);
  std::optional<Close> on(api::LogsFrame& frame, const std::shared_ptr<engine::ReplyTarget>& target);
  std::optional<Close> on(api::ByeFrame& frame, const std::shared_ptr<engine::ReplyTarget>& target);
  void ask(Asked asked, core::CommandBody body, const std::shared_ptr<engine::ReplyTarget>& target);
  bool set_credit(std::uint32_t credit);  // false: refused, and said

  void on_worker_reply(core::Reply&& reply);
  void on_opened(const core::WorkerOpened& opened);
  void on_granted(core::Granted&& granted);
  void on_settled(const Asked& asked, const core::Settled& settled);
  void say(std::string frame) { out_.emplace_back(std::move(frame)); }

  Options options_;
  engine::Engine& engine_;
  core::Ticket ticket_ = core::Ticket::none;
  std::string worker_id_;
  std::vector<core::OpenWorker::Held> resume_;  // of the hello that is being answered
  bool opening_ = false;                        // a hello is not answered yet
  bool bye_ = false;
  std::uint64_t next_tag_ = worker_tag + 1;
  std::unordered_map<std::uint64_t, Asked> asked_;
  std::unordered_set<core::LeaseNumber> held_;
  std::deque<std::variant<std::string, core::Granted>> out_;
};

}  // namespace pawl::http
