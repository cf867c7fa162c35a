// What names one request: an answer that says no carries it, the log says it, and whoever reports a failure
// has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/http/exchange.h"
#include "broker/http/gate.h"

namespace pawl::http {

inline constexpr std::size_t request_id_bytes_max = 128;

/// 1…128 characters of [A-Za-z0-9._~-].
bool is_request_id(std::string_view text);

/// The client's own, from the field X-Request-Id; empty when there is none, several, or what cannot be one.
/// Lives as long as the head.
std::string_view request_id_of(const Head& head);

/// Puts it into a problem as the member `requestId`; other answers are left alone. REQUIRES:
/// is_request_id(id).
void put_request_id(Response& response, std::string_view id);

/// Makes ids such as "8kq2vd0f-1c": drawn once, then counted, so one costs no lock and no clock. Unique among
/// all brokers and starts as far as 40 random bits go. Thread: one at a time.
class RequestIds {
 public:
  RequestIds();
  std::string next();

 private:
  std::string text_;  // what all of this maker begin with
  std::uint64_t made_ = 0;
};

/// "GET /jobs/{jobId} was answered 503 urn:pawl:error:overloaded". The route, not the path: what clients put
/// into a path stays out of the log.
std::string failure_text(Method method, std::string_view route, const Response& response);

/// Keeps a flood of failures from becoming a flood of log lines. Thread: one at a time.
class FailureLog {
 public:
  static constexpr unsigned lines_max = 10;  // in a second

  /// The line for a failed request; nothing when this second has had its lines. The first of a later second
  /// tells how many were left out. seconds: of any clock that does not go back.
  std::optional<std::string> line(std::int64_t seconds, std::string_view id, std::string_view what);

 private:
  std::int64_t second_ = -1;
  unsigned lines_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace pawl::http
