// A blocking client that sends what it is told, well-formed or not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::http::tests {

struct RawResponse {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // chunks put together
};

/// Every wait ends after 10 s at the latest. Values are empty or false when the server closed.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes);
  /// False when the peer does not take them within `ms`.
  bool send_within(std::string_view bytes, int ms);
  /// The next whole response; nothing when the server closed before its end. head: the answer to HEAD has no
  /// body.
  std::optional<RawResponse> response(bool head = false);
  /// The header of a response whose body goes on.
  std::optional<RawResponse> response_head();
  /// Exactly n bytes, or what came before the end.
  std::string read(std::size_t n);
  /// Up to and with `end`.
  std::string read_until(std::string_view end);
  std::string read_chunk();
  /// The server has closed, and nothing more came before.
  bool is_closed();
  /// All that comes until the end.
  std::string read_all();
  void half_close();
  void close();
  /// Closes with a reset.
  void reset();
  void shrink_receive_buffer();

 private:
  bool fill();  // false at the end

  int fd_ = -1;
  std::string in_;
};

struct WsFrame {
  unsigned opcode = 0;  // 8: close
  std::string payload;
  std::uint16_t close_code() const {
    if (payload.size() < 2) return 0;
    return static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                      static_cast<unsigned char>(payload[1]));
  }
};

inline constexpr unsigned ws_text = 1, ws_binary = 2, ws_close = 8, ws_ping = 9, ws_pong = 10;

std::string ws_handshake(std::string_view more_fields = {});
/// One masked frame.
std::string ws_frame(unsigned opcode, std::string_view payload, bool fin = true, bool masked = true);
std::optional<WsFrame> read_ws_frame(RawClient& client);

}  // namespace pawl::http::tests
