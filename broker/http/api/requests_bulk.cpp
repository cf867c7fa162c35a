// The body of POST /bulk.
#include <algorithm>

#include "broker/http/api/job_fields.h"
#include "broker/http/api/requests.h"
#include "client/wire/status.h"

namespace pawl::http::api {
namespace {

using engine::OperationSpec;
using S = Field<OperationSpec>;

void read_status(Input& in, const Where& at, std::vector<core::Status>& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const auto status = wire::parse_status(in.json.read_string());
  if (in.json.error()) return;
  if (!status)
    return in.wrong(at,
                    "must be of pending, active, completed, failed, delayed, stalled, blocked, cancelled");
  const auto value = static_cast<core::Status>(*status);
  if (std::ranges::find(out, value) == out.end()) out.push_back(value);
}

constexpr std::array filter_fields{
    S{"queue", [](Input& in, const Where& at, OperationSpec& spec) { read_name(in, at, spec.queue); }},
    S{"status",
      [](Input& in, const Where& at, OperationSpec& spec) {
        if (in.json.peek() == JsonKind::string) return read_status(in, at, spec.status);
        read_array(in, at, 1, core::status_count,
                   [&](const Where& item) { read_status(in, item, spec.status); });
      }},
    S{"name",
      [](Input& in, const Where& at, OperationSpec& spec) { read_name(in, at, spec.name.emplace()); }},
    S{"group",
      [](Input& in, const Where& at, OperationSpec& spec) { read_label(in, at, spec.group.emplace()); }},
    S{"tag", [](Input& in, const Where& at, OperationSpec& spec) { read_label(in, at, spec.tag.emplace()); }},
    S{"errorType",
      [](Input& in, const Where& at, OperationSpec& spec) { read_label(in, at, spec.error_type.emplace()); }},
    S{"fingerprint", [](Input& in, const Where& at, OperationSpec& spec) {
        read_fingerprint(in, at, spec.fingerprint.emplace());
      }}};

void read_filter(Input& in, const Where& at, OperationSpec& spec) {
  std::bitset<filter_fields.size()> seen;
  read_object(in, at, filter_fields, spec, &seen);
  // A slip must not be an order over every job that there is.
  if (seen.none() && in.clean() && !in.json.error())
    in.wrong(at, "must have at least one of queue, status, name, group, tag, errorType, fingerprint");
}

void read_action(Input& in, const Where& at, OperationSpec& spec) {
  using Action = OperationSpec::Action;
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
  if (in.json.error()) return;
  if (text == "retry")
    spec.action = Action::retry;
  else if (text == "cancel")
    spec.action = Action::cancel;
  else if (text == "promote")
    spec.action = Action::promote;
  else if (text == "delete")
    spec.action = Action::remove;
  else
    in.wrong(at, "must be of retry, cancel, promote, delete");
}

constexpr std::array bulk_fields{S{"filter", read_filter, true}, S{"action", read_action, true},
                                 S{"perSecond", [](Input& in, const Where& at, OperationSpec& spec) {
                                     read_number(in, at, 0.001, 1'000'000, spec.per_second);
                                   }}};

}  // namespace

void read_fingerprint(Input& in, const Where& at, engine::Fingerprint& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const auto fingerprint = engine::parse_fingerprint(in.json.read_string());
  if (in.json.error()) return;
  if (!fingerprint)
    return in.wrong(at, "must be 16 hexadecimal digits, as GET /queues/{queue}/dlq/groups tells them");
  out = *fingerprint;
  if (out == engine::Fingerprint::none)
    in.wrong(at, "is of failures that were not told apart: say their name or errorType instead");
}

Parsed<engine::OperationSpec> read_bulk(std::string_view body, const Limits& limits) {
  return read_document<OperationSpec>(body, limits, [](Input& in, const Where& at, OperationSpec& out) {
    read_object(in, at, bulk_fields, out);
  });
}

}  // namespace pawl::http::api
