// Words of the HTTP interface, in the order of the enums that they stand for.
#pragma once

#include <string_view>

namespace pawl::client {

inline constexpr std::string_view backoff_types[] = {"exponential", "linear", "fixed"};
inline constexpr std::string_view missed_names[] = {"skip", "one", "all"};
inline constexpr std::string_view push_body_names[] = {"payload", "job"};
inline constexpr std::string_view on_ordered_failure_names[] = {"block", "skip"};
inline constexpr std::string_view overlap_names[] = {"allow", "skip", "replace"};

}  // namespace pawl::client
