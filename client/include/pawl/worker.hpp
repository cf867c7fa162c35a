// Doing jobs: a worker holds one WebSocket to the broker, gets jobs pushed over it and runs handlers on its
// threads.
//
//     pawl::Worker worker({.queues = {{"mail"}}, .concurrency = 8});
//     worker.on("welcome", [](pawl::Job& job) {
//       send(job.payload().at("to"));
//       return nlohmann::json{{"sent", true}};          // the job's result
//     });
//     worker.run_until_signal();
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <pawl/error.hpp>
#include <pawl/json_text.hpp>
#include <pawl/records.hpp>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pawl {

namespace client {
struct HeldJob;
/// Goes through a handler that sleeps or waits. No std::exception, so that handlers do not take it for a
/// failure; one that catches everything must let it pass.
struct Suspended {};
}  // namespace client

/// Throw it out of a handler when no further attempt can help: the job goes to the dead letter queue at once.
class permanent_error : public std::runtime_error {
 public:
  explicit permanent_error(std::string type, const std::string& message = {})
      : std::runtime_error(message.empty() ? type : message), type_(std::move(type)) {}
  const std::string& type() const noexcept { return type_; }

 private:
  std::string type_;
};

/// Throw it out of a handler to fail this attempt and choose the wait before the next one.
class retry_after : public std::runtime_error {
 public:
  explicit retry_after(milliseconds delay, const std::string& message = "asked for a later attempt",
                       std::string type = "retry-after")
      : std::runtime_error(message), delay_(delay), type_(std::move(type)) {}
  milliseconds delay() const noexcept { return delay_; }
  const std::string& type() const noexcept { return type_; }

 private:
  milliseconds delay_;
  std::string type_;
};

/// Throw it out of a handler when a service outside said to slow down (HTTP 429): the job goes back to its
/// place without using up an attempt, and no job of its queue starts before `delay` is over.
class rate_limited : public std::runtime_error {
 public:
  explicit rate_limited(milliseconds delay) : std::runtime_error("asked to slow down"), delay_(delay) {}
  milliseconds delay() const noexcept { return delay_; }

 private:
  milliseconds delay_;
};

/// What became of a job that this one has waited for.
struct Parent {
  std::string job_id;
  Status status = Status::unknown;
  JsonText result = {};  // null unless it was completed
};

/// What a job can wait for: see Job::wait_for_event.
struct EventWait {
  std::string event;
  JsonText match = {};                       // {"order.id": 7, …}; null: every event of that name
  std::optional<milliseconds> timeout = {};  // absent: for as long as it takes
  std::string as = {};                       // the step that gets the event's data; empty: the event's name
};

/// How a job is given back that goes on later, without using up an attempt: after a sleep, until a time, or
/// when an event comes. Exactly one of the three is set.
struct Suspension {
  std::string as = {};  // the step that the sleep leaves behind; may be empty
  std::optional<milliseconds> sleep = {};
  std::optional<Time> until = {};
  std::optional<EventWait> wait_for = {};
};

/// A failed attempt as the broker keeps it.
struct Failure {
  std::string type;  // what groups failures: "timeout", "bad-gateway"…
  std::string message = {};
  std::string stack = {};
  bool permanent = false;                        // no further attempt
  std::optional<milliseconds> retry_delay = {};  // instead of the job's backoff
};

/// Why a job's stop token fired.
enum class StopReason {
  none,        // it did not
  cancelled,   // somebody cancelled the job; a result that comes all the same still counts
  lease_lost,  // the job belongs to another worker now, or to none; no verdict of this handle counts
  draining,    // the worker ends and its drain timeout has passed
};

/// One attempt at one job, and the duty to give a verdict: complete, fail or release. The first verdict
/// counts, later ones are ignored. A handle that is destroyed without one fails the attempt with the type
/// "abandoned".
///
/// The lease is kept alive for as long as the handle is without a verdict; the handler need not do anything
/// for it.
///
/// Movable, so that a handler can pass it on to another thread. Thread: any, one at a time; stop_token() of
/// any.
class Job {
 public:
  explicit Job(std::shared_ptr<client::HeldJob> held);
  Job(Job&& other) noexcept;
  Job& operator=(Job&& other) noexcept;
  ~Job();

  // Views live as long as the handle (or what it was moved to).
  std::string_view id() const;
  std::string_view queue() const;
  std::string_view name() const;
  std::string_view lease_id() const;
  std::uint32_t attempt() const;  // 1…
  std::uint32_t max_attempts() const;
  std::optional<milliseconds> timeout() const;  // the attempt's hard limit, when the job has one
  std::string_view traceparent() const;         // empty: none

