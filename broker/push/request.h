// One HTTP request of the broker's own, over a connection that is checked against the allow list.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "broker/push/allow_list.h"
#include "broker/push/resolver.h"
#include "broker/push/url.h"
#include "broker/push/verdict.h"

namespace pawl::push {

struct Request {
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;        // win over those of the queue
  std::vector<std::pair<std::string, std::string>> queue_headers;  // for no other host than the first
  std::string body;
  std::chrono::milliseconds timeout{30'000};  // in all, with redirects
};

/// What requests share. Outlives them; its resolver is closed before their executor ends.
struct Network {
  AllowList allow;
  Resolver resolver;
  boost::asio::ssl::context tls{boost::asio::ssl::context::tls_client};
};

/// POSTs, and follows up to three redirects that keep the method (307, 308), never from https to http; what
/// comes before the final answer (1xx) is passed over. Each
/// host is resolved once; only addresses that the allow list lets through are connected to. Certificates and
/// host names are verified. Never throws; ends early when it is cancelled.
boost::asio::awaitable<Result> send(Network& network, Request request);

}  // namespace pawl::push
