// Writing and reading of compact records: varints, zigzag, strings with their length. Reading never trusts a
// byte.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pawl::engine {

/// Bytes that a varint takes at most.
inline constexpr std::size_t varint_max = 10;

/// Writes at a cursor. REQUIRES: the room was reserved (see append()).
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}
  char* at() const { return at_; }

  void byte(std::uint8_t value) { *at_++ = static_cast<char>(value); }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      byte(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    byte(static_cast<std::uint8_t>(value));
  }
  void zigzag(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    varint((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
  }
  /// The difference of two times; wraps, so that any pair comes back.
  void delta(std::int64_t value, std::int64_t base) {
    zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(base)));
  }
  void raw(std::string_view bytes) {
    at_ = std::copy(bytes.begin(), bytes.end(), at_);  // an empty view may have no place at all
  }
  void text(std::string_view bytes) {
    varint(bytes.size());
    raw(bytes);
  }
  void big64(std::uint64_t value) {
    value = __builtin_bswap64(value);
    std::memcpy(at_, &value, 8);
    at_ += 8;
  }
  void real(double value) { big64(std::bit_cast<std::uint64_t>(value)); }

 private:
  char* at_;
};

/// Appends what write(Writer&) writes; it may write up to `room` bytes.
template <typename Write>
void append(std::string& out, std::size_t room, Write&& write) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + room, [&](char* data, std::size_t) {
    Writer writer(data + before);
    write(writer);
    return static_cast<std::size_t>(writer.at() - data);
  });
}

/// Reads from a view. After the first wrong byte every read gives zeroes and ok() is false for good.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  /// True when all was read and nothing was wrong.
  bool done() const { return ok_ && rest_.empty(); }
  std::size_t left() const { return rest_.size(); }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  std::uint8_t byte() {
    if (rest_.empty()) return fail(), std::uint8_t{0};
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      if (shift == 63 && next > 1) break;  // more than 64 bits
      value |= std::uint64_t{next & 0x7fu} << shift;
      if (next < 0x80) return ok_ ? value : 0;
    }
    return fail(), 0;
  }
  std::uint32_t varint32() {
    const std::uint64_t value = varint();
    if (value > UINT32_MAX) return fail(), 0;
    return static_cast<std::uint32_t>(value);
  }
  std::int64_t zigzag() {
    const std::uint64_t bits = varint();
    return static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
  }
  std::int64_t delta(std::int64_t base) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(zigzag()) + static_cast<std::uint64_t>(base));
  }
  std::string_view raw(std::size_t size) {
    if (size > rest_.size()) return fail(), std::string_view{};
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::string_view text() {
    const std::uint64_t size = varint();
    if (size > rest_.size()) return fail(), std::string_view{};
    return raw(static_cast<std::size_t>(size));
  }
  /// A count of things that take at least one byte each.
  std::size_t count() {
    const std::uint64_t value = varint();
    if (value > rest_.size()) return fail(), 0;
    return static_cast<std::size_t>(value);
  }
  std::uint64_t big64() {
    const std::string_view bytes = raw(8);
    if (!ok_) return 0;
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), 8);
    return __builtin_bswap64(value);
  }
  double real() {
    const double value = std::bit_cast<double>(big64());
    if (!(value >= -1e300 && value <= 1e300)) return fail(), 0;  // also NaN
    return value;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace pawl::engine
