// Reading and writing JSON text without a tree: the broker's answers and frames are taken apart as slices, so
// that a payload is never parsed on its way through the library, and never changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::client {

/// One JSON value inside a text that somebody else keeps. Checks the form only as far as it has to look; on
/// malformed text it answers like an absent value and never reads outside the text. Thread: any.
class JsonSlice {
 public:
  JsonSlice() = default;
  /// `text`: one value, perhaps with white space around it.
  explicit JsonSlice(std::string_view text);
  /// Of a text that is one value and nothing else: it is not read here.
  static JsonSlice whole(std::string_view text) { return JsonSlice(text, exact); }

  std::string_view text() const { return text_; }
  bool present() const { return !text_.empty() && text_ != "null"; }
  bool is_string() const { return !text_.empty() && text_.front() == '"'; }

  /// An object's first member of that name; absent when there is none, or this is no object. Looks from the
  /// start each time, and no further than the member: use members() to read many.
  JsonSlice operator[](std::string_view key) const;
  /// Like [], but the slice goes on behind the member's value to the end of the text, and the value is not
  /// looked through here: for elements() and members(), which end where it ends, and for nothing else.
  JsonSlice from(std::string_view key) const;

  /// A string's value with its escapes resolved; empty for anything else.
  std::string string() const;
  /// A string's bytes between the quotes, escapes as they stand: exact for names and ids, which have none.
  std::string_view plain() const;
  std::optional<double> number() const;
  std::optional<std::int64_t> integer() const;
  bool is_true() const { return text_ == "true"; }

  /// Calls each(key, value) for an object's members, in order. False when the text is no well-formed object.
  template <class Each>
  bool members(Each&& each) const {
    return read_members(each) > 0;
  }
  /// The same; gives the length of the object's text, or 0.
  template <class Each>
  std::size_t read_members(Each&& each) const {
    Cursor cursor{text_};
    if (!cursor.take('{')) return 0;
    if (cursor.take('}')) return cursor.at;
    do {
      const std::string_view key = cursor.value();
      if (key.size() < 2 || key.front() != '"' || !cursor.take(':')) return 0;
      const std::string_view value = cursor.value();
      if (value.empty()) return 0;
      each(key.substr(1, key.size() - 2), JsonSlice(value, exact));
    } while (cursor.take(','));
    return cursor.take('}') ? cursor.at : 0;
  }

  /// Calls each(value) for a list's elements, in order. False when the text is no well-formed list.
  template <class Each>
  bool elements(Each&& each) const {
    return read_elements([&](JsonSlice rest) {
      Cursor cursor{rest.text_};
      const std::string_view value = cursor.value();
      if (!value.empty()) each(JsonSlice(value, exact));
      return value.size();
    });
  }
  /// The same for elements that are read once only: each(rest) is given the text from an element to the end
  /// and gives the element's length; 0 when that is not well-formed, which ends it.
  template <class Each>
  bool read_elements(Each&& each) const {
    Cursor cursor{text_};
    if (!cursor.take('[')) return false;
    if (cursor.take(']')) return true;
    do {
      cursor.skip_space();
      const std::size_t length = each(JsonSlice(text_.substr(cursor.at), exact));
      if (length == 0) return false;
      cursor.at += length;
    } while (cursor.take(','));
    return cursor.take(']');
  }

 private:
  static constexpr struct Exact {
  } exact{};
  JsonSlice(std::string_view text, Exact) : text_(text) {}

  struct Cursor {
    std::string_view text;
    std::size_t at = 0;

    void skip_space();
    bool take(char wanted);
    /// The next value's text, or empty when there is none.
    std::string_view value();
  };

  std::string_view text_;
};

/// Appends `value` as a JSON string. Bytes that are not UTF-8 become U+FFFD, so that one bad line in a log or
/// in the text of an exception does not make the whole frame unreadable.
void append_quoted(std::string& out, std::string_view value);

/// Appends `,"key":` (without the comma after an opening brace).
void append_key(std::string& out, std::string_view key);

}  // namespace pawl::client
