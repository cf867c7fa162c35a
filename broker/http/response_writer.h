// Response → bytes. Thread: any, but one at a time for each writer.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "broker/http/exchange.h"

namespace pawl::http {

struct ResponseFrame {
  bool http10 = false;               // the request was HTTP/1.0
  bool keep_alive = true;            // false: Connection: close
  bool head_only = false;            // the answer to HEAD: the length of the body, not the body
  std::string_view request_id = {};  // empty: not told
};

class ResponseWriter {
 public:
  /// Appends the whole answer.
  void append(std::string& out, const Response& response, const ResponseFrame& frame);
  /// Appends the header of an event stream; its body follows in chunks, or bare until the end with HTTP/1.0.
  void append_stream_head(std::string& out, const ResponseFrame& frame);

 private:
  void append_fixed(std::string& out);

  std::time_t second_ = 0;
  std::string fixed_;  // Date and what every answer carries, made once a second
};

void append_chunk(std::string& out, std::string_view bytes);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";
inline constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace pawl::http
