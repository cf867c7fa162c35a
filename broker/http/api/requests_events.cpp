#include <algorithm>
#include <utility>

#include "broker/http/api/event_data.h"
#include "broker/http/api/event_fields.h"
#include "broker/http/api/job_fields.h"
#include "broker/http/api/new_job_fields.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {

namespace {

constexpr std::size_t match_paths_max = 16;
constexpr std::int64_t batch_events_max = 1'000;
constexpr std::size_t event_bytes_max = 256 << 10;  // of an event's data

bool is_path(std::string_view path) {
  if (path.empty() || path.size() > wire::text_bytes_max) return false;
  return path.front() != '.' && path.back() != '.' && path.find("..") == std::string_view::npos;
}

/// A trigger while it is read.
struct TriggerDraft {
  core::Trigger trigger;
};

using T = Field<TriggerDraft>;

void read_batch_of(Input& in, const Where& at, TriggerDraft& draft) {
  if (take_null(in)) return;
  using B = Field<core::Trigger>;
  static constexpr std::array fields{B{"max",
                                       [](Input& i, const Where& w, core::Trigger& trigger) {
                                         std::int64_t max = 0;
                                         read_integer(i, w, 1, batch_events_max, max);
                                         trigger.batch_max = static_cast<std::uint32_t>(max);
                                       },
                                       true},
                                     B{"timeoutMs",
                                       [](Input& i, const Where& w, core::Trigger& trigger) {
                                         read_integer(i, w, 1, wire::timeout_ms_max,
                                                      trigger.batch_timeout_ms);
                                       },
                                       true}};
  read_object(in, at, fields, draft.trigger);
}

constexpr std::array trigger_own_fields{
    T{"event",
      [](Input& in, const Where& at, TriggerDraft& draft) { read_name(in, at, draft.trigger.event); }, true},
    T{"match",
      [](Input& in, const Where& at, TriggerDraft& draft) { read_match(in, at, draft.trigger.match); }},
    T{"batch", read_batch_of}};

template <std::size_t I>
void read_template_field(Input& in, const Where& at, TriggerDraft& draft) {
  new_job_fields[I].read(in, at, draft.trigger.job);
}

/// Those of a submit, then a trigger's own, in one object.
constexpr auto trigger_fields = []<std::size_t... I, std::size_t... J>(std::index_sequence<I...>,
                                                                       std::index_sequence<J...>) {
  return std::array{T{new_job_fields[I].name, read_template_field<I>, new_job_fields[I].required}...,
                    trigger_own_fields[J]...};
}(std::make_index_sequence<new_job_fields.size()>{}, std::make_index_sequence<trigger_own_fields.size()>{});

}  // namespace

void read_match(Input& in, const Where& at, core::Match& out) {
  if (take_null(in) || !expect(in, at, JsonKind::object)) return;
  core::Match match;
  in.json.enter();
  while (in.json.next_member()) {
    std::string path(in.json.key());
    auto value = read_scalar(in.json);
    if (in.json.error()) return;
    if (!is_path(path))
      in.wrong(at.member(path), "is no path: write names of members joined with dots, such as order.id");
    else if (!value)
      in.wrong(at.member(path), "must be a string, a number, a boolean or null");
    else
      match.emplace_back(std::move(path), *std::move(value));
  }
  if (in.json.error()) return;
  std::ranges::sort(match);
  for (std::size_t i = 1; i < match.size(); ++i) {
    if (match[i].first == match[i - 1].first) return in.wrong(at.member(match[i].first), "is given twice");
  }
  if (match.size() > match_paths_max) {
    return in.wrong(at, "has " + std::to_string(match.size()) + " paths; at most " +
                            std::to_string(match_paths_max) + " are allowed");
  }
  out = std::move(match);
}

void read_wait_for(Input& in, const Where& at, core::Suspension& out) {
  using S = Field<core::Suspension>;
  static constexpr std::array fields{
      S{"event", [](Input& i, const Where& w, core::Suspension& s) { read_name(i, w, s.event); }, true},
      S{"match", [](Input& i, const Where& w, core::Suspension& s) { read_match(i, w, s.match); }},
      S{"timeoutMs",
        [](Input& i, const Where& w, core::Suspension& s) {
          if (!take_null(i)) read_integer(i, w, 1, wire::delay_ms_max, s.timeout_ms);
        }},
      S{"as", [](Input& i, const Where& w, core::Suspension& s) { read_name(i, w, s.as); }}};
  read_object(in, at, fields, out);
  if (out.as.empty()) out.as = out.event;
}

Parsed<core::KeepStep> read_keep_step(std::string_view body, const core::JobId& id, std::string name,
                                      const Limits& limits) {
  using K = Field<core::KeepStep>;
  static constexpr std::array fields{
      K{"leaseId",
        [](Input& in, const Where& at, core::KeepStep& keep) { read_lease_id(in, at, keep.lease); }, true},
      K{"result",
        [](Input& in, const Where& at, core::KeepStep& keep) { read_raw(in, at, keep.step.result); }}};
  auto keep = read_document<core::KeepStep>(
      body, limits,
      [](Input& in, const Where& at, core::KeepStep& out) { read_object(in, at, fields, out); });
  if (!keep) return keep;
  keep->id = id;
  keep->step.name = std::move(name);
  return keep;
}

Parsed<core::RaiseEvent> read_event(std::string_view body, const Limits& limits) {
  using E = Field<core::RaiseEvent>;
  static constexpr std::array fields{
      E{"name", [](Input& in, const Where& at, core::RaiseEvent& event) { read_name(in, at, event.name); },
        true},
      E{"data", [](Input& in, const Where& at, core::RaiseEvent& event) {
          read_raw(in, at, event.data);
          if (event.data && event.data->size() > event_bytes_max) {
            in.too_large(at, "has " + std::to_string(event.data->size()) + " bytes; at most " +
                                 std::to_string(event_bytes_max) + " are allowed");
          }
        }}};
  auto event = read_document<core::RaiseEvent>(
      body, limits,
      [](Input& in, const Where& at, core::RaiseEvent& out) { read_object(in, at, fields, out); });
  if (!event) return event;
  // As null it would read as the end of the time of a wait.
  if (!event->data) event->data = std::make_shared<const std::string>("{}");
  event->values = std::make_shared<const JsonEventData>(event->data);
  return event;
}

Parsed<core::PutTrigger> read_put_trigger(std::string_view body, std::string id, const Limits& limits) {
  auto draft = read_document<TriggerDraft>(body, limits, [](Input& in, const Where& at, TriggerDraft& out) {
    read_object(in, at, trigger_fields, out);
    if (in.json.error()) return;
    const core::NewJob& job = out.trigger.job;
    if (job.payload)
      in.wrong(at.member("payload"), "has no meaning here: the job gets the event's data as its payload");
    if (job.run_at) in.wrong(at.member("runAt"), "has no meaning here; see delayMs");
    if (job.tags.size() >= wire::tags_max)
      in.wrong(at.member("tags"), "leaves no room: each job also gets the tag trigger:ID");
    check_together(in, at, job);
  });
  if (!draft) return std::unexpected(std::move(draft.error()));
  draft->trigger.id = std::move(id);
  return core::PutTrigger{std::move(draft->trigger)};
}

}  // namespace pawl::http::api
