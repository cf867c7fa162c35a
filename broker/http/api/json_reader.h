// A strict, forward-only reader of one JSON document (RFC 8259) that hands out values as slices of the text,
// so that payloads keep their bytes. What it accepts any JSON parser accepts: UTF-8 without a byte-order
// mark, no lone surrogates, no number beyond the range of a double, at most `depth_max` levels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/wire/protocol.h"

namespace pawl::http::api {

enum class JsonKind : std::uint8_t { object, array, string, number, boolean, null, broken };

/// Where and why a document is not JSON.
struct JsonError {
  std::size_t offset = 0;
  std::string_view what;  // static text
};

/// Checks the whole text for UTF-8 first, then reads as it is asked. The first error sticks: from then on
/// peek() says broken, loops end, and slices are empty; callers need to look at error() only once, at the
/// end. The text must outlive the reader. Thread: one at a time.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text, std::size_t depth_max = wire::json_depth_max);

  /// The kind of the value that comes next.
  JsonKind peek();

  /// Steps into an object or array. REQUIRES: peek() said so.
  void enter();
  /// After enter() on an object: goes to the next member's value, false at the end. The value must then be
  /// read.
  bool next_member();
  /// The decoded key of the member; valid until its value is read.
  std::string_view key() const { return key_; }
  /// Instead of both: to the value of the member of that name. False when there is none, or no object; then
  /// nothing more can be read.
  bool enter_member(std::string_view name);
  /// After enter() on an array: goes to the next item, false at the end. The item must then be read.
  bool next_item();

  /// Reads any value; returns its bytes, without white space around it.
  std::string_view skip();
  /// REQUIRES: peek() is string. The decoded text, valid until the next read.
  std::string_view read_string();
  /// REQUIRES: peek() is boolean.
  bool read_boolean();
  /// REQUIRES: peek() is number.
  struct Number {
    std::string_view text;
    bool integer = false;  // no fraction, no exponent
  };
  Number read_number();

  /// Nothing but white space may follow the document; call it last.
  void finish();
  const std::optional<JsonError>& error() const { return error_; }

 private:
  void skip_space();
  void fail(std::string_view what);
  void fail_at(const char* place, std::string_view what);
  bool take(char wanted);
  void literal(std::string_view word);
  /// From the opening quote to behind the closing one. Decodes into `into` only if there are escapes; returns
  /// the decoded text.
  std::string_view scan_string(std::string& into);
  bool scan_escape(std::string& into);
  std::optional<unsigned> scan_hex4();
  void scan_digits();
  void scan_number(Number& number);
  void skip_nested();

  const char* begin_;
  const char* at_;
  const char* end_;
  std::size_t depth_max_;
  std::size_t depth_ = 0;
  bool first_ = false;  // nothing was read yet in the object or array just entered
  std::string_view key_;
  std::string key_buffer_;
  std::string buffer_;
  std::optional<JsonError> error_;
};

/// The offset of the first byte that is not UTF-8; nothing when all is well.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

}  // namespace pawl::http::api
