// JSON values in the public interface, without the weight of a JSON library in this header.
#pragma once

#include <concepts>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <type_traits>
#include <utility>

namespace pawl {

namespace detail {
// Delays the use of nlohmann::json to where a template is instantiated, so that only a caller who passes
// values includes <nlohmann/json.hpp>.
template <class T>
struct JsonFor {
  using type = nlohmann::json;
};
}  // namespace detail

/// One JSON value as text: a payload or a result. The broker keeps it byte for byte.
///
/// Converts from whatever nlohmann::json converts from (include <nlohmann/json.hpp> where you do that):
///     JsonText a = nlohmann::json{{"path", "/tmp/x"}};     // {"path":"/tmp/x"}
///     JsonText b = 42;                                     // 42
///     JsonText c = std::string("hello");                   // "hello", a JSON string
/// Text that already is JSON goes through raw(). Braced lists are refused by the compiler on purpose, since
/// nlohmann::json reads {"a", 1} as a list and {{"a", 1}} as an object.
class JsonText {
 public:
  /// JSON null.
  JsonText() : text_("null") {}

  /// Throws Exception (usage) when a string inside `value` is not UTF-8.
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, JsonText>)
  JsonText(const T& value) : JsonText(of(typename detail::JsonFor<T>::type(value))) {}

  /// Takes `text` as it is. Throws Exception (usage) when it is not exactly one JSON value in UTF-8.
  static JsonText raw(std::string text);

  const std::string& text() const& { return text_; }
  std::string text() && { return std::move(text_); }

  /// The value, parsed; each call parses anew.
  nlohmann::json parse() const;

  friend bool operator==(const JsonText&, const JsonText&) = default;

 private:
  friend struct JsonTextAccess;
  static JsonText of(const nlohmann::json& value);
  std::string text_;
};

}  // namespace pawl
