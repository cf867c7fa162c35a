#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "client/cli/bench/samples.h"
#include "client/cli/bench/works.h"
#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/json.h"
#include "client/cli/text/table.h"

namespace pawl::cli {
namespace {

using bench::Outcome;
using bench::Reading;

std::string json_of(const Outcome& out) {
  JsonObject object;
  object.add("work", out.work).add("jobs", static_cast<std::int64_t>(out.jobs));
  const auto number = [&](std::string_view field, double value) {
    object.add_raw(field, fmt::format("{:.3f}", value));
  };
  number("seconds", out.seconds);
  number("rate", out.rate);
  number("p50Ms", out.p50_ms);
  number("p99Ms", out.p99_ms);
  number("submitP50Ms", out.submit_p50_ms);
  number("submitP99Ms", out.submit_p99_ms);
  number("allRanMs", out.all_ran_ms);
  number("cpuServerUsPerJob", out.cpu_server_us);
  number("cpuClientUsPerJob", out.cpu_client_us);
  number("fsyncs", out.fsyncs * static_cast<double>(out.jobs));
  number("keysPerJob", out.keys);
  number("bytesPerJob", out.bytes);
  number("residentMiB", out.resident_mib);
  number("diskMiB", out.disk_mib);
  number("restartMs", out.restart_ms);
  object.add("lost", static_cast<std::int64_t>(out.lost))
      .add("ranMoreThanOnce", static_cast<std::int64_t>(out.more_than_once));
  return object.text();
}

std::string json_of(const Reading& reading) {
  JsonObject object;
  const auto number = [&](std::string_view field, double value) {
    object.add_raw(field, fmt::format("{:.3f}", value));
  };
  number("atSeconds", reading.at_s);
  object.add("submitted", static_cast<std::int64_t>(reading.submitted))
      .add("completed", static_cast<std::int64_t>(reading.completed));
  number("submitP50Ms", reading.submit_p50_ms);
  number("submitP99Ms", reading.submit_p99_ms);
  number("pickUpP50Ms", reading.pick_up_p50_ms);
  number("pickUpP99Ms", reading.pick_up_p99_ms);
  number("residentMiB", reading.resident_mib);
  number("diskMiB", reading.disk_mib);
  return object.text();
}

std::string text_of(const Reading& reading) {
  return fmt::format(
      "after {:.0f} s: {} submitted, {} completed; p99 {:.2f} ms to the answer, {:.2f} ms to the start; "
      "{:.0f} MiB resident, {:.0f} MiB on disk",
      reading.at_s, count_text(static_cast<std::int64_t>(reading.submitted)),
      count_text(static_cast<std::int64_t>(reading.completed)), reading.submit_p99_ms, reading.pick_up_p99_ms,
      reading.resident_mib, reading.disk_mib);
}

std::string latency_text(double ms) { return ms == 0 ? "" : fmt::format("{:.2f}", ms); }

Table empty_table() {
  using enum Column::Align;
  return Table{{{"WORK", left},
                {"JOBS", right},
                {"JOBS/S", right},
                {"P50 MS", right},
                {"P99 MS", right},
                {"BROKER µS", right},
                {"CLIENT µS", right},
                {"FSYNCS", right},
                {"KEYS", right},
                {"BYTES", right},
                {"", left}}};
}

void add(Table& table, const Outcome& out) {
  std::string more;
  if (out.all_ran_ms > 0) more = fmt::format("all had started {:.0f} ms after they were due", out.all_ran_ms);
  if (out.work == "W6") {
    more = fmt::format("{:.0f} MiB resident, {:.0f} MiB on disk", out.resident_mib, out.disk_mib);
    if (out.restart_ms > 0) more += fmt::format(", ready {:.2f} s after kill -9", out.restart_ms / 1000);
  }
  const bool paced = out.work == "W5";
  table.add({{std::string(out.work)},
             {count_text(static_cast<std::int64_t>(out.jobs))},
             {paced || out.work == "W7" ? "" : count_text(static_cast<std::int64_t>(out.rate))},
             {latency_text(out.p50_ms)},
             {latency_text(out.p99_ms)},
             {fmt::format("{:.1f}", out.cpu_server_us)},
             {fmt::format("{:.1f}", out.cpu_client_us)},
             {fmt::format("{:.4f}", out.fsyncs)},
             {fmt::format("{:.3f}", out.keys)},
             {fmt::format("{:.0f}", out.bytes)},
             {more}});
}

/// The line that says how far it is; on a terminal only.
class LiveLine {
 public:
  LiveLine(std::string_view work, const Screen& screen) : work_(work), shown_(screen.tty) {}
  ~LiveLine() {
    if (shown_) print_error("\r\033[K");
  }
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  void show(std::uint64_t done, std::uint64_t of) {
    const auto now = bench::Clock::now();
    const std::lock_guard lock(mutex_);  // the calls come from any thread
    if (!shown_ || now - shown_at_ < std::chrono::milliseconds{100}) return;
    const double rate =
        done < last_ ? 0 : 1000 * static_cast<double>(done - last_) / bench::ms_between(shown_at_, now);
    shown_at_ = now;
    last_ = done;
    const double percent =
        100 * static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(of, 1));
    print_error(fmt::format("\r\033[K{} {} {} of {}, {} jobs/s", work_, bar_text(percent, 20),
                            count_text(static_cast<std::int64_t>(done)),
                            count_text(static_cast<std::int64_t>(of)),
                            count_text(static_cast<std::int64_t>(rate))));
  }

