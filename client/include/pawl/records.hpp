// What is sent to the broker and what it answers, as plain structs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <pawl/json_text.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pawl {

using std::chrono::milliseconds;

/// A point in time as the broker tells it: UTC, to the millisecond.
using Time = std::chrono::sys_time<milliseconds>;

/// Where a job stands. The ends are completed, failed and cancelled.
enum class Status {
  pending,    // waits for a worker
  active,     // a worker holds its lease
  completed,  // end: it has a result
  failed,     // end: in the dead letter queue
  delayed,    // waits for its time, or for the next attempt
  stalled,    // its worker was lost; first in line again
  blocked,    // waits for other jobs
  cancelled,  // end
  unknown,    // a word that this version of the library does not know
};
std::string_view to_string(Status status);
constexpr bool is_end(Status s) {
  return s == Status::completed || s == Status::failed || s == Status::cancelled;
}

/// How long to wait before another attempt.
struct Backoff {
  enum class Type {
    exponential,  // delay, delay·factor, delay·factor²…
    linear,       // delay, 2·delay, 3·delay…
    fixed,        // delay, always
  };
  Type type = Type::exponential;
  milliseconds delay{10'000};
  double factor = 4;
  milliseconds max_delay{3'600'000};
  double jitter = 0.1;  // a share that is added on top, 0…1
};

/// How long the broker keeps an ended job; absent: until somebody removes it.
struct Retention {
  std::optional<milliseconds> completed = milliseconds{86'400'000};
  std::optional<milliseconds> failed;
};

/// No second job for `key` within `per` of the last: its submit is answered with that one.
struct Throttle {
  std::string key;
  milliseconds per{0};
};

/// The job waits for `delay`; a submit with the same key meanwhile gives it its payload, tags and trace, and
/// it waits anew.
struct Debounce {
  std::string key;
  milliseconds delay{0};
  std::optional<milliseconds> max_wait = {};  // and no longer than this from the first submit on
};

/// Who is told of a job's end. docs/CALLBACKS.md
struct Callback {
  std::string url;
  std::vector<Status> on = {};  // the ends that are told: completed, failed, cancelled; empty: all of them

  friend bool operator==(const Callback&, const Callback&) = default;
};
/// The callback as `callback` of a submit or of a queue. Does not check the values; the broker does.
std::string to_json(const Callback& callback);

/// A job to submit. What is absent comes from the queue's defaults, then from the broker's.
struct JobSpec {
  std::string queue;      // required; made on first use
  std::string name = {};  // the kind of job; empty: the queue's name
  JsonText payload = {};
  std::optional<int> priority = {};        // −1000…1000, the higher first
  std::optional<milliseconds> delay = {};  // not before this long from now
  std::optional<Time> run_at = {};         // or not before then; at most one of the two
  std::optional<std::uint32_t> max_attempts = {};
  std::optional<std::uint32_t> max_stalls = {};
  std::optional<Backoff> backoff = {};
  std::optional<milliseconds> lease = {};       // a worker that is silent for so long has lost the job
  std::optional<milliseconds> timeout = {};     // hard limit of an attempt
  std::string unique_key = {};                  // one live job for a key in a queue…
  std::optional<milliseconds> unique_for = {};  // …and for so long after its end
  std::optional<Throttle> throttle = {};        // at most one of the two, and of unique_key
  std::optional<Debounce> debounce = {};
  std::optional<Callback> callback = {};  // absent: that of the queue
  std::string latest = {};  // a key: one of its jobs runs, and of those after it only the newest waits
  std::string group = {};   // a queue serves its groups in turn
  std::vector<std::string> limits = {};  // limits that have a name, at most 8
  bool ordered = false;                  // with a group: one at a time, in the order of the submits
  std::optional<Retention> retention = {};
  std::vector<std::string> tags = {};  // at most 16
  std::string traceparent = {};        // W3C trace context
  /// Repeating a submit with the same key within 24 h gives the first answer, also from another process. When
  /// it is empty, the library makes one for each call, so that its own repetitions never submit twice.
  std::string idempotency_key = {};
};

/// The spec as the body of POST /jobs. Does not check the values; the broker does.
std::string to_json(const JobSpec& spec);

/// The answer to a submit: the job is on the broker's disk.
struct Enqueued {
  std::string job_id;
  Status status = Status::pending;
  bool deduplicated = false;  // an earlier job with the same unique, throttle or debounce key
};

struct AttemptError {
  std::uint32_t attempt = 0;  // 1…
  std::optional<Time> at;
  std::string type;
  std::string message;
  std::string stack;
  std::string worker_id;
};

struct StatusChange {
  Status status = Status::unknown;
  std::optional<Time> at;
};

/// A job as the broker knows it. From a list, payload, errors and history may be absent.
struct JobRecord {
  std::string job_id;
  std::string queue;
  std::string name;
  Status status = Status::unknown;
  int priority = 0;
  std::uint32_t attempts_made = 0;
  std::uint32_t max_attempts = 0;
  std::uint32_t stalls = 0;
  std::optional<double> progress;  // 0…100
  std::string message;             // beside the progress
  std::string worker_id;           // of the latest attempt
  std::string group;
  std::vector<std::string> limits;
  bool ordered = false;
  std::vector<std::string> tags;
  std::optional<Time> created_at;
  std::optional<Time> run_at;
  std::optional<Time> started_at;  // of the latest attempt
  std::optional<Time> finished_at;
  JsonText payload;
  JsonText result;
  bool redacted = false;  // values in payload, result or elsewhere are masked: docs/DASHBOARD.md
  std::vector<AttemptError> errors;
  std::vector<StatusChange> history;
  std::string text;  // the whole answer, for fields that this struct does not have
};

/// At most `max` jobs of a queue start within any `per`, and at most `burst` of them at once.
struct RateLimit {
  std::uint32_t max = 1;                    // 1…1 000 000
  milliseconds per{1'000};                  // 1 ms…366 days
  std::optional<std::uint32_t> burst = {};  // 1…max; absent: max

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};
/// What is absent is not limited. docs/LIMITS.md
struct QueueLimits {
  std::optional<std::uint32_t> max_concurrency = {};  // 1…1 000 000 jobs that run at once
  std::optional<RateLimit> rate = {};
  std::optional<std::uint32_t> group_concurrency = {};  // of each group
  std::optional<RateLimit> group_rate = {};             // of each group

