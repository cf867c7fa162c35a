#include "client/cli/text/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/cli/text/utf8.h"
#include "client/wire/json_text.h"
#include "client/wire/protocol.h"

namespace pawl::cli {

using Tree = nlohmann::ordered_json;

class Json::Document {
 public:
  Tree root;
};

namespace {

const Tree* tree(const void* node) { return static_cast<const Tree*>(node); }

/// The library unwinds deep trees recursively, so depth is measured before one is built.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > wire::json_depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

/// "[json.exception.parse_error.101] parse error at line 1, column 2: …" without the library's tag.
std::string plain(std::string_view what) {
  const std::size_t end = what.find("] ");
  return std::string{end == std::string_view::npos ? what : what.substr(end + 2)};
}

class Checker final : public nlohmann::json_sax<Tree> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    fault = plain(error.what());
    return false;
  }
  std::string fault;
};

}  // namespace

Json::Json(std::shared_ptr<const Document> document, const void* node)
    : document_(std::move(document)), node_(node) {}

std::optional<std::string> Json::fault_of(std::string_view text) {
  if (too_deep(text)) return fmt::format("nested deeper than {} levels", wire::json_depth_max);
  Checker checker;
  if (Tree::sax_parse(text, &checker)) return std::nullopt;
  return checker.fault;
}

std::expected<Json, std::string> Json::parse(std::string_view text) {
  if (too_deep(text))
    return std::unexpected(fmt::format("nested deeper than {} levels", wire::json_depth_max));
  try {
    auto document = std::make_shared<Document>();
    document->root = Tree::parse(text);
    const void* root = &document->root;
    return Json{std::move(document), root};
  } catch (const Tree::exception& error) {
    return std::unexpected(plain(error.what()));
  }
}

bool Json::is_null() const { return node_ == nullptr || tree(node_)->is_null(); }
bool Json::is_object() const { return node_ != nullptr && tree(node_)->is_object(); }
bool Json::is_array() const { return node_ != nullptr && tree(node_)->is_array(); }
bool Json::is_string() const { return node_ != nullptr && tree(node_)->is_string(); }
bool Json::is_number() const { return node_ != nullptr && tree(node_)->is_number(); }

Json Json::operator[](std::string_view field) const {
  if (!is_object()) return {};
  const auto found = tree(node_)->find(std::string{field});
  if (found == tree(node_)->end()) return {};
  return Json{document_, &*found};
}

std::size_t Json::size() const { return is_object() || is_array() ? tree(node_)->size() : 0; }

std::vector<Json> Json::items() const {
  std::vector<Json> items;
  if (!is_array()) return items;
  for (const Tree& item : *tree(node_)) items.push_back(Json{document_, &item});
  return items;
}

std::vector<std::pair<std::string, Json>> Json::members() const {
  std::vector<std::pair<std::string, Json>> members;
  if (!is_object()) return members;
  for (const auto& [name, value] : tree(node_)->items()) members.emplace_back(name, Json{document_, &value});
  return members;
}

std::string Json::text(std::string_view fallback) const {
  if (is_null()) return std::string{fallback};
  if (is_string()) return tree(node_)->get_ref<const std::string&>();
  return dump();
}

std::int64_t Json::integer(std::int64_t fallback) const {
  return is_number() ? tree(node_)->get<std::int64_t>() : fallback;
}

double Json::number(double fallback) const { return is_number() ? tree(node_)->get<double>() : fallback; }

bool Json::truth() const { return node_ != nullptr && tree(node_)->is_boolean() && tree(node_)->get<bool>(); }

std::string Json::dump(bool indented) const {
  if (node_ == nullptr) return "null";
  return tree(node_)->dump(indented ? 2 : -1, ' ', false, Tree::error_handler_t::replace);
}

std::string json_string(std::string_view text) {
  std::string out;
  wire::append_json_string(out, valid_utf8(text));
  return out;
}

JsonObject& JsonObject::add(std::string_view field, const std::vector<std::string>& values) {
  std::string list = "[";
  for (const std::string& value : values) {
    if (list.size() > 1) list.append(",");
    list.append(json_string(value));
  }
  return add_raw(field, list.append("]"));
}

JsonObject& JsonObject::add_raw(std::string_view field, std::string_view json) {
  if (!body_.empty()) body_.append(",");
  body_.append(json_string(field)).append(":").append(json);
  return *this;
}

std::string JsonObject::number(double value) {
  std::string out;
  wire::append_json_number(out, value);
  return out;
}

}  // namespace pawl::cli
