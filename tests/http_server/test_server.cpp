#include "tests/http_server/test_server.h"

#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace pawl::http::tests {
namespace {

using namespace std::chrono_literals;

}  // namespace

TestServer::TestServer(ServerOptions options) {
  options.listen = {"127.0.0.1:0"};
  options.handler = [this](Request&& request, std::shared_ptr<Exchange> exchange) {
    handle(std::move(request), std::move(exchange));
  };
  auto server = Server::start(std::move(options));
  if (!server) throw std::runtime_error(server.error());
  server_ = std::move(*server);
}

TestServer::~TestServer() { server_->stop(0); }

void TestServer::handle(Request&& request, std::shared_ptr<Exchange> exchange) {
  const auto tell_abandoned = [this] {
    const std::lock_guard lock(mutex_);
    ++abandoned_;
    changed_.notify_all();
  };
  Response response;
  if (request.path == "/echo") {
    response.body = request.method == Method::post ? request.body : "\"ok\"";
    return exchange->respond(std::move(response));
  }
  if (request.path == "/big") {
    response.body.assign(static_cast<std::size_t>(std::atoi(request.query.c_str())) << 10, 'x');
    return exchange->respond_with([response] { return response; });
  }
  if (request.path == "/slow" || request.path == "/stream") {
    exchange->on_abandoned(tell_abandoned);
    const std::lock_guard lock(mutex_);
    if (request.path == "/stream") {
      streams_.push_back(exchange->stream());
    } else {
      exchanges_.push_back(std::move(exchange));
    }
    return changed_.notify_all();
  }
  if (request.path == "/wait") {
    Exchange& timer = *exchange;
    return timer.after(
        30, [exchange] { exchange->respond({.status = 200, .body = "\"waited\"", .headers = {}}); });
  }
  if (request.path == "/throw") throw std::runtime_error("on purpose");
  if (request.path == "/drop") return;
  response.status = 404;
  exchange->respond(std::move(response));
}

std::shared_ptr<Exchange> TestServer::take_exchange() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, 10s, [this] { return !exchanges_.empty(); }))
    throw std::runtime_error("no request");
  auto exchange = std::move(exchanges_.front());
  exchanges_.erase(exchanges_.begin());
  return exchange;
}

std::shared_ptr<Stream> TestServer::take_stream() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, 10s, [this] { return !streams_.empty(); }))
    throw std::runtime_error("no stream");
  auto stream = std::move(streams_.front());
  streams_.erase(streams_.begin());
  return stream;
}

void TestServer::wait_abandoned(std::size_t count) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, 10s, [&] { return abandoned_ >= count; }))
    throw std::runtime_error("not abandoned");
}

std::size_t TestServer::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

ServerOptions impatient() {
  ServerOptions options;
  Limits& limits = options.rules.limits;
  limits.header_ms = limits.body_ms = limits.idle_ms = limits.write_ms = 150;
  limits.stream_keep_alive_ms = 100;
  return options;
}

std::string post(std::string_view path, std::string_view body, std::string_view more_fields) {
  std::string request = "POST ";
  request += path;
  request += " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ";
  request += std::to_string(body.size());
  request += "\r\n";
  request += more_fields;
  request += "\r\n";
  return request += body;
}

std::string get(std::string_view path, std::string_view more_fields) {
  std::string request = "GET ";
  request += path;
  request += " HTTP/1.1\r\nHost: localhost\r\n";
  request += more_fields;
  return request + "\r\n";
}

}  // namespace pawl::http::tests