  /// The payload, parsed; each call parses anew. Throws nlohmann::json's exceptions on nothing that a broker
  /// sends.
  nlohmann::json payload() const;
  /// The payload byte for byte as it was submitted.
  std::string_view payload_text() const;
  /// The job as the broker sent it: a JSON object with all fields.
  std::string_view text() const;

  /// Fires when the work is no longer wanted here; stop_reason() says why.
  std::stop_token stop_token() const;
  bool stop_requested() const;
  StopReason stop_reason() const;

  /// Tells how far it is, 0…100. Cheap: sent at most ten times a second, the latest value wins.
  void progress(double percent, std::string_view message = {});
  /// Adds a line to the job's log. A line that was under way when a connection broke may appear twice.
  void log(std::string_view line);

  /// The job of its graph, or its child, with that ref, which it has waited for; nothing when there is none.
  std::optional<Parent> parent(std::string_view ref) const;

  // Durable steps (docs/STEPS.md): what an attempt did is kept on the broker's disk, and the next attempt, on
  // whatever worker, does not do it again. A name stands for one step of the job: [A-Za-z0-9._:-]{1,128}.

  /// Runs `body`, unless an earlier attempt did, and keeps what it returns (void: null; else anything that
  /// nlohmann::json converts from and to). When it returns, the result is on the broker's disk. Throws what
  /// `body` throws, and Exception when the result cannot be kept: the lease is lost, say.
  ///
  /// A worker that dies between the end of `body` and the answer runs it again: `body` must bear that, but
  /// only that.
  template <class F>
  auto step(std::string_view name, F&& body) -> std::invoke_result_t<F&> {
    using R = std::invoke_result_t<F&>;
    const std::optional<JsonText> kept = step_result(name);
    if constexpr (std::is_void_v<R>) {
      if (kept) return;
      body();
      keep_step(name, {});
    } else {
      if (kept) return typename detail::JsonFor<R>::type(kept->parse()).template get<R>();
      R result = body();
      keep_step(name, JsonText(result));
      return result;
    }
  }
  /// What a step left behind; nothing when it was not done.
  std::optional<JsonText> step_result(std::string_view name) const;
  /// Keeps the result of a step that was not done. Throws Exception when it cannot be kept.
  void keep_step(std::string_view name, const JsonText& result);

  /// Waits for so long, on no worker: the first time it throws client::Suspended through the handler, which
  /// gives the job back; the handler runs again when the time is over, and then this returns at once. Only in
  /// a handler that takes a Job&.
  void sleep(std::string_view name, milliseconds time);
  void sleep_until(std::string_view name, Time when);
  /// The event's data, when it came in time; else nothing: an event that was raised with the data null reads
  /// so too. Waits as sleep() does. Events of before it was called are not heard.
  std::optional<JsonText> wait_for_event(const EventWait& wait);

  /// What became of another job, which is submitted the first time; waits as sleep() does until it has ended,
  /// failed and cancelled too. `as` names the step. Throws Exception when it cannot be submitted.
  Parent invoke(std::string_view as, const JobSpec& spec);

  /// Submits jobs the first time and waits, as sleep() does, until all of them have ended, however they did;
  /// parent(ref) tells what became of each. They may depend on each other. Throws Exception when they cannot
  /// be submitted.
  ///
  /// A job that was cancelled while it waited, and retried, has heard of some of them only: the others are
  /// submitted again, and the earlier ones go on by themselves. If one of those depends on one that has
  /// ended, it throws permanent_error instead, of the type "children-missing".
  void wait_for_children(const std::vector<WorkflowJob>& children);

  // The verdict. It is sent at once and again after a broken connection until the broker has confirmed it.
  void complete(JsonText result = {});
  void fail(Failure failure);
  /// Gives the job back; costs neither an attempt nor a stall.
  void release(milliseconds delay = {});
  /// As release(), and no job of its queue starts before `retry_after` (1 ms at least) is over.
  void rate_limited(milliseconds retry_after);
  /// Gives the job back until something happens; see sleep() and wait_for_event() for handlers.
  void suspend(const Suspension& suspension);
  /// Whether a verdict was given, or none can count any more.
  bool settled() const;

 private:
  friend class Worker;
  std::shared_ptr<client::HeldJob> held_;
};

struct WorkerQueue {
  std::string name;
  std::uint32_t weight = 1;  // 1…1000: its share when several queues have work
};

