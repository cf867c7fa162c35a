#include "broker/push/request.h"

#include <openssl/ssl.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <optional>

namespace pawl::push {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using net::ip::tcp;
using ErrorCode = boost::system::error_code;
using Deadline = std::chrono::steady_clock::time_point;

constexpr auto as_tuple = net::as_tuple(net::use_awaitable);
constexpr std::size_t header_bytes_max = 16u << 10;
constexpr std::size_t body_bytes_max = 1u << 20;
constexpr int redirects_max = 3;
constexpr int interim_max = 16;  // answers before the final one (RFC 9110, section 15.2)

Failure timed_out(const char* where) { return {"timeout", std::string("the time was over while ") + where}; }

Failure failure_of(const ErrorCode& error, const char* type, const char* where) {
  if (error == beast::error::timeout || error == net::error::operation_aborted) return timed_out(where);
  if (error == http::error::body_limit) return {"answer-too-large", "the answer has more than 1 MiB of body"};
  if (error == http::error::header_limit)
    return {"answer-too-large", "the answer has more than 16 KiB of headers"};
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error == net::error::eof || error == net::error::connection_reset || error == net::error::broken_pipe ||
      error == net::ssl::error::stream_truncated)
    return {"connection-closed", std::string("the connection was closed while ") + where};
  return {type, std::string("failed while ") + where + ": " + error.message()};
}

tcp::endpoint endpoint_of(const Address& address, std::uint16_t port) {
  const net::ip::address_v6 v6(address);
  if (v6.is_v4_mapped()) return {net::ip::make_address_v4(net::ip::v4_mapped, v6), port};
  return {v6, port};
}

/// The host's addresses that may be connected to.
net::awaitable<std::variant<std::vector<tcp::endpoint>, Failure>> resolve(Network& network, const Url& url,
                                                                          Deadline deadline) {
  if (const auto why = network.allow.refuses_host(url.host)) co_return Failure{"refused-address", *why};
  const auto found = co_await network.resolver.resolve(url.host, deadline);
  if (!found) co_return timed_out("the host's name was resolved");
  if (found->addresses.empty())
    co_return Failure{"resolve", "the host " + url.host + " is not found: " + found->error};
  std::vector<tcp::endpoint> allowed;
  std::string refused;
  for (const Address& address : found->addresses) {
    if (auto why = network.allow.refuses_address(url.host, address))
      refused = *std::move(why);
    else
      allowed.push_back(endpoint_of(address, url.port));
  }
  if (allowed.empty()) co_return Failure{"refused-address", refused};
  co_return allowed;
}

http::request<http::string_body> message_of(const Request& request) {
  http::request<http::string_body> message{http::verb::post, request.url.target, 11};
  message.set(http::field::host, request.url.authority());
  message.set(http::field::user_agent, "pawl");
  message.set(http::field::content_type, "application/json");
  message.set(http::field::accept, "application/json, */*;q=0.1");
  message.set(http::field::connection, "close");
  for (const auto& [name, value] : request.queue_headers) message.set(name, value);
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

struct Heard {
  Answer answer;
  std::string location;
};

template <typename Stream>
net::awaitable<std::variant<Heard, Failure>> talk(Stream& stream, const Request& request) {
  const auto message = message_of(request);
  const auto [unsent, sent] = co_await http::async_write(stream, message, as_tuple);
  // A server may answer, and close, before it has read all.
  if (unsent && unsent != net::error::broken_pipe && unsent != net::error::connection_reset)
    co_return failure_of(unsent, "send", "the request was sent");
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  for (int interim = 0;; ++interim) {
    http::response_parser<http::string_body> parser;
    parser.header_limit(header_bytes_max);
    parser.body_limit(body_bytes_max);
    const auto [unread, got] = co_await http::async_read(stream, buffer, parser, as_tuple);
    if (unread) co_return failure_of(unread, "receive", "the answer was awaited");
    response = parser.release();
    const unsigned status = response.result_int();
    if (status / 100 != 1 || status == 101 || interim == interim_max) break;
  }
  Heard heard;
  heard.answer.status = response.result_int();
  heard.answer.content_type = response[http::field::content_type];
  heard.answer.retry_after = response[http::field::retry_after];
  heard.answer.body = std::move(response.body());
  heard.location = response[http::field::location];
  co_return heard;
}

net::awaitable<std::variant<Heard, Failure>> hop(Network& network, const Request& request,
                                                 Deadline deadline) {
  auto resolved = co_await resolve(network, request.url, deadline);
  if (auto* failure = std::get_if<Failure>(&resolved)) co_return std::move(*failure);
  beast::tcp_stream stream(co_await net::this_coro::executor);
  stream.expires_at(deadline);
  const auto [unconnected, endpoint] =
      co_await stream.async_connect(std::get<std::vector<tcp::endpoint>>(resolved), as_tuple);
  if (unconnected) co_return failure_of(unconnected, "connect", "the connection was made");
  if (!request.url.tls) co_return co_await talk(stream, request);
  beast::ssl_stream<beast::tcp_stream> secure(std::move(stream), network.tls);
  const bool is_name = !parse_address(request.url.host);
  if (is_name) SSL_set_tlsext_host_name(secure.native_handle(), request.url.host.c_str());
  secure.set_verify_mode(net::ssl::verify_peer);
  secure.set_verify_callback(net::ssl::host_name_verification(request.url.host));
  const auto [untrusted] = co_await secure.async_handshake(net::ssl::stream_base::client, as_tuple);
  if (untrusted) co_return failure_of(untrusted, "tls", "TLS was agreed on");
  co_return co_await talk(secure, request);
}

}  // namespace

net::awaitable<Result> send(Network& network, Request request) {
  const Deadline deadline = std::chrono::steady_clock::now() + request.timeout;
  for (int followed = 0;; ++followed) {
    auto heard = co_await hop(network, request, deadline);
    if (auto* failure = std::get_if<Failure>(&heard)) co_return std::move(*failure);
    Heard& answer = std::get<Heard>(heard);
    const unsigned status = answer.answer.status;
    const bool redirects = status == 307 || status == 308;
    if (!redirects || answer.location.empty()) co_return std::move(answer.answer);
    if (followed == redirects_max) co_return Failure{"redirects", "was sent on more than three times"};
    auto next = parse_location(answer.location, request.url);
    if (!next) co_return Failure{"redirects", "was sent on to an address that " + next.error()};
    if (request.url.tls && !next->tls) co_return Failure{"redirects", "was sent on from https to http"};
    if (next->host != request.url.host || next->port != request.url.port || next->tls != request.url.tls) {
      request.queue_headers.clear();
    }
    request.url = *std::move(next);
  }
}

}  // namespace pawl::push
