// Reading request objects by tables of fields: every wrong field is noted with its JSON Pointer, and reading
// goes on.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/job.h"
#include "broker/http/api/json_reader.h"
#include "broker/http/api/limits.h"
#include "broker/http/api/problem.h"

namespace pawl::http::api {

/// A place in the document, as a chain through the callers' frames: it costs nothing until somebody asks for
/// its text.
struct Where {
  const Where* up = nullptr;
  std::string_view key = {};
  std::ptrdiff_t index = -1;  // 0…: an item of an array

  Where member(std::string_view name) const { return {this, name, -1}; }
  Where item(std::size_t i) const { return {this, {}, static_cast<std::ptrdiff_t>(i)}; }
  /// "" for the whole document, else /a/3/b with ~ and / escaped.
  std::string pointer() const;
};

/// One document being read, and what was found wrong with it.
class Input {
 public:
  Input(std::string_view text, const Limits& limits_in) : json(text), limits(limits_in), text_(text) {}

  JsonReader json;
  const Limits& limits;

  /// Notes a wrong field; beyond field_errors_max only that there are more.
  void wrong(const Where& at, std::string detail);
  /// The same for a value that is right but too long.
  void too_large(const Where& at, std::string detail);
  bool clean() const { return errors_.empty(); }
  /// Call once, after the last read: nothing when all is well, else the answer.
  std::optional<Problem> verdict();

 private:
  std::string_view text_;
  std::vector<FieldError> errors_;
  bool more_errors_ = false;
  bool too_large_ = false;
};

/// True when the next value is of this kind; otherwise notes the field as wrong and skips it.
bool expect(Input& in, const Where& at, JsonKind kind);
/// True, and skipped, when the next value is null.
bool take_null(Input& in);

// Each reads one value; a wrong one is noted and leaves `out` as it was.
void read_integer(Input& in, const Where& at, std::int64_t min, std::int64_t max, std::int64_t& out);
void read_number(Input& in, const Where& at, double min, double max, double& out);
void read_boolean(Input& in, const Where& at, bool& out);
/// One of the words; `out` is its place among them.
template <typename Enum, std::size_t N>
void read_word(Input& in, const Where& at, const std::array<std::string_view, N>& words, Enum& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  std::string choices;
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i] == text) {
      out = static_cast<Enum>(i);
      return;
    }
    choices += (i == 0 ? "" : i + 1 == N ? " or " : ", ") + std::string(words[i]);
  }
  in.wrong(at, "must be " + choices);
}
/// [A-Za-z0-9._:-]{1,128}
void read_name(Input& in, const Where& at, std::string& out);
/// 1…256 bytes without control characters.
void read_label(Input& in, const Where& at, std::string& out);
/// Any text; what is beyond `bytes_max` is cut off.
void read_free_text(Input& in, const Where& at, std::size_t bytes_max, std::string& out);
/// As it stands, or refused: for what would be another thing when it is cut.
void read_whole_text(Input& in, const Where& at, std::size_t bytes_max, std::string& out);
void read_time(Input& in, const Where& at, core::Millis& out);
void read_job_id(Input& in, const Where& at, core::JobId& out);
/// Text that cannot be a lease id becomes one that no job ever holds: the fence answers, not the form.
void read_lease_id(Input& in, const Where& at, core::LeaseNumber& out);
/// Any value, byte for byte, at most limits.payload_bytes_max.
void read_raw(Input& in, const Where& at, core::Bytes& out);
void read_backoff(Input& in, const Where& at, core::Backoff& out);
void read_retention(Input& in, const Where& at, core::Retention& out);

template <typename Number>
void read_optional_integer(Input& in, const Where& at, std::int64_t min, std::int64_t max,
                           std::optional<Number>& out) {
  std::int64_t value = min - 1;
  read_integer(in, at, min, max, value);
  if (value >= min) out = static_cast<Number>(value);
}

/// Reads an array; calls read(where) for each item. Notes too few and too many.
template <typename Read>
void read_array(Input& in, const Where& at, std::size_t min, std::size_t max, Read&& read) {
  if (!expect(in, at, JsonKind::array)) return;
  in.json.enter();
  std::size_t count = 0;
  while (in.json.next_item()) {
    if (count < max) {
      read(at.item(count));
    } else {
      in.json.skip();
    }
    ++count;
  }
  if (in.json.error()) return;
  if (count < min) in.wrong(at, min == 1 ? "must not be empty" : "has too few items");
  if (count > max)
    in.wrong(at, "has " + std::to_string(count) + " items; at most " + std::to_string(max) + " are allowed");
}

/// A member of an object that is read into a T.
template <typename T>
struct Field {
  std::string_view name;
  void (*read)(Input&, const Where&, T&);
  bool required = false;
};

/// Reads an object by its table. Notes unknown, repeated and missing members. `seen`, when given, tells which
/// were there.
template <typename T, std::size_t N>
void read_object(Input& in, const Where& at, const std::array<Field<T>, N>& fields, T& out,
                 std::bitset<N>* seen_out = nullptr) {
  std::bitset<N> seen;
  if (!expect(in, at, JsonKind::object)) return;
  in.json.enter();
  while (in.json.next_member()) {
    const std::string_view key = in.json.key();
    std::size_t i = 0;
    while (i < N && fields[i].name != key) ++i;
    if (i == N) {
      in.wrong(at.member(key), "is not a known field");
      in.json.skip();
    } else if (seen[i]) {
      in.wrong(at.member(fields[i].name), "is given twice");
      in.json.skip();
    } else {
      seen.set(i);
      fields[i].read(in, at.member(fields[i].name), out);
    }
  }
  if (in.json.error()) return;
  for (std::size_t i = 0; i < N; ++i) {
    if (fields[i].required && !seen[i]) in.wrong(at.member(fields[i].name), "is required");
  }
  if (seen_out != nullptr) *seen_out = seen;
}

}  // namespace pawl::http::api
