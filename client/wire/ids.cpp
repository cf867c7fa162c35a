#include "client/wire/ids.h"

namespace pawl::wire {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

/// 0…15, or -1.
constexpr int value_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool dash_before(std::size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

}  // namespace

void write_uuid(const UuidBytes& bytes, char* out) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (dash_before(i)) *out++ = '-';
    *out++ = digits[bytes[i] >> 4];
    *out++ = digits[bytes[i] & 15];
  }
}

std::string format_uuid(const UuidBytes& bytes) {
  std::string text(uuid_chars, '\0');
  write_uuid(bytes, text.data());
  return text;
}

std::optional<UuidBytes> parse_uuid(std::string_view text) {
  if (text.size() != uuid_chars) return std::nullopt;
  UuidBytes bytes{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (dash_before(i) && text[at++] != '-') return std::nullopt;
    const int high = value_of(text[at]);
    const int low = value_of(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    at += 2;
  }
  return bytes;
}

void write_lease_id(std::uint64_t number, char* out) {
  for (std::size_t i = 0; i < lease_id_chars; ++i) out[i] = digits[(number >> (60 - 4 * i)) & 15];
}

std::string format_lease_id(std::uint64_t number) {
  std::string text(lease_id_chars, '\0');
  write_lease_id(number, text.data());
  return text;
}

std::optional<std::uint64_t> parse_lease_id(std::string_view text) {
  if (text.size() != lease_id_chars) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    number = number << 4 | static_cast<std::uint64_t>(value);
  }
  return number;
}

}  // namespace pawl::wire
