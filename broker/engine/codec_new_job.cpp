// What a submitter says, as schedules and triggers keep it.
#include "broker/engine/bytes.h"
#include "broker/engine/codec_parts.h"

namespace pawl::engine {

using core::NewJob;

namespace {

enum Bit : std::uint32_t {
  has_name,
  has_payload,
  has_priority,
  has_delay_ms,
  has_run_at,
  has_max_attempts,
  has_max_stalls,
  has_backoff,
  has_lease_ms,
  has_timeout_ms,
  has_unique_key,
  has_unique_for_ms,
  has_group,
  has_retention,
  has_tags,
  has_traceparent,
  has_gathering,
  has_limits,
  is_ordered,
  has_callback,
  bit_count,
};

std::uint64_t present(const NewJob& job) {
  return bit(has_name, !job.name.empty()) | bit(has_payload, job.payload != nullptr) |
         bit(has_priority, job.priority.has_value()) | bit(has_delay_ms, job.delay_ms.has_value()) |
         bit(has_run_at, job.run_at.has_value()) | bit(has_max_attempts, job.max_attempts.has_value()) |
         bit(has_max_stalls, job.max_stalls.has_value()) | bit(has_backoff, job.backoff.has_value()) |
         bit(has_lease_ms, job.lease_ms.has_value()) | bit(has_timeout_ms, job.timeout_ms.has_value()) |
         bit(has_unique_key, !job.unique_key.empty()) | bit(has_unique_for_ms, job.unique_for_ms != 0) |
         bit(has_group, !job.group.empty()) | bit(has_retention, job.retention.has_value()) |
         bit(has_tags, !job.tags.empty()) | bit(has_traceparent, !job.traceparent.empty()) |
         bit(has_gathering, job.gathering.has_value()) | bit(has_limits, !job.limits.empty()) |
         bit(is_ordered, job.ordered) | bit(has_callback, job.callback != nullptr);
}

}  // namespace

std::size_t room_for(const NewJob& job) {
  std::size_t room = 20 * varint_max + job.queue.size() + job.name.size() + job.unique_key.size() +
                     job.group.size() + job.traceparent.size() + 64;
  if (job.payload) room += job.payload->size();
  if (job.gathering) room += job.gathering->key.size();
  if (job.callback) room += job.callback->url.size();
  for (const std::string& limit : job.limits) room += limit.size() + varint_max;
  for (const std::string& tag : job.tags) room += tag.size() + varint_max;
  return room;
}

void write_new_job(Writer& to, const NewJob& job) {
  to.text(job.queue);
  to.varint(present(job));
  if (!job.name.empty()) to.text(job.name);
  if (job.payload) to.text(*job.payload);
  if (job.priority) to.zigzag(*job.priority);
  if (job.delay_ms) to.zigzag(*job.delay_ms);
  if (job.run_at) to.zigzag(*job.run_at);
  if (job.max_attempts) to.varint(*job.max_attempts);
  if (job.max_stalls) to.varint(*job.max_stalls);
  if (job.backoff) write_backoff(to, *job.backoff);
  if (job.lease_ms) to.zigzag(*job.lease_ms);
  if (job.timeout_ms) to.zigzag(*job.timeout_ms);
  if (!job.unique_key.empty()) to.text(job.unique_key);
  if (job.unique_for_ms != 0) to.zigzag(job.unique_for_ms);
  if (!job.group.empty()) to.text(job.group);
  if (job.retention) write_retention(to, *job.retention);
  if (!job.tags.empty()) write_texts(to, job.tags);
  if (!job.traceparent.empty()) to.text(job.traceparent);
  if (job.gathering) {
    to.byte(static_cast<std::uint8_t>(job.gathering->mode));
    to.text(job.gathering->key);
    to.zigzag(job.gathering->window_ms);
    to.zigzag(job.gathering->max_wait_ms);
  }
  if (!job.limits.empty()) write_texts(to, job.limits);
  if (job.callback) write_callback(to, *job.callback);
}

NewJob read_new_job(Reader& from) {
  NewJob job;
  job.queue = from.text();
  const std::uint64_t bits = from.varint();
  if (bits >> bit_count != 0) from.fail();
  const auto has = [bits](Bit which) { return (bits >> which & 1) != 0; };
  if (has(has_name)) job.name = from.text();
  if (has(has_payload)) job.payload = std::make_shared<const std::string>(from.text());
  if (has(has_priority)) job.priority = read_priority(from);
  if (has(has_delay_ms)) job.delay_ms = from.zigzag();
  if (has(has_run_at)) job.run_at = from.zigzag();
  if (has(has_max_attempts)) job.max_attempts = from.varint32();
  if (has(has_max_stalls)) job.max_stalls = from.varint32();
  if (has(has_backoff)) job.backoff = read_backoff(from);
  if (has(has_lease_ms)) job.lease_ms = from.zigzag();
  if (has(has_timeout_ms)) job.timeout_ms = from.zigzag();
  if (has(has_unique_key)) job.unique_key = from.text();
  if (has(has_unique_for_ms)) job.unique_for_ms = from.zigzag();
  if (has(has_group)) job.group = from.text();
  if (has(has_retention)) job.retention = read_retention(from);
  if (has(has_tags)) job.tags = read_texts(from);
  if (has(has_traceparent)) job.traceparent = from.text();
  if (has(has_gathering)) {
    core::Gathering& gathering = job.gathering.emplace();
    gathering.mode = read_enum(from, core::Gathering::Mode::latest);
    gathering.key = from.text();
    gathering.window_ms = from.zigzag();
    gathering.max_wait_ms = from.zigzag();
  }
  if (has(has_limits)) job.limits = read_texts(from);
  job.ordered = has(is_ordered);
  if (has(has_callback)) job.callback = read_callback(from);
  return job;
}

}  // namespace pawl::engine
