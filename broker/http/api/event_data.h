// What the core compares of JSON that it does not read: the values at paths.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "broker/core/wait.h"
#include "broker/http/api/json_reader.h"

namespace pawl::http::api {

/// A string, number, boolean or null as one text, the same for equal values ("7", "7.0" and "70e-1" are one)
/// and for no others, however many digits they have. Reads and skips any value; nothing for an object or an
/// array.
std::optional<std::string> read_scalar(JsonReader& json);

/// Values in an event's data by path: names of members, joined with dots. A name that has a dot itself is not
/// reached. Finds by reading the text again, once for each path that is asked for.
class JsonEventData final : public core::EventData {
 public:
  /// data: a JSON text that was read without an error; null is JSON null.
  explicit JsonEventData(core::Bytes data) : data_(std::move(data)) {}
  std::optional<std::string> value_at(const std::string& path) const override;

 private:
  std::optional<std::string> find(std::string_view path) const;

  core::Bytes data_;
  mutable std::map<std::string, std::optional<std::string>> found_;
};

}  // namespace pawl::http::api
