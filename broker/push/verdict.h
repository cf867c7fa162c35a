// What an answer to a push means for the job.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/core/command.h"
#include "broker/core/push.h"

namespace pawl::push {

struct Answer {
  unsigned status = 0;
  std::string content_type;
  std::string retry_after;
  std::string body;
};
/// There was none.
struct Failure {
  std::string type;  // "timeout", "refused-address"…
  std::string message;
};
using Result = std::variant<Answer, Failure>;

/// How long Retry-After (RFC 9110 10.2.3: seconds, or an HTTP date) asks to wait; nothing when it is no such
/// thing. `now`: wall clock.
std::optional<core::Millis> retry_after_ms(std::string_view value, core::Millis now);

/// Whether a queue is one receiver's, which may hold it, or has jobs for many, as that of callbacks.
enum class Receivers : std::uint8_t { one, many };

/// 2xx completes the job, with a body of JSON as its result. 429 and 503 with a Retry-After give it back
/// without using up an attempt, and its queue waits; where there are many receivers they fail the attempt,
/// and this job alone waits so long, at least a minute and at most an hour. A status of `permanent_on` fails
/// the job for good; all else fails the attempt.
core::Settlement verdict(const Result& result, const core::Push& push, Receivers receivers, core::Millis now);

}  // namespace pawl::push
