// What all sessions of a server share. Unchanging while they live. Thread: any.
#pragma once

#include "broker/http/http_meters.h"
#include "broker/http/server.h"

namespace pawl::http {

struct ServerContext {
  ServerOptions options;
  HttpMeters meters;

  explicit ServerContext(ServerOptions given) : options(std::move(given)), meters(options.io_threads) {}
  const GateRules& rules() const { return options.rules; }
  const Limits& limits() const { return options.rules.limits; }
};

}  // namespace pawl::http
