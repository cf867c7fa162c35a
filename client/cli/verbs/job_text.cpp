#include "client/cli/verbs/job_text.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/wire/status.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

constexpr std::int64_t away_ms_max = 60'000;

}  // namespace

Tone tone_of_status(std::string_view status) {
  switch (wire::parse_status(status).value_or(wire::Status::pending)) {
    case wire::Status::completed:
      return Tone::good;
    case wire::Status::failed:
      return Tone::bad;
    case wire::Status::stalled:
    case wire::Status::delayed:
    case wire::Status::cancelled:
      return Tone::warn;
    case wire::Status::active:
      return Tone::bold;
    case wire::Status::pending:
    case wire::Status::blocked:
      return Tone::plain;
  }
  return Tone::plain;
}

bool is_end_status(std::string_view status) {
  const auto known = wire::parse_status(status);
  return known && wire::is_end(*known);
}

std::string moment_text(const Json& time) {
  const auto ms = wire::parse_time(time.text());
  if (!ms) return time.text();
  return fmt::format("{} ({})", local_text(*ms), distance_text(*ms, now_ms()));
}

std::string age_text(const Json& time) {
  const auto ms = wire::parse_time(time.text());
  return ms ? duration_text(std::max<std::int64_t>(0, now_ms() - *ms)) : std::string{};
}

std::string attempts_text(const Json& job) {
  return fmt::format("{} of {}", job["attemptsMade"].integer(), job["maxAttempts"].integer());
}

std::string progress_text(const Json& job) {
  std::string text;
  if (job["progress"].is_number()) text = fmt::format("{:.0f} %", job["progress"].number());
  const std::string message = job["message"].text();
  if (!message.empty()) text.append(text.empty() ? "" : " ").append(message);
  return text;
}

std::string list_text(const Json& texts) {
  std::string text;
  for (const Json& one : texts.items()) text.append(text.empty() ? "" : ", ").append(one.text());
  return text;
}

std::string tags_text(const Json& job) { return list_text(job["tags"]); }

void add_callback(Fields& fields, const Json& callback) {
  fields.add("callback", callback["url"].text());
  fields.add("callback on", list_text(callback["on"]));
}

std::string last_error_text(const Json& job) {
  Json error = job["lastError"];  // in lists; a whole record has them all
  if (const auto errors = job["errors"].items(); !errors.empty()) error = errors.back();
  const std::string type = error["type"].text();
  const std::string message = error["message"].text();
  return message.empty() ? type : fmt::format("{}: {}", type, message);
}

std::string jobs_table(const Json& jobs, const Screen& screen) {
  using enum Column::Align;
  Table table{{{"JOB", left},
               {"QUEUE", left, true},
               {"NAME", left, true},
               {"STATUS", left},
               {"PRIORITY", right},
               {"ATTEMPTS", right},
               {"AGE", right},
               {"PROGRESS OR LAST ERROR", left, true}}};
  for (const Json& job : jobs.items()) {
    const std::string status = job["status"].text();
    const std::string error = last_error_text(job);
    table.add({{job["jobId"].text()},
               {job["queue"].text()},
               {job["name"].text()},
               {status, tone_of_status(status)},
               {job["priority"].text()},
               {attempts_text(job)},
               {age_text(job["createdAt"])},
               {status != "completed" && !error.empty() ? error : progress_text(job)}});
  }
  return table.text(screen);
}

Result<Answer> follow_job(Session& session, std::string_view job_id, std::int64_t every_ms,
                          const std::function<void(const Json&)>& seen) {
  const std::string target = path("jobs", job_id) + Query{}.add("waitMs", std::to_string(every_ms)).text();
  std::int64_t away_since = 0;
  while (true) {
    auto answer = session.get(target);
    if (!answer) {
      if (!answer.error().transient) return answer;
      if (away_since == 0) away_since = now_ms();
      if (now_ms() - away_since > away_ms_max) return answer;
      std::this_thread::sleep_for(std::chrono::milliseconds{500});
      continue;
    }
    away_since = 0;
    seen(answer->json);
    if (is_end_status(answer->json["status"].text())) return answer;
  }
}

Exit exit_of(const Json& ended_job) {
  return ended_job["status"].text() == "completed" ? Exit::ok : Exit::refused;
}

}  // namespace pawl::cli
