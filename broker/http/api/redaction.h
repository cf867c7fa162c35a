// What of payloads, results and events is kept from people: the values of configured keys.
#pragma once

#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/job.h"
#include "broker/http/api/json_out.h"

namespace pawl::http::api {

/// Stands where a value was.
inline constexpr std::string_view redaction_mask = "\"[redacted]\"";

/// Replaces the values of named members in JSON text and keeps every other byte. Names are compared without
/// regard to case, after their escapes. Immutable. Thread: any.
class Redaction {
 public:
  /// Redacts nothing.
  Redaction() = default;
  /// keys: names, which count at any depth ("password"), and paths from the root ("user.card.number"); arrays
  /// on the way do not count as steps. The error is one sentence that names the key.
  static std::expected<Redaction, std::string> of(const std::vector<std::string>& keys);

  bool empty() const { return names_.empty() && paths_.empty(); }
  /// Appends the text with the mask for what is named; true when something was masked. What is no JSON is
  /// masked whole.
  bool append(std::string& out, std::string_view json) const;
  std::string applied(std::string_view json) const;
  /// Whether what stands at "user.card.number" is masked, by itself or as a part of what is.
  bool covers(std::string_view path) const;

 private:
  class Walk;
  using Rests = std::vector<std::string_view>;  // of paths: what is left of each from here on
  /// True when the member's value is masked; else `below` gets what is left of the paths behind it.
  bool takes(std::string_view folded_name, const Rests& rests, Rests& below) const;
  Rests roots() const { return {paths_.begin(), paths_.end()}; }

  std::set<std::string, std::less<>> names_;  // folded
  std::vector<std::string> paths_;            // folded; also as triggers and callbacks wrap what they carry
};

inline const Redaction no_redaction;

/// Puts JSON that clients sent into one answer: as it is kept, or redacted. The mark at the end says whether
/// anything was. Redaction must outlive it.
class ClientJson {
 public:
  /// As it is kept: for those who work on it.
  ClientJson() = default;
  /// For those who look.
  explicit ClientJson(const Redaction& redaction) : redaction_(redaction.empty() ? nullptr : &redaction) {}

  /// A member; null when there is nothing.
  void put(std::string& out, ObjectWriter& object, std::string_view key, const core::Bytes& json) {
    if (redaction_ == nullptr || !json) return object.raw(key, json);
    object.begin(key);
    if (redaction_->append(out, *json)) masked_ = true;
  }
  /// Whether what stands at a path, or under a name, is masked; notes it.
  bool masks(std::string_view path) {
    const bool masks = redaction_ != nullptr && redaction_->covers(path);
    masked_ = masked_ || masks;
    return masks;
  }
  /// `"redacted":true` when something was masked so far.
  void mark(ObjectWriter& object) const {
    if (masked_) object.boolean("redacted", true);
  }

 private:
  const Redaction* redaction_ = nullptr;
  bool masked_ = false;
};

}  // namespace pawl::http::api
