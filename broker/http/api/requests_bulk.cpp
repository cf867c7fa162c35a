// The body of POST /bulk.
#include <algorithm>

#include "broker/http/api/job_fields.h"
#include "broker/http/api/job_query.h"
#include "broker/http/api/payload_value.h"
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

void read_attempts(Input& in, const Where& at, std::uint32_t& out) {
  std::int64_t attempts = out;
  read_integer(in, at, 0, attempts_asked_max, attempts);
  out = static_cast<std::uint32_t>(attempts);
}

/// Any text: what stands at a path may be empty, or long.
void read_payload_value(Input& in, const Where& at, std::string& out) {
  if (!expect(in, at, JsonKind::string)) return;
  out = in.json.read_string();
}

void read_payload_values(Input& in, const Where& at, OperationSpec& spec) {
  if (!expect(in, at, JsonKind::object)) return;
  auto& wanted = spec.filter.payload;
  in.json.enter();
  while (in.json.next_member()) {
    std::string path(in.json.key());
    const Where member = at.member(path);
    std::string value;
    read_payload_value(in, member, value);
    if (!is_payload_path(path)) in.wrong(member, "is not a path such as user.id");
    wanted.emplace_back(std::move(path), std::move(value));
  }
  if (in.json.error()) return;
  if (wanted.empty() || wanted.size() > payload_paths_max) in.wrong(at, "must have 1 to 4 paths");
}

constexpr std::array filter_fields{
    S{"queue", [](Input& in, const Where& at, OperationSpec& spec) { read_name(in, at, spec.queue); }},
    S{"status",
      [](Input& in, const Where& at, OperationSpec& spec) {
        if (in.json.peek() == JsonKind::string) return read_status(in, at, spec.filter.status);
        read_array(in, at, 1, core::status_count,
                   [&](const Where& item) { read_status(in, item, spec.filter.status); });
      }},
    S{"name",
      [](Input& in, const Where& at, OperationSpec& spec) { read_name(in, at, spec.filter.name.emplace()); }},
    S{"group", [](Input& in, const Where& at,
                  OperationSpec& spec) { read_label(in, at, spec.filter.group.emplace()); }},
    S{"tag",
      [](Input& in, const Where& at, OperationSpec& spec) { read_label(in, at, spec.filter.tag.emplace()); }},
    S{"errorType", [](Input& in, const Where& at,
                      OperationSpec& spec) { read_label(in, at, spec.filter.error_type.emplace()); }},
    S{"fingerprint",
      [](Input& in, const Where& at, OperationSpec& spec) {
        read_fingerprint(in, at, spec.filter.fingerprint.emplace());
      }},
    S{"worker", [](Input& in, const Where& at,
                   OperationSpec& spec) { read_label(in, at, spec.filter.worker.emplace()); }},
    S{"createdAfter", [](Input& in, const Where& at,
                         OperationSpec& spec) { read_time(in, at, spec.filter.created_from.emplace()); }},
    S{"createdBefore", [](Input& in, const Where& at,
                          OperationSpec& spec) { read_time(in, at, spec.filter.created_before.emplace()); }},
    S{"attemptsMin", [](Input& in, const Where& at,
                        OperationSpec& spec) { read_attempts(in, at, spec.filter.attempts_min); }},
    S{"attemptsMax", [](Input& in, const Where& at,
                        OperationSpec& spec) { read_attempts(in, at, spec.filter.attempts_max); }},
    S{"payload", read_payload_values},
    S{"q", [](Input& in, const Where& at, OperationSpec& spec) {
        read_label(in, at, spec.filter.text.emplace());
      }}};

void read_filter(Input& in, const Where& at, OperationSpec& spec) {
  std::bitset<filter_fields.size()> seen;
  read_object(in, at, filter_fields, spec, &seen);
  // A slip must not be an order over every job that there is.
  if (seen.none() && in.clean() && !in.json.error())
    in.wrong(at, "must have at least one field, such as queue, status or tag");
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
