// JSON, read and written without every verb paying for the library's header.
#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pawl::cli {

/// A node of a parsed document, read-only. Cheap to copy; keeps its document alive. Whatever is not there
/// reads as null, so that a field which an older or newer broker does not send is simply missing on the
/// screen.
class Json {
 public:
  Json() = default;  // null
  /// The error says where and why. Nesting deeper than the broker takes is an error.
  static std::expected<Json, std::string> parse(std::string_view text);
  /// The same check without building a tree; nothing: it is valid.
  static std::optional<std::string> fault_of(std::string_view text);

  bool is_null() const;
  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_number() const;

  Json operator[](std::string_view field) const;
  std::size_t size() const;
  std::vector<Json> items() const;                            // of an array
  std::vector<std::pair<std::string, Json>> members() const;  // of an object, as sent

  /// A string itself; null the fallback; anything else as JSON text on one line.
  std::string text(std::string_view fallback = {}) const;
  std::int64_t integer(std::int64_t fallback = 0) const;
  double number(double fallback = 0) const;
  bool truth() const;
  /// JSON text, one line or indented.
  std::string dump(bool indented = false) const;

  class Document;

 private:
  Json(std::shared_ptr<const Document> document, const void* node);
  std::shared_ptr<const Document> document_;
  const void* node_ = nullptr;
};

/// `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

/// Writes one JSON object, field by field, in the order of the calls.
class JsonObject {
 public:
  JsonObject& add(std::string_view field, std::string_view value) {
    return add_raw(field, json_string(value));
  }
  JsonObject& add(std::string_view field, const char* value) { return add(field, std::string_view{value}); }
  JsonObject& add(std::string_view field, std::same_as<bool> auto value) {
    return add_raw(field, value ? "true" : "false");
  }
  JsonObject& add(std::string_view field, std::int64_t value) {
    return add_raw(field, std::to_string(value));
  }
  JsonObject& add(std::string_view field, std::same_as<double> auto value) {
    return add_raw(field, number(value));
  }
  JsonObject& add(std::string_view field, const std::vector<std::string>& values);
  /// Only when it is there.
  template <typename T>
  JsonObject& add(std::string_view field, const std::optional<T>& value) {
    return value ? add(field, *value) : *this;
  }
  /// `json` is JSON text, kept byte for byte.
  JsonObject& add_raw(std::string_view field, std::string_view json);
  bool empty() const { return body_.empty(); }
  std::string text() const { return "{" + body_ + "}"; }

 private:
  static std::string number(double value);
  std::string body_;
};

}  // namespace pawl::cli
