// One value inside a payload, for searches by a declared path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pawl::http::api {

/// What stands at `path` ("user.id": members of nested objects) in the JSON text, as engine::PayloadValue
/// says. Pure function. Thread: any.
std::optional<std::string> payload_value(std::string_view json, std::string_view path);

/// Whether it can be a path: 1…8 member names joined by dots, 128 bytes at most, no control characters.
bool is_payload_path(std::string_view path);

}  // namespace pawl::http::api
