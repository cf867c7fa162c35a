#include <pawl/client.hpp>

#include "client/src/client_state.h"
#include "client/wire/json_text.h"
#include "client/wire/protocol.h"
#include "client/wire/time.h"

namespace pawl {

using client::JsonSlice;
using client::local_error;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds poll_max{20'000};  // one long poll of wait()
constexpr std::size_t many_bytes_max = 15u
                                       << 20;  // leaves room under the broker's limit for commas and brackets

std::string job_path(std::string_view job_id, std::string_view rest = {}) {
  return "/jobs/" + url_escape(job_id) + std::string(rest);
}
std::string queue_path(std::string_view queue, std::string_view rest = {}) {
  return "/queues/" + url_escape(queue) + std::string(rest);
}

std::string workflow_path(std::string_view id, std::string_view rest = {}) {
  return "/workflows/" + url_escape(id) + std::string(rest);
}
std::string operation_path(std::string_view id, std::string_view rest = {}) {
  return "/bulk/" + url_escape(id) + std::string(rest);
}
std::string limit_path(std::string_view name, std::string_view rest = {}) {
  return "/limits/" + url_escape(name) + std::string(rest);
}
std::string trigger_path(std::string_view id) { return "/triggers/" + url_escape(id); }
std::string schedule_path(std::string_view id, std::string_view rest = {}) {
  return "/schedules/" + url_escape(id) + std::string(rest);
}

std::string group_json(std::string_view group, std::string_view reason) {
  std::string out = "{";
  client::append_key(out, "group");
  client::append_quoted(out, group);
  if (!reason.empty()) {
    client::append_key(out, "reason");
    client::append_quoted(out, reason);
  }
  return out += '}';
}

std::string letters_json(const DeadLetters& which) {
  std::string out = "{";
  if (!which.job_ids.empty()) {
    client::append_key(out, "jobIds");
    for (std::size_t i = 0; i < which.job_ids.size(); ++i) {
      out += i == 0 ? '[' : ',';
      client::append_quoted(out, which.job_ids[i]);
    }
    out += ']';
  } else {
    client::append_key(out, "all");
    out += "true";
  }
  const auto text = [&](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    client::append_key(out, key);
    client::append_quoted(out, value);
  };
  text("name", which.name);
  text("errorType", which.error_type);
  text("fingerprint", which.fingerprint);
  if (which.per_second) {
    client::append_key(out, "perSecond");
    wire::append_json_number(out, *which.per_second);
  }
  if (which.canary) {
    client::append_key(out, "canary");
    out += std::to_string(*which.canary);
  }
  if (which.stop_on_failure_rate) {
    client::append_key(out, "stopOnFailureRate");
    wire::append_json_number(out, *which.stop_on_failure_rate);
  }
  text("into", which.into);
  return out + "}";
}

}  // namespace

Client::Client(ClientOptions options) {
  auto url = value_or_throw(client::parse_url(options.url));
  state_ = std::make_unique<State>(std::move(options), std::move(url));
}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Enqueued> Client::try_enqueue(const JobSpec& spec) {
  std::string body = to_json(spec);
  // A caller's own key belongs to one request, so that job travels alone.
  if (!spec.idempotency_key.empty()) return state_->submit_alone(body, spec.idempotency_key);
  return state_->coalescer.submit(std::move(body));
}

void Client::enqueue_async(const JobSpec& spec, std::move_only_function<void(Result<Enqueued>)> done) {
  // A batch has one key, so a job with a key of its own cannot travel in it.
  if (!spec.idempotency_key.empty()) return done(try_enqueue(spec));
  state_->coalescer.submit_async(to_json(spec), std::move(done));
}

Result<std::vector<Enqueued>> Client::try_enqueue_many(std::span<const JobSpec> specs) {
  std::vector<Enqueued> out;
  out.reserve(specs.size());
  std::string body;
  std::size_t jobs = 0;
  const auto flush = [&]() -> Result<void> {
    body += "]}";
    auto result = state_->submit_batch(body, client::fresh_key());
    if (!result) return std::unexpected(std::move(result.error()));
    if (result->size() != jobs) {
      return std::unexpected(
          local_error(ErrorKind::broker, "the broker answered not as many jobs as were sent"));
    }
    std::move(result->begin(), result->end(), std::back_inserter(out));
    body.clear();
    jobs = 0;
    return {};
  };
  for (const JobSpec& spec : specs) {
    std::string one = to_json(spec);
    if (jobs > 0 && (jobs >= wire::batch_jobs_max || body.size() + one.size() > many_bytes_max)) {
      if (auto done = flush(); !done) return std::unexpected(std::move(done.error()));
    }
    body += jobs == 0 ? R"({"jobs":[)" : ",";
    body += one;
    ++jobs;
  }
  if (jobs > 0) {
    if (auto done = flush(); !done) return std::unexpected(std::move(done.error()));
  }
  return out;
}

Result<JobRecord> Client::try_get(std::string_view job_id) {
  return state_->ask({.method = "GET", .target = job_path(job_id)}, client::read_job);
}

Result<JobRecord> Client::try_wait(std::string_view job_id, milliseconds most) {
  const auto until = steady_clock::now() + most;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    const milliseconds poll = std::clamp(left, milliseconds{0}, poll_max);
    const std::string target = job_path(job_id, "?waitMs=" + std::to_string(poll.count()));
    auto record = state_->ask({.method = "GET", .target = target, .extra_time = poll}, client::read_job);
    if (!record || is_end(record->status) || left <= milliseconds{0}) return record;
  }
}

