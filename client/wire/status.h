// The words of the protocol: states, outcomes, kinds of backoff. Values equal those of the broker's core.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pawl::wire {

/// A job's `status`.
enum class Status : std::uint8_t {
  pending = 0,
  active = 1,
  completed = 2,
  failed = 3,
  delayed = 4,
  stalled = 5,
  blocked = 6,
  cancelled = 7,
};
inline constexpr std::array<std::string_view, 8> status_names{"pending", "active",  "completed", "failed",
                                                              "delayed", "stalled", "blocked",   "cancelled"};

/// A settlement's `outcome`.
enum class Outcome : std::uint8_t { complete = 0, fail = 1, release = 2, rate_limited = 3, suspend = 4 };
inline constexpr std::array<std::string_view, 5> outcome_names{"complete", "fail", "release", "rate-limited",
                                                               "suspend"};

/// A backoff's `type`.
enum class BackoffType : std::uint8_t { exponential = 0, linear = 1, fixed = 2 };
inline constexpr std::array<std::string_view, 3> backoff_type_names{"exponential", "linear", "fixed"};

/// The enum value whose name is `text`, by its place in one of the tables above; nothing when there is none.
template <typename Enum, std::size_t N>
constexpr std::optional<Enum> value_named(const std::array<std::string_view, N>& names,
                                          std::string_view text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

constexpr std::string_view name_of(Status status) { return status_names[static_cast<std::size_t>(status)]; }
constexpr std::string_view name_of(Outcome outcome) {
  return outcome_names[static_cast<std::size_t>(outcome)];
}
constexpr std::string_view name_of(BackoffType type) {
  return backoff_type_names[static_cast<std::size_t>(type)];
}
constexpr std::optional<Status> parse_status(std::string_view text) {
  return value_named<Status>(status_names, text);
}
constexpr std::optional<Outcome> parse_outcome(std::string_view text) {
  return value_named<Outcome>(outcome_names, text);
}
constexpr std::optional<BackoffType> parse_backoff_type(std::string_view text) {
  return value_named<BackoffType>(backoff_type_names, text);
}

/// completed, failed and cancelled: left only by an explicit retry.
constexpr bool is_end(Status status) {
  return status == Status::completed || status == Status::failed || status == Status::cancelled;
}

}  // namespace pawl::wire