  friend bool operator==(const QueueLimits&, const QueueLimits&) = default;
};
/// The limits as members of the body of PUT /queues/Q. Does not check the values; the broker does.
std::string to_json(const QueueLimits& limits);

/// What a failed job of a strict order does to those behind it.
enum class OnOrderedFailure {
  block,  // they wait until it is replayed, cancelled or deleted
  skip,   // the order goes on at once
};
/// In which order a queue gives its jobs. docs/FAIRNESS.md
struct QueueOrder {
  /// A job counts as one priority higher for each so long since its submit; absent: it does not.
  std::optional<milliseconds> priority_ageing = {};
  OnOrderedFailure on_ordered_failure = OnOrderedFailure::block;

  friend bool operator==(const QueueOrder&, const QueueOrder&) = default;
};
/// The order as the body of PUT /queues/Q. Does not check the values; the broker does.
std::string to_json(const QueueOrder& order);

enum class PushBody { payload, job };  // job: as a worker gets it with its lease

/// Where the broker posts a queue's jobs by itself. docs/PUSH.md
struct PushTarget {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::optional<milliseconds> timeout = {};           // absent: 30 s
  std::optional<std::uint32_t> max_concurrency = {};  // absent: 10
  std::string secret = {};                            // whsec_…; empty: not signed
  std::vector<std::uint32_t> permanent_on = {};       // statuses after which a job is not tried again
  PushBody body = PushBody::payload;
};
/// The target as the body of PUT /queues/Q; nothing: the queue is pushed no more. Does not check the values.
std::string to_json(const std::optional<PushTarget>& target);

/// A limit that has a name: jobs of any queue name it. At least one of the two. docs/LIMITS.md
struct LimitSpec {
  std::string name;
  std::optional<std::uint32_t> concurrency = {};  // 1…1 000 000 jobs that run at once
  std::optional<RateLimit> rate = {};
};
/// The spec as the body of PUT /limits/NAME. Does not check the values; the broker does.
std::string to_json(const LimitSpec& spec);

struct LimitRecord {
  LimitSpec spec;
  std::uint64_t active = 0;        // jobs that name it and run
  std::optional<Time> held_until;  // a worker was told to slow down
  std::string text;                // the whole answer
};

/// A group of a queue.
struct GroupRecord {
  std::string group;          // empty: the jobs without a group
  std::uint64_t active = 0;   // its jobs that run
  std::uint64_t waiting = 0;  // its jobs that could start; at least so many, unless `exact`
  bool exact = true;
  double jobs_per_minute = 0;  // runs that ended in the last minutes
  double worker_share = 0;     // 0…1, of the worker time that the queue used then
  bool paused = false;
  std::string pause_reason;
  std::optional<Time> paused_at;
  std::string text;  // the whole answer
};

struct QueueInfo {
  std::string queue;
  bool paused = false;
  std::optional<Time> held_until;  // a worker was told to slow down
  QueueLimits limits;
  QueueOrder order;
  std::optional<Callback> callback;  // of its jobs without one of their own
  std::uint64_t pending = 0, active = 0, completed = 0, failed = 0;
  std::uint64_t delayed = 0, stalled = 0, blocked = 0, cancelled = 0;
  std::optional<milliseconds> oldest_pending;
  std::string text;  // the whole answer
};

/// What becomes of a job when one that it waits for fails or is cancelled.
enum class OnParentFailure {
  fail,  // it fails too, at once
  run,   // it runs when all have ended, and sees what became of them
  skip,  // it is cancelled, at once
};

/// One job of a graph. No unique key, throttle or debounce.
struct WorkflowJob {
  std::string ref;  // names it within the graph
  JobSpec job;
  std::vector<std::string> depends_on = {};
  OnParentFailure on_parent_failure = OnParentFailure::fail;
};

/// Jobs that wait for each other, over any queues. docs/WORKFLOWS.md
struct WorkflowSpec {
  std::string name;
  std::vector<WorkflowJob> jobs = {};

