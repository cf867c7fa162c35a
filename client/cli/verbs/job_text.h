// How jobs look on the screen; shared by the verbs that show some.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "client/cli/session.h"
#include "client/cli/text/table.h"

namespace pawl::cli {

Tone tone_of_status(std::string_view status);
bool is_end_status(std::string_view status);

/// "2026-11-24 21:56:01 (12s ago)"; empty for null.
std::string moment_text(const Json& time);
/// "3m20s" since then; empty for null.
std::string age_text(const Json& time);
/// "2 of 3"
std::string attempts_text(const Json& job);
/// "42 % encoding"; empty when none was told.
std::string progress_text(const Json& job);

/// "one, two"
std::string list_text(const Json& texts);
std::string tags_text(const Json& job);

/// A table of jobs as lists give them, and how to get the next page.
std::string jobs_table(const Json& jobs, const Screen& screen);

/// "type: message" of the last error; empty when there is none.
/// Whom a job or a queue tells of ends; nothing when it is null.
void add_callback(Fields& fields, const Json& callback);

std::string last_error_text(const Json& job);

/// Asks again and again until the job has ended; `seen` gets each record. A broker that goes away meanwhile
/// is waited for, for a minute. The last record.
Result<Answer> follow_job(Session& session, std::string_view job_id, std::int64_t every_ms,
                          const std::function<void(const Json&)>& seen);

/// completed: ok; failed, cancelled: refused.
Exit exit_of(const Json& ended_job);

}  // namespace pawl::cli
