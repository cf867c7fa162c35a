// Pawl's client library. This header brings all of it:
//   pawl::Client   submit jobs, look at them, operate queues and schedules
//   pawl::Worker   do jobs
//
//     pawl::Client client({.url = "http://127.0.0.1:7711"});
//     auto job = client.enqueue({.queue = "mail", .payload = nlohmann::json{{"to", "you@example.org"}}});
//     auto end = client.wait(job.job_id, 30s);
//
// It needs C++23 and, where values are passed as nlohmann::json, that library's header.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <pawl/error.hpp>
#include <pawl/json_text.hpp>
#include <pawl/records.hpp>
#include <pawl/worker.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pawl {

struct ClientOptions {
  std::string url = "http://127.0.0.1:7711";  // http only; a path before the API's own is kept
  std::string token = {};                     // sent as `Authorization: Bearer`
  milliseconds connect_timeout{5'000};
  milliseconds request_timeout{30'000};  // for one answer, from the first byte sent
  /// How long a request is repeated while the broker cannot be reached or says 429 or 503: nothing of it was
  /// done then. (Of dlq_replay, dlq_purge and start_bulk some may have been: these are not.) When an answer
  /// was lost, only what may be done twice is repeated: reads, submits of jobs, put_schedule, put_limit,
  /// put_trigger and keep_step.
  milliseconds retry_for{10'000};
  std::size_t pool_size = 8;  // most connections; further calls wait for a free one
};

/// An answer as it came, for programs that read it themselves.
struct Response {
  int status = 0;
  std::string text;  // the body
  std::string content_type;
  std::string location;
  std::string etag;
  milliseconds retry_after{};  // 0: not told
  bool ok() const { return status >= 200 && status < 300; }
};

/// A connection pool to one broker. Calls block until the answer is there; nothing connects before the first
/// call.
///
/// Every call has two forms: `x()` throws Exception, `try_x()` returns a Result.
///
/// Single enqueues of many threads travel together: while one call is under way the others pile up and leave
/// as one batch. An idle client sends at once. Each caller gets its own answer, and a job that the broker
/// refuses does not take the others down with it.
///
/// Thread: any. The destructor must not run while a call is under way; it waits for the answers of
/// enqueue_async.
class Client {
 public:
  /// Throws Exception (usage) when options.url is not an http URL.
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// Submits one job. When it returns a value, the job is on the broker's disk. After `connection` or
  /// `timeout` it may be there too: repeat with the same idempotency_key to be sure.
  Result<Enqueued> try_enqueue(const JobSpec& spec);
  Enqueued enqueue(const JobSpec& spec) { return value_or_throw(try_enqueue(spec)); }

  /// Submits one job without waiting: `done` gets the answer, on a thread of this client's or on that of
  /// another caller, and must be short, must not block on this client and must not throw; it may submit
  /// again. Jobs of one thread arrive in the order of its calls, unless the broker refuses a call for
  /// overload and it is repeated. The caller bounds how many are under way.
  void enqueue_async(const JobSpec& spec, std::move_only_function<void(Result<Enqueued>)> done);

  /// Submits many, in order: all of them or none, up to 10 000 jobs and 15 MiB. More than that goes as
  /// several calls, each all or none; an error then leaves the calls before it done. The specs' idempotency
  /// keys are not used.
  Result<std::vector<Enqueued>> try_enqueue_many(std::span<const JobSpec> specs);
  std::vector<Enqueued> enqueue_many(std::span<const JobSpec> specs) {
    return value_or_throw(try_enqueue_many(specs));
  }

  Result<JobRecord> try_get(std::string_view job_id);
  JobRecord get(std::string_view job_id) { return value_or_throw(try_get(job_id)); }

  /// The record at the job's end, or as it is when `most` has passed: look at is_end(record.status).
  Result<JobRecord> try_wait(std::string_view job_id, milliseconds most);
  JobRecord wait(std::string_view job_id, milliseconds most) {
    return value_or_throw(try_wait(job_id, most));
  }

  /// One page; the next one begins at the page's next_cursor.
  Result<JobPage> try_list(const JobQuery& query);
  JobPage list(const JobQuery& query) { return value_or_throw(try_list(query)); }

  /// Ends a job that waits; tells the worker of one that runs. The status afterwards.
  Result<Status> try_cancel(std::string_view job_id);
  Status cancel(std::string_view job_id) { return value_or_throw(try_cancel(job_id)); }

  /// Runs an ended job again, its attempts counted anew.
  Result<Status> try_retry(std::string_view job_id);
  Status retry(std::string_view job_id) { return value_or_throw(try_retry(job_id)); }

  /// A delayed job becomes pending now.
  Result<Status> try_promote(std::string_view job_id);
  Status promote(std::string_view job_id) { return value_or_throw(try_promote(job_id)); }

  /// A job that waits starts no sooner than at `at`, or after `delay`; a time that has passed is now. The
  /// status afterwards: `delayed` when the time is to come. `conflict` while it is active, when it has ended,
  /// while it waits for an event or for its turn in a strict order.
  Result<Status> try_reschedule(std::string_view job_id, Time at);
  Status reschedule(std::string_view job_id, Time at) { return value_or_throw(try_reschedule(job_id, at)); }
  Result<Status> try_reschedule(std::string_view job_id, milliseconds delay);
  Status reschedule(std::string_view job_id, milliseconds delay) {
    return value_or_throw(try_reschedule(job_id, delay));
  }

  /// Another priority, -1000 to 1000, the higher first, for a job that waits. `conflict` while it is active,
  /// when it has ended, in a strict order, and where the queue lets priorities age.
  Result<Status> try_change_priority(std::string_view job_id, int priority);
  Status change_priority(std::string_view job_id, int priority) {
    return value_or_throw(try_change_priority(job_id, priority));
  }

  /// Deletes a job's record; `conflict` while it is active.
  Result<void> try_remove(std::string_view job_id);
  void remove(std::string_view job_id) { value_or_throw(try_remove(job_id)); }

  Result<std::vector<QueueInfo>> try_queues();
  std::vector<QueueInfo> queues() { return value_or_throw(try_queues()); }

  Result<QueueInfo> try_queue(std::string_view name);
  QueueInfo queue(std::string_view name) { return value_or_throw(try_queue(name)); }

  /// Sets all limits of a queue, which is made if it is not there; what is absent is lifted.
  Result<QueueInfo> try_set_limits(std::string_view queue, const QueueLimits& limits);
  QueueInfo set_limits(std::string_view queue, const QueueLimits& limits) {
    return value_or_throw(try_set_limits(queue, limits));
  }
  /// Sets the order in which a queue gives its jobs; the queue is made if it is not there.
  Result<QueueInfo> try_set_order(std::string_view queue, const QueueOrder& order);
  QueueInfo set_order(std::string_view queue, const QueueOrder& order) {
    return value_or_throw(try_set_order(queue, order));
  }
  /// The broker posts the queue's jobs to the target itself; nothing: not any more. The queue is made if it
  /// is not there.
  Result<QueueInfo> try_set_push(std::string_view queue, const std::optional<PushTarget>& target);
  QueueInfo set_push(std::string_view queue, const std::optional<PushTarget>& target) {
    return value_or_throw(try_set_push(queue, target));
  }
  /// The callback of the queue's jobs that name none; nothing: they have none. The queue is made if it is not
  /// there.
  Result<QueueInfo> try_set_callback(std::string_view queue, const std::optional<Callback>& callback);
  QueueInfo set_callback(std::string_view queue, const std::optional<Callback>& callback) {
    return value_or_throw(try_set_callback(queue, callback));
  }
  /// Makes a limit that has a name, or puts another in its place; what has started counts on.
  Result<LimitRecord> try_put_limit(const LimitSpec& spec);
  LimitRecord put_limit(const LimitSpec& spec) { return value_or_throw(try_put_limit(spec)); }
  Result<LimitRecord> try_get_limit(std::string_view name);
  LimitRecord get_limit(std::string_view name) { return value_or_throw(try_get_limit(name)); }
  /// All of them, by name.
  Result<std::vector<LimitRecord>> try_limits();
  std::vector<LimitRecord> limits() { return value_or_throw(try_limits()); }
  /// `conflict` while jobs that wait or run, schedules or triggers name it.
  Result<void> try_delete_limit(std::string_view name);
  void delete_limit(std::string_view name) { value_or_throw(try_delete_limit(name)); }
  /// Ends what a rate-limited settlement holds back.
  Result<LimitRecord> try_resume_limit(std::string_view name);
  LimitRecord resume_limit(std::string_view name) { return value_or_throw(try_resume_limit(name)); }

  /// A paused queue takes jobs and gives none away.
  Result<void> try_pause(std::string_view queue);
  void pause(std::string_view queue) { value_or_throw(try_pause(queue)); }
  Result<void> try_resume(std::string_view queue);
  void resume(std::string_view queue) { value_or_throw(try_resume(queue)); }

  /// The groups of a queue that are paused, have jobs that wait or run, or had some of late (at most 1000):
  /// the paused ones first, then who used the most worker time of late.
  Result<std::vector<GroupRecord>> try_groups(std::string_view queue, std::uint32_t limit = 50);
  std::vector<GroupRecord> groups(std::string_view queue, std::uint32_t limit = 50) {
    return value_or_throw(try_groups(queue, limit));
  }
  /// Jobs of the group are not given to workers until it is resumed; the group needs no jobs yet.
  Result<GroupRecord> try_pause_group(std::string_view queue, std::string_view group,
                                      std::string_view reason = {});
  GroupRecord pause_group(std::string_view queue, std::string_view group, std::string_view reason = {}) {
    return value_or_throw(try_pause_group(queue, group, reason));
  }
  Result<GroupRecord> try_resume_group(std::string_view queue, std::string_view group);
  GroupRecord resume_group(std::string_view queue, std::string_view group) {
    return value_or_throw(try_resume_group(queue, group));
  }

  /// The dead letter queue of a queue, one page.
  Result<JobPage> try_dlq(std::string_view queue, std::uint32_t limit = 50, std::string_view cursor = {});
  JobPage dlq(std::string_view queue, std::uint32_t limit = 50, std::string_view cursor = {}) {
    return value_or_throw(try_dlq(queue, limit, cursor));
  }
  /// What made jobs fail; the largest group first.
  Result<std::vector<FailureGroup>> try_failure_groups(std::string_view queue);
  std::vector<FailureGroup> failure_groups(std::string_view queue) {
    return value_or_throw(try_failure_groups(queue));
  }

  /// Runs dead letters again. The broker's answer.
  Result<Response> try_dlq_replay(std::string_view queue, const DeadLetters& which);
  Response dlq_replay(std::string_view queue, const DeadLetters& which) {
    return value_or_throw(try_dlq_replay(queue, which));
  }
  /// Removes dead letters for good. The broker's answer.
  Result<Response> try_dlq_purge(std::string_view queue, const DeadLetters& which);
  Response dlq_purge(std::string_view queue, const DeadLetters& which) {
    return value_or_throw(try_dlq_purge(queue, which));
  }

  /// Makes a schedule, or puts another in its place: what is absent in `spec` then has its default. What it
  /// did so far is kept, and so is its next run when the timetable (cron, every, timezone, start_at, end_at,
  /// max_runs) stays the same: a program may put its schedules whenever it starts.
  Result<ScheduleRecord> try_put_schedule(const ScheduleSpec& spec);
  ScheduleRecord put_schedule(const ScheduleSpec& spec) { return value_or_throw(try_put_schedule(spec)); }

  Result<ScheduleRecord> try_get_schedule(std::string_view id);
  ScheduleRecord get_schedule(std::string_view id) { return value_or_throw(try_get_schedule(id)); }

  /// All of them, by id; without the status of their last jobs.
  Result<std::vector<ScheduleRecord>> try_schedules();
  std::vector<ScheduleRecord> schedules() { return value_or_throw(try_schedules()); }

  /// The jobs that it made stay. Errors: schedule-in-use, unless forced, while the last of them has not
  /// ended.
  Result<void> try_delete_schedule(std::string_view id, bool force = false);
  void delete_schedule(std::string_view id, bool force = false) {
    value_or_throw(try_delete_schedule(id, force));
  }

  /// One run now, whatever the timetable, the overlap rule and a pause say. It does not count as a run.
  Result<Enqueued> try_run_schedule(std::string_view id);
  Enqueued run_schedule(std::string_view id) { return value_or_throw(try_run_schedule(id)); }

  /// A paused schedule makes no jobs; resumed, it goes on from now, and what it left out is not made up for.
  Result<ScheduleRecord> try_pause_schedule(std::string_view id);
  ScheduleRecord pause_schedule(std::string_view id) { return value_or_throw(try_pause_schedule(id)); }
  Result<ScheduleRecord> try_resume_schedule(std::string_view id);
  ScheduleRecord resume_schedule(std::string_view id) { return value_or_throw(try_resume_schedule(id)); }

  /// Submits all jobs of a graph, or none. After an error of kind `connection` or `timeout` it may be there.
  Result<WorkflowSubmitted> try_submit_workflow(const WorkflowSpec& spec);
  WorkflowSubmitted submit_workflow(const WorkflowSpec& spec) {
    return value_or_throw(try_submit_workflow(spec));
  }
  Result<WorkflowRecord> try_get_workflow(std::string_view id);
  WorkflowRecord get_workflow(std::string_view id) { return value_or_throw(try_get_workflow(id)); }
  /// All of them, the newest first; without their jobs.
  Result<std::vector<WorkflowRecord>> try_workflows();
  std::vector<WorkflowRecord> workflows() { return value_or_throw(try_workflows()); }
  /// Ends all that has not ended: how many jobs that concerned.
  Result<std::uint64_t> try_cancel_workflow(std::string_view id);
  std::uint64_t cancel_workflow(std::string_view id) { return value_or_throw(try_cancel_workflow(id)); }
  /// Runs again what failed or was cancelled: how many jobs.
  Result<std::uint64_t> try_retry_workflow(std::string_view id);
  std::uint64_t retry_workflow(std::string_view id) { return value_or_throw(try_retry_workflow(id)); }

  /// Wakes every job that waits for the event and matches, and starts the jobs of every trigger that does. An
  /// event that nobody waits for is not kept. Null as data reads as a time-out in Job::wait_for_event().
  /// After an error of kind `connection` or `timeout` it may have been heard.
  Result<EventRaised> try_raise_event(std::string_view name, const JsonText& data = JsonText::raw("{}"));
  EventRaised raise_event(std::string_view name, const JsonText& data = JsonText::raw("{}")) {
    return value_or_throw(try_raise_event(name, data));
  }

  /// One action over all jobs that match: the operation's id. It goes on in the broker.
  Result<std::string> try_start_bulk(const BulkSpec& spec);
  std::string start_bulk(const BulkSpec& spec) { return value_or_throw(try_start_bulk(spec)); }
  Result<OperationRecord> try_get_operation(std::string_view id);
  OperationRecord get_operation(std::string_view id) { return value_or_throw(try_get_operation(id)); }
  /// Those that run, and that ended within a week; replays, purges and drains too.
  Result<std::vector<OperationRecord>> try_operations();
  std::vector<OperationRecord> operations() { return value_or_throw(try_operations()); }
  /// What it did stays done. These have no effect once it has ended.
  Result<OperationRecord> try_cancel_operation(std::string_view id);
  OperationRecord cancel_operation(std::string_view id) { return value_or_throw(try_cancel_operation(id)); }
  Result<OperationRecord> try_pause_operation(std::string_view id, bool paused = true);
  OperationRecord pause_operation(std::string_view id, bool paused = true) {
    return value_or_throw(try_pause_operation(id, paused));
  }

  /// Makes a trigger, or puts another in its place.
  Result<TriggerRecord> try_put_trigger(const TriggerSpec& spec);
  TriggerRecord put_trigger(const TriggerSpec& spec) { return value_or_throw(try_put_trigger(spec)); }
  Result<TriggerRecord> try_get_trigger(std::string_view id);
  TriggerRecord get_trigger(std::string_view id) { return value_or_throw(try_get_trigger(id)); }
  /// All of them, by id.
  Result<std::vector<TriggerRecord>> try_triggers();
  std::vector<TriggerRecord> triggers() { return value_or_throw(try_triggers()); }
  /// Events that it has gathered are dropped.
  Result<void> try_delete_trigger(std::string_view id);
  void delete_trigger(std::string_view id) { value_or_throw(try_delete_trigger(id)); }

  /// Gives the job back until `spec`, which is submitted with it, has ended; its result is the step `as`
  /// then.
  Result<void> try_invoke(std::string_view job_id, std::string_view lease_id, std::string_view as,
                          const JobSpec& spec);
  /// Submits jobs for a job that a worker holds by that lease; it is given back and runs again when all of
  /// them have ended. Job::wait_for_children() does this for a handler.
  Result<WorkflowSubmitted> try_add_children(std::string_view job_id, std::string_view lease_id,
                                             const std::vector<WorkflowJob>& children);
  /// Keeps a step's result while a worker holds the job by that lease, unless the step has one: what is kept.
  /// Job::step() of <pawl/worker.hpp> does this for a handler.
  Result<JsonText> try_keep_step(std::string_view job_id, std::string_view lease_id, std::string_view step,
                                 const JsonText& result);

  /// Anything else of the broker's HTTP interface. Any HTTP status is a Response; only a failure to get one
  /// is an Error. `target` is a path with its query, already escaped; `body` is JSON or empty. Repeated as
  /// reads are when `method` is GET or HEAD or `headers` has an Idempotency-Key; else not once it was sent.
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Result<Response> try_request(std::string_view method, std::string_view target, std::string body = {},
                               const Headers& headers = {});
  Response request(std::string_view method, std::string_view target, std::string body = {},
                   const Headers& headers = {}) {
    return value_or_throw(try_request(method, target, std::move(body), headers));
  }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The Error that a refused Response stands for. REQUIRES: !response.ok().
Error to_error(const Response& response);

/// Escapes one segment of a path or a value of a query.
std::string url_escape(std::string_view text);

}  // namespace pawl
