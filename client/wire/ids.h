// Ids as text: job ids are UUIDs, lease ids sixteen hexadecimal digits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::wire {

using UuidBytes = std::array<std::uint8_t, 16>;

inline constexpr std::size_t uuid_chars = 36;
inline constexpr std::size_t lease_id_chars = 16;

/// Writes uuid_chars characters, lower case.
void write_uuid(const UuidBytes& bytes, char* out);
std::string format_uuid(const UuidBytes& bytes);
/// 8-4-4-4-12 hexadecimal digits of either case; nothing for any other text.
std::optional<UuidBytes> parse_uuid(std::string_view text);

/// Writes lease_id_chars lower-case digits.
void write_lease_id(std::uint64_t number, char* out);
std::string format_lease_id(std::uint64_t number);
/// Sixteen hexadecimal digits of either case; nothing for any other text.
std::optional<std::uint64_t> parse_lease_id(std::string_view text);

}  // namespace pawl::wire
