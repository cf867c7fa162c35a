#include "broker/http/api/event_fields.h"
#include "broker/http/api/job_fields.h"
#include "broker/http/api/requests.h"
#include "client/wire/status.h"

namespace pawl::http::api {
namespace {

using core::Settlement;

/// A settlement while it is read: which outcome's fields came.
struct Draft {
  Settlement settlement;
  bool outcome_known = false;
  bool has_result = false;
  bool has_error = false;
  bool has_permanent = false;
  bool has_retry_delay = false;
  bool has_delay = false;
  bool has_retry_after = false;
  std::shared_ptr<core::Suspension> suspension{};  // when one of its fields came
  std::vector<std::string_view> waits{};           // those of sleepMs, until and waitFor that came, in turn

  core::Suspension& suspend() {
    if (!suspension) suspension = std::make_shared<core::Suspension>();
    return *suspension;
  }
};

void read_error(Input& in, const Where& at, Settlement& settlement) {
  settlement.error_type = "error";
  using F = Field<Settlement>;
  static constexpr std::array fields{
      F{"type", [](Input& i, const Where& w, Settlement& s) { read_label(i, w, s.error_type); }},
      F{"message",
        [](Input& i, const Where& w, Settlement& s) {
          read_free_text(i, w, wire::error_message_bytes_max, s.error_message);
        }},
      F{"stack", [](Input& i, const Where& w, Settlement& s) {
          if (!take_null(i)) read_free_text(i, w, wire::error_stack_bytes_max, s.error_stack);
        }}};
  read_object(in, at, fields, settlement);
}

using F = Field<Draft>;
constexpr F job_id_field{
    "jobId", [](Input& in, const Where& at, Draft& draft) { read_job_id(in, at, draft.settlement.id); },
    true};
constexpr F lease_id_field{
    "leaseId",
    [](Input& in, const Where& at, Draft& draft) { read_lease_id(in, at, draft.settlement.lease); }, true};
constexpr F outcome_field{"outcome",
                          [](Input& in, const Where& at, Draft& draft) {
                            if (!expect(in, at, JsonKind::string)) return;
                            const auto outcome = wire::parse_outcome(in.json.read_string());
                            if (!outcome)
                              return in.wrong(at, "must be complete, fail, release, rate-limited or suspend");
                            draft.settlement.outcome = static_cast<Settlement::Outcome>(*outcome);
                            draft.outcome_known = true;
                          },
                          true};
constexpr F result_field{"result", [](Input& in, const Where& at, Draft& draft) {
                           draft.has_result = true;
                           read_raw(in, at, draft.settlement.result);
                         }};
constexpr F error_field{"error", [](Input& in, const Where& at, Draft& draft) {
                          draft.has_error = true;
                          read_error(in, at, draft.settlement);
                        }};
constexpr F permanent_field{"permanent", [](Input& in, const Where& at, Draft& draft) {
                              draft.has_permanent = true;
                              read_boolean(in, at, draft.settlement.permanent);
                            }};
constexpr F retry_delay_field{"retryDelayMs", [](Input& in, const Where& at, Draft& draft) {
                                draft.has_retry_delay = true;
                                if (take_null(in)) return;
                                read_optional_integer(in, at, 0, wire::delay_ms_max,
                                                      draft.settlement.retry_delay_ms);
                              }};
constexpr F delay_field{"delayMs", [](Input& in, const Where& at, Draft& draft) {
                          draft.has_delay = true;
                          read_integer(in, at, 0, wire::delay_ms_max, draft.settlement.delay_ms);
                        }};

constexpr F retry_after_field{"retryAfterMs", [](Input& in, const Where& at, Draft& draft) {
                                draft.has_retry_after = true;
                                read_integer(in, at, 1, wire::delay_ms_max, draft.settlement.retry_after_ms);
                              }};
constexpr F required_retry_after_field{"retryAfterMs", retry_after_field.read, true};

constexpr F as_field{"as",
                     [](Input& in, const Where& at, Draft& draft) { read_name(in, at, draft.suspend().as); }};
constexpr F sleep_field{"sleepMs", [](Input& in, const Where& at, Draft& draft) {
                          draft.waits.push_back("sleepMs");
                          read_optional_integer(in, at, 0, wire::delay_ms_max, draft.suspend().sleep_ms);
                        }};
constexpr F until_field{"until", [](Input& in, const Where& at, Draft& draft) {
                          draft.waits.push_back("until");
                          core::Millis ms = -1;
                          read_time(in, at, ms);
                          if (ms >= 0) draft.suspend().until = ms;
                        }};
constexpr F wait_for_field{"waitFor", [](Input& in, const Where& at, Draft& draft) {
                             draft.waits.push_back("waitFor");
                             read_wait_for(in, at, draft.suspend());
                           }};

constexpr std::array suspend_fields{lease_id_field, as_field, sleep_field, until_field, wait_for_field};
constexpr std::array complete_fields{lease_id_field, result_field};
constexpr std::array fail_fields{lease_id_field, error_field, permanent_field, retry_delay_field};
constexpr std::array release_fields{lease_id_field, delay_field};
constexpr std::array rate_limited_fields{lease_id_field, required_retry_after_field};
constexpr std::array item_fields{job_id_field,      lease_id_field,  outcome_field,     result_field,
                                 error_field,       permanent_field, retry_delay_field, delay_field,
                                 retry_after_field, as_field,        sleep_field,       until_field,
                                 wait_for_field};

void require_error(Input& in, const Where& at, const Draft& draft) {
  if (!draft.has_error && !in.json.error()) in.wrong(at.member("error"), "is required");
}

void require_retry_after(Input& in, const Where& at, const Draft& draft) {
  if (!draft.has_retry_after && !in.json.error()) in.wrong(at.member("retryAfterMs"), "is required");
}

/// choices: the names of those of which exactly one must be there.
void require_suspension(Input& in, const Where& at, Draft& draft, const char* choices) {
  draft.suspend();
  draft.settlement.suspension = draft.suspension;
  if (in.json.error()) return;
  if (draft.waits.empty()) in.wrong(at, std::string("needs one of ") + choices);
  for (std::size_t i = 1; i < draft.waits.size(); ++i)
    in.wrong(at.member(draft.waits[i]), "excludes " + std::string(draft.waits[0]) + ": give one of them");
}

/// Fields of another outcome than the one that was given.
void refuse_strangers(Input& in, const Where& at, const Draft& draft) {
  const Settlement::Outcome outcome = draft.settlement.outcome;
  const auto only_with = [&](bool present, std::string_view field, Settlement::Outcome owner) {
    if (!present || outcome == owner) return;
    const auto name = wire::outcome_names[static_cast<std::size_t>(owner)];
    in.wrong(at.member(field), "belongs to the outcome " + std::string(name));
  };
  only_with(draft.has_result, "result", Settlement::Outcome::complete);
  only_with(draft.has_error, "error", Settlement::Outcome::fail);
  only_with(draft.has_permanent, "permanent", Settlement::Outcome::fail);
  only_with(draft.has_retry_delay, "retryDelayMs", Settlement::Outcome::fail);
  only_with(draft.has_delay, "delayMs", Settlement::Outcome::release);
  only_with(draft.has_retry_after, "retryAfterMs", Settlement::Outcome::rate_limited);
  if (draft.suspension == nullptr) return;
  const core::Suspension& suspension = *draft.suspension;
  only_with(suspension.sleep_ms.has_value(), "sleepMs", Settlement::Outcome::suspend);
  only_with(suspension.until.has_value(), "until", Settlement::Outcome::suspend);
  only_with(!suspension.event.empty(), "waitFor", Settlement::Outcome::suspend);
  only_with(!suspension.as.empty() && suspension.event.empty(), "as", Settlement::Outcome::suspend);
}

using B = Field<core::Beat>;
constexpr B beat_lease_id{
    "leaseId", [](Input& in, const Where& at, core::Beat& beat) { read_lease_id(in, at, beat.lease); }, true};
constexpr B beat_progress{"progress", [](Input& in, const Where& at, core::Beat& beat) {
                            if (take_null(in)) return;
                            double progress = -1;
                            read_number(in, at, 0, 100, progress);
                            if (progress >= 0) beat.progress = progress;
                          }};
constexpr B beat_message{"message", [](Input& in, const Where& at, core::Beat& beat) {
                           if (take_null(in)) return;
                           read_free_text(in, at, wire::progress_message_bytes_max, beat.message.emplace());
                         }};
constexpr B beat_lease_ms{"leaseMs", [](Input& in, const Where& at, core::Beat& beat) {
                            if (take_null(in)) return;
                            read_optional_integer(in, at, wire::lease_ms_min, wire::lease_ms_max,
                                                  beat.lease_ms);
                          }};
constexpr B beat_job_id{
    "jobId", [](Input& in, const Where& at, core::Beat& beat) { read_job_id(in, at, beat.id); }, true};
constexpr std::array beat_fields{beat_lease_id, beat_progress, beat_message, beat_lease_ms};
constexpr std::array beat_item_fields{beat_job_id, beat_lease_id, beat_progress, beat_message, beat_lease_ms};

}  // namespace

void read_settlement_item(Input& in, const Where& at, core::Settlement& out) {
  Draft draft;
  read_object(in, at, item_fields, draft);
  if (draft.outcome_known) {
    if (draft.settlement.outcome == Settlement::Outcome::fail) require_error(in, at, draft);
    if (draft.settlement.outcome == Settlement::Outcome::rate_limited) require_retry_after(in, at, draft);
    if (draft.settlement.outcome == Settlement::Outcome::suspend)
      require_suspension(in, at, draft, "sleepMs, until and waitFor");
    refuse_strangers(in, at, draft);
  }
  out = std::move(draft.settlement);
}

void read_beat_item(Input& in, const Where& at, core::Beat& out) {
  read_object(in, at, beat_item_fields, out);
}

void read_log_lines(Input& in, const Where& at, std::vector<std::string>& out) {
  read_array(in, at, 1, wire::log_lines_max, [&](const Where& item) {
    read_free_text(in, item, wire::log_line_bytes_max, out.emplace_back());
  });
}

void read_job_names(Input& in, const Where& at, std::vector<std::string>& out) {
  read_array(in, at, 0, wire::names_max, [&](const Where& item) { read_name(in, item, out.emplace_back()); });
}

Parsed<core::Settlement> read_settlement(std::string_view body, const core::JobId& id,
                                         Settlement::Outcome outcome, const Limits& limits) {
  auto draft = read_document<Draft>(body, limits, [outcome](Input& in, const Where& at, Draft& out) {
    switch (outcome) {
      case Settlement::Outcome::complete:
        return read_object(in, at, complete_fields, out);
      case Settlement::Outcome::release:
        return read_object(in, at, release_fields, out);
      case Settlement::Outcome::rate_limited:
        return read_object(in, at, rate_limited_fields, out);
      case Settlement::Outcome::suspend:
        read_object(in, at, suspend_fields, out);
        return require_suspension(in, at, out, "sleepMs, until, waitFor and invoke");
      case Settlement::Outcome::fail:
        break;
    }
    read_object(in, at, fail_fields, out);
    require_error(in, at, out);
  });
  if (!draft) return std::unexpected(std::move(draft.error()));
  draft->settlement.id = id;
  draft->settlement.outcome = outcome;
  return std::move(draft->settlement);
}

Parsed<core::Settle> read_settle(std::string_view body, const Limits& limits) {
  using S = Field<core::Settle>;
  static constexpr std::array fields{S{"settlements",
                                       [](Input& in, const Where& at, core::Settle& settle) {
                                         read_array(in, at, 1, wire::settlements_max, [&](const Where& item) {
                                           read_settlement_item(in, item, settle.settlements.emplace_back());
                                         });
                                       },
                                       true}};
  return read_document<core::Settle>(
      body, limits, [](Input& in, const Where& at, core::Settle& out) { read_object(in, at, fields, out); });
}

Parsed<core::Lease> read_lease(std::string_view body, std::string queue, const Limits& limits) {
  using L = Field<core::Lease>;
  static constexpr std::array fields{
      L{"workerId",
        [](Input& in, const Where& at, core::Lease& lease) { read_label(in, at, lease.worker_id); }, true},
      L{"max",
        [](Input& in, const Where& at, core::Lease& lease) {
          std::int64_t max = 1;
          read_integer(in, at, 1, wire::lease_jobs_max, max);
          lease.max = static_cast<std::uint32_t>(max);
        }},
      L{"waitMs", [](Input& in, const Where& at,
                     core::Lease& lease) { read_integer(in, at, 0, wire::wait_ms_max, lease.wait_ms); }},
      L{"names", [](Input& in, const Where& at, core::Lease& lease) {
          if (!take_null(in)) read_job_names(in, at, lease.names);
        }}};
  auto lease = read_document<core::Lease>(
      body, limits, [](Input& in, const Where& at, core::Lease& out) { read_object(in, at, fields, out); });
  if (lease) lease->queue = std::move(queue);
  return lease;
}

Parsed<core::Beat> read_heartbeat(std::string_view body, const core::JobId& id, const Limits& limits) {
  auto beat = read_document<core::Beat>(body, limits, [](Input& in, const Where& at, core::Beat& out) {
    read_object(in, at, beat_fields, out);
  });
  if (beat) beat->id = id;
  return beat;
}

Parsed<core::AppendLogs> read_logs(std::string_view body, const core::JobId& id, const Limits& limits) {
  using L = Field<core::AppendLogs>;
  static constexpr std::array fields{
      L{"leaseId",
        [](Input& in, const Where& at, core::AppendLogs& logs) { read_lease_id(in, at, logs.lease); }, true},
      L{"lines",
        [](Input& in, const Where& at, core::AppendLogs& logs) { read_log_lines(in, at, logs.lines); },
        true}};
  auto logs = read_document<core::AppendLogs>(
      body, limits,
      [](Input& in, const Where& at, core::AppendLogs& out) { read_object(in, at, fields, out); });
  if (logs) logs->id = id;
  return logs;
}

}  // namespace pawl::http::api