Result<JobPage> Client::try_list(const JobQuery& query) {
  std::string target = "/jobs?limit=" + std::to_string(query.limit);
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) target += "&" + std::string(key) + "=" + url_escape(value);
  };
  add("queue", query.queue);
  add("name", query.name);
  add("group", query.group);
  add("tag", query.tag);
  add("status", query.status);
  add("order", query.order);
  add("cursor", query.cursor);
  if (query.with_payload) add("include", "payload");
  return state_->ask({.method = "GET", .target = target}, client::read_page);
}

Result<Status> Client::try_cancel(std::string_view job_id) {
  return state_->ask_status({.method = "POST", .target = job_path(job_id, "/cancel")});
}
Result<Status> Client::try_retry(std::string_view job_id) {
  return state_->ask_status({.method = "POST", .target = job_path(job_id, "/retry")});
}
Result<Status> Client::try_promote(std::string_view job_id) {
  return state_->ask_status({.method = "POST", .target = job_path(job_id, "/promote")});
}

Result<Status> Client::try_reschedule(std::string_view job_id, Time at) {
  return state_->ask_status(
      {.method = "PATCH",
       .target = job_path(job_id),
       .body = R"({"runAt":")" + wire::format_time(at.time_since_epoch().count()) + "\"}"});
}
Result<Status> Client::try_reschedule(std::string_view job_id, milliseconds delay) {
  return state_->ask_status({.method = "PATCH",
                             .target = job_path(job_id),
                             .body = R"({"delayMs":)" + std::to_string(delay.count()) + "}"});
}
Result<Status> Client::try_change_priority(std::string_view job_id, int priority) {
  return state_->ask_status({.method = "PATCH",
                             .target = job_path(job_id),
                             .body = R"({"priority":)" + std::to_string(priority) + "}"});
}

Result<void> Client::try_remove(std::string_view job_id) {
  return state_->tell({.method = "DELETE", .target = job_path(job_id)});
}

Result<std::vector<QueueInfo>> Client::try_queues() { return state_->list("queues", client::read_queue); }

Result<QueueInfo> Client::try_queue(std::string_view name) {
  return state_->ask({.method = "GET", .target = queue_path(name)}, client::read_queue);
}
Result<QueueInfo> Client::try_set_limits(std::string_view queue, const QueueLimits& limits) {
  return state_->ask({.method = "PUT", .target = queue_path(queue), .body = to_json(limits)},
                     client::read_queue);
}
Result<QueueInfo> Client::try_set_order(std::string_view queue, const QueueOrder& order) {
  return state_->ask({.method = "PUT", .target = queue_path(queue), .body = to_json(order)},
                     client::read_queue);
}
Result<QueueInfo> Client::try_set_push(std::string_view queue, const std::optional<PushTarget>& target) {
  return state_->ask({.method = "PUT", .target = queue_path(queue), .body = to_json(target)},
                     client::read_queue);
}
Result<QueueInfo> Client::try_set_callback(std::string_view queue, const std::optional<Callback>& callback) {
  return state_->ask({.method = "PUT",
                      .target = queue_path(queue),
                      .body = R"({"callback":)" + (callback ? to_json(*callback) : "null") + "}"},
                     client::read_queue);
}
Result<LimitRecord> Client::try_put_limit(const LimitSpec& spec) {
  const std::string body = to_json(spec);
  return state_->ask({.method = "PUT", .target = limit_path(spec.name), .body = body, .repeatable = true},
                     client::read_limit);
}
Result<LimitRecord> Client::try_get_limit(std::string_view name) {
  return state_->ask({.method = "GET", .target = limit_path(name)}, client::read_limit);
}
Result<std::vector<LimitRecord>> Client::try_limits() { return state_->list("limits", client::read_limit); }
Result<void> Client::try_delete_limit(std::string_view name) {
  return state_->tell({.method = "DELETE", .target = limit_path(name)});
}
Result<LimitRecord> Client::try_resume_limit(std::string_view name) {
  return state_->ask({.method = "POST", .target = limit_path(name, "/resume")}, client::read_limit);
}
Result<void> Client::try_pause(std::string_view queue) {
  return state_->tell({.method = "POST", .target = queue_path(queue, "/pause")});
}
Result<void> Client::try_resume(std::string_view queue) {
  return state_->tell({.method = "POST", .target = queue_path(queue, "/resume")});
}

