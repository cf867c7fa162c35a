#include "tests/http_server/raw_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "broker/http/text.h"

namespace pawl::http::tests {
namespace {

constexpr int wait_ms = 10'000;

}  // namespace

RawClient::RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot connect");
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawClient::~RawClient() { close(); }

void RawClient::send(std::string_view bytes) { send_within(bytes, wait_ms); }

bool RawClient::send_within(std::string_view bytes, int ms) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    pollfd wait{fd_, POLLOUT, 0};
    if (errno != EAGAIN || ::poll(&wait, 1, ms) != 1) return false;
  }
  return true;
}

bool RawClient::fill() {
  pollfd wait{fd_, POLLIN, 0};
  if (::poll(&wait, 1, wait_ms) != 1) throw std::runtime_error("the server said nothing for 10 s");
  std::array<char, 65536> block{};
  const ssize_t n = ::recv(fd_, block.data(), block.size(), 0);
  if (n <= 0) return false;
  in_.append(block.data(), static_cast<std::size_t>(n));
  return true;
}

std::string RawClient::read(std::size_t n) {
  while (in_.size() < n && fill()) {
  }
  const std::string out = in_.substr(0, n);
  in_.erase(0, out.size());
  return out;
}

std::string RawClient::read_until(std::string_view end) {
  std::size_t at = std::string::npos;
  while ((at = in_.find(end)) == std::string::npos) {
    if (!fill()) return {};
  }
  return read(at + end.size());
}

std::string RawClient::read_chunk() {
  const std::string line = read_until("\r\n");
  if (line.empty()) return {};
  const auto size = static_cast<std::size_t>(std::strtoul(line.c_str(), nullptr, 16));
  std::string chunk = read(size);
  read(2);
  return chunk;
}

std::optional<RawResponse> RawClient::response_head() {
  const std::string head = read_until("\r\n\r\n");
  if (head.size() < 12) return std::nullopt;
  RawResponse response;
  response.status = static_cast<unsigned>(std::strtoul(head.c_str() + 9, nullptr, 10));
  std::size_t at = head.find("\r\n") + 2;
  while (at < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(':', at);
    if (colon != std::string::npos && colon < end) {
      response.headers[lowered(std::string_view(head).substr(at, colon - at))] =
          trimmed(std::string_view(head).substr(colon + 1, end - colon - 1));
    }
    at = end + 2;
  }
  return response;
}

std::optional<RawResponse> RawClient::response(bool head) {
  auto response = response_head();
  if (!response || head || response->status == 204 || response->status == 304 || response->status < 200)
    return response;
  if (response->headers.contains("transfer-encoding")) {
    for (std::string chunk = read_chunk(); !chunk.empty(); chunk = read_chunk()) response->body += chunk;
    return response;
  }
  const auto length =
      static_cast<std::size_t>(std::strtoul(response->headers["content-length"].c_str(), nullptr, 10));
  response->body = read(length);
  if (response->body.size() != length) return std::nullopt;
  return response;
}

bool RawClient::is_closed() { return in_.empty() && !fill(); }

std::string RawClient::read_all() {
  while (fill()) {
  }
  return std::exchange(in_, {});
}

void RawClient::half_close() { ::shutdown(fd_, SHUT_WR); }

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawClient::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void RawClient::shrink_receive_buffer() {
  const int bytes = 4096;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

std::string ws_handshake(std::string_view more_fields) {
  std::string request =
      "GET /worker HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n"
      "Sec-WebSocket-Protocol: pawl.worker.v1\r\n";
  request += more_fields;
  return request + "\r\n";
}

std::string ws_frame(unsigned opcode, std::string_view payload, bool fin, bool masked) {
  std::string out;
  out += static_cast<char>((fin ? 0x80u : 0u) | opcode);
  const unsigned mask_bit = masked ? 0x80u : 0u;
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | payload.size());
  } else if (payload.size() < 65536) {
    out += static_cast<char>(mask_bit | 126u);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
  } else {
    out += static_cast<char>(mask_bit | 127u);
    for (int shift = 56; shift >= 0; shift -= 8) {
      out += static_cast<char>((static_cast<std::uint64_t>(payload.size()) >> shift) & 0xff);
    }
  }
  constexpr std::string_view key = "\x11\x22\x33\x44";
  if (masked) out += key;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += masked ? static_cast<char>(payload[i] ^ key[i % 4]) : payload[i];
  }
  return out;
}

std::optional<WsFrame> read_ws_frame(RawClient& client) {
  const std::string head = client.read(2);
  if (head.size() < 2) return std::nullopt;
  WsFrame frame;
  frame.opcode = static_cast<unsigned char>(head[0]) & 0x0f;
  std::size_t size = static_cast<unsigned char>(head[1]) & 0x7f;
  if (size >= 126) {
    const std::string more = client.read(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : more) size = size << 8 | static_cast<unsigned char>(c);
  }
  frame.payload = client.read(size);
  if (frame.payload.size() != size) return std::nullopt;
  return frame;
}

}  // namespace pawl::http::tests
