#include "broker/http/api/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "client/wire/ids.h"
#include "client/wire/json_text.h"
#include "client/wire/protocol.h"
#include "client/wire/status.h"
#include "client/wire/time.h"

namespace pawl::http::api {
namespace {

constexpr std::size_t pointer_key_bytes_max = 200;  // a hostile key must not come back at full length

std::string_view kind_name(JsonKind kind) {
  switch (kind) {
    case JsonKind::object:
      return "an object";
    case JsonKind::array:
      return "an array";
    case JsonKind::string:
      return "a string";
    case JsonKind::number:
      return "a number";
    case JsonKind::boolean:
      return "true or false";
    case JsonKind::null:
      return "null";
    case JsonKind::broken:
      break;
  }
  return "broken";
}

void append_escaped(std::string& out, std::string_view key) {
  for (const char c : wire::utf8_prefix(key, pointer_key_bytes_max)) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

Place place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  Place place{offset, 1, 1};
  place.line += static_cast<std::size_t>(std::ranges::count(before, '\n'));
  const std::size_t newline = before.rfind('\n');
  place.column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  return place;
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string between(std::int64_t min, std::int64_t max) {
  return "must be between " + std::to_string(min) + " and " + std::to_string(max);
}

}  // namespace

std::string Where::pointer() const {
  if (up == nullptr) return {};
  std::string text = up->pointer();
  text += '/';
  if (index >= 0) {
    text += std::to_string(index);
  } else {
    append_escaped(text, key);
  }
  return text;
}

void Input::wrong(const Where& at, std::string detail) {
  if (errors_.size() == field_errors_max) {
    more_errors_ = true;
    return;
  }
  errors_.push_back({at.pointer(), std::move(detail)});
}

void Input::too_large(const Where& at, std::string detail) {
  too_large_ = true;
  wrong(at, std::move(detail));
}

std::optional<Problem> Input::verdict() {
  json.finish();
  if (const auto& error = json.error()) {
    Problem problem{problem::invalid_json, ""};
    problem.place = place_of(text_, error->offset);
    problem.detail = "At byte " + std::to_string(error->offset) + " (line " +
                     std::to_string(problem.place->line) + ", column " +
                     std::to_string(problem.place->column) + "): ";
    problem.detail += text_.empty() ? "the body is empty" : error->what;
    problem.detail += '.';
    return problem;
  }
  if (errors_.empty()) return std::nullopt;
  Problem problem{too_large_ ? problem::body_too_large : problem::invalid_input, ""};
  if (more_errors_) {
    problem.detail = "Only the first " + std::to_string(field_errors_max) + " errors are listed.";
  }
  problem.errors = std::move(errors_);
  return problem;
}

bool expect(Input& in, const Where& at, JsonKind kind) {
  const JsonKind found = in.json.peek();
  if (found == kind) return true;
  in.json.skip();
  if (!in.json.error()) {
    in.wrong(at, std::string("must be ").append(kind_name(kind)) + ", not " + std::string(kind_name(found)));
  }
  return false;
}

bool take_null(Input& in) {
  if (in.json.peek() != JsonKind::null) return false;
  in.json.skip();
  return true;
}

void read_integer(Input& in, const Where& at, std::int64_t min, std::int64_t max, std::int64_t& out) {
  if (!expect(in, at, JsonKind::number)) return;
  const JsonReader::Number number = in.json.read_number();
  if (in.json.error()) return;
  if (!number.integer) return in.wrong(at, "must be an integer, without a fraction or an exponent");
  std::int64_t value = 0;
  const auto result = std::from_chars(number.text.data(), number.text.data() + number.text.size(), value);
  if (result.ec != std::errc{} || value < min || value > max) return in.wrong(at, between(min, max));
  out = value;
}

void read_number(Input& in, const Where& at, double min, double max, double& out) {
  if (!expect(in, at, JsonKind::number)) return;
  const JsonReader::Number number = in.json.read_number();
  if (in.json.error()) return;
  double value = 0;
  // Out of range can only be too small here: too large is refused by the reader.
  std::from_chars(number.text.data(), number.text.data() + number.text.size(), value);
  if (value < min || value > max) {
    return in.wrong(at, fmt::format("must be between {} and {}", min, max));
  }
  out = value;
}

void read_boolean(Input& in, const Where& at, bool& out) {
  if (expect(in, at, JsonKind::boolean)) out = in.json.read_boolean();
}

void read_name(Input& in, const Where& at, std::string& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  if (!wire::is_name(text)) return in.wrong(at, "must match [A-Za-z0-9._:-]{1,128}");
  out = text;
}

void read_label(Input& in, const Where& at, std::string& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  if (text.empty()) return in.wrong(at, "must not be empty");
  if (text.size() > wire::text_bytes_max) {
    return in.wrong(at, "has " + std::to_string(text.size()) + " bytes; at most " +
                            std::to_string(wire::text_bytes_max) + " are allowed");
  }
  if (has_control_character(text)) return in.wrong(at, "must not contain control characters");
  out = text;
}

void read_free_text(Input& in, const Where& at, std::size_t bytes_max, std::string& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  out = wire::utf8_prefix(text, bytes_max);
  if (out.size() < text.size()) out += " [cut]";
}

void read_whole_text(Input& in, const Where& at, std::size_t bytes_max, std::string& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  if (text.size() > bytes_max)
    return in.wrong(at, fmt::format("has {} bytes; at most {} are allowed", text.size(), bytes_max));
  out = text;
}

void read_time(Input& in, const Where& at, core::Millis& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const auto ms = wire::parse_time(in.json.read_string());
  if (in.json.error()) return;
  if (!ms) return in.wrong(at, "must be a time as in RFC 3339, such as 2030-01-31T08:00:00.000Z");
  out = *ms;
}

void read_job_id(Input& in, const Where& at, core::JobId& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const auto bytes = wire::parse_uuid(in.json.read_string());
  if (in.json.error()) return;
  if (!bytes) return in.wrong(at, "must be a UUID");
  out.bytes = *bytes;
}

void read_lease_id(Input& in, const Where& at, core::LeaseNumber& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const auto number = wire::parse_lease_id(in.json.read_string());
  // Lease numbers grow from 1, one at a time: the greatest is never given out.
  out = core::LeaseNumber{number && *number != 0 ? *number : UINT64_MAX};
}

void read_raw(Input& in, const Where& at, core::Bytes& out) {
  const std::string_view raw = in.json.skip();
  if (in.json.error()) return;
  if (raw.size() > in.limits.payload_bytes_max) {
    return in.too_large(at, "has " + std::to_string(raw.size()) + " bytes; at most " +
                                std::to_string(in.limits.payload_bytes_max) + " are allowed");
  }
  out = std::make_shared<const std::string>(raw);
}

void read_backoff(Input& in, const Where& at, core::Backoff& out) {
  static_assert(static_cast<int>(core::Backoff::Type::linear) == static_cast<int>(wire::BackoffType::linear));
  static_assert(static_cast<int>(core::Backoff::Type::fixed) == static_cast<int>(wire::BackoffType::fixed));
  using F = Field<core::Backoff>;
  static constexpr std::array fields{
      F{"type",
        [](Input& i, const Where& w, core::Backoff& b) {
          if (!expect(i, w, JsonKind::string)) return;
          const auto type = wire::parse_backoff_type(i.json.read_string());
          if (!type) return i.wrong(w, "must be exponential, linear or fixed");
          b.type = static_cast<core::Backoff::Type>(*type);
        }},
      F{"delayMs", [](Input& i, const Where& w,
                      core::Backoff& b) { read_integer(i, w, 0, wire::delay_ms_max, b.delay_ms); }},
      F{"factor", [](Input& i, const Where& w, core::Backoff& b) { read_number(i, w, 1, 100, b.factor); }},
      F{"maxDelayMs", [](Input& i, const Where& w,
                         core::Backoff& b) { read_integer(i, w, 0, wire::delay_ms_max, b.max_delay_ms); }},
      F{"jitter", [](Input& i, const Where& w, core::Backoff& b) { read_number(i, w, 0, 1, b.jitter); }}};
  read_object(in, at, fields, out);
}

void read_retention(Input& in, const Where& at, core::Retention& out) {
  static constexpr auto read_age = [](Input& i, const Where& w, core::Millis& age) {
    if (take_null(i)) {
      age = -1;
    } else {
      read_integer(i, w, 0, wire::delay_ms_max, age);
    }
  };
  using F = Field<core::Retention>;
  static constexpr std::array fields{
      F{"completedMs", [](Input& i, const Where& w, core::Retention& r) { read_age(i, w, r.completed_ms); }},
      F{"failedMs", [](Input& i, const Where& w, core::Retention& r) { read_age(i, w, r.failed_ms); }}};
  read_object(in, at, fields, out);
}

}  // namespace pawl::http::api
