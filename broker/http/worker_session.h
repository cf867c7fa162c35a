// A worker on a WebSocket. No Boost here beyond the socket that is handed over.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "broker/http/io_thread.h"
#include "broker/http/net.h"
#include "broker/http/server_context.h"

namespace pawl::http {

inline constexpr std::string_view worker_path = "/worker";
inline constexpr std::string_view worker_protocol = "pawl.worker.v1";

/// Answers the handshake and serves the connection until it ends. address: of the other end, without the
/// port; key: Sec-WebSocket-Key. REQUIRES: the gate let the request in, it offers the subprotocol, nothing
/// follows it yet. Thread: the I/O thread's.
void start_worker_session(IoThread& io, ServerContext& context, Socket socket,
                          std::unique_ptr<AddressCounts::Place> place, std::string address,
                          const std::string& key);

}  // namespace pawl::http
