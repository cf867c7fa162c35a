// The HTTP server: listeners, I/O threads, sessions. It knows no route; what passes the gate goes to the
// handler.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/http/api/limits.h"
#include "broker/http/api/worker_directory.h"
#include "broker/http/exchange.h"
#include "broker/http/gate.h"
#include "broker/http/http_meters.h"

namespace pawl::engine {
class Engine;
}

namespace pawl::http {

struct ServerOptions {
  /// "127.0.0.1:7711", "[::1]:0"; port 0 takes a free one, the same for all that ask for 0 if that can be
  /// had.
  std::vector<std::string> listen{"127.0.0.1:7711"};
  std::size_t io_threads = 2;
  GateRules rules;  // token, allowed hosts and origins, limits. The bound addresses are added to the hosts.

  /// Thread: the session's. Must not block; answers now or later. What it throws becomes a 500.
  std::function<void(Request&&, std::shared_ptr<Exchange>)> handler;
  /// The route's pattern for the meters, "/jobs/{id}"; must live for ever. Null: all is one route.
  std::function<std::string_view(Method, std::string_view path)> route_of;

  /// Serves GET /worker (WebSocket); null: that path goes to the handler. Outlives the server.
  engine::Engine* engine = nullptr;
  api::Limits frame_limits;  // of what its frames carry
  std::int64_t disconnect_grace_ms = 5000;
  std::string version = "0.1.0";
  /// Where its workers' connections are told; not null.
  std::shared_ptr<api::WorkerDirectory> workers = std::make_shared<api::WorkerDirectory>();

  std::function<void(const std::string&)> log_warn;  // Thread: any; null: nowhere
};

/// Thread: one that owns it; meters() any.
class Server {
 public:
  /// Binds, starts the threads, accepts. The error is one sentence that names the address.
  static std::expected<std::unique_ptr<Server>, std::string> start(ServerOptions options);
  /// stop(0), if it was not stopped.
  ~Server();

  /// The port of the first listener.
  std::uint16_t port() const;
  /// Of every listener, as bound: "127.0.0.1:7711".
  const std::vector<std::string>& addresses() const;

  /// New connections are refused by the system from now on; those that are there go on.
  void stop_accepting();
  /// Closes idle connections, lets answers in flight leave, and cuts what is left after `deadline_ms`.
  /// Idempotent. Exchanges that are answered later do nothing.
  void stop(std::int64_t deadline_ms);

  HttpMeters& meters();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pawl::http
