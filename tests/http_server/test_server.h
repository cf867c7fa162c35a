// A real server with a handful of routes, for tests.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker/http/server.h"

namespace pawl::http::tests {

/// Routes: POST /echo answers the body; GET /echo "ok"; GET /slow and /stream keep their exchange for the
/// test; GET /wait answers after 30 ms by Exchange::after; GET /drop answers never; /throw throws; GET /big?N
/// answers N KiB; anything else 404.
class TestServer {
 public:
  explicit TestServer(ServerOptions options = {});
  ~TestServer();

  std::uint16_t port() const { return server_->port(); }
  Server& server() { return *server_; }
  /// Waits until a request to /slow or /stream is there, and takes it.
  std::shared_ptr<Exchange> take_exchange();
  std::shared_ptr<Stream> take_stream();
  void wait_abandoned(std::size_t count);
  std::size_t abandoned() const;

 private:
  void handle(Request&& request, std::shared_ptr<Exchange> exchange);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Exchange>> exchanges_;
  std::vector<std::shared_ptr<Stream>> streams_;
  std::size_t abandoned_ = 0;
  std::unique_ptr<Server> server_;
};

/// Limits short enough to wait for.
ServerOptions impatient();

std::string post(std::string_view path, std::string_view body, std::string_view more_fields = {});
std::string get(std::string_view path, std::string_view more_fields = {});

}  // namespace pawl::http::tests
