#include <pawl/client.hpp>

#include <random>
#include <thread>

#include "client/src/backoff.h"
#include "client/src/coalescer.h"
#include "client/src/http_pool.h"
#include "client/src/problem.h"
#include "client/src/read_records.h"
#include "client/wire/json_text.h"
#include "client/wire/protocol.h"
#include "client/wire/time.h"

namespace pawl {

using client::JsonSlice;
using client::local_error;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds retry_wait_first{50};
constexpr milliseconds retry_wait_max{2'000};
constexpr milliseconds poll_max{20'000};  // one long poll of wait()
constexpr std::size_t many_bytes_max = 15u
                                       << 20;  // leaves room under the broker's limit for commas and brackets

std::uint64_t random_word() {
  static thread_local std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

std::string fresh_key() {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "libpawl-";
  for (const std::uint64_t word : {random_word(), random_word()}) {
    for (unsigned shift = 0; shift < 64; shift += 4) out += hex[(word >> shift) & 15];
  }
  return out;
}

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

bool repeatable(std::string_view method, const Client::Headers& headers) {
  if (method == "GET" || method == "HEAD") return true;
  for (const auto& [name, value] : headers) {
    if (name == "Idempotency-Key") return true;
  }
  return false;
}

template <class Batch>
std::string batch_body(const Batch& bodies) {
  std::size_t bytes = 16;
  for (const auto* body : bodies) bytes += body->size() + 1;
  std::string out;
  out.reserve(bytes);
  out += R"({"jobs":[)";
  bool first = true;
  for (const auto* body : bodies) {
    if (!first) out += ',';
    first = false;
    out += *body;
  }
  out += "]}";
  return out;
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

struct Client::State {
  ClientOptions options;
  client::HttpPool pool;
  client::HttpLine line;  // of the coalescer's calls
  client::Coalescer coalescer;

  State(ClientOptions given, client::Url url)
      : options(std::move(given)),
        pool(std::move(url), options.token, options.pool_size, options.connect_timeout),
        line(pool),
        coalescer([this](std::vector<std::string> bodies) { return begin_submit(std::move(bodies)); }, {}) {}

  struct Ask {
    std::string_view method;
    std::string_view target;
    std::string_view body = {};
    Headers headers = {};
    milliseconds extra_time = {};  // how long the broker may think on purpose: a long poll
    bool repeatable = false;       // whatever its method and headers say
  };

  // Any answer is a Response. Repeats what is safe to repeat, until retry_for has passed.
  Result<Response> call(const Ask& ask) {
    const bool repeat = ask.repeatable || repeatable(ask.method, ask.headers);
    const auto until = steady_clock::now() + options.retry_for;
    client::RetryWaits waits(retry_wait_first, retry_wait_max, random_word());
    for (;;) {
      auto result = pool.call({.method = ask.method,
                               .target = ask.target,
                               .body = ask.body,
                               .headers = &ask.headers,
                               .answer_timeout = options.request_timeout + ask.extra_time});
      milliseconds wait = waits.next();
      if (result) {
        if (result->status != 503 && result->status != 429) return std::move(*result);
        wait = std::max(wait, result->retry_after);
      }
      const bool safe = repeat || (!result && result.error().unsent);
      if (!safe || steady_clock::now() + wait > until) {
        if (result) return std::move(*result);
        return std::unexpected(std::move(result.error().error));
      }
      std::this_thread::sleep_for(wait);
    }
  }

  // A key that nobody else knows is needed for as long as a call may be repeated, and some time for its last
  // request to arrive; not for a day.
  Headers own_key(std::string key) const {
    const milliseconds keep = std::clamp(10 * (options.retry_for + options.request_timeout),
                                         milliseconds{60'000}, milliseconds{86'400'000});
    return {{"Idempotency-Key", std::move(key)}, {"Idempotency-Keep-Ms", std::to_string(keep.count())}};
  }

  // As call, with refusals as errors.
  Result<Response> ask(const Ask& ask) {
    auto response = call(ask);
    if (response && !response->ok()) return std::unexpected(to_error(*response));
    return response;
  }

  template <class Read>
  auto ask(const Ask& question, Read read) -> Result<decltype(read(JsonSlice()))> {
    auto response = ask(question);
    if (!response) return std::unexpected(std::move(response.error()));
    return read(JsonSlice(response->text));
  }

  Result<Enqueued> submit_alone(const std::string& body, const std::string& key) {
    return ask({.method = "POST", .target = "/jobs", .body = body, .headers = {{"Idempotency-Key", key}}},
               client::read_enqueued);
  }

  static std::vector<Enqueued> read_batch(JsonSlice answer) {
    std::vector<Enqueued> out;
    answer["jobs"].elements([&](JsonSlice job) { out.push_back(client::read_enqueued(job)); });
    return out;
  }

  Result<std::vector<Enqueued>> submit_batch(const std::string& body, std::string key) {
    return ask({.method = "POST", .target = "/jobs/batch", .body = body, .headers = own_key(std::move(key))},
               read_batch);
  }

  // One call of the coalescer.
  struct Submit {
    std::vector<std::string> bodies;
    std::string key = fresh_key();
    std::string batch = bodies.size() == 1 ? std::string() : batch_body(pointers(bodies));

    static std::vector<const std::string*> pointers(const std::vector<std::string>& bodies) {
      std::vector<const std::string*> out;
      for (const std::string& body : bodies) out.push_back(&body);
      return out;
    }
  };

  client::Coalescer::Finish begin_submit(std::vector<std::string> bodies) {
    Submit submit{.bodies = std::move(bodies)};
    const bool alone = submit.batch.empty();
    const Headers headers = own_key(submit.key);
    line.send({.method = "POST",
               .target = alone ? "/jobs" : "/jobs/batch",
               .body = alone ? submit.bodies.front() : submit.batch,
               .headers = &headers,
               .answer_timeout = options.request_timeout});
    return [this, submit = std::move(submit)] { return finish_submit(submit); };
  }

  client::Coalescer::Answers finish_submit(const Submit& submit) {
    const std::vector<std::string>& bodies = submit.bodies;
    const auto response = line.receive();
    if (response && response->ok()) {
      if (bodies.size() == 1) return {client::read_enqueued(JsonSlice(response->text))};
      std::vector<Enqueued> read = read_batch(JsonSlice(response->text));
      if (read.size() == bodies.size())
        return {std::make_move_iterator(read.begin()), std::make_move_iterator(read.end())};
    }
    // Once more under the same key, and as often as is wise: what the broker took is not taken twice. A
    // refusal for what stands in it is looked into.
    if (bodies.size() == 1) return {submit_alone(bodies.front(), submit.key)};
    bool first = true;
    return client::submit_isolating(
        bodies, [&](const std::vector<const std::string*>& batch) -> Result<std::vector<Enqueued>> {
          std::string key = std::exchange(first, false) ? submit.key : fresh_key();
          if (batch.size() > 1) return submit_batch(batch_body(batch), std::move(key));
          auto alone = submit_alone(*batch.front(), key);
          if (!alone) return std::unexpected(std::move(alone.error()));
          return std::vector<Enqueued>{std::move(*alone)};
        });
  }

  Result<Status> act(std::string_view job_id, std::string_view verb) {
    return ask({.method = "POST", .target = job_path(job_id, verb)},
               [](JsonSlice answer) { return client::read_status(answer["status"]); });
  }

  // `change` is a JSON object.
  Result<Status> change(std::string_view job_id, const std::string& change) {
    return ask({.method = "PATCH", .target = job_path(job_id), .body = change},
               [](JsonSlice answer) { return client::read_status(answer["status"]); });
  }

  // Every page of a list; `each` gets the members of the page's list of that name.
  template <class Each>
  Result<void> all_pages(std::string_view collection, Each each) {
    return all_pages(collection, collection, std::move(each));
  }
  /// `field`: where the answer has them.
  template <class Each>
  Result<void> all_pages(std::string_view collection, std::string_view field, Each each) {
    std::string cursor;
    do {
      const std::string target = "/" + std::string(collection) + "?limit=1000" +
                                 (cursor.empty() ? "" : "&cursor=" + url_escape(cursor));
      auto page = ask({.method = "GET", .target = target}, [&](JsonSlice answer) {
        answer[field].elements(each);
        const JsonSlice next = answer["nextCursor"];
        return next.present() ? next.string() : std::string();
      });
      if (!page) return std::unexpected(std::move(page.error()));
      cursor = std::move(*page);
    } while (!cursor.empty());
    return {};
  }

  Result<ScheduleRecord> change_schedule(std::string_view id, std::string_view verb) {
    return ask({.method = "POST", .target = schedule_path(id, verb)}, client::read_schedule);
  }

  Result<void> nothing(const Ask& question) {
    auto response = ask(question);
    if (!response) return std::unexpected(std::move(response.error()));
    return {};
  }
};

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
    auto result = state_->submit_batch(body, fresh_key());
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

Result<Status> Client::try_cancel(std::string_view job_id) { return state_->act(job_id, "/cancel"); }
Result<Status> Client::try_retry(std::string_view job_id) { return state_->act(job_id, "/retry"); }
Result<Status> Client::try_promote(std::string_view job_id) { return state_->act(job_id, "/promote"); }

Result<Status> Client::try_reschedule(std::string_view job_id, Time at) {
  return state_->change(job_id, R"({"runAt":")" + wire::format_time(at.time_since_epoch().count()) + "\"}");
}
Result<Status> Client::try_reschedule(std::string_view job_id, milliseconds delay) {
  return state_->change(job_id, R"({"delayMs":)" + std::to_string(delay.count()) + "}");
}
Result<Status> Client::try_change_priority(std::string_view job_id, int priority) {
  return state_->change(job_id, R"({"priority":)" + std::to_string(priority) + "}");
}

Result<void> Client::try_remove(std::string_view job_id) {
  return state_->nothing({.method = "DELETE", .target = job_path(job_id)});
}

Result<std::vector<QueueInfo>> Client::try_queues() {
  std::vector<QueueInfo> out;
  auto done = state_->all_pages("queues", [&](JsonSlice queue) { out.push_back(client::read_queue(queue)); });
  if (!done) return std::unexpected(std::move(done.error()));
  return out;
}

Result<QueueInfo> Client::try_queue(std::string_view name) {
  return state_->ask({.method = "GET", .target = queue_path(name)}, client::read_queue);
}
Result<QueueInfo> Client::try_set_limits(std::string_view queue, const QueueLimits& limits) {
  return state_->ask({.method = "PUT", .target = queue_path(queue), .body = to_json(limits)},
                     client::read_queue);
}
Result<QueueInfo> Client::try_set_push(std::string_view queue, const std::optional<PushTarget>& target) {
  return state_->ask({.method = "PUT", .target = queue_path(queue), .body = to_json(target)},
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
Result<std::vector<LimitRecord>> Client::try_limits() {
  std::vector<LimitRecord> out;
  auto done = state_->all_pages("limits", [&](JsonSlice limit) { out.push_back(client::read_limit(limit)); });
  if (!done) return std::unexpected(std::move(done.error()));
  return out;
}
Result<void> Client::try_delete_limit(std::string_view name) {
  return state_->nothing({.method = "DELETE", .target = limit_path(name)});
}
Result<LimitRecord> Client::try_resume_limit(std::string_view name) {
  return state_->ask({.method = "POST", .target = limit_path(name, "/resume")}, client::read_limit);
}
Result<void> Client::try_pause(std::string_view queue) {
  return state_->nothing({.method = "POST", .target = queue_path(queue, "/pause")});
}
Result<void> Client::try_resume(std::string_view queue) {
  return state_->nothing({.method = "POST", .target = queue_path(queue, "/resume")});
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
  return state_->ask(
      {.method = "POST", .target = queue_path(queue, "/dlq/replay"), .body = letters_json(which)});
}
Result<Response> Client::try_dlq_purge(std::string_view queue, const DeadLetters& which) {
  return state_->ask(
      {.method = "POST", .target = queue_path(queue, "/dlq/purge"), .body = letters_json(which)});
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
  std::vector<ScheduleRecord> out;
  auto done = state_->all_pages("schedules",
                                [&](JsonSlice schedule) { out.push_back(client::read_schedule(schedule)); });
  if (!done) return std::unexpected(std::move(done.error()));
  return out;
}
Result<void> Client::try_delete_schedule(std::string_view id) {
  return state_->nothing({.method = "DELETE", .target = schedule_path(id)});
}
Result<Enqueued> Client::try_run_schedule(std::string_view id) {
  return state_->ask({.method = "POST", .target = schedule_path(id, "/run")}, client::read_enqueued);
}
Result<ScheduleRecord> Client::try_pause_schedule(std::string_view id) {
  return state_->change_schedule(id, "/pause");
}
Result<ScheduleRecord> Client::try_resume_schedule(std::string_view id) {
  return state_->change_schedule(id, "/resume");
}

Result<WorkflowSubmitted> Client::try_submit_workflow(const WorkflowSpec& spec) {
  const std::string body = to_json(spec);
  return state_->ask({.method = "POST", .target = "/workflows", .body = body}, client::read_graph_made);
}
Result<WorkflowRecord> Client::try_get_workflow(std::string_view id) {
  return state_->ask({.method = "GET", .target = workflow_path(id)}, client::read_workflow);
}
Result<void> Client::try_cancel_workflow(std::string_view id) {
  return state_->nothing({.method = "POST", .target = workflow_path(id, "/cancel")});
}
Result<void> Client::try_retry_workflow(std::string_view id) {
  return state_->nothing({.method = "POST", .target = workflow_path(id, "/retry")});
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
  std::vector<TriggerRecord> out;
  auto done =
      state_->all_pages("triggers", [&](JsonSlice trigger) { out.push_back(client::read_trigger(trigger)); });
  if (!done) return std::unexpected(std::move(done.error()));
  return out;
}
Result<void> Client::try_delete_trigger(std::string_view id) {
  return state_->nothing({.method = "DELETE", .target = trigger_path(id)});
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
  return state_->ask({.method = "POST", .target = "/bulk", .body = client::bulk_json(spec)},
                     [](JsonSlice answer) { return answer["bulkId"].string(); });
}
Result<OperationRecord> Client::try_get_operation(std::string_view id) {
  return state_->ask({.method = "GET", .target = operation_path(id)}, client::read_operation);
}
Result<std::vector<OperationRecord>> Client::try_operations() {
  std::vector<OperationRecord> out;
  auto done = state_->all_pages("bulk", "operations",
                                [&](JsonSlice item) { out.push_back(client::read_operation(item)); });
  if (!done) return std::unexpected(std::move(done.error()));
  return out;
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
                      .body = client::children_json(lease_id, children),
                      .repeatable = false},
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
  const auto answer = state_->ask(
      {.method = "POST", .target = job_path(job_id, "/suspend"), .body = body, .repeatable = false},
      [](JsonSlice) { return true; });
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Result<Response> Client::try_request(std::string_view method, std::string_view target, std::string body,
                                     const Headers& headers) {
  return state_->call({.method = method, .target = target, .body = body, .headers = headers});
}

}  // namespace pawl
