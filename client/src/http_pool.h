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
  struct Connection;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pawl::client
