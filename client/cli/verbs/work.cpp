#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <pawl/client.hpp>
#include <stop_token>

#include "client/cli/commands.h"
#include "client/cli/exec/job_result.h"
#include "client/cli/exec/lines.h"
#include "client/cli/exec/process.h"
#include "client/cli/exec/signals.h"
#include "client/cli/problem.h"
#include "client/cli/session.h"
#include "client/cli/text/duration.h"
#include "client/cli/text/moment.h"

namespace pawl::cli {
namespace {

/// Lines on standard error from many threads, whole ones.
class Notices {
 public:
  void say(std::string_view text) {
    const std::lock_guard lock{mutex_};  // else lines of two handlers mix
    print_error(fmt::format("{}  {}\n", clock_text(now_ms()), printable(text)));
  }

 private:
  std::mutex mutex_;
};

/// Does single jobs. Thread: any, many at a time.
class Executor {
 public:
  Executor(const Work& work, std::stop_token kill, Notices& notices)
      : work_(work), kill_(std::move(kill)), notices_(notices) {}
  void operator()(Job& job) const;

 private:
  ProcessEnd run_command(Job& job, StderrLines& lines) const;
  std::string settle(Job& job, const ProcessEnd& end, const StderrLines& lines) const;

  const Work& work_;
  std::stop_token kill_;
  Notices& notices_;
};

ProcessEnd Executor::run_command(Job& job, StderrLines& lines) const {
  ProcessSpec spec;
  spec.command = work_.command;
  spec.environment = {fmt::format("PAWL_JOB_ID={}", job.id()), fmt::format("PAWL_ATTEMPT={}", job.attempt()),
                      fmt::format("PAWL_QUEUE={}", job.queue()), fmt::format("PAWL_NAME={}", job.name())};
  spec.input = work_.input == "job" ? job.text() : job.payload_text();
  spec.output_max = result_bytes_max;
  if (const auto limit = job.timeout()) spec.timeout_ms = limit->count();
  auto end = run_process(spec, job.stop_token(), kill_, [&](std::string_view bytes) { lines.feed(bytes); });
  lines.finish();
  return end;
}

/// What became of it, for the notice.
std::string Executor::settle(Job& job, const ProcessEnd& end, const StderrLines& lines) const {
  Verdict verdict = verdict_of(end, lines.retry_after_ms());
  if (auto* completed = std::get_if<Completed>(&verdict)) {
    job.complete(JsonText::raw(std::move(completed->result)));
    return "completed";
  }
  if (auto* failed = std::get_if<Failed>(&verdict)) {
    if (!lines.last_line().empty()) failed->message.append(": ").append(lines.last_line());
    std::string said = fmt::format("failed{}: {}", failed->permanent ? " for good" : "", failed->message);
    job.fail({.type = std::move(failed->type),
              .message = std::move(failed->message),
              .stack = lines.tail(),
              .permanent = failed->permanent});
    return said;
  }
  if (const auto* limited = std::get_if<RateLimited>(&verdict)) {
    job.rate_limited(milliseconds{limited->retry_after_ms});
    return fmt::format("given back: rate-limited for {}", duration_text(limited->retry_after_ms));
  }
  switch (job.stop_reason()) {
    case StopReason::cancelled:
      job.fail({.type = "cancelled",
                .message = "the job was cancelled and its command ended",
                .stack = lines.tail()});
      return "cancelled";
    case StopReason::lease_lost:
      // Nothing that is said about it counts any more; a release only marks the handle as settled.
      job.release();
      return "ended: the lease was lost";
    case StopReason::draining:
    case StopReason::none:
      job.release();
      return "given back: this worker ends";
  }
  return {};
}

void Executor::operator()(Job& job) const {
  StderrLines lines{[&](const Progress& progress) { job.progress(progress.percent, progress.message); },
                    [&](const std::string& line) { job.log(line); }};
  const std::int64_t begun = now_ms();
  const ProcessEnd end = run_command(job, lines);
  const std::string outcome = settle(job, end, lines);
  if (work_.quiet) return;
  notices_.say(fmt::format("{}  {}  attempt {}  {}  {}", job.id(), job.name(), job.attempt(),
                           duration_text(now_ms() - begun), outcome));
}

WorkerOptions options_of(const Work& work, const Session& session, Notices& notices) {
  WorkerOptions options;
  options.url = session.url();
  options.token = session.token();
  options.worker_id = work.worker_id;
  options.version = "pawl work " PAWL_VERSION;
  options.queues = work.queues;
  options.concurrency = work.concurrency;
  options.drain_timeout = milliseconds{work.drain_timeout_ms};
  options.on_notice = [&notices](std::string_view text) { notices.say(text); };
  return options;
}

}  // namespace

Result<Exit> run(const Work& command, Session& session) {
  Notices notices;
  std::stop_source kill;
  std::unique_ptr<Worker> worker;
  SignalWatch signals;  // before the worker has threads; its own ends before the worker does
  try {
    worker = std::make_unique<Worker>(options_of(command, session, notices));
  } catch (const Exception& error) {
    return std::unexpected(failure_of(error.error(), session.url()));
  }
  const Executor execute{command, kill.get_token(), notices};
  if (command.names.empty()) worker->on_any([&](Job& job) { execute(job); });
  for (const std::string& name : command.names) worker->on(name, [&](Job& job) { execute(job); });
  worker->start();
  signals.start([&](int count) {
    if (count == 1) {
      worker->drain();
      notices.say("no new jobs; running ones may end. A second signal kills them.");
    } else {
      kill.request_stop();
      worker->stop();
    }
  });
  const auto ended = worker->wait();
  const WorkerCounts counts = worker->counts();
  notices.say(fmt::format("completed {}, failed {}, given back {}", counts.completed, counts.failed,
                          counts.released));
  if (!ended) return std::unexpected(failure_of(ended.error(), session.url()));
  return Exit::ok;
}

}  // namespace pawl::cli
