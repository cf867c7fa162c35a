// `pawl check`: the one part of the command line that knows the broker's engine, since it reads a store by
// itself.
#include "broker/engine/check.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "broker/engine/engine.h"
#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/table.h"
#include "client/cli/verbs/job_text.h"
#include "client/wire/status.h"
#include "storage/store.h"

namespace pawl::cli {
namespace {

/// Opening a store makes one where there is none, and then it would be found to be sound.
Result<void> holds_a_store(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    return refused(fmt::format("{} is not a folder", directory),
                   {"Name the folder that pawld was given as --data."});
  }
  // Any of them: what else is missing is for the store to say.
  for (const char* part : {"FORMAT", "WATERMARK", "db"}) {
    if (std::filesystem::exists(std::filesystem::path{directory} / part, error)) return {};
  }
  if (error) return refused(fmt::format("cannot read {}: {}", directory, error.message()));
  return refused(fmt::format("no broker has kept its data in {}", directory),
                 {"Name the folder that pawld was given as --data."});
}

Failure failure_of(const storage::Error& error) {
  Failure failure;
  failure.message = error.message;
  if (error.code == storage::Errc::in_use)
    failure.hints.emplace_back("Stop its broker first; this check is offline.");
  return failure;
}

std::string json_of(const engine::CheckReport& report) {
  JsonObject jobs;
  for (std::size_t i = 0; i < report.jobs.size(); ++i) {
    jobs.add(wire::status_names[i], static_cast<std::int64_t>(report.jobs[i]));
  }
  const auto count = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  return JsonObject{}
      .add("ok", report.ok())
      .add("queues", count(report.queues))
      .add_raw("jobs", jobs.text())
      .add("grants", count(report.grants))
      .add("timers", count(report.timers))
      .add("uniqueKeys", count(report.unique_keys))
      .add("idempotencyKeys", count(report.idempotency_keys))
      .add("logRows", count(report.log_rows))
      .add("operations", count(report.operations))
      .add("schedules", count(report.schedules))
      .add("waits", count(report.waits))
      .add("triggers", count(report.triggers))
      .add("workflows", count(report.workflows))
      .add("gatheredEvents", count(report.gathered))
      .add("historyPoints", count(report.history_points))
      .add("auditedActions", count(report.audited_actions))
      .add("expiredRows", count(report.expired_rows))
      .add("problemCount", count(report.problem_count))
      .add("problems", report.problems)
      .text();
}

std::string text_of(const engine::CheckReport& report, const Screen& screen) {
  const auto count = [](std::uint64_t value) { return count_text(static_cast<std::int64_t>(value)); };
  Fields fields;
  fields.add("queues", count(report.queues));
  fields.add("jobs", count(report.jobs_in_all()));
  for (std::size_t i = 0; i < report.jobs.size(); ++i) {
    const std::string_view status = wire::status_names[i];
    if (report.jobs[i] > 0)
      fields.add(fmt::format("  {}", status), count(report.jobs[i]), tone_of_status(status));
  }
  fields.add("grants", count(report.grants));
  fields.add("timers", count(report.timers));
  fields.add("unique keys", count(report.unique_keys));
  fields.add("idempotency keys", count(report.idempotency_keys));
  fields.add("log rows", count(report.log_rows));
  std::string text = fields.text(screen);
  for (const std::string& problem : report.problems) {
    text.append(toned("problem", Tone::bad, screen)).append("  ").append(printable(problem)).append("\n");
  }
  if (report.ok()) return text.append(toned("sound", Tone::good, screen)).append(": every invariant holds\n");
  const bool more = report.problem_count > report.problems.size();
  return text.append(
      fmt::format("{} problems{}\n", count(report.problem_count), more ? ", the first are listed" : ""));
}

}  // namespace

Result<Exit> run(const Check& command, Session& session) {
  if (const auto there = holds_a_store(command.directory); !there) return std::unexpected(there.error());
  storage::Options options;
  options.families = engine::families();
  options.format_version = engine::format_version;
  options.notice = [](const std::string& notice) { print_error(printable(notice) + "\n"); };
  const auto store = storage::Store::open("rocksdb:" + command.directory, std::move(options));
  if (!store) return std::unexpected(failure_of(store.error()));
  const auto report = engine::check_store(**store);
  if (!report) return std::unexpected(failure_of(report.error()));
  if (session.wants_json()) {
    print(json_of(*report) + "\n");
  } else {
    print(text_of(*report, session.screen()));
  }
  if (report->ok()) return Exit::ok;
  return refused(
      fmt::format("{} is not sound", command.directory),
      {"Keep a copy of the folder as it is before anything else, then report what is listed above."});
}

}  // namespace pawl::cli
