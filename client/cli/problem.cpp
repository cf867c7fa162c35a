#include "client/cli/problem.h"

#include <fmt/format.h>

#include <array>
#include <pawl/error.hpp>

#include "client/cli/text/duration.h"
#include "client/cli/text/terminal.h"
#include "client/wire/error_types.h"

namespace pawl::cli {
namespace {

struct Hint {
  std::string_view type;
  std::string_view text;
};

constexpr std::array hints{
    Hint{wire::error::unauthorized,
         "Give the broker's token with --token-file FILE, --token TOKEN or PAWL_TOKEN."},
    Hint{wire::error::unknown_job, "List the jobs that there are with: pawl list"},
    Hint{wire::error::unknown_queue, "List the queues that there are with: pawl queues"},
    Hint{wire::error::unknown_schedule, "List the schedules that there are with: pawl schedules"},
    Hint{wire::error::wrong_state, "See what the job is doing with: pawl get ID"},
    Hint{wire::error::queue_in_use, "Let it run empty with: pawl drain QUEUE"},
    Hint{wire::error::schedule_in_use, "Cancel that job with: pawl cancel ID, or delete with --force"},
    Hint{wire::error::body_too_large, "Keep large data elsewhere and send its address as the payload."},
    Hint{wire::error::disk_full, "Make room on the broker's disk; reading and settling go on meanwhile."},
    Hint{wire::error::overloaded, "The broker is busy; the same command will work in a moment."},
    Hint{wire::error::stopping, "The broker is shutting down; try again when it is back."},
    Hint{wire::error::misdirected, "Use the address that the broker listens on."},
};

std::string hint_for(std::string_view type) {
  if (!type.starts_with(wire::error::prefix)) return {};
  type.remove_prefix(wire::error::prefix.size());
  for (const Hint& hint : hints) {
    if (hint.type == type) return std::string{hint.text};
  }
  return {};
}

bool loopback(std::string_view url) {
  return url.find("//127.") != std::string_view::npos || url.find("//localhost") != std::string_view::npos ||
         url.find("//[::1]") != std::string_view::npos;
}

Failure not_reached(const Error& error, std::string_view url) {
  Failure failure;
  failure.transient = true;
  failure.message = fmt::format("cannot reach {}: {}", url, error.detail);
  if (loopback(url)) {
    failure.hints.emplace_back("Is pawld running? Start it with: pawld --data ./pawl-data");
  } else {
    failure.hints.emplace_back(
        "Is pawld running there, and is the address right? Set it with --url or PAWL_URL.");
  }
  return failure;
}

}  // namespace

Failure failure_of(const Error& error, std::string_view url) {
  if (error.kind == ErrorKind::connection) return not_reached(error, url);
  Failure failure;
  failure.exit = error.kind == ErrorKind::usage ? Exit::misuse : Exit::refused;
  failure.transient = error.kind == ErrorKind::timeout || error.kind == ErrorKind::unavailable;
  failure.message = !error.detail.empty() ? error.detail : error.title;
  if (failure.message.empty())
    failure.message = fmt::format("the broker answered with status {}", error.status);
  for (const FieldError& field : error.errors) {
    failure.hints.push_back(fmt::format("{}: {}", field.pointer.empty() ? "/" : field.pointer, field.detail));
  }
  if (error.kind == ErrorKind::timeout) {
    failure.hints.push_back(
        fmt::format("{} takes connections but did not answer in time; what was asked may have "
                    "happened.",
                    url));
  }
  if (!error.job_id.empty()) failure.hints.push_back(fmt::format("Job {}", error.job_id));
  if (auto hint = hint_for(error.type); !hint.empty()) failure.hints.push_back(std::move(hint));
  if (!error.request_id.empty()) failure.hints.push_back(fmt::format("Request {}", error.request_id));
  if (error.retry_after.count() > 0) {
    failure.hints.push_back(
        fmt::format("The broker asks to wait {}.", duration_text(error.retry_after.count())));
  }
  return failure;
}

void print_failure(const Failure& failure) {
  const Screen screen = Screen::of(2);
  std::string text = toned("pawl:", Tone::bad, screen) + " " + printable(failure.message, true) + "\n";
  for (const std::string& hint : failure.hints) text += "  " + printable(hint) + "\n";
  print_error(text);
}

}  // namespace pawl::cli
