#include "broker/http/api/query.h"

#include <charconv>

#include "broker/http/api/json_reader.h"
#include "client/wire/protocol.h"
#include "client/wire/status.h"
#include "client/wire/time.h"

namespace pawl::http::api {
namespace {

constexpr std::size_t name_bytes_shown = 100;

/// 0…15, or -1.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Nothing for a broken escape, for what is not UTF-8, and for control characters.
std::optional<std::string> decode(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      const int high = i + 2 < raw.size() ? hex_value(raw[i + 1]) : -1;
      const int low = i + 2 < raw.size() ? hex_value(raw[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  if (find_invalid_utf8(out)) return std::nullopt;
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    if (end != 0) parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

}  // namespace

Query::Query(std::string_view raw) {
  for (const std::string_view part : split(raw, '&')) {
    const std::size_t equals = part.find('=');
    auto name = decode(part.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::string() : decode(part.substr(equals + 1));
    if (!name) {
      wrong("query", "has a name that is not percent-encoded UTF-8");
    } else if (!value) {
      wrong(*name, "is not percent-encoded UTF-8");
    } else {
      params_.push_back({std::move(*name), std::move(*value)});
    }
  }
}

void Query::wrong(std::string_view name, std::string detail) {
  if (errors_.size() == field_errors_max) return;
  errors_.push_back(
      {"/" + std::string(name.substr(0, name_bytes_shown)), std::move(detail), FieldError::In::query});
}

std::optional<std::string> Query::text(std::string_view name) {
  std::optional<std::string> found;
  for (Param& param : params_) {
    if (param.name != name) continue;
    if (found && !param.used) wrong(name, "is given twice");
    param.used = true;
    if (!found) found = param.value;
  }
  return found;
}

std::optional<std::string> Query::name(std::string_view name) {
  auto value = text(name);
  if (value && !wire::is_name(*value)) {
    wrong(name, "must match [A-Za-z0-9._:-]{1,128}");
    return std::nullopt;
  }
  return value;
}

std::int64_t Query::integer(std::string_view name, std::int64_t min, std::int64_t max,
                            std::int64_t fallback) {
  const auto value = text(name);
  if (!value) return fallback;
  std::int64_t number = 0;
  const char* end = value->data() + value->size();
  const auto result = std::from_chars(value->data(), end, number);
  if (result.ec != std::errc{} || result.ptr != end || number < min || number > max) {
    wrong(name, "must be an integer between " + std::to_string(min) + " and " + std::to_string(max));
    return fallback;
  }
  return number;
}

bool Query::boolean(std::string_view name, bool fallback) {
  const auto value = text(name);
  if (!value) return fallback;
  if (*value != "true" && *value != "false") wrong(name, "must be true or false");
  return *value == "true";
}

std::optional<std::int64_t> Query::time(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto ms = wire::parse_time(*value);
  if (!ms) wrong(name, "must be a time such as 2026-01-31T12:00:00.000Z");
  return ms;
}

std::vector<std::string> Query::list(std::string_view name) {
  std::vector<std::string> values;
  for (Param& param : params_) {
    if (param.name != name) continue;
    param.used = true;
    for (const std::string_view value : split(param.value, ',')) values.emplace_back(value);
  }
  return values;
}

std::vector<std::pair<std::string, std::string>> Query::beginning(std::string_view prefix) {
  std::vector<std::pair<std::string, std::string>> found;
  for (Param& param : params_) {
    if (!param.name.starts_with(prefix)) continue;
    param.used = true;
    found.emplace_back(param.name.substr(prefix.size()), param.value);
  }
  return found;
}

std::vector<core::Status> Query::statuses(std::string_view name) {
  std::vector<core::Status> statuses;
  for (const std::string& word : list(name)) {
    if (const auto status = wire::parse_status(word)) {
      statuses.push_back(static_cast<core::Status>(*status));
    } else {
      wrong(name, "must be of pending, active, completed, failed, delayed, stalled, blocked, cancelled");
    }
  }
  return statuses;
}

std::optional<engine::Fingerprint> Query::fingerprint(std::string_view name) {
  const std::optional<std::string> given = text(name);
  if (!given) return std::nullopt;
  const auto fingerprint = engine::parse_fingerprint(*given);
  if (!fingerprint)
    wrong(name, "must be 16 hexadecimal digits, as GET /queues/{queue}/dlq/groups tells them");
  return fingerprint;
}

std::optional<Problem> Query::verdict() {
  for (const Param& param : params_) {
    if (!param.used) wrong(param.name, "is not a known parameter");
  }
  if (errors_.empty()) return std::nullopt;
  Problem problem{problem::invalid_input, ""};
  problem.errors = std::move(errors_);
  return problem;
}

}  // namespace pawl::http::api
