// One Server-Sent Events stream.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/engine/engine.h"
#include "broker/http/exchange.h"

namespace pawl::http::api {

/// Listens to the hub and writes to the exchange's stream, in order, without a gap or a repeat. What comes is
/// kept until the session's thread formats it, so the thread that makes events durable stays free. A client
/// that falls too far behind is cut off; it comes back with the Last-Event-ID it has. The exchange keeps it
/// alive. Thread: any.
class EventFeed final : public engine::EventTarget,
                        public engine::ReplyTarget,
                        public std::enable_shared_from_this<EventFeed> {
 public:
  EventFeed(engine::Engine& engine, std::shared_ptr<Exchange> exchange, engine::EventFilter filter,
            std::optional<std::uint64_t> after);
  ~EventFeed() override;
  /// A feed of one job first looks whether there is one: else 404. Without a Last-Event-ID it begins with how
  /// the job stands.
  void start();

  void on_events(const std::vector<std::shared_ptr<const engine::JobEvent>>& events) override;
  void on_reply(std::uint64_t tag, core::Reply&& reply) override;

 private:
  using Events = std::vector<std::shared_ptr<const engine::JobEvent>>;

  void open(std::string beginning);
  std::string backlog_text();
  std::string standing_text(const core::JobView& view);
  void pump();
  void end();

  engine::Engine& engine_;
  const engine::EventFilter filter_;
  const std::optional<std::uint64_t> after_;
  engine::EventHub::Subscription subscription_;

  std::mutex mutex_;  // subscribers are told on one thread, the client leaves on another
  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<Stream> stream_;
  Events waiting_;
  bool pumping_ = false;  // pump() is called for, or the stream is not open yet
  bool over_ = false;
};

}  // namespace pawl::http::api
