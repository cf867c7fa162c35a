#include "broker/http/api/json_reader.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace pawl::http::api {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The first quote, backslash or control character from `at` on, or `end`. Eight bytes a step; a byte's top
/// bit in the mask is exact up to and including the first hit, which is all that is used.
const char* find_special(const char* at, const char* end) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  constexpr std::uint64_t tops = 0x8080808080808080u;
  while (end - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    const std::uint64_t quote = word ^ (ones * '"');
    const std::uint64_t slash = word ^ (ones * '\\');
    const std::uint64_t hits =
        (((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & tops;
    if (hits != 0) return at + std::countr_zero(hits) / 8;
    at += 8;
  }
  while (at != end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return at;
}

void append_utf8(std::string& out, unsigned code) {
  const auto add = [&out](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
    add(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  }
}

/// Only long numbers and exponents can leave the range of a double.
bool beyond_double(std::string_view text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc::result_out_of_range) return false;
  // Too small is as good as zero; from_chars does not tell which it was.
  return std::isinf(std::strtod(std::string(text).c_str(), nullptr));
}

}  // namespace

JsonReader::JsonReader(std::string_view text, std::size_t depth_max)
    : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), depth_max_(depth_max) {
  if (text.starts_with("\xef\xbb\xbf")) {
    fail("a byte-order mark is not allowed");
  } else if (const auto bad = find_invalid_utf8(text)) {
    fail_at(begin_ + *bad, "this is not UTF-8");
  }
}

void JsonReader::fail_at(const char* place, std::string_view what) {
  if (!error_) error_ = JsonError{static_cast<std::size_t>(place - begin_), what};
  at_ = end_;
}

void JsonReader::fail(std::string_view what) { fail_at(at_, what); }

void JsonReader::skip_space() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

bool JsonReader::take(char wanted) {
  skip_space();
  if (at_ == end_ || *at_ != wanted) return false;
  ++at_;
  return true;
}

JsonKind JsonReader::peek() {
  skip_space();
  if (error_) return JsonKind::broken;
  if (at_ == end_) {
    fail("the text ends where a value should be");
    return JsonKind::broken;
  }
  switch (*at_) {
    case '{':
      return JsonKind::object;
    case '[':
      return JsonKind::array;
    case '"':
      return JsonKind::string;
    case 't':
    case 'f':
      return JsonKind::boolean;
    case 'n':
      return JsonKind::null;
    default:
      break;
  }
  if (*at_ == '-' || is_digit(*at_)) return JsonKind::number;
  fail(*at_ == '\0' ? "a NUL byte is not allowed" : "a value cannot begin with this character");
  return JsonKind::broken;
}

void JsonReader::enter() {
  if (depth_ == depth_max_) return fail("nested too deeply");
  ++depth_;
  ++at_;
  first_ = true;
}

bool JsonReader::next_member() {
  if (error_) return false;
  if (take('}')) {
    --depth_;
    first_ = false;
    return false;
  }
  if (!first_ && !take(',')) {
    fail("',' or '}' should be here");
    return false;
  }
  first_ = false;
  skip_space();
  if (at_ == end_ || *at_ != '"') {
    fail("a key in quotes should be here");
    return false;
  }
  key_ = scan_string(key_buffer_);
  if (!error_ && !take(':')) fail("':' should be here");
  return !error_;
}

bool JsonReader::enter_member(std::string_view name) {
  if (peek() != JsonKind::object) return false;
  enter();
  while (next_member()) {
    if (key() == name) return true;
    skip();
  }
  return false;
}

bool JsonReader::next_item() {
  if (error_) return false;
  if (take(']')) {
    --depth_;
    first_ = false;
    return false;
  }
  if (!first_ && !take(',')) {
    fail("',' or ']' should be here");
    return false;
  }
  first_ = false;
  return true;
}

std::string_view JsonReader::skip() {
  const JsonKind kind = peek();
  const char* from = at_;
  Number number;
  switch (kind) {
    case JsonKind::object:
    case JsonKind::array:
      skip_nested();
      break;
    case JsonKind::string:
      scan_string(buffer_);
      break;
    case JsonKind::number:
      scan_number(number);
      break;
    case JsonKind::boolean:
      read_boolean();
      break;
    case JsonKind::null:
      literal("null");
      break;
    case JsonKind::broken:
      break;
  }
  return error_ ? std::string_view{} : std::string_view(from, at_);
}

void JsonReader::skip_nested() {
  const std::size_t outside = depth_;
  std::uint64_t objects = 0;  // one bit for each level entered here: set for an object
  do {
    const JsonKind kind = peek();
    if (kind == JsonKind::object || kind == JsonKind::array) {
      enter();
      objects = objects << 1 | (kind == JsonKind::object ? 1u : 0u);
    } else {
      skip();
    }
    // After a value, or at the beginning of a level: closes what ends here, stops at the next value.
    while (!error_ && depth_ > outside) {
      if ((objects & 1) != 0 ? next_member() : next_item()) break;
      objects >>= 1;
    }
  } while (!error_ && depth_ > outside);
}

void JsonReader::literal(std::string_view word) {
  if (!std::string_view(at_, end_).starts_with(word)) return fail("this is not a JSON value");
  at_ += word.size();
}

bool JsonReader::read_boolean() {
  const bool value = *at_ == 't';
  literal(value ? "true" : "false");
  return value;
}

std::string_view JsonReader::read_string() { return scan_string(buffer_); }

std::string_view JsonReader::scan_string(std::string& into) {
  const char* from = ++at_;
  at_ = find_special(at_, end_);
  if (at_ != end_ && *at_ == '"') return {from, at_++};
  into.assign(from, at_);
  while (at_ != end_) {
    if (*at_ == '"') {
      ++at_;
      return into;
    }
    if (*at_ != '\\') {
      fail(*at_ == '\0' ? "a NUL byte is not allowed" : "a control character must be escaped");
      return {};
    }
    if (!scan_escape(into)) return {};
    from = at_;
    at_ = find_special(at_, end_);
    into.append(from, at_);
  }
  fail("the text ends inside a string");
  return {};
}

bool JsonReader::scan_escape(std::string& into) {
  const char* place = at_++;
  if (at_ == end_) return true;  // the caller says that the text ended
  const char c = *at_++;
  switch (c) {
    case '"':
    case '\\':
    case '/':
      into += c;
      return true;
    case 'b':
      into += '\b';
      return true;
    case 'f':
      into += '\f';
      return true;
    case 'n':
      into += '\n';
      return true;
    case 'r':
      into += '\r';
      return true;
    case 't':
      into += '\t';
      return true;
    case 'u':
      break;
    default:
      fail_at(place, "there is no such escape");
      return false;
  }
  const auto first = scan_hex4();
  if (!first) {
    fail_at(place, "\\u takes four hexadecimal digits");
    return false;
  }
  unsigned code = *first;
  if (code >= 0xd800 && code <= 0xdfff) {
    std::optional<unsigned> second;
    if (code < 0xdc00 && std::string_view(at_, end_).starts_with("\\u")) {
      at_ += 2;
      second = scan_hex4();
    }
    if (!second || *second < 0xdc00 || *second > 0xdfff) {
      fail_at(place, "a surrogate stands alone");
      return false;
    }
    code = 0x10000 + ((code - 0xd800) << 10) + (*second - 0xdc00);
  }
  append_utf8(into, code);
  return true;
}

std::optional<unsigned> JsonReader::scan_hex4() {
  unsigned value = 0;
  if (end_ - at_ < 4) return std::nullopt;
  const auto result = std::from_chars(at_, at_ + 4, value, 16);
  if (result.ec != std::errc{} || result.ptr != at_ + 4) return std::nullopt;
  at_ += 4;
  return value;
}

void JsonReader::scan_digits() {
  if (at_ == end_ || !is_digit(*at_)) return fail("a digit should be here");
  while (at_ != end_ && is_digit(*at_)) ++at_;
}

void JsonReader::scan_number(Number& number) {
  const char* from = at_;
  number.integer = true;
  bool exponent = false;
  if (*at_ == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
    if (at_ != end_ && is_digit(*at_)) return fail("a number must not begin with 0");
  } else {
    scan_digits();
  }
  if (at_ != end_ && *at_ == '.') {
    number.integer = false;
    ++at_;
    scan_digits();
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    number.integer = false;
    exponent = true;
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    scan_digits();
  }
  if (error_) return;
  number.text = {from, at_};
  constexpr std::size_t digits_safe = 300;
  if ((exponent || number.text.size() > digits_safe) && beyond_double(number.text)) {
    fail_at(from, "the number is beyond the range of a double");
  }
}

JsonReader::Number JsonReader::read_number() {
  Number number;
  scan_number(number);
  return number;
}

void JsonReader::finish() {
  skip_space();
  if (!error_ && at_ != end_) fail("nothing may follow the document");
}

}  // namespace pawl::http::api
