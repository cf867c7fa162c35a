// The query of a request: each parameter is asked for by name; what was wrong, and what nobody asked for, is
// told at the end. Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/states.h"
#include "broker/engine/fingerprint.h"
#include "broker/http/api/problem.h"

namespace pawl::http::api {

class Query {
 public:
  /// raw: what stands behind the "?". `+` and %20 are spaces.
  explicit Query(std::string_view raw);

  std::optional<std::string> text(std::string_view name);
  /// [A-Za-z0-9._:-]{1,128}
  std::optional<std::string> name(std::string_view name);
  std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max, std::int64_t fallback);
  bool boolean(std::string_view name, bool fallback);
  /// RFC 3339.
  std::optional<std::int64_t> time(std::string_view name);
  /// Values separated by commas, or the parameter given more than once.
  std::vector<std::string> list(std::string_view name);
  std::vector<core::Status> statuses(std::string_view name);
  /// Parameters whose names begin so, without that beginning.
  std::vector<std::pair<std::string, std::string>> beginning(std::string_view prefix);
  /// As GET /queues/{queue}/dlq/groups tells it.
  std::optional<engine::Fingerprint> fingerprint(std::string_view name);
  /// Notes a wrong parameter.
  void wrong(std::string_view name, std::string detail);
  /// Call last: nothing when all is well.
  std::optional<Problem> verdict();

 private:
  struct Param {
    std::string name;
    std::string value;
    bool used = false;
  };
  std::vector<Param> params_;
  std::vector<FieldError> errors_;
};

}  // namespace pawl::http::api