struct WorkerOptions {
  std::string url = "http://127.0.0.1:7711";
  std::string token = {};
  std::string worker_id = {};  // empty: host, process and a random part
  /// For whoever looks at the workers: where this one runs (empty: the machine's name), and which release of
  /// the program it is (empty: libpawl's). At most 256 bytes each, without control characters.
  std::string host = {};
  std::string version = {};
  std::vector<WorkerQueue> queues = {};
  unsigned concurrency = 0;  // handler threads, 1…1000; 0: one for each processor
  /// Jobs held beyond those that run. Absent: chosen by how long jobs take, so that short ones (milliseconds)
  /// keep the threads busy and long ones are left to other workers. Jobs that wait here are given back when
  /// the worker drains.
  std::optional<unsigned> prefetch = {};
  milliseconds drain_timeout{30'000};  // how long drain() lets jobs run before their stop tokens fire
  milliseconds connect_timeout{5'000};
  milliseconds reconnect_delay{100};  // first wait after a broken connection; doubles, with jitter
  milliseconds reconnect_delay_max{5'000};
  /// Gets one line for each thing worth knowing (connected, connection lost, refused settlements). Thread:
  /// the worker's own; must not block.
  std::function<void(std::string_view)> on_notice = {};
};

/// What a worker did since it was made.
struct WorkerCounts {
  std::uint64_t received = 0;
  std::uint64_t completed = 0;  // confirmed by the broker; so are the next two
  std::uint64_t failed = 0;
  std::uint64_t released = 0;     // those that met a rate limit, slept or waited among them
  std::uint64_t refused = 0;      // verdicts that came too late or were not accepted
  std::uint64_t leases_lost = 0;  // while a handler was at work
  std::uint64_t connections = 0;
};

/// Runs handlers for the jobs of its queues.
///
/// Handlers: `on(name, f)` for jobs of one name, `on_any(f)` for the rest. Without on_any the broker sends
/// only names that have a handler. f is called on one of `concurrency` threads, several at a time, and is
/// either
///   R f(Job&)     its return value is the result (void: null; anything that converts to nlohmann::json); an
///   exception
///                 fails the attempt with the exception's type and message. After a verdict of its own its
///                 return value is ignored;
///   void f(Job)   takes the job over, to settle it later and elsewhere.
/// An exception from a handler whose stop token fired because of a drain gives the job back instead of
/// failing it.
///
/// Leases are kept alive from a thread of the worker's own, however busy the handlers are. When the
/// connection breaks the worker connects again, with growing and jittered waits, and goes on with the leases
/// that it holds; verdicts that were not confirmed are sent again.
///
/// Thread: register handlers first, on one thread; then run() or start(); drain(), stop(), counts(): any.
class Worker {
 public:
  /// Throws Exception (usage) for a bad URL, no queues or options out of range.
  explicit Worker(WorkerOptions options);
  /// Stops and waits for the handlers.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  template <class F>
  Worker& on(std::string name, F handler) {
    add_handler(std::move(name), wrap(std::move(handler)));
    return *this;
  }
  template <class F>
  Worker& on_any(F handler) {
    add_default(wrap(std::move(handler)));
    return *this;
  }

  /// Works until drain() or stop() has done its work. An error only when the broker refuses this worker for a
  /// reason that waiting does not cure (wrong token, invalid queue name); an unreachable broker is waited
  /// for.
  Result<void> try_run();
  void run() { value_or_throw(try_run()); }

  /// The same in the background; wait() joins it.
  void start();
  Result<void> wait();

  /// As run(), and SIGTERM or SIGINT drains; a second one stops. The process's handlers for both are replaced
  /// meanwhile.
  Result<void> try_run_until_signal();
  void run_until_signal() { value_or_throw(try_run_until_signal()); }

  /// Takes no new jobs, gives back what has not begun, lets the rest end (their stop tokens fire after
  /// drain_timeout), then ends run(). Returns at once; no handler
  /// is called for another job after that.
  void drain();
  /// As drain(), with the stop tokens fired now.
  void stop();

  WorkerCounts counts() const;
  const std::string& worker_id() const;

 private:
  using Handler = std::move_only_function<void(Job&&)>;

  template <class F>
  static Handler wrap(F handler) {
    if constexpr (std::invocable<F&, Job&>) {
      return [handler = std::move(handler)](Job&& given) mutable {
        guarded(std::move(given), [&handler](Job& job) {
          if constexpr (std::is_void_v<std::invoke_result_t<F&, Job&>>) {
            handler(job);
            job.complete();
          } else {
            job.complete(JsonText(handler(job)));
          }
        });
      };
    } else {
      static_assert(std::invocable<F&, Job>, "a handler takes a pawl::Job& or a pawl::Job");
      static_assert(std::is_void_v<std::invoke_result_t<F&, Job>>,
                    "a handler that takes the job over returns void");
      return [handler = std::move(handler)](Job&& given) mutable {
        guarded(std::move(given), [&handler](Job& job) { handler(std::move(job)); });
      };
    }
  }
  /// Runs `body`; an exception becomes the verdict.
  static void guarded(Job&& job, const std::function<void(Job&)>& body);

  void add_handler(std::string name, Handler handler);
  void add_default(Handler handler);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pawl
