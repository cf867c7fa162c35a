#include "client/cli/verbs/schedule_text.h"

#include <fmt/format.h>

#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/verbs/job_text.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

Json next_run_of(const Json& schedule) {
  const auto runs = schedule["nextRuns"].items();
  return runs.empty() ? Json{} : runs.front();
}

std::string distance_of(const Json& time) {
  const auto ms = wire::parse_time(time.text());
  return ms ? distance_text(*ms, now_ms()) : "-";
}

Cell outcome_cell(const Json& last_run) {
  if (const std::string error = last_run["error"].text(); !error.empty()) return {error, Tone::bad};
  const std::string status = last_run["status"].text();
  return status.empty() ? Cell{"-", Tone::dim} : Cell{status, tone_of_status(status)};
}

std::string runs_text(const Json& schedule) {
  std::string text = count_text(schedule["runs"].integer());
  if (schedule["maxRuns"].is_number())
    text.append(fmt::format(" of {}", count_text(schedule["maxRuns"].integer())));
  if (const std::int64_t skipped = schedule["skipped"].integer(); skipped > 0)
    text.append(fmt::format(", {} left out", count_text(skipped)));
  return text;
}

void add_last_run(Fields& fields, const Json& run) {
  if (run.is_null()) return;
  fields.add("last run", moment_text(run["at"]));
  const Cell outcome = outcome_cell(run);
  if (run["jobId"].is_null()) return fields.add("made no job", outcome.text, outcome.tone);
  fields.add("its job", run["jobId"].text());
  if (!run["status"].is_null()) fields.add("its status", outcome.text, outcome.tone);
}

void add_template(Fields& fields, const Json& schedule) {
  const auto duration = [&](const char* label, const char* field) {
    if (schedule[field].is_number()) fields.add(label, exact_duration_text(schedule[field].integer()));
  };
  fields.add("priority", schedule["priority"].text());
  duration("delay", "delayMs");
  fields.add("attempts", schedule["maxAttempts"].text());
  duration("lease", "leaseMs");
  duration("timeout", "timeoutMs");
  fields.add("unique key", schedule["uniqueKey"].text());
  fields.add("group", schedule["group"].text());
  fields.add("tags", tags_text(schedule));
  if (!schedule["payload"].is_null()) fields.add_block("payload", schedule["payload"].dump(true));
}

}  // namespace

Result<Answer> get_schedules(Session& session) { return session.get("/schedules?limit=1000"); }

std::string when_text(const Json& schedule) {
  if (schedule["everyMs"].is_number()) return "every " + exact_duration_text(schedule["everyMs"].integer());
  return schedule["cron"].text() + " " + schedule["timezone"].text();
}

std::string next_run_line(const Json& schedule) {
  std::string what = "no run to come";
  if (schedule["paused"].truth())
    what = "paused";
  else if (const Json next = next_run_of(schedule); !next.is_null())
    what = "next run " + moment_text(next);
  return fmt::format("{}  {}\n", schedule["scheduleId"].text(), what);
}

std::string schedules_table(const std::vector<Json>& schedules, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"SCHEDULE", left, true},
               {"QUEUE", left, true},
               {"NAME", left, true},
               {"WHEN", left},
               {"NEXT RUN", right},
               {"LAST RUN", right},
               {"LAST JOB", left, true},
               {"RUNS", right},
               {"", left}}};
  for (const Json& schedule : schedules) {
    const Json last = schedule["lastRun"];
    table.add({{schedule["scheduleId"].text(), Tone::bold},
               {schedule["queue"].text()},
               {schedule["name"].text("-")},
               {when_text(schedule)},
               {distance_of(next_run_of(schedule))},
               {distance_of(last["at"])},
               outcome_cell(last),
               {count_text(schedule["runs"].integer())},
               {schedule["paused"].truth() ? "paused" : "", Tone::warn}});
  }
  return table.text(screen);
}

std::string schedule_record_text(const Json& schedule, const Screen& screen) {
  Fields fields;
  fields.add("schedule", schedule["scheduleId"].text());
  fields.add("queue", schedule["queue"].text());
  fields.add("name", schedule["name"].text());
  fields.add("when", when_text(schedule));
  fields.add("not before", moment_text(schedule["startAt"]));
  fields.add("not after", moment_text(schedule["endAt"]));
  fields.add("missed runs", schedule["missed"].text());
  fields.add("overlap", schedule["overlap"].text());
  if (schedule["paused"].truth()) fields.add("paused", "yes", Tone::warn);
  std::string next_runs;
  for (const Json& run : schedule["nextRuns"].items()) next_runs.append(moment_text(run)).append("\n");
  fields.add_block("next runs", next_runs);
  add_last_run(fields, schedule["lastRun"]);
  fields.add("runs", runs_text(schedule));
  fields.add("created", moment_text(schedule["createdAt"]));
  fields.add("changed", moment_text(schedule["updatedAt"]));
  add_template(fields, schedule);
  return fields.text(screen);
}

std::string schedules_line(const Json& page) {
  const auto schedules = page["schedules"].items();
  if (schedules.empty()) return {};
  std::string text = fmt::format("schedules {}{}", count_text(static_cast<std::int64_t>(schedules.size())),
                                 page["nextCursor"].is_null() ? "" : "+");
  Json first;
  for (const Json& schedule : schedules) {
    // Times on the wire sort as texts do.
    const std::string next = next_run_of(schedule).text();
    if (next.empty()) continue;
    if (first.is_null() || next < next_run_of(first).text()) first = schedule;
  }
  if (!first.is_null())
    text.append(
        fmt::format("  next {} {}", printable(first["scheduleId"].text()), distance_of(next_run_of(first))));
  return text.append("\n");
}

}  // namespace pawl::cli
