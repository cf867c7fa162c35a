#include <utility>

#include "broker/http/api/job_fields.h"
#include "broker/http/api/new_job_fields.h"
#include "broker/http/api/requests.h"

namespace pawl::http::api {
namespace {

constexpr std::int64_t every_ms_min = 1'000;
constexpr std::int64_t every_ms_max = 366LL * 86'400'000;
constexpr std::int64_t runs_max = 1'000'000'000'000;
constexpr std::size_t cron_bytes_max = 256;

template <typename Enum, std::size_t N>
void read_word(Input& in, const Where& at, const std::array<std::string_view, N>& words, Enum& out) {
  if (!expect(in, at, JsonKind::string)) return;
  const std::string_view text = in.json.read_string();
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

void read_short_text(Input& in, const Where& at, std::string& out) {
  std::string text;
  read_label(in, at, text);
  if (text.size() > cron_bytes_max) return in.wrong(at, "is too long");
  if (!text.empty()) out = std::move(text);
}

void read_moment(Input& in, const Where& at, core::Millis& out) {
  if (!take_null(in)) read_time(in, at, out);
}

using S = Field<core::Schedule>;

constexpr std::array timetable_fields{
    S{"cron", [](Input& in, const Where& at,
                 core::Schedule& schedule) { read_short_text(in, at, schedule.timetable.cron); }},
    S{"everyMs",
      [](Input& in, const Where& at, core::Schedule& schedule) {
        read_integer(in, at, every_ms_min, every_ms_max, schedule.timetable.every_ms);
      }},
    S{"timezone", [](Input& in, const Where& at,
                     core::Schedule& schedule) { read_short_text(in, at, schedule.timetable.timezone); }},
    S{"startAt", [](Input& in, const Where& at,
                    core::Schedule& schedule) { read_moment(in, at, schedule.timetable.start_at); }},
    S{"endAt", [](Input& in, const Where& at,
                  core::Schedule& schedule) { read_moment(in, at, schedule.timetable.end_at); }},
    S{"maxRuns",
      [](Input& in, const Where& at, core::Schedule& schedule) {
        std::int64_t runs = 0;
        if (!take_null(in)) read_integer(in, at, 1, runs_max, runs);
        schedule.timetable.max_runs = static_cast<std::uint64_t>(runs);
      }},
    S{"missed", [](Input& in, const Where& at,
                   core::Schedule& schedule) { read_word(in, at, core::missed_names, schedule.missed); }},
    S{"overlap", [](Input& in, const Where& at,
                    core::Schedule& schedule) { read_word(in, at, core::overlap_names, schedule.overlap); }},
    S{"paused",
      [](Input& in, const Where& at, core::Schedule& schedule) { read_boolean(in, at, schedule.paused); }}};

template <std::size_t I>
void read_job_field(Input& in, const Where& at, core::Schedule& schedule) {
  new_job_fields[I].read(in, at, schedule.job);
}

/// Those of a submit, then those of a timetable, in one object.
constexpr auto schedule_fields = []<std::size_t... I, std::size_t... J>(std::index_sequence<I...>,
                                                                        std::index_sequence<J...>) {
  return std::array{S{new_job_fields[I].name, read_job_field<I>, new_job_fields[I].required}...,
                    timetable_fields[J]...};
}(std::make_index_sequence<new_job_fields.size()>{}, std::make_index_sequence<timetable_fields.size()>{});

void check_timetable(Input& in, const Where& at, const core::Schedule& schedule,
                     const CheckTimetable& check) {
  const core::Timetable& timetable = schedule.timetable;
  if (timetable.cron.empty() == (timetable.every_ms == 0))
    return in.wrong(at.member("cron"), timetable.cron.empty() ? "is required, unless everyMs is given"
                                                              : "excludes everyMs: give one of them");
  if (timetable.end_at <= timetable.start_at) in.wrong(at.member("endAt"), "must be after startAt");
  if (timetable.cron.empty()) {
    if (timetable.timezone != core::Timetable{}.timezone) in.wrong(at.member("timezone"), "is for cron only");
    return;
  }
  if (!check) return in.wrong(at.member("cron"), "needs a calendar, which this broker lacks: use everyMs");
  if (const auto fault = check(timetable)) in.wrong(at.member(fault->field), fault->what);
}

}  // namespace

Parsed<core::PutSchedule> read_put_schedule(std::string_view body, std::string id, const Limits& limits,
                                            const CheckTimetable& check) {
  auto put =
      read_document<core::PutSchedule>(body, limits, [&](Input& in, const Where& at, core::PutSchedule& out) {
        static_assert(schedule_fields.back().name == "paused");
        std::bitset<schedule_fields.size()> seen;
        read_object(in, at, schedule_fields, out.schedule, &seen);
        if (in.json.error()) return;
        out.keep_pause = !seen[schedule_fields.size() - 1];
        const core::NewJob& job = out.schedule.job;
        if (job.run_at)
          in.wrong(at.member("runAt"), "has no meaning here: the timetable says when; see startAt");
        if (job.tags.size() >= wire::tags_max)
          in.wrong(at.member("tags"), "leaves no room: each job also gets the tag schedule:ID");
        check_together(in, at, job);
        if (in.clean()) check_timetable(in, at, out.schedule, check);
      });
  if (put) put->schedule.id = std::move(id);
  return put;
}

}  // namespace pawl::http::api
