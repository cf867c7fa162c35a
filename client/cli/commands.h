// What can be asked of `pawl`: one struct a verb, filled by arguments.cpp, carried out by the file in verbs/
// of the same name.
#pragma once

#include <cstdint>
#include <optional>
#include <pawl/client.hpp>
#include <string>
#include <variant>
#include <vector>

#include "client/cli/failure.h"

namespace pawl::cli {

class Session;

/// Where a payload comes from; null when nothing is given.
struct PayloadSource {
  std::optional<std::string> payload;  // JSON; "-": from standard input
  std::string file;
  bool text = false;              // the payload is text, to be sent as a JSON string
  std::string left_out = "null";  // what it is when none is given
};

struct Enqueue : PayloadSource {
  JobSpec spec;  // all but the payload
  bool wait = false;
};
struct Get {
  std::string job_id;
};
struct Watch {
  std::string job_id;
};
/// What jobs are looked for by, beside where they stand.
struct JobSearch {
  std::string worker;
  std::optional<Time> created_after;
  std::optional<Time> created_before;
  std::optional<std::int64_t> attempts_min;
  std::optional<std::int64_t> attempts_max;
  std::string text;
  std::vector<std::string> payload;  // PATH=VALUE
};
/// Of a list.
struct Page {
  std::uint32_t limit = 50;
  std::string cursor;
};
struct List : Page {
  std::string queue;
  std::vector<std::string> status;
  std::string name;
  std::string group;
  std::string tag;
  std::string error_type;
  std::string id;  // its beginning
  JobSearch search;
  bool oldest_first = false;
  bool due_first = false;      // delayed jobs
  bool longest_first = false;  // active jobs
};
struct Logs {
  std::string job_id;
  std::optional<std::uint32_t> attempt;
  bool follow = false;
};
struct Why {
  std::string job_id;
};
struct JobAction {
  enum class Kind { cancel, retry, promote, remove } kind;
  std::vector<std::string> job_ids;
};
/// Another time or priority for jobs that wait.
struct Change {
  std::vector<std::string> job_ids;
  std::optional<Time> run_at;
  std::optional<milliseconds> delay;
  std::optional<int> priority;
};

struct Queues : Page {};
/// Shows a queue; with a setting, changes it first.
struct Queue {
  std::string name;
  std::optional<std::int64_t> priority;
  std::optional<std::int64_t> max_attempts;
  std::optional<std::int64_t> max_stalls;
  std::optional<std::int64_t> lease_ms;
  std::optional<std::int64_t> timeout_ms;
  std::optional<std::string> backoff_type;
  std::optional<std::int64_t> backoff_delay_ms;
  std::optional<std::int64_t> backoff_max_delay_ms;
  std::optional<double> backoff_factor;
  std::optional<double> backoff_jitter;
  std::optional<std::int64_t> keep_completed_ms;  // negative: for ever
  std::optional<std::int64_t> keep_failed_ms;     // negative: for ever
  std::optional<std::int64_t> max_concurrency;
  std::optional<std::int64_t> rate_max;  // together with the next
  std::int64_t rate_per_ms = 1'000;
  std::optional<std::int64_t> burst;    // only with a rate
  std::vector<std::string> searchable;  // paths into payloads; they replace those that were declared
  std::optional<std::int64_t> group_concurrency;
  std::optional<std::int64_t> group_rate_max;  // together with the next
  std::int64_t group_rate_per_ms = 1'000;
  std::optional<std::int64_t> priority_ageing_ms;
  std::optional<std::string> push_url;  // the others of `push` need it
  std::string push_secret;
  std::vector<std::pair<std::string, std::string>> push_headers;
  std::optional<std::int64_t> push_timeout_ms;
  std::optional<std::int64_t> push_concurrency;
  std::vector<std::int64_t> push_permanent_on;
  std::optional<std::string> push_body;
  std::optional<Callback> callback;
  std::optional<std::string> on_ordered_failure;
  std::vector<std::string> unset;  // settings that go back to the broker's default
};
struct QueueAction {
  enum class Kind { pause, resume, drain } kind;
  std::string queue;
  std::string reason{};  // pause
  std::string group{};   // pause, resume: only this one of its groups
};
struct Groups {
  std::string queue;
  std::uint32_t limit = 50;
  bool only_paused = false;
};
struct Top {
  bool once = false;
  std::int64_t every_ms = 1000;
};
struct Workers : Page {};
struct Audit : Page {
  std::string queue;
  std::string action;
  std::string actor;
};
struct Stats {
  std::string queue;
};
struct Version {};

struct DlqFilter {
  std::string name;
  std::string error_type;
  std::string fingerprint;

