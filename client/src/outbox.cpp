#include "client/src/outbox.h"

#include <algorithm>
#include <utility>

#include "client/src/json_slices.h"
#include "client/wire/json_text.h"
#include "client/wire/protocol.h"
#include "client/wire/time.h"

namespace pawl::client {
namespace {

constexpr std::uint32_t job_log_lines_max = 10'000;
// A frame of lines is begun anew beyond it. With one more line, all of it escaped, it is below what brokers
// take.
constexpr std::size_t log_frame_bytes = 64u << 10;

// Ids are hexadecimal digits and dashes: nothing to escape.
std::string begin_settlement(const HeldJob& job, std::string_view outcome, std::size_t room) {
  std::string out;
  out.reserve(110 + room);
  out += R"({"jobId":")";
  out += job.id;
  out += R"(","leaseId":")";
  out += job.lease_id;
  out += R"(","outcome":")";
  out += outcome;
  out += '"';
  return out;
}

void put_text(std::string& out, std::string_view key, std::string_view text, std::size_t bytes_max) {
  append_key(out, key);
  append_quoted(out, wire::utf8_prefix(text, bytes_max));
}

}  // namespace

void Outbox::complete(const std::shared_ptr<HeldJob>& job, std::string_view result) {
  std::string text = begin_settlement(*job, "complete", result.size());
  text += R"(,"result":)";
  text += result;
  text += '}';
  add({job, Verdict::complete, std::move(text)});
}

void Outbox::fail(const std::shared_ptr<HeldJob>& job, const Failure& failure) {
  std::string text = begin_settlement(*job, "fail", failure.message.size() + failure.stack.size() + 80);
  append_key(text, "error");
  text += '{';
  put_text(text, "type", failure.type.empty() ? "error" : std::string_view(failure.type),
           wire::text_bytes_max);
  put_text(text, "message", failure.message, wire::error_message_bytes_max);
  if (!failure.stack.empty()) put_text(text, "stack", failure.stack, wire::error_stack_bytes_max);
  text += '}';
  if (failure.permanent) text += R"(,"permanent":true)";
  if (failure.retry_delay && !failure.permanent) {
    append_key(text, "retryDelayMs");
    wire::append_json_integer(text, std::max<std::int64_t>(0, failure.retry_delay->count()));
  }
  text += '}';
  add({job, Verdict::fail, std::move(text)});
}

void Outbox::release(const std::shared_ptr<HeldJob>& job, milliseconds delay) {
  std::string text = begin_settlement(*job, "release", 24);
  append_key(text, "delayMs");
  wire::append_json_integer(text, std::max<std::int64_t>(0, delay.count()));
  text += '}';
  add({job, Verdict::release, std::move(text)});
}

void Outbox::rate_limited(const std::shared_ptr<HeldJob>& job, milliseconds retry_after) {
  std::string text = begin_settlement(*job, "rate-limited", 32);
  append_key(text, "retryAfterMs");
  wire::append_json_integer(text, std::max<std::int64_t>(1, retry_after.count()));
  text += '}';
  add({job, Verdict::release, std::move(text)});
}

void Outbox::suspend(const std::shared_ptr<HeldJob>& job, const Suspension& suspension) {
  std::string text = begin_settlement(*job, "suspend", 200);
  const auto put_time = [&text](std::string_view key, std::int64_t ms) {
    append_key(text, key);
    wire::append_json_integer(text, std::max<std::int64_t>(0, ms));
  };
  const auto put_name = [&text](std::string_view key, std::string_view name) {
    append_key(text, key);
    append_quoted(text, name);
  };
  if (!suspension.as.empty()) put_name("as", suspension.as);
  if (suspension.sleep) put_time("sleepMs", suspension.sleep->count());
  if (suspension.until) put_name("until", wire::format_time(suspension.until->time_since_epoch().count()));
  if (const auto& wait = suspension.wait_for) {
    append_key(text, "waitFor");
    text += '{';
    put_name("event", wait->event);
    append_key(text, "match");
    text += wait->match.text();
    if (!wait->as.empty()) put_name("as", wait->as);
    if (wait->timeout) put_time("timeoutMs", std::max<std::int64_t>(1, wait->timeout->count()));
    text += '}';
  }
  text += '}';
  add({job, Verdict::release, std::move(text)});
}

void Outbox::add(Settlement settlement) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  content_.settlements.push_back(std::move(settlement));
  if (content_.settlements.size() >= enough_) wake();
}

void Outbox::progress(const std::shared_ptr<HeldJob>& job, double percent, std::string_view message) {
  const std::lock_guard lock(mutex_);
  if (closed_ || job->settled) return;
  job->progress = percent < 0 ? 0 : percent > 100 ? 100 : percent;
  job->message_told = job->message_told || !message.empty();
  job->message = wire::utf8_prefix(message, wire::progress_message_bytes_max);
  if (job->dirty) return;
  job->dirty = true;
  dirty_.push_back(job);
  // Even if the session is awake: it may have looked for progress already, and rest() does not look for it,
  // since progress that came too soon after the last has to wait.
  woken_ = true;
  wake_();
}

void Outbox::log(const std::shared_ptr<HeldJob>& job, std::string_view line) {
  const std::lock_guard lock(mutex_);
  // The broker keeps no more for a job, and a handler may write while there is no connection.
  if (closed_ || job->settled || job->log_lines >= job_log_lines_max) return;
  ++job->log_lines;
  const auto same_job = [&](const LogLines& lines) { return lines.job == job; };
  auto at = std::find_if(content_.logs.rbegin(), content_.logs.rend(), same_job);
  if (at == content_.logs.rend() || at->count >= wire::log_lines_max || at->text.size() >= log_frame_bytes) {
    content_.logs.push_back({job, {}, 0});
    at = content_.logs.rbegin();
  }
  if (at->count++ > 0) at->text += ',';
  append_quoted(at->text, wire::utf8_prefix(line, wire::log_line_bytes_max));
  wake();
}

Outbox::Content Outbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(content_, {});
}

std::vector<Progress> Outbox::take_progress(std::size_t bytes_max) {
  const std::lock_guard lock(mutex_);
  std::vector<Progress> out;
  auto at = dirty_.begin();
  for (std::size_t bytes = 0; at != dirty_.end() && bytes < bytes_max; ++at) {
    HeldJob& job = **at;
    job.dirty = false;
    bytes += job.message.size();
    out.push_back({*at, job.progress, job.message, job.message_told});
  }
  dirty_.erase(dirty_.begin(), at);
  return out;
}

bool Outbox::has_progress() const {
  const std::lock_guard lock(mutex_);
  return !dirty_.empty();
}

bool Outbox::rest(std::size_t enough) {
  const std::lock_guard lock(mutex_);
  enough_ = enough;
  woken_ = content_.settlements.size() >= enough || !content_.logs.empty();
  return !woken_;
}

void Outbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  content_ = {};
  dirty_.clear();
}

void Outbox::wake() {
  if (!std::exchange(woken_, true)) wake_();
}

}  // namespace pawl::client