Result<std::vector<GroupRecord>> Client::try_groups(std::string_view queue, std::uint32_t limit) {
  return state_->ask({.method = "GET", .target = queue_path(queue, "/groups?limit=" + std::to_string(limit))},
                     client::read_groups);
}
Result<GroupRecord> Client::try_pause_group(std::string_view queue, std::string_view group,
                                            std::string_view reason) {
  return state_->ask(
      {.method = "POST", .target = queue_path(queue, "/groups/pause"), .body = group_json(group, reason)},
      client::read_group);
}
Result<GroupRecord> Client::try_resume_group(std::string_view queue, std::string_view group) {
  return state_->ask(
      {.method = "POST", .target = queue_path(queue, "/groups/resume"), .body = group_json(group, {})},
      client::read_group);
}

Result<JobPage> Client::try_dlq(std::string_view queue, std::uint32_t limit, std::string_view cursor) {
  std::string target = queue_path(queue, "/dlq?limit=" + std::to_string(limit));
  if (!cursor.empty()) target += "&cursor=" + url_escape(cursor);
  return state_->ask({.method = "GET", .target = target}, client::read_page);
}
Result<std::vector<FailureGroup>> Client::try_failure_groups(std::string_view queue) {
  return state_->ask({.method = "GET", .target = queue_path(queue, "/dlq/groups")},
                     client::read_failure_groups);
}
Result<Response> Client::try_dlq_replay(std::string_view queue, const DeadLetters& which) {
  return state_->ask({.method = "POST",
                      .target = queue_path(queue, "/dlq/replay"),
                      .body = letters_json(which),
                      .in_parts = true});
}
Result<Response> Client::try_dlq_purge(std::string_view queue, const DeadLetters& which) {
  return state_->ask({.method = "POST",
                      .target = queue_path(queue, "/dlq/purge"),
                      .body = letters_json(which),
                      .in_parts = true});
}

Result<ScheduleRecord> Client::try_put_schedule(const ScheduleSpec& spec) {
  const std::string body = to_json(spec);
  return state_->ask({.method = "PUT", .target = schedule_path(spec.id), .body = body, .repeatable = true},
                     client::read_schedule);
}
Result<ScheduleRecord> Client::try_get_schedule(std::string_view id) {
  return state_->ask({.method = "GET", .target = schedule_path(id)}, client::read_schedule);
}
Result<std::vector<ScheduleRecord>> Client::try_schedules() {
  return state_->list("schedules", client::read_schedule);
}
Result<void> Client::try_delete_schedule(std::string_view id, bool force) {
  return state_->tell({.method = "DELETE", .target = schedule_path(id, force ? "?force=true" : "")});
}
Result<Enqueued> Client::try_run_schedule(std::string_view id) {
  return state_->ask({.method = "POST", .target = schedule_path(id, "/run")}, client::read_enqueued);
}
Result<ScheduleRecord> Client::try_pause_schedule(std::string_view id) {
  return state_->ask({.method = "POST", .target = schedule_path(id, "/pause")}, client::read_schedule);
}
Result<ScheduleRecord> Client::try_resume_schedule(std::string_view id) {
  return state_->ask({.method = "POST", .target = schedule_path(id, "/resume")}, client::read_schedule);
}

