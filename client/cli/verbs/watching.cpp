#include "client/cli/verbs/watching.h"

#include <fmt/format.h>

#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"
#include "client/cli/verbs/job_text.h"
#include "client/wire/time.h"

namespace pawl::cli {
namespace {

constexpr std::int64_t tty_poll_ms = 250;
constexpr std::int64_t line_poll_ms = 500;
constexpr std::size_t bar_columns = 24;

std::string plain_line(const Json& job) {
  std::string line = job["status"].text();
  const std::string progress = progress_text(job);
  if (!progress.empty() && line == "active") line.append("  ").append(progress);
  const std::string error = last_error_text(job);
  if (!error.empty() && (line == "delayed" || line == "failed")) {
    line.append(fmt::format("  attempt {}: {}", attempts_text(job), error));
  }
  return printable(line);
}

/// Prints what is new about the job. Not a terminal: a line only when something changed.
class Watcher {
 public:
  explicit Watcher(const Screen& screen) : screen_(screen) {}
  void see(const Json& job) {
    if (screen_.tty) {
      print("\r\x1b[2K" + watch_line(job, screen_));
      return;
    }
    const std::string line = plain_line(job);
    if (line != last_) print(fmt::format("{}  {}\n", clock_text(now_ms()), line));
    last_ = line;
  }
  void clear_line() const {
    if (screen_.tty) print("\r\x1b[2K");
  }

 private:
  const Screen& screen_;
  std::string last_;
};

std::string outcome_text(const Json& job, const Screen& screen) {
  const std::string status = job["status"].text();
  std::string text = toned(status, tone_of_status(status), screen) + " " + job["jobId"].text();
  const auto created = wire::parse_time(job["createdAt"].text());
  const auto finished = wire::parse_time(job["finishedAt"].text());
  if (created && finished) text.append(" after ").append(duration_text(*finished - *created));
  text.append(fmt::format(", attempts {}\n", attempts_text(job)));
  if (status == "completed") {
    if (!job["result"].is_null()) text.append(printable(job["result"].dump(true), true)).append("\n");
    return text;
  }
  if (const std::string error = last_error_text(job); !error.empty())
    text.append(printable(error)).append("\n");
  if (status == "failed") {
    text.append(fmt::format("All of it: pawl get {0}   Run it again: pawl retry {0}\n", job["jobId"].text()));
  }
  return text;
}

}  // namespace

std::string watch_line(const Json& job, const Screen& screen) {
  const std::string status = job["status"].text();
  const std::string head = printable(fmt::format("{}  {}  attempt {} of {}", job["name"].text(), status,
                                                 job["attemptsMade"].integer() + (status == "active" ? 1 : 0),
                                                 job["maxAttempts"].integer()));
  std::string line = head;
  if (job["progress"].is_number()) {
    const double percent = job["progress"].number();
    line.append(fmt::format("  ▕{}▏ {:3.0f} %", bar_text(percent, bar_columns), percent));
  }
  const std::string message = printable(job["message"].text());
  if (!message.empty()) line.append("  ").append(message);
  return screen.columns > 1 ? fitted(line, screen.columns - 1) : line;
}

Result<Exit> watch_to_the_end(Session& session, std::string_view job_id) {
  // With --json the only output is the record at the end.
  const bool quiet = session.wants_json();
  Watcher watcher{session.screen()};
  const auto answer =
      follow_job(session, job_id, session.screen().tty ? tty_poll_ms : line_poll_ms, [&](const Json& job) {
        if (!quiet) watcher.see(job);
      });
  if (!quiet) watcher.clear_line();
  if (!answer) return std::unexpected(answer.error());
  if (quiet) {
    Session::print_json(*answer);
  } else {
    print(outcome_text(answer->json, session.screen()));
  }
  return exit_of(answer->json);
}

}  // namespace pawl::cli
