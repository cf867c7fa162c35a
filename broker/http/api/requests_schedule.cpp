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

using Seen = std::bitset<schedule_fields.size()>;

// A field of the wrong kind was there all the same: it is not named a second time as missing.
constexpr std::size_t cron_index = new_job_fields.size();
constexpr std::size_t every_index = cron_index + 1;
constexpr std::size_t paused_index = schedule_fields.size() - 1;
static_assert(schedule_fields[cron_index].name == "cron" && schedule_fields[every_index].name == "everyMs" &&
              schedule_fields[paused_index].name == "paused");

/// What the calendar finds in either of them, which it would tell of the first alone.
void check_calendar(Input& in, const Where& at, const core::Timetable& timetable,
                    const CheckTimetable& check) {
  core::Timetable expression;
  expression.cron = timetable.cron;
  core::Timetable zone;
  zone.cron = "* * * * *";
  zone.timezone = timetable.timezone;
  for (const core::Timetable* const part : {&expression, &zone}) {
    if (part->cron.empty()) continue;
    if (const auto fault = check(*part)) in.wrong(at.member(fault->field), fault->what);
  }
}

void check_timetable(Input& in, const Where& at, const core::Timetable& timetable, const Seen& seen,
                     const CheckTimetable& check) {
  const bool has_cron = seen[cron_index];
  const bool has_every = seen[every_index];
  if (has_cron == has_every)
    in.wrong(at.member("cron"),
             has_cron ? "excludes everyMs: give one of them" : "is required, unless everyMs is given");
  if (timetable.end_at <= timetable.start_at) in.wrong(at.member("endAt"), "must be after startAt");
  if (has_every) {
    if (!has_cron && timetable.timezone != core::Timetable{}.timezone)
      in.wrong(at.member("timezone"), "is for cron only");
    return;
  }
  if (check) return check_calendar(in, at, timetable, check);
  if (has_cron) in.wrong(at.member("cron"), "needs a calendar, which this broker lacks: use everyMs");
}

/// A replaced job's key or window would still be there for the next.
void check_overlap(Input& in, const Where& at, const core::Schedule& schedule) {
  if (schedule.overlap != core::Overlap::replace) return;
  const core::NewJob& job = schedule.job;
  const char* const why = ": the job that is cancelled may still keep the next from being made";
  if (!job.unique_key.empty())
    in.wrong(at.member("overlap"), std::string("replace excludes uniqueKey") + why);
  if (job.gathering && job.gathering->mode == core::Gathering::Mode::throttle)
    in.wrong(at.member("overlap"), std::string("replace excludes throttle") + why);
}

}  // namespace

Parsed<core::PutSchedule> read_put_schedule(std::string_view body, std::string id, const Limits& limits,
                                            const CheckTimetable& check) {
  auto put =
      read_document<core::PutSchedule>(body, limits, [&](Input& in, const Where& at, core::PutSchedule& out) {
        Seen seen;
        read_object(in, at, schedule_fields, out.schedule, &seen);
        if (in.json.error()) return;
        out.keep_pause = !seen[paused_index];
        const core::NewJob& job = out.schedule.job;
        if (job.run_at)
          in.wrong(at.member("runAt"), "has no meaning here: the timetable says when; see startAt");
        if (job.tags.size() >= wire::tags_max)
          in.wrong(at.member("tags"), "leaves no room: each job also gets the tag schedule:ID");
        check_together(in, at, job);
        check_timetable(in, at, out.schedule.timetable, seen, check);
        check_overlap(in, at, out.schedule);
      });
  if (put) put->schedule.id = std::move(id);
  return put;
}

}  // namespace pawl::http::api
