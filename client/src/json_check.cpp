#include "client/src/json_check.h"

#include <array>
#include <cstddef>
#include <string>

#include "client/src/utf8.h"

namespace pawl::client {
namespace {

// Bytes of a string that stand for themselves and end nothing: ASCII without controls, quote and backslash.
constexpr std::array<bool, 256> plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) table[byte] = byte != '"' && byte != '\\';
  return table;
}();

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Each function takes what it names off the front, or says that it is not there.
class Check {
 public:
  explicit Check(std::string_view text) : text_(text) {}

  bool whole() {
    if (!value()) return false;
    skip_space();
    return at_ == text_.size();
  }

 private:
  char front() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  void skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
      ++at_;
    }
  }

  /// Goes down and up again by `open_`, not by calls: what nests deeply needs no stack.
  bool value() {
    while (true) {
      skip_space();
      if (take('{')) {
        skip_space();
        if (!take('}')) {
          open_ += '}';
          if (!key()) return false;
          continue;
        }
      } else if (take('[')) {
        skip_space();
        if (!take(']')) {
          open_ += ']';
          continue;
        }
      } else if (!scalar()) {
        return false;
      }
      bool more = false;
      while (!more) {  // a value ends here, and perhaps what it stands in
        if (open_.empty()) return true;
        skip_space();
        if (take(',')) {
          if (open_.back() == '}' && !key()) return false;
          more = true;
        } else if (take(open_.back())) {
          open_.pop_back();
        } else {
          return false;
        }
      }
    }
  }
  bool key() {
    skip_space();
    if (!string()) return false;
    skip_space();
    return take(':');
  }
  bool scalar() {
    switch (front()) {
      case '"':
        return string();
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return number();
    }
  }
  bool digits() {
    const std::size_t first = at_;
    while (is_digit(front())) ++at_;
    return at_ > first;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }
  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      if (plain[static_cast<unsigned char>(text_[at_])]) {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return true;
      } else if (text_[at_] == '\\') {
        if (!escape()) return false;
      } else {
        const std::size_t length = utf8_length(text_, at_);
        if (length < 2) return false;  // broken, or a control character
        at_ += length;
      }
    }
    return false;
  }
  bool escape() {
    ++at_;
    const char kind = front();
    if (kind != 'u') {
      ++at_;
      return kind != '\0' && std::string_view("\"\\/bfnrt").contains(kind);
    }
    const int first = unit();
    if (first < 0xd800 || first > 0xdfff) return first >= 0;
    if (first > 0xdbff || front() != '\\') return false;
    ++at_;
    if (front() != 'u') return false;
    const int second = unit();
    return second >= 0xdc00 && second <= 0xdfff;
  }
  /// What stands behind the backslash: u and four hexadecimal digits. Negative when it is not that.
  int unit() {
    ++at_;
    int value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = front();
      const int digit = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string open_;  // what closes each that is open
};

}  // namespace

bool is_json(std::string_view text) { return Check(text).whole(); }

}  // namespace pawl::client
