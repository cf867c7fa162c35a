#include <nlohmann/json.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <pawl/worker.hpp>
#include <set>
#include <typeinfo>

#include "client/src/held_job.h"
#include "client/src/json_slices.h"
#include "client/src/outbox.h"
#include "client/src/read_records.h"
#include "client/wire/time.h"

namespace pawl {
namespace {

// The job whose handler this thread runs: a handle that an exception destroys leaves the verdict to whoever
// catches it.
thread_local const client::HeldJob* guarded_here = nullptr;

std::string type_name(const std::type_info& type) {
  int status = 0;
  char* readable = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string out = status == 0 && readable != nullptr ? readable : type.name();
  std::free(readable);
  return out;
}

// Some are missing when the job was cancelled while it waited. They cannot be added again if they depend on
// those that are there: those are no jobs of the new graph, whose jobs would get nothing of them.
void check_apart(const std::vector<WorkflowJob>& missing, const std::set<std::string_view>& there) {
  const bool apart = std::ranges::none_of(missing, [&](const WorkflowJob& child) {
    return std::ranges::any_of(child.depends_on, [&](std::string_view ref) { return there.contains(ref); });
  });
  if (apart) return;
  std::string refs;
  for (const WorkflowJob& child : missing) refs += (refs.empty() ? "" : ", ") + child.ref;
  throw permanent_error("children-missing",
                        "the job did not wait for all its children, and the missing ones depend on others "
                        "that have ended; submit it anew. Missing: " +
                            refs);
}

}  // namespace

Job::Job(std::shared_ptr<client::HeldJob> held) : held_(std::move(held)) {}
Job::Job(Job&& other) noexcept = default;

Job& Job::operator=(Job&& other) noexcept {
  if (this != &other) {
    const Job dropped(std::move(*this));
    held_ = std::move(other.held_);
  }
  return *this;
}

Job::~Job() {
  if (!held_ || held_->settled) return;
  if (guarded_here == held_.get() && std::uncaught_exceptions() > 0) return;
  fail({.type = "abandoned", .message = "the worker dropped the job without a verdict"});
}

std::string_view Job::id() const { return held_->id; }
std::string_view Job::queue() const { return held_->queue; }
std::string_view Job::name() const { return held_->name; }
std::string_view Job::lease_id() const { return held_->lease_id; }
std::uint32_t Job::attempt() const { return held_->attempt; }
std::uint32_t Job::max_attempts() const { return held_->max_attempts; }
std::optional<milliseconds> Job::timeout() const { return held_->timeout; }
std::string_view Job::traceparent() const { return held_->traceparent; }
nlohmann::json Job::payload() const { return nlohmann::json::parse(held_->payload); }
std::string_view Job::payload_text() const { return held_->payload; }
std::string_view Job::text() const { return held_->text; }

std::stop_token Job::stop_token() const { return held_->stop.get_token(); }
bool Job::stop_requested() const { return held_->stop.stop_requested(); }
StopReason Job::stop_reason() const { return held_->reason; }

void Job::progress(double percent, std::string_view message) {
  held_->outbox->progress(held_, percent, message);
}
void Job::log(std::string_view line) { held_->outbox->log(held_, line); }

void Job::complete(JsonText result) {
  if (held_ && held_->take_verdict()) held_->outbox->complete(held_, result.text());
}
void Job::fail(Failure failure) {
  if (held_ && held_->take_verdict()) held_->outbox->fail(held_, failure);
}
void Job::release(milliseconds delay) {
  if (held_ && held_->take_verdict()) held_->outbox->release(held_, delay);
}
void Job::rate_limited(milliseconds retry_after) {
  if (held_ && held_->take_verdict()) held_->outbox->rate_limited(held_, retry_after);
}
std::optional<Parent> Job::parent(std::string_view ref) const {
  std::optional<Parent> found;
  client::JsonSlice(held_->text)["parents"].members([&](std::string_view key, client::JsonSlice value) {
    if (key != ref) return;
    found = Parent{value["jobId"].string(), client::read_status(value["status"]),
                   JsonTextAccess::trusted(value["result"].text())};
  });
  return found;
}

void Job::suspend(const Suspension& suspension) {
  if (held_ && held_->take_verdict()) held_->outbox->suspend(held_, suspension);
}

std::optional<JsonText> Job::step_result(std::string_view name) const {
  const auto kept = held_->steps.find(name);
  return kept == held_->steps.end() ? std::nullopt : std::optional(kept->second);
}

void Job::keep_step(std::string_view name, const JsonText& result) {
  held_->steps.insert_or_assign(std::string(name),
                                value_or_throw(held_->outbox->keep_step(*held_, name, result)));
}

void Job::sleep(std::string_view name, milliseconds time) {
  if (step_result(name)) return;
  suspend({.as = std::string(name), .sleep = time});
  throw client::Suspended{};
}

void Job::sleep_until(std::string_view name, Time when) {
  if (step_result(name)) return;
  suspend({.as = std::string(name), .until = when});
  throw client::Suspended{};
}

std::optional<JsonText> Job::wait_for_event(const EventWait& wait) {
  const std::optional<JsonText> came = step_result(wait.as.empty() ? wait.event : wait.as);
  if (!came) {
    suspend({.wait_for = wait});
    throw client::Suspended{};
  }
  return came->text() == "null" ? std::nullopt : came;
}

Parent Job::invoke(std::string_view as, const JobSpec& spec) {
  if (step_result(as)) return parent(as).value_or(Parent{});
  value_or_throw(held_->outbox->invoke(*held_, as, spec));
  release();  // the lease is over: this only tells the session
  throw client::Suspended{};
}

void Job::wait_for_children(const std::vector<WorkflowJob>& children) {
  std::set<std::string_view> there;
  client::JsonSlice(held_->text)["parents"].members(
      [&](std::string_view ref, client::JsonSlice) { there.insert(ref); });
  std::vector<WorkflowJob> missing;
  for (const WorkflowJob& child : children) {
    if (!there.contains(child.ref)) missing.push_back(child);
  }
  if (missing.empty()) return;
  check_apart(missing, there);
  value_or_throw(held_->outbox->add_children(*held_, missing));
  release();  // the lease is over: this only tells the session
  throw client::Suspended{};
}

bool Job::settled() const { return !held_ || held_->settled; }

void Worker::guarded(Job&& given, const std::function<void(Job&)>& body) {
  const std::shared_ptr<client::HeldJob> held = given.held_;
  Failure failure;
  guarded_here = held.get();
  try {
    Job job = std::move(given);
    body(job);
    guarded_here = nullptr;
    return;
  } catch (const permanent_error& error) {
    failure = {.type = error.type(), .message = error.what(), .permanent = true};
  } catch (const retry_after& error) {
    failure = {.type = error.type(), .message = error.what(), .retry_delay = error.delay()};
  } catch (const rate_limited& limit) {
    guarded_here = nullptr;
    return Job(held).rate_limited(limit.delay());
  } catch (const client::Suspended&) {
    guarded_here = nullptr;
    return;  // the verdict was given
  } catch (const std::exception& error) {
    failure = {.type = type_name(typeid(error)), .message = error.what()};
  } catch (...) {
    failure = {.type = "unknown", .message = "the handler threw something that is no std::exception"};
  }
  guarded_here = nullptr;
  Job job(held);
  if (job.stop_reason() == StopReason::draining) {
    job.release();
  } else {
    job.fail(std::move(failure));
  }
}

namespace client {

std::shared_ptr<HeldJob> read_held_job(JsonSlice rest, const std::shared_ptr<const std::string>& frame,
                                       const std::shared_ptr<Outbox>& outbox, Time now) {
  auto job = std::make_shared<HeldJob>();
  std::optional<std::int64_t> lease_ms;
  std::optional<std::int64_t> lease_ends;
  const std::size_t length = rest.read_members([&](std::string_view key, JsonSlice value) {
    if (key == "jobId") job->id = value.plain();
    if (key == "leaseId") job->lease_id = value.plain();
    if (key == "queue") job->queue = value.plain();
    if (key == "name") job->name = value.plain();
    if (key == "payload") job->payload = value.text();
    if (key == "traceparent") job->traceparent = value.plain();
    if (key == "steps") {
      value.members([&](std::string_view step, JsonSlice result) {
        job->steps.emplace(step, JsonTextAccess::trusted(result.text()));
      });
    }
    if (key == "attempt") job->attempt = static_cast<std::uint32_t>(value.integer().value_or(1));
    if (key == "maxAttempts") job->max_attempts = static_cast<std::uint32_t>(value.integer().value_or(1));
    if (key == "leaseMs") lease_ms = value.integer();
    if (key == "leaseExpiresAt") lease_ends = wire::parse_time(value.plain());
    if (key == "timeoutMs" && value.integer()) job->timeout = milliseconds(*value.integer());
  });
  if (!lease_ms && lease_ends) lease_ms = *lease_ends - now.time_since_epoch().count();
  if (lease_ms) job->lease = milliseconds(std::max<std::int64_t>(*lease_ms, 300));
  if (job->payload.empty()) job->payload = "null";
  job->text = rest.text().substr(0, length);
  job->frame = frame;
  job->outbox = outbox;
  return job;
}

}  // namespace client
}  // namespace pawl