  /// One after the other; their refs are "1", "2"….
  static WorkflowSpec chain(std::string name, std::vector<JobSpec> jobs);
  /// All at once; their refs are "1", "2"….
  static WorkflowSpec group(std::string name, std::vector<JobSpec> jobs);
  /// All at once, and then one more, whose ref is "last".
  static WorkflowSpec chord(std::string name, std::vector<JobSpec> jobs, JobSpec last);
  /// The same job for each payload, and then, if it is given, "last".
  static WorkflowSpec map(std::string name, const JobSpec& each, const std::vector<JsonText>& payloads,
                          std::optional<JobSpec> last = {});
};
/// The spec as the body of POST /workflows. Does not check it; the broker does.
std::string to_json(const WorkflowSpec& spec);

struct WorkflowSubmitted {
  std::string workflow_id;
  std::vector<std::string> job_ids;  // in the order of the spec
};

/// A workflow as the broker knows it. From a list, its jobs are absent.
struct WorkflowRecord {
  struct Job {
    std::string ref;
    std::string job_id;
    std::string queue;
    Status status = Status::unknown;  // its record is gone
    std::vector<std::string> depends_on;
    std::vector<std::string> waits_for;
  };
  std::string workflow_id;
  std::string name;
  std::string status;  // running, completed, failed, cancelled
  std::uint32_t total = 0, left = 0, failed = 0, cancelled = 0;
  std::vector<Job> jobs;
  std::string text;  // the whole answer
};

/// Jobs that an event starts. docs/STEPS.md
struct TriggerSpec {
  std::string id;
  std::string event;
  JsonText match = {};  // {"order.id": 7, …}: a value for each path of the event's data; null: every event
  JobSpec job = {};     // the template; the broker makes the payload
  std::uint32_t batch_max = 0;  // 0: each event starts a job; else up to so many, 1…1000, start one together…
  milliseconds batch_timeout{0};  // …or those that came until so long after the first
};
/// The spec as the body of PUT /triggers/ID. Does not check the values; the broker does.
std::string to_json(const TriggerSpec& spec);

struct TriggerRecord {
  TriggerSpec spec;
  std::uint64_t events = 0;    // that matched
  std::uint64_t jobs = 0;      // that it started
  std::uint64_t gathered = 0;  // events that wait for others
  std::optional<Time> last_at;
  std::string last_job;
  std::string text;  // the whole answer
};

/// What an event did.
struct EventRaised {
  std::uint64_t resumed = 0;   // jobs that waited for it
  std::uint64_t started = 0;   // jobs that triggers made
  std::uint64_t gathered = 0;  // triggers that keep it until there are more
};

/// Which jobs to list; empty fields do not filter.
struct JobQuery {
  std::string queue = {};
  std::string name = {};
  std::string group = {};
  std::string tag = {};
  std::string status = {};   // one status
  std::string order = {};    // as GET /jobs takes it
  std::uint32_t limit = 50;  // at most 1000
  std::string cursor = {};   // from the page before
  bool with_payload = false;
};

struct JobPage {
  std::vector<JobRecord> jobs;
  std::string next_cursor;  // empty: this was the last page
};

/// Which dead letters to replay or purge: those with these ids, or all that match.
struct DeadLetters {
  std::vector<std::string> job_ids = {};  // when it is not empty, only these
  std::string name = {};
  std::string error_type = {};
  std::string fingerprint = {};           // those of one FailureGroup
  std::optional<double> per_second = {};  // replay: not faster than this
  // Replay. So many first (1…1000); the others when these have ended and not too many failed again.
  std::optional<std::uint32_t> canary = {};
  // Replay, 0…1. It stops when a larger share of those that have ended failed again; for a canary: 0.
  std::optional<double> stop_on_failure_rate = {};
  // Replay: they run again in this queue, which exists, with other ids; empty: in their own.
  // docs/DEAD_LETTERS.md
  std::string into = {};
};

/// Dead letters that failed in the same way: the type of their last error is the same, and its message too
/// but for numbers, times, ids and addresses.
struct FailureGroup {
  std::string fingerprint;
  std::uint64_t count = 0;
  std::string type;
  std::string sample;  // the message of the latest
  std::optional<Time> first_seen;
  std::optional<Time> last_seen;
};

/// One action over all jobs that match; at least one of the fields that narrow it must be there.
struct BulkSpec {
  enum class Action { retry, cancel, promote, remove };
  Action action = Action::retry;
  std::string queue = {};
  std::vector<std::string> status = {};  // of these; empty: any
  std::string name = {};
  std::string group = {};
  std::string tag = {};
  std::string error_type = {};
  std::string fingerprint = {};  // those of one FailureGroup
  std::string worker = {};       // of the latest attempt
  std::optional<Time> created_after = {};
  std::optional<Time> created_before = {};
  std::optional<std::uint32_t> attempts_min = {};
  std::optional<std::uint32_t> attempts_max = {};
  std::vector<std::pair<std::string, std::string>> payload = {};  // what stands at paths such as user.id
  std::string text = {};                                          // stands in the payload or in an error
  std::optional<double> per_second = {};                          // not faster than this
};

/// Work over many jobs as the broker knows it.
struct OperationRecord {
  std::string id;
  std::string action;  // replay, purge, drain, retry, cancel, promote, delete
  std::string status;  // running, paused, done, cancelled, stopped
  std::uint64_t done = 0;
  std::uint64_t skipped = 0;
  std::uint64_t refused = 0;
  std::optional<std::uint64_t> left;  // absent while they are counted, and for what does not count
  std::uint64_t ended = 0;            // of a careful replay: replayed jobs that have ended
  std::uint64_t failed = 0;           // of those: failed again
  std::string text;                   // the whole answer as JSON
};

/// What becomes of runs that nobody saw come, since the broker was down.
enum class Missed {
  skip,  // a run that is more than a minute late is left out
  one,   // the last of them takes place, late
  all,   // each takes place, late
};
std::string_view to_string(Missed missed);

/// What a run does when the job of the run before has not ended.
enum class Overlap {
  allow,    // it takes place all the same
  skip,     // it is left out
  replace,  // it cancels that job: at once when it waits, else through its worker
};
std::string_view to_string(Overlap overlap);

/// A job that is made again and again. One of `cron` and `every` is required.
struct ScheduleSpec {
  std::string id;         // required: up to 128 of A-Z a-z 0-9 . _ : -
  JobSpec job;            // the template: no run_at, at most 15 tags; the idempotency key is not used
  std::string cron = {};  // five fields, six with the seconds first, or a word such as @daily
  std::optional<milliseconds> every = {};  // 1 s…366 days, from start_at or from now on
  std::string timezone = {};               // an IANA name, for cron only; empty: UTC
  std::optional<Time> start_at = {};       // no run before
  std::optional<Time> end_at = {};         // no run after
  std::optional<std::uint64_t> max_runs = {};
  Missed missed = Missed::one;
  Overlap overlap = Overlap::allow;
  bool paused = false;  // false leaves an existing schedule as it is in that
};

/// The spec as the body of PUT /schedules/ID. Does not check the values; the broker does.
std::string to_json(const ScheduleSpec& spec);

struct ScheduleRun {
  std::optional<Time> at;        // when it was due, or was asked for by hand
  std::string job_id;            // empty: it made no job, see error
  std::optional<Status> status;  // of the job; absent in lists and when the job is gone
  std::string error;
};

/// A schedule as the broker knows it. `spec` can be changed and put again. Words of `missed` and `overlap`
/// that this version of the library does not know are read as the defaults.
struct ScheduleRecord {
  ScheduleSpec spec;
  std::vector<Time> next_runs;  // at most five; empty while paused
  std::optional<ScheduleRun> last_run;
  std::uint64_t runs = 0;  // by the timetable
  std::uint64_t skipped =
      0;  // left out by `missed` or `overlap`; several missed in one go count as one, the last by itself
  std::optional<Time> created_at;
  std::optional<Time> updated_at;
  std::string text;  // the whole answer
};

}  // namespace pawl