  bool empty() const { return name.empty() && error_type.empty() && fingerprint.empty(); }
};
struct DlqGroups {
  std::string queue;
};
struct DlqList : Page {
  std::string queue;
  DlqFilter filter;
};
struct DlqReplay {
  std::string queue;
  std::vector<std::string> job_ids;  // empty: all that match
  DlqFilter filter;
  double per_second = 0;  // 0: as fast as it goes
  std::optional<std::int64_t> canary;
  std::optional<double> stop_on_failure_rate;
  std::string into;  // empty: their own queue
};
struct DlqPurge {
  std::string queue;
  std::vector<std::string> job_ids;
  DlqFilter filter;
  bool yes = false;
};

/// An action over all jobs that match.
struct BulkStart {
  std::string action;
  DlqFilter filter;
  std::string queue;
  std::string group;
  std::string tag;
  std::vector<std::string> status;
  JobSearch search;
  double per_second = 0;  // 0: as fast as it goes
};
struct BulkList : Page {};
struct BulkAction {
  enum class Kind { get, pause, resume, cancel };
  Kind kind = Kind::get;
  std::string id;
};

struct Schedules : Page {};
struct ScheduleGet {
  std::string id;
};
struct SchedulePut : PayloadSource {
  ScheduleSpec spec;  // all but the payload
};
struct ScheduleAction {
  enum class Kind { run, pause, resume, remove } kind;
  std::string id;
  bool force = false;  // remove
};

struct RaiseEvent : PayloadSource {
  RaiseEvent() { left_out = "{}"; }
  std::string name;
};
struct Triggers : Page {};
struct TriggerGet {
  std::string id;
};
struct TriggerPut {
  TriggerSpec spec;   // all but `match`
  std::string match;  // JSON; empty: none
};
struct TriggerDelete {
  std::string id;
};

struct LimitsList : Page {};
struct LimitPut {
  LimitSpec spec;
};
struct LimitAction {
  enum class Kind { get, resume, remove } kind;
  std::string name;
};

struct Workflows : Page {};
struct WorkflowSubmit {
  std::string file;  // "-": standard input
};
struct WorkflowAction {
  enum class Kind { get, cancel, retry } kind;
  std::string id;
};

struct Work {
  std::vector<WorkerQueue> queues;
  std::string command;
  std::string input = "payload";   // or job
  std::vector<std::string> names;  // empty: any
  unsigned concurrency = 1;
  std::string worker_id;
  std::int64_t drain_timeout_ms = 30'000;
  bool quiet = false;
};

/// Measures a broker: its own on a fresh directory, or the one that --url names.
struct Bench {
  std::vector<std::string> works;  // empty: all
  double scale = 1;                // of the numbers of jobs
  std::optional<std::uint64_t> jobs;
  unsigned queues = 1;
  unsigned priorities = 1;
  unsigned groups = 0;
  bool limited = false;
  std::size_t payload_bytes = 200;
  unsigned workers = 1;
  double rate = 100;  // W5
  double seconds = 10;
  std::optional<std::int64_t> every_ms;
  std::uint64_t drained = 20'000;  // W6
  std::optional<std::int64_t> keep_completed_ms;
};

/// Offline: reads a data directory that no broker has open.
struct Check {
  std::string directory;
};

using Command =
    std::variant<Enqueue, Get, Watch, List, Logs, Why, JobAction, Change, Queues, Queue, QueueAction, Groups,
                 Top, Workers, Audit, Stats, Version, DlqGroups, DlqList, DlqReplay, DlqPurge, BulkStart,
                 BulkList, BulkAction, Schedules, ScheduleGet, SchedulePut, ScheduleAction, RaiseEvent,
                 Triggers, TriggerGet, TriggerPut, TriggerDelete, LimitsList, LimitPut, LimitAction,
                 Workflows, WorkflowSubmit, WorkflowAction, Work, Bench, Check>;

// Each prints its answer. A Failure is printed by the caller.
Result<Exit> run(const Enqueue&, Session&);
Result<Exit> run(const Get&, Session&);
Result<Exit> run(const Watch&, Session&);
Result<Exit> run(const List&, Session&);
Result<Exit> run(const Logs&, Session&);
Result<Exit> run(const Why&, Session&);
Result<Exit> run(const JobAction&, Session&);
Result<Exit> run(const Change&, Session&);
Result<Exit> run(const Queues&, Session&);
Result<Exit> run(const Queue&, Session&);
Result<Exit> run(const QueueAction&, Session&);
Result<Exit> run(const Groups&, Session&);
Result<Exit> run(const Top&, Session&);
Result<Exit> run(const Workers&, Session&);
Result<Exit> run(const Audit&, Session&);
Result<Exit> run(const Stats&, Session&);
Result<Exit> run(const Version&, Session&);
Result<Exit> run(const DlqGroups&, Session&);
Result<Exit> run(const DlqList&, Session&);
Result<Exit> run(const DlqReplay&, Session&);
Result<Exit> run(const DlqPurge&, Session&);
Result<Exit> run(const BulkStart&, Session&);
Result<Exit> run(const BulkList&, Session&);
Result<Exit> run(const BulkAction&, Session&);
Result<Exit> run(const Schedules&, Session&);
Result<Exit> run(const ScheduleGet&, Session&);
Result<Exit> run(const SchedulePut&, Session&);
Result<Exit> run(const ScheduleAction&, Session&);
Result<Exit> run(const RaiseEvent&, Session&);
Result<Exit> run(const Triggers&, Session&);
Result<Exit> run(const TriggerGet&, Session&);
Result<Exit> run(const TriggerPut&, Session&);
Result<Exit> run(const TriggerDelete&, Session&);
Result<Exit> run(const LimitsList&, Session&);
Result<Exit> run(const LimitPut&, Session&);
Result<Exit> run(const LimitAction&, Session&);
Result<Exit> run(const Workflows&, Session&);
Result<Exit> run(const WorkflowSubmit&, Session&);
Result<Exit> run(const WorkflowAction&, Session&);
Result<Exit> run(const Work&, Session&);
Result<Exit> run(const Bench&, Session&);
Result<Exit> run(const Check&, Session&);

}  // namespace pawl::cli