 private:
  const std::string_view work_;
  const bool shown_;
  std::mutex mutex_;
  bench::Clock::time_point shown_at_{};
  std::uint64_t last_ = 0;
};

std::optional<std::chrono::milliseconds> duration_of(std::optional<std::int64_t> ms) {
  return ms ? std::optional(std::chrono::milliseconds(*ms)) : std::nullopt;
}

bench::Load load_of(const bench::Work& work, const Bench& command) {
  const double usual = work.name == "W5" ? command.rate * command.seconds : static_cast<double>(work.jobs);
  const auto scaled = static_cast<std::uint64_t>(std::max(1.0, usual * command.scale));
  return {.jobs = command.jobs.value_or(scaled),
          .queues = command.queues,
          .priorities = command.priorities,
          .groups = command.groups,
          .limited = command.limited,
          .payload_bytes = command.payload_bytes,
          .workers = command.workers,
          .rate = command.rate,
          .drained = command.drained,
          .keep_completed = duration_of(command.keep_completed_ms),
          .every = duration_of(command.every_ms)};
}

Outcome run_one(const bench::Work& work, const Bench& command, Session& session) {
  const bool own = !session.url_given();
  const std::unique_ptr<bench::Target> target =
      own ? std::make_unique<bench::Target>()
          : std::make_unique<bench::Target>(session.url(), session.token());
  LiveLine line(work.name, Screen::of(2));
  return bench::run_work(
      work, load_of(work, command), *target,
      [&](std::uint64_t done, std::uint64_t of) { line.show(done, of); },
      [&](const Reading& reading) {
        // Whoever reads them may have gone; the run ends all the same.
        (void)print((session.wants_json() ? json_of(reading) : text_of(reading)) + "\n");
      });
}

}  // namespace

Result<Exit> run(const Bench& command, Session& session) {
  Table table = empty_table();
  std::uint64_t wrong = 0;
  for (const bench::Work& work : bench::works) {
    if (!command.works.empty() && std::ranges::find(command.works, work.name) == command.works.end())
      continue;
    const Outcome out = run_one(work, command, session);
    wrong += out.lost;
    if (session.wants_json()) {
      if (!print(json_of(out) + "\n")) return Exit::refused;
    } else {
      add(table, out);
    }
  }
  if (!session.wants_json() && !print(table.text(session.screen()))) return Exit::refused;
  if (wrong > 0) return refused(fmt::format("{} jobs that the broker had answered were not found", wrong));
  return Exit::ok;
}

}  // namespace pawl::cli
