#include "client/src/http_pool.h"

#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "client/src/problem.h"

namespace pawl::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using TcpStream = beast::basic_stream<tcp, asio::io_context::executor_type>;

namespace {

constexpr std::uint64_t answer_bytes_max = 1u << 30;

HttpFailure failure(const Url& url, const std::string& doing, const beast::error_code& code, bool unsent) {
  const std::string where = url.host + ":" + url.port;
  if (code == beast::error::timeout || code == asio::error::operation_aborted) {
    return {
        local_error(ErrorKind::timeout, "the broker at " + where + " did not answer in time (" + doing + ")"),
        unsent};
  }
  return {local_error(ErrorKind::connection, doing + " the broker at " + where + ": " + code.message()),
          unsent};
}

milliseconds retry_after_of(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || seconds < 0 || seconds > 86'400) return {};
  return std::chrono::seconds(seconds);
}

std::string text_of(beast::string_view view) { return {view.data(), view.size()}; }

}  // namespace

// A connection has an event loop of its own, run by whichever thread has borrowed the connection: Asio's
// plain blocking calls know no timeout.
struct HttpPool::Connection {
  asio::io_context io{1};
  TcpStream stream{io};
  beast::flat_buffer buffer;

  // Runs what was started; its timeout is the stream's.
  void run() {
    io.restart();
    io.run();
  }

