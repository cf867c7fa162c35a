#include <nlohmann/json.hpp>

#include <pawl/error.hpp>
#include <pawl/json_text.hpp>

#include "client/src/json_check.h"
#include "client/src/problem.h"

namespace pawl {
namespace {
[[noreturn]] void refuse(std::string detail) {
  throw Exception(client::local_error(ErrorKind::usage, std::move(detail)));
}
}  // namespace

JsonText JsonText::of(const nlohmann::json& value) {
  JsonText out;
  try {
    out.text_ = value.dump();
  } catch (const nlohmann::json::exception& error) {
    refuse(std::string("a string in the value is not UTF-8: ") + error.what());
  }
  return out;
}

JsonText JsonText::raw(std::string text) {
  // Text that is more than one value could reach into the batch that it travels in.
  if (!client::is_json(text)) refuse("the text is not one JSON value in UTF-8");
  JsonText out;
  out.text_ = std::move(text);
  return out;
}

nlohmann::json JsonText::parse() const { return nlohmann::json::parse(text_); }

}  // namespace pawl