Result<WorkflowSubmitted> Client::try_submit_workflow(const WorkflowSpec& spec) {
  const std::string body = to_json(spec);
  return state_->ask({.method = "POST", .target = "/workflows", .body = body}, client::read_graph_made);
}
Result<WorkflowRecord> Client::try_get_workflow(std::string_view id) {
  return state_->ask({.method = "GET", .target = workflow_path(id)}, client::read_workflow);
}
Result<std::vector<WorkflowRecord>> Client::try_workflows() {
  return state_->list("workflows", client::read_workflow);
}
Result<std::uint64_t> Client::try_cancel_workflow(std::string_view id) {
  return state_->ask({.method = "POST", .target = workflow_path(id, "/cancel")}, client::read_jobs_count);
}
Result<std::uint64_t> Client::try_retry_workflow(std::string_view id) {
  return state_->ask({.method = "POST", .target = workflow_path(id, "/retry")}, client::read_jobs_count);
}

Result<EventRaised> Client::try_raise_event(std::string_view name, const JsonText& data) {
  std::string body = "{";
  client::append_key(body, "name");
  client::append_quoted(body, name);
  client::append_key(body, "data");
  body += data.text();
  body += '}';
  return state_->ask({.method = "POST", .target = "/events", .body = body}, client::read_raised);
}

Result<TriggerRecord> Client::try_put_trigger(const TriggerSpec& spec) {
  const std::string body = to_json(spec);
  return state_->ask({.method = "PUT", .target = trigger_path(spec.id), .body = body, .repeatable = true},
                     client::read_trigger);
}
Result<TriggerRecord> Client::try_get_trigger(std::string_view id) {
  return state_->ask({.method = "GET", .target = trigger_path(id)}, client::read_trigger);
}
Result<std::vector<TriggerRecord>> Client::try_triggers() {
  return state_->list("triggers", client::read_trigger);
}
Result<void> Client::try_delete_trigger(std::string_view id) {
  return state_->tell({.method = "DELETE", .target = trigger_path(id)});
}

Result<JsonText> Client::try_keep_step(std::string_view job_id, std::string_view lease_id,
                                       std::string_view step, const JsonText& result) {
  std::string body = "{";
  client::append_key(body, "leaseId");
  client::append_quoted(body, lease_id);
  client::append_key(body, "result");
  body += result.text();
  body += '}';
  const std::string target = job_path(job_id, "/steps/" + url_escape(step));
  return state_->ask({.method = "POST", .target = target, .body = body, .repeatable = true},
                     [](JsonSlice answer) { return JsonText::raw(std::string(answer["result"].text())); });
}

Result<std::string> Client::try_start_bulk(const BulkSpec& spec) {
  return state_->ask({.method = "POST", .target = "/bulk", .body = client::bulk_json(spec), .in_parts = true},
                     [](JsonSlice answer) { return answer["bulkId"].string(); });
}
Result<OperationRecord> Client::try_get_operation(std::string_view id) {
  return state_->ask({.method = "GET", .target = operation_path(id)}, client::read_operation);
}
Result<std::vector<OperationRecord>> Client::try_operations() {
  return state_->list("bulk", "operations", client::read_operation);
}
Result<OperationRecord> Client::try_cancel_operation(std::string_view id) {
  return state_->ask({.method = "POST", .target = operation_path(id, "/cancel")}, client::read_operation);
}
Result<OperationRecord> Client::try_pause_operation(std::string_view id, bool paused) {
  return state_->ask({.method = "POST", .target = operation_path(id, paused ? "/pause" : "/resume")},
                     client::read_operation);
}
Result<WorkflowSubmitted> Client::try_add_children(std::string_view job_id, std::string_view lease_id,
                                                   const std::vector<WorkflowJob>& children) {
  return state_->ask({.method = "POST",
                      .target = job_path(job_id, "/children"),
                      .body = client::children_json(lease_id, children)},
                     client::read_graph_made);
}
Result<void> Client::try_invoke(std::string_view job_id, std::string_view lease_id, std::string_view as,
                                const JobSpec& spec) {
  std::string body = "{";
  client::append_key(body, "leaseId");
  client::append_quoted(body, lease_id);
  client::append_key(body, "invoke");
  std::string invoked = to_json(spec);
  invoked.pop_back();
  client::append_key(invoked, "as");
  client::append_quoted(invoked, as);
  body += invoked + "}}";
  return state_->tell({.method = "POST", .target = job_path(job_id, "/suspend"), .body = body});
}

Result<Response> Client::try_request(std::string_view method, std::string_view target, std::string body,
                                     const Headers& headers) {
  return state_->call(
      {.method = method, .target = target, .body = body, .headers = headers, .in_parts = true});
}

}  // namespace pawl
