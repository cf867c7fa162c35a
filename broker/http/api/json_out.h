// Writes JSON by hand into one string: no tree, raw values spliced in as they are.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/core/ids.h"
#include "client/wire/ids.h"
#include "client/wire/json_text.h"
#include "client/wire/time.h"

namespace pawl::http::api {

inline void append_job_id(std::string& out, const core::JobId& id) {
  char text[wire::uuid_chars + 2];
  text[0] = text[wire::uuid_chars + 1] = '"';
  wire::write_uuid(id.bytes, text + 1);
  out.append(text, sizeof text);
}

inline void append_lease_id(std::string& out, core::LeaseNumber lease) {
  char text[wire::lease_id_chars + 2];
  text[0] = text[wire::lease_id_chars + 1] = '"';
  wire::write_lease_id(static_cast<std::uint64_t>(lease), text + 1);
  out.append(text, sizeof text);
}

inline void append_time(std::string& out, core::Millis ms) {
  char text[wire::time_chars + 2];
  text[0] = text[wire::time_chars + 1] = '"';
  wire::write_time(ms, text + 1);
  out.append(text, sizeof text);
}

/// Writes `[`, each item by write(item), `]`.
template <typename Items, typename Write>
void append_list(std::string& out, const Items& items, Write&& write) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    write(item);
  }
  out += ']';
}

/// One object: opens in the constructor, closes in the destructor; members come in the order of the calls.
/// Keys are written as they are: they must need no escaping.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  ~ObjectWriter() { out_ += '}'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  /// Writes the key; the caller appends the value itself.
  void begin(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  void text(std::string_view key, std::string_view value) {
    begin(key);
    wire::append_json_string(out_, value);
  }
  /// null when empty.
  void text_or_null(std::string_view key, std::string_view value) {
    if (value.empty()) return raw(key, "null");
    text(key, value);
  }
  template <std::integral Number>
  void integer(std::string_view key, Number value) {
    begin(key);
    if constexpr (std::is_signed_v<Number>) {
      wire::append_json_integer(out_, static_cast<std::int64_t>(value));
    } else {
      wire::append_json_integer(out_, static_cast<std::uint64_t>(value));
    }
  }
  void number(std::string_view key, double value) {
    begin(key);
    wire::append_json_number(out_, value);
  }
  void boolean(std::string_view key, bool value) { raw(key, value ? "true" : "false"); }
  void null(std::string_view key) { raw(key, "null"); }
  void raw(std::string_view key, std::string_view json) {
    begin(key);
    out_ += json;
  }
  /// The bytes as they are; null when absent.
  void raw(std::string_view key, const core::Bytes& json) {
    raw(key, json ? std::string_view(*json) : "null");
  }
  void raw(std::string_view key, const char* json) { raw(key, std::string_view(json)); }
  void job_id(std::string_view key, const core::JobId& id) {
    begin(key);
    append_job_id(out_, id);
  }
  void lease_id(std::string_view key, core::LeaseNumber lease) {
    begin(key);
    append_lease_id(out_, lease);
  }
  void time(std::string_view key, core::Millis ms) {
    begin(key);
    append_time(out_, ms);
  }
  /// 0 means that it never was: null.
  void time_or_null(std::string_view key, core::Millis ms) {
    if (ms == 0) return null(key);
    time(key, ms);
  }
  template <typename Items, typename Write>
  void list(std::string_view key, const Items& items, Write&& write) {
    begin(key);
    append_list(out_, items, write);
  }
  template <typename Texts>
  void texts(std::string_view key, const Texts& items) {
    list(key, items, [this](std::string_view item) { wire::append_json_string(out_, item); });
  }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace pawl::http::api
