// One WebSocket to the broker that comes back when it breaks. Carries text, knows nothing of what it says.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <pawl/error.hpp>
#include <string>

#include "client/src/url.h"

namespace pawl::client {

/// What the link tells and asks. All calls come from the thread that is in WsLink::run().
class LinkUser {
 public:
  using milliseconds = std::chrono::milliseconds;

  virtual ~LinkUser() = default;
  virtual void on_open() = 0;
  virtual void on_message(std::shared_ptr<const std::string> text) = 0;
  /// The connection broke or could not be made. The wait before the next try, or nothing to give up.
  /// why.status is the HTTP status of a declined upgrade, or the code (1000…) of a WebSocket that the broker
  /// closed.
  virtual std::optional<milliseconds> on_down(const Error& why) = 0;
  /// The next message to send, empty when there is none. Asked while connected, when nothing is being
  /// written: after each message, each write, each wake and each tick.
  virtual std::string next_message() = 0;
  /// Something is due, perhaps. How long until the next tick.
  virtual milliseconds on_tick() = 0;
  /// Asked after each of the above: true ends run().
  virtual bool finished() const = 0;
  /// SIGTERM or SIGINT came.
  virtual void on_signal() = 0;
};

struct LinkOptions {
  Url url;
  std::string token;
  std::string path;  // behind the URL's base
  std::string subprotocol;
  std::chrono::milliseconds connect_timeout{5'000};
  bool signals = false;  // take SIGTERM and SIGINT for as long as run() runs
};

class WsLink {
 public:
  WsLink(LinkOptions options, LinkUser& user);
  ~WsLink();

  /// Connects, reads, writes, and connects again, until the user has finished or given up. Blocks.
  void run();
  /// Makes the link ask for the next message soon. Thread: any; cheap when it was woken already.
  void wake();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pawl::client
