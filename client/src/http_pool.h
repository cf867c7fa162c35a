// Keep-alive HTTP/1.1 connections to one broker.
#pragma once

#include <memory>
#include <pawl/client.hpp>
#include <string>
#include <string_view>

#include "client/src/url.h"

namespace pawl::client {

struct HttpRequest {
  std::string_view method;
  std::string_view target;  // behind Url::base, already escaped
  std::string_view body;    // JSON; empty: none
  const Client::Headers* headers = nullptr;
  milliseconds answer_timeout{};  // from the first byte sent to the last byte of the answer
};

/// What became of one try. `unsent`: the broker cannot have seen the request, so repeating it is always safe.
struct HttpFailure {
  Error error;
  bool unsent = false;
};

/// Thread: any; a call blocks its thread, and waits for a free connection when all are in use.
class HttpPool {
 public:
  HttpPool(Url url, std::string token, std::size_t connections_max, milliseconds connect_timeout);
  ~HttpPool();

  /// One try, no repetition. A connection that the broker has closed while it was idle is replaced first.
  std::expected<Response, HttpFailure> call(const HttpRequest& request);

 private:
  friend class HttpLine;
  struct Connection;
  struct State;
  std::unique_ptr<State> state_;
};

/// One connection, beside those of its pool, on which a request may follow another before that one is
/// answered (HTTP pipelining): the broker takes them in the order in which they were sent, and answers in
/// that order.
///
/// Thread: one at a time. The pool outlives it.
class HttpLine {
 public:
  explicit HttpLine(HttpPool& pool);
  ~HttpLine();

  /// Sends the request, on a new connection when there is none. Whatever goes wrong is told by receive().
  void send(const HttpRequest& request);
  /// The answer to the oldest request that was sent and not received; blocks. When the connection breaks,
  /// that is the answer to every request that was under way. REQUIRES: under_way() > 0.
  std::expected<Response, HttpFailure> receive();
  std::size_t under_way() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pawl::client
