// A queue whose jobs the broker posts to a URL by itself.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/ids.h"

namespace pawl::core {

/// What is posted. Values are on disk.
enum class PushBody : std::uint8_t {
  payload = 0,
  job = 1,  // as a worker gets it with its lease
};
inline constexpr std::array<std::string_view, 2> push_body_names{"payload", "job"};  // by value

/// Only kept here: what sends (broker/push) is a worker like any other.
struct Push {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // sent with each request
  Millis timeout_ms = 30'000;               // of one request with its redirects, 100…3 600 000
  std::uint32_t max_concurrency = 10;       // requests at once, 1…1000
  std::string secret;                       // whsec_…; empty: requests are not signed
  std::vector<std::uint16_t> permanent_on;  // statuses after which a job is not tried again
  PushBody body = PushBody::payload;

  friend bool operator==(const Push&, const Push&) = default;
};
inline constexpr std::size_t push_headers_max = 32;

/// Where it is told that a job has ended.
struct Callback {
  enum On : std::uint8_t { completed = 1, failed = 2, cancelled = 4, any = 7 };
  std::string url;
  std::uint8_t on = any;  // the ends that are told, by On

  friend bool operator==(const Callback&, const Callback&) = default;
};
/// The queue of the jobs that tell it; it has no callbacks itself.
inline constexpr const char* callbacks_queue = "pawl.callbacks";
inline constexpr std::uint32_t callback_attempts = 10;

}  // namespace pawl::core
