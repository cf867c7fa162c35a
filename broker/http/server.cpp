#include "broker/http/server.h"

#include <algorithm>
#include <charconv>
#include <future>

#include "broker/http/io_thread.h"
#include "broker/http/listener.h"
#include "broker/http/server_context.h"
#include "broker/http/text.h"

namespace pawl::http {
namespace {

using std::chrono::milliseconds;

/// Often enough for the shortest limit, seldom enough to cost nothing.
milliseconds sweep_interval(const Limits& limits) {
  const std::int64_t shortest = std::min({limits.header_ms, limits.body_ms, limits.idle_ms, limits.write_ms,
                                          limits.stream_keep_alive_ms, std::int64_t{4000}});
  return milliseconds(std::clamp<std::int64_t>(shortest / 4, 10, 1000));
}

std::expected<Tcp::endpoint, std::string> parse_address(const std::string& text) {
  const auto bad = [&] {
    return std::unexpected("cannot listen on \"" + text + "\": it must be ADDRESS:PORT");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad();
  std::string host = text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return bad();
  ErrorCode error;
  const net::ip::address address = net::ip::make_address(host, error);
  if (error) return bad();
  return Tcp::endpoint(address, port);
}

std::string text_of(const Tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace

struct Server::State {
  explicit State(ServerOptions options) : context(std::move(options)) {}

  ServerContext context;
  std::shared_ptr<AddressCounts> counts = std::make_shared<AddressCounts>();
  std::vector<std::unique_ptr<IoThread>> threads;
  std::vector<std::shared_ptr<Listener>> listeners;
  std::vector<std::string> addresses;
  std::uint16_t port = 0;
  bool accepting = false;
  bool stopped = false;

  std::expected<void, std::string> listen(const std::string& text);
};

std::expected<void, std::string> Server::State::listen(const std::string& text) {
  const auto endpoint = parse_address(text);
  if (!endpoint) return std::unexpected(endpoint.error());
  std::vector<IoThread*> targets;
  for (const auto& thread : threads) targets.push_back(thread.get());
  auto listener = std::make_shared<Listener>(context, targets, counts);
  const bool any_port = endpoint->port() == 0;
  ErrorCode error;
  if (any_port && port != 0) {
    error = listener->open(Tcp::endpoint(endpoint->address(), port));
    if (error) listener = std::make_shared<Listener>(context, targets, counts);
  }
  if (!any_port || port == 0 || error) error = listener->open(*endpoint);
  if (error) return std::unexpected("cannot listen on \"" + text + "\": " + error.message());
  const Tcp::endpoint bound = listener->endpoint();
  if (port == 0) port = bound.port();
  addresses.push_back(text_of(bound));
  if (!bound.address().is_unspecified()) context.options.rules.hosts.push_back(bound.address().to_string());
  listeners.push_back(std::move(listener));
  return {};
}

std::expected<std::unique_ptr<Server>, std::string> Server::start(ServerOptions options) {
  options.io_threads = std::clamp<std::size_t>(options.io_threads, 1, 64);
  for (std::string& host : options.rules.hosts) host = lowered(host);
  auto state = std::make_unique<State>(std::move(options));
  const milliseconds interval = sweep_interval(state->context.limits());
  for (std::size_t i = 0; i < state->context.options.io_threads; ++i) {
    state->threads.push_back(std::make_unique<IoThread>(state->context.meters.shard(i), interval));
  }
  for (const std::string& text : state->context.options.listen) {
    if (auto listening = state->listen(text); !listening) return std::unexpected(listening.error());
  }
  for (const auto& listener : state->listeners) listener->accept();
  state->accepting = true;
  for (const auto& thread : state->threads) thread->start();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { stop(0); }

std::uint16_t Server::port() const { return state_->port; }
const std::vector<std::string>& Server::addresses() const { return state_->addresses; }
HttpMeters& Server::meters() { return state_->context.meters; }

void Server::stop_accepting() {
  if (!std::exchange(state_->accepting, false)) return;
  std::promise<void> closed;
  state_->threads.front()->mailbox()->call([&] {
    for (const auto& listener : state_->listeners) listener->close();
    closed.set_value();
  });
  closed.get_future().wait();
}

void Server::stop(std::int64_t deadline_ms) {
  if (std::exchange(state_->stopped, true)) return;
  stop_accepting();
  const TimePoint until = std::chrono::steady_clock::now() + milliseconds(deadline_ms);
  if (deadline_ms > 0) {
    for (const auto& thread : state_->threads) thread->mailbox()->call([&io = *thread] { io.drain_all(); });
    state_->counts->wait_empty(until);
  }
  for (const auto& thread : state_->threads) thread->stop();
}

}  // namespace pawl::http