  bool usable() {
    if (!stream.socket().is_open()) return false;
    char byte = 0;
    const auto peeked = ::recv(stream.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    // Bytes that nobody asked for would be taken for the next answer.
    if (peeked < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    close();
    return false;
  }

  void close() {
    beast::error_code ignored;
    stream.socket().close(ignored);
    buffer.clear();
  }
};

struct HttpPool::State {
  Url url;
  std::string authorization;
  std::size_t connections_max;
  milliseconds connect_timeout;

  std::mutex mutex;  // the pool is shared by the callers' threads
  std::condition_variable returned;
  std::vector<std::unique_ptr<Connection>> idle;
  std::size_t in_use = 0;

  std::unique_ptr<Connection> borrow() {
    std::unique_lock lock(mutex);
    returned.wait(lock, [&] { return in_use < connections_max; });
    ++in_use;
    if (idle.empty()) return std::make_unique<Connection>();
    auto connection = std::move(idle.back());
    idle.pop_back();
    return connection;
  }
  void give_back(std::unique_ptr<Connection> connection) {
    {
      const std::lock_guard lock(mutex);
      --in_use;
      if (connection->stream.socket().is_open()) idle.push_back(std::move(connection));
    }
    returned.notify_one();
  }

  beast::error_code connect(Connection& connection) const;
  using Message = http::request<http::span_body<const char>>;  // the body is the caller's: it can be large
  Message message(const HttpRequest& request) const;
  beast::error_code send(Connection& connection, const HttpRequest& request) const;
  /// `written`: how the writing of the request ended.
  std::expected<Response, HttpFailure> receive(Connection& connection, bool head_only,
                                               const beast::error_code& written) const;
  std::expected<Response, HttpFailure> exchange(Connection& connection, const HttpRequest& request) const;
};

HttpPool::HttpPool(Url url, std::string token, std::size_t connections_max, milliseconds connect_timeout)
    : state_(new State{.url = std::move(url),
                       .authorization = token.empty() ? "" : "Bearer " + token,
                       .connections_max = std::max<std::size_t>(1, connections_max),
                       .connect_timeout = connect_timeout,
                       .mutex = {},
                       .returned = {},
                       .idle = {}}) {}
HttpPool::~HttpPool() = default;

beast::error_code HttpPool::State::connect(Connection& connection) const {
  beast::error_code outcome;
  tcp::resolver resolver(connection.io);
  const auto addresses = resolver.resolve(url.host, url.port, outcome);
  if (outcome) return outcome;
  connection.stream.expires_after(connect_timeout);
  connection.stream.async_connect(
      addresses, [&](const beast::error_code& code, const tcp::endpoint&) { outcome = code; });
  connection.run();
  if (!outcome) connection.stream.socket().set_option(tcp::no_delay(true), outcome);
  return outcome;
}

HttpPool::State::Message HttpPool::State::message(const HttpRequest& request) const {
  Message out;
  out.version(11);
  out.method_string({request.method.data(), request.method.size()});
  out.target(url.base + std::string(request.target));
  out.set(http::field::host, url.host_header);
  out.set(http::field::user_agent, "libpawl");
  if (!authorization.empty()) out.set(http::field::authorization, authorization);
  if (!request.body.empty()) {
    out.set(http::field::content_type, "application/json");
    out.body() = {request.body.data(), request.body.size()};
  }
  if (request.headers != nullptr) {
    for (const auto& [name, value] : *request.headers) out.set(name, value);
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    out.content_length(request.body.size());
  }
  return out;
}

beast::error_code HttpPool::State::send(Connection& connection, const HttpRequest& request) const {
  beast::error_code outcome;
  auto out = message(request);
  connection.stream.expires_after(request.answer_timeout);
  http::async_write(connection.stream, out,
                    [&](const beast::error_code& code, std::size_t) { outcome = code; });
  connection.run();
  return outcome;
}

std::expected<Response, HttpFailure> HttpPool::State::receive(Connection& connection, bool head_only,
                                                              const beast::error_code& written) const {
  beast::error_code outcome;
  http::response_parser<http::string_body> parser;
  parser.body_limit(answer_bytes_max);
  parser.header_limit(64u << 10);
  parser.skip(head_only);
  http::async_read(connection.stream, connection.buffer, parser,
                   [&](const beast::error_code& code, std::size_t) { outcome = code; });
  connection.run();
  if (outcome) {
    connection.close();
    return std::unexpected(failure(url, "waiting for an answer of", written ? written : outcome, false));
  }

  auto& in = parser.get();
  Response response;
  response.status = static_cast<int>(in.result_int());
  response.content_type = text_of(in[http::field::content_type]);
  response.location = text_of(in[http::field::location]);
  response.etag = text_of(in[http::field::etag]);
  response.retry_after = retry_after_of(text_of(in[http::field::retry_after]));
  const bool keep = in.keep_alive() && !written;
  response.text = std::move(in.body());
  if (keep) {
    connection.stream.expires_never();
  } else {
    connection.close();
  }
  return response;
}

std::expected<Response, HttpFailure> HttpPool::State::exchange(Connection& connection,
                                                               const HttpRequest& request) const {
  // A refusal of a large body can come, and the connection close, before all of it was written: the answer is
  // worth reading even so.
  const beast::error_code written = send(connection, request);
  return receive(connection, request.method == "HEAD", written);
}

std::expected<Response, HttpFailure> HttpPool::call(const HttpRequest& request) {
  auto connection = state_->borrow();
  std::expected<Response, HttpFailure> result;
  try {
    beast::error_code connected;
    if (!connection->usable()) {
      connection = std::make_unique<Connection>();
      connected = state_->connect(*connection);
    }
    if (connected) {
      connection->close();
      result = std::unexpected(failure(state_->url, "connecting to", connected, true));
    } else {
      result = state_->exchange(*connection, request);
    }
  } catch (const std::exception& error) {
    connection->close();
    result = std::unexpected(HttpFailure{local_error(ErrorKind::connection, error.what()), false});
  }
  state_->give_back(std::move(connection));
  return result;
}

struct HttpLine::State {
  struct Sent {
    beast::error_code written;
    milliseconds answer_timeout{};
    bool head_only = false;
  };

  explicit State(const HttpPool::State& its_pool) : pool(its_pool) {}

  const HttpPool::State& pool;
  std::unique_ptr<HttpPool::Connection> connection;
  std::deque<Sent> sent;                 // on the connection
  std::deque<HttpFailure> failed_first;  // of requests before those

  // Everything that is under way, and what was sent last, has this answer.
  void fail(const HttpFailure& why, std::size_t requests) {
    failed_first.insert(failed_first.end(), requests, why);
    sent.clear();
    if (connection) connection->close();
  }
};

HttpLine::HttpLine(HttpPool& pool) : state_(std::make_unique<State>(*pool.state_)) {}
HttpLine::~HttpLine() = default;

std::size_t HttpLine::under_way() const { return state_->failed_first.size() + state_->sent.size(); }

void HttpLine::send(const HttpRequest& request) {
  State& state = *state_;
  try {
    if (state.sent.empty() && (!state.connection || !state.connection->usable())) {
      state.connection = std::make_unique<HttpPool::Connection>();
      if (const auto failed = state.pool.connect(*state.connection)) {
        return state.fail(failure(state.pool.url, "connecting to", failed, true), 1);
      }
    }
    const beast::error_code written = state.pool.send(*state.connection, request);
    // Behind others, a request that could not be sent whole falls with them.
    state.sent.push_back({written, request.answer_timeout, request.method == "HEAD"});
  } catch (const std::exception& error) {
    state.fail({local_error(ErrorKind::connection, error.what()), false}, state.sent.size() + 1);
  }
}

std::expected<Response, HttpFailure> HttpLine::receive() {
  State& state = *state_;
  if (!state.failed_first.empty()) {
    HttpFailure failure = std::move(state.failed_first.front());
    state.failed_first.pop_front();
    return std::unexpected(std::move(failure));
  }
  const State::Sent sent = state.sent.front();
  state.sent.pop_front();
  std::expected<Response, HttpFailure> result;
  try {
    state.connection->stream.expires_after(sent.answer_timeout);
    result = state.pool.receive(*state.connection, sent.head_only, sent.written);
  } catch (const std::exception& error) {
    result = std::unexpected(HttpFailure{local_error(ErrorKind::connection, error.what()), false});
  }
  const bool open = result && state.connection->stream.socket().is_open();
  if (!open && !state.sent.empty()) {
    const HttpFailure why =
        result ? HttpFailure{local_error(ErrorKind::connection, "the broker closed the connection"), false}
               : result.error();
    state.fail(why, state.sent.size());
  }
  return result;
}

}  // namespace pawl::client
