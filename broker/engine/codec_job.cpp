// The record of a job: a version, the status, a bit for each field that differs from its default, then those
// fields.
#include "broker/engine/bytes.h"
#include "broker/engine/codec.h"
#include "broker/engine/codec_parts.h"

namespace pawl::engine {

using core::Job;
using core::Millis;
using core::Place;
using core::Status;

namespace {

constexpr std::uint8_t job_version = 1;

// Bits in the order in which the fields follow. Never renumber; the first seven fit one byte.
enum Bit : std::uint32_t {
  has_name,
  has_payload,
  has_history,
  has_started_at,
  has_worker_id,
  has_last_lease,
  has_last_settle,
  has_attempts_made,
  has_finished_at,
  has_result,
  has_run_at,
  has_progress,
  has_message,
  has_errors,
  has_stalls,
  has_priority,
  has_max_attempts,
  has_max_stalls,
  has_backoff,
  has_lease_ms,
  has_timeout_ms,
  has_unique_key,
  has_unique_for_ms,
  has_group,
  has_retention_completed,
  has_retention_failed,
  has_tags,
  has_traceparent,
  has_replays,
  has_log_lines,
  has_created_at,
  has_steps,
  has_wait,
  has_workflow,
  has_ref,
  has_dependents,
  has_parents,
  has_lane,
  has_limits,
  is_ordered,
  is_aged,
  has_callback,
  has_target,
  bit_count,
};

const Job defaults{};

bool plain_history(const Job& job) {
  return job.history.size() == 1 && job.history[0].status == job.status &&
         job.history[0].at == job.created_at;
}

std::uint64_t present(Place place, const Job& job) {
  return bit(has_name, !job.name.empty()) | bit(has_payload, job.payload != nullptr) |
         bit(has_history, !plain_history(job)) | bit(has_started_at, job.started_at != 0) |
         bit(has_worker_id, !job.worker_id.empty()) |
         bit(has_last_lease, job.last_lease != core::LeaseNumber::none) |
         bit(has_last_settle, job.last_settle.lease != core::LeaseNumber::none) |
         bit(has_attempts_made, job.attempts_made != 0) | bit(has_finished_at, job.finished_at != 0) |
         bit(has_result, job.result != nullptr) | bit(has_run_at, job.run_at != job.created_at) |
         bit(has_progress, job.progress != defaults.progress) | bit(has_message, !job.message.empty()) |
         bit(has_errors, !job.errors.empty()) | bit(has_stalls, job.stalls != 0) |
         bit(has_priority, place != Place::ready && job.priority != job.id.priority()) |
         bit(has_max_attempts, job.max_attempts != defaults.max_attempts) |
         bit(has_max_stalls, job.max_stalls != defaults.max_stalls) |
         bit(has_backoff, job.backoff != defaults.backoff) |
         bit(has_lease_ms, job.lease_ms != defaults.lease_ms) |
         bit(has_timeout_ms, job.timeout_ms != defaults.timeout_ms) |
         bit(has_unique_key, !job.unique_key.empty()) | bit(has_unique_for_ms, job.unique_for_ms != 0) |
         bit(has_group, !job.group.empty()) |
         bit(has_retention_completed, job.retention.completed_ms != defaults.retention.completed_ms) |
         bit(has_retention_failed, job.retention.failed_ms != defaults.retention.failed_ms) |
         bit(has_tags, !job.tags.empty()) | bit(has_traceparent, !job.traceparent.empty()) |
         bit(has_replays, job.replays != 0) | bit(has_log_lines, job.log_lines != 0) |
         bit(has_created_at, job.created_at != job.id.created_at()) | bit(has_steps, !job.steps.empty()) |
         bit(has_wait, job.wait != nullptr) | bit(has_workflow, !job.workflow.is_none()) |
         bit(has_ref, !job.ref.empty()) | bit(has_dependents, job.has_dependents) |
         bit(has_parents, !job.parents.empty()) | bit(has_lane, job.lane != 0) |
         bit(has_limits, !job.limits.empty()) | bit(is_ordered, job.ordered) | bit(is_aged, job.aged) |
         bit(has_callback, job.callback != nullptr) | bit(has_target, !job.target.empty());
}

std::size_t room_for_job(const Job& job) {
  std::size_t room = 400 + job.name.size() + job.worker_id.size() + job.message.size() +
                     job.unique_key.size() + job.group.size() + job.traceparent.size() +
                     job.history.size() * (1 + varint_max);
  if (job.payload) room += job.payload->size();
  if (job.result) room += job.result->size();
  for (const std::string& tag : job.tags) room += tag.size() + varint_max;
  for (const std::string& limit : job.limits) room += limit.size() + varint_max;
  if (job.callback) room += job.callback->url.size();
  room += job.target.size();
  room += job.steps_bytes() + job.steps.size() * 2 * varint_max;
  if (job.wait) room += room_for(*job.wait);
  room += 16 + job.ref.size() + job.parents_bytes() + job.parents.size() * (20 + 3 * varint_max);
  for (const core::AttemptError& error : job.errors) {
    room += 6 * varint_max + error.type.size() + error.message.size() + error.stack.size() +
            error.worker_id.size();
  }
  return room;
}

// What became of it, after the name and the payload's turn.
void write_life(Writer& to, const Job& job, std::uint64_t bits) {
  const auto has = [bits](Bit which) { return (bits >> which & 1) != 0; };
  if (has(has_history)) {
    to.varint(job.history.size());
    Millis before = job.created_at;
    for (const core::Transition& transition : job.history) {
      to.byte(static_cast<std::uint8_t>(transition.status));
      to.delta(transition.at, before);
      before = transition.at;
    }
  }
  if (has(has_started_at)) to.delta(job.started_at, job.created_at);
  if (has(has_worker_id)) to.text(job.worker_id);
  if (has(has_last_lease)) to.varint(static_cast<std::uint64_t>(job.last_lease));
  if (has(has_last_settle)) {
    to.varint(static_cast<std::uint64_t>(job.last_settle.lease));
    to.byte(static_cast<std::uint8_t>(static_cast<unsigned>(job.last_settle.status) |
                                      (job.last_settle.by_worker ? 0x80u : 0u)));
    to.zigzag(job.last_settle.run_at);
  }
  if (has(has_attempts_made)) to.varint(job.attempts_made);
  if (has(has_finished_at)) to.delta(job.finished_at, job.created_at);
  if (has(has_result)) to.text(*job.result);
  if (has(has_run_at)) to.delta(job.run_at, job.created_at);
  if (has(has_progress)) to.real(job.progress);
  if (has(has_message)) to.text(job.message);
  if (has(has_errors)) {
    to.varint(job.errors.size());
    for (const core::AttemptError& error : job.errors) {
      to.varint(error.attempt);
      to.delta(error.at, job.created_at);
      to.text(error.type);
      to.text(error.message);
      to.text(error.stack);
      to.text(error.worker_id);
    }
  }
  if (has(has_stalls)) to.varint(job.stalls);
}

// A result that is null has no bytes: no JSON text is empty.
void write_steps(Writer& to, const Job& job) {
  to.varint(job.steps.size());
  for (const core::Step& step : job.steps) {
    to.text(step.name);
    to.text(step.result ? *step.result : std::string_view{});
  }
}

void write_parents(Writer& to, const Job& job) {
  to.varint(job.parents.size());
  for (const core::ParentResult& parent : job.parents) {
    to.raw(parent.id.view());
    to.byte(
        static_cast<std::uint8_t>(static_cast<unsigned>(parent.status) | (parent.added ? added_bit : 0u)));
    to.text(parent.ref);
    to.text(parent.result ? *parent.result : std::string_view{});
  }
}

void read_parents(Reader& from, Job& job) {
  const std::size_t count = from.count();
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    core::ParentResult parent;
    const std::string_view id = from.raw(16);
    if (from.ok()) parent.id = id_at(id, 0);
    const std::uint8_t status = from.byte();
    parent.added = (status & added_bit) != 0;
    parent.status = read_status(from, static_cast<std::uint8_t>(status & ~added_bit));
    parent.ref = from.text();
    const std::string_view result = from.text();
    if (!result.empty()) parent.result = std::make_shared<const std::string>(result);
    job.parents.push_back(std::move(parent));
  }
}

void read_steps(Reader& from, Job& job) {
  const std::size_t count = from.count();
  if (count > core::steps_max) return from.fail();
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    core::Step step;
    step.name = from.text();
    const std::string_view result = from.text();
    if (!result.empty()) step.result = std::make_shared<const std::string>(result);
    job.steps.push_back(std::move(step));
  }
}

// What the submitter said beyond name and payload.
void write_terms(Writer& to, const Job& job, std::uint64_t bits) {
  const auto has = [bits](Bit which) { return (bits >> which & 1) != 0; };
  if (has(has_priority)) to.zigzag(job.priority);
  if (has(has_max_attempts)) to.varint(job.max_attempts);
  if (has(has_max_stalls)) to.varint(job.max_stalls);
  if (has(has_backoff)) write_backoff(to, job.backoff);
  if (has(has_lease_ms)) to.zigzag(job.lease_ms);
  if (has(has_timeout_ms)) to.zigzag(job.timeout_ms);
  if (has(has_unique_key)) to.text(job.unique_key);
  if (has(has_unique_for_ms)) to.zigzag(job.unique_for_ms);
  if (has(has_group)) to.text(job.group);
  if (has(has_retention_completed)) to.zigzag(job.retention.completed_ms);
  if (has(has_retention_failed)) to.zigzag(job.retention.failed_ms);
  if (has(has_tags)) write_texts(to, job.tags);
  if (has(has_traceparent)) to.text(job.traceparent);
  if (has(has_replays)) to.varint(job.replays);
  if (has(has_log_lines)) to.varint(job.log_lines);
  if (has(has_steps)) write_steps(to, job);
  if (has(has_wait)) write_wait(to, *job.wait);
  if (has(has_workflow)) to.raw(job.workflow.view());
  if (has(has_ref)) to.text(job.ref);
  if (has(has_parents)) write_parents(to, job);
  if (has(has_limits)) write_texts(to, job.limits);
  if (has(has_callback)) write_callback(to, *job.callback);
  if (has(has_target)) to.text(job.target);
}

void read_history(Reader& from, Job& job) {
  const std::size_t count = from.count();
  if (count > core::history_max) return from.fail();
  job.history.reserve(count);
  Millis before = job.created_at;
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    const Status status = read_status(from, from.byte());
    before = from.delta(before);
    job.history.push_back({status, before});
  }
}

void read_errors(Reader& from, Job& job) {
  const std::size_t count = from.count();
  if (count > core::errors_max) return from.fail();
  job.errors.reserve(count);
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    core::AttemptError error;
    error.attempt = from.varint32();
    error.at = from.delta(job.created_at);
    error.type = from.text();
    error.message = from.text();
    error.stack = from.text();
    error.worker_id = from.text();
    job.errors.push_back(std::move(error));
  }
}

void read_life(Reader& from, Job& job, std::uint64_t bits) {
  const auto has = [bits](Bit which) { return (bits >> which & 1) != 0; };
  if (has(has_history))
    read_history(from, job);
  else
    job.history.push_back({job.status, job.created_at});
  if (has(has_started_at)) job.started_at = from.delta(job.created_at);
  if (has(has_worker_id)) job.worker_id = from.text();
  if (has(has_last_lease)) job.last_lease = core::LeaseNumber{from.varint()};
  if (has(has_last_settle)) {
    job.last_settle.lease = core::LeaseNumber{from.varint()};
    const std::uint8_t status = from.byte();
    job.last_settle.status = read_status(from, status & 0x7f);
    job.last_settle.by_worker = (status & 0x80) != 0;
    job.last_settle.run_at = from.zigzag();
  }
  if (has(has_attempts_made)) job.attempts_made = from.varint32();
  if (has(has_finished_at)) job.finished_at = from.delta(job.created_at);
  if (has(has_result)) job.result = std::make_shared<const std::string>(from.text());
  job.run_at = has(has_run_at) ? from.delta(job.created_at) : job.created_at;
  if (has(has_progress)) job.progress = from.real();
  if (has(has_message)) job.message = from.text();
  if (has(has_errors)) read_errors(from, job);
  if (has(has_stalls)) job.stalls = from.varint32();
}

void read_terms(Reader& from, Job& job, std::uint64_t bits) {
  const auto has = [bits](Bit which) { return (bits >> which & 1) != 0; };
  if (has(has_priority)) job.priority = read_priority(from);
  if (has(has_max_attempts)) job.max_attempts = from.varint32();
  if (has(has_max_stalls)) job.max_stalls = from.varint32();
  if (has(has_backoff)) job.backoff = read_backoff(from);
  if (has(has_lease_ms)) job.lease_ms = from.zigzag();
  if (has(has_timeout_ms)) job.timeout_ms = from.zigzag();
  if (has(has_unique_key)) job.unique_key = from.text();
  if (has(has_unique_for_ms)) job.unique_for_ms = from.zigzag();
  if (has(has_group)) job.group = from.text();
  if (has(has_retention_completed)) job.retention.completed_ms = from.zigzag();
  if (has(has_retention_failed)) job.retention.failed_ms = from.zigzag();
  if (has(has_tags)) job.tags = read_texts(from);
  if (has(has_traceparent)) job.traceparent = from.text();
  if (has(has_replays)) job.replays = from.varint32();
  if (has(has_log_lines)) job.log_lines = from.varint32();
  if (has(has_steps)) read_steps(from, job);
  if (has(has_wait)) job.wait = std::make_shared<const core::Wait>(read_wait(from));
  if (has(has_workflow)) {
    const std::string_view id = from.raw(16);
    if (from.ok()) std::memcpy(job.workflow.bytes.data(), id.data(), 16);
  }
  if (has(has_ref)) job.ref = from.text();
  job.has_dependents = has(has_dependents);
  if (has(has_parents)) read_parents(from, job);
  job.lane = has(has_lane) ? job.id.lane() : 0;
  if (has(has_limits)) job.limits = read_texts(from);
  job.ordered = has(is_ordered);
  job.aged = has(is_aged);
  if (has(has_callback)) job.callback = read_callback(from);
  if (has(has_target)) job.target = from.text();
}

}  // namespace

void encode_job(Place place, const Job& job, std::string& out) {
  const std::uint64_t bits = present(place, job);
  append(out, room_for_job(job), [&](Writer& to) {
    if (place == Place::ended || place == Place::dead) to.big64(static_cast<std::uint64_t>(job.expires_at));
    to.byte(job_version);
    to.byte(
        static_cast<std::uint8_t>(static_cast<unsigned>(job.status) | (job.cancel_requested ? 0x80u : 0u)));
    to.varint(bits);
    if ((bits >> has_created_at & 1) != 0) to.delta(job.created_at, job.id.created_at());
    if ((bits >> has_name & 1) != 0) to.text(job.name);
    if ((bits >> has_payload & 1) != 0) to.text(*job.payload);
    write_life(to, job, bits);
    write_terms(to, job, bits);
  });
}

Decoded<Job> decode_job(Place place, std::string_view key, std::string_view value) {
  const std::optional<PlacedKey> placed = parse_placed(place, key);
  if (!placed) return std::unexpected(DecodeError{"the key of a job has a wrong size"});
  Reader from(value);
  Job job;
  job.id = placed->id;
  job.queue = placed->queue;
  job.priority = placed->priority;
  if (place == Place::ended || place == Place::dead) {
    const std::uint64_t stamp = from.big64();
    if (stamp > static_cast<std::uint64_t>(core::never)) from.fail();
    job.expires_at = from.ok() ? static_cast<Millis>(stamp) : 0;
  }
  const std::uint8_t version = from.byte();
  if (from.ok() && version != job_version) {
    return std::unexpected(DecodeError{"a job has the unknown record version " + std::to_string(version)});
  }
  const std::uint8_t status = from.byte();
  job.status = read_status(from, status & 0x7f);
  job.cancel_requested = (status & 0x80) != 0;
  const std::uint64_t bits = from.varint();
  if (bits >> bit_count != 0) from.fail();
  job.created_at = job.id.created_at();
  if ((bits >> has_created_at & 1) != 0) job.created_at = from.delta(job.created_at);
  if ((bits >> has_name & 1) != 0) job.name = from.text();
  if ((bits >> has_payload & 1) != 0) job.payload = std::make_shared<const std::string>(from.text());
  read_life(from, job, bits);
  read_terms(from, job, bits);
  if (!from.done())
    return std::unexpected(DecodeError{"the record of job " + uuid_text(job.id) + " is damaged"});
  if (place == Place::ready && job.lane != placed->lane)
    return std::unexpected(DecodeError{"job " + uuid_text(job.id) + " stands in another lane than its own"});
  if (place_of(job.status) != place) {
    return std::unexpected(
        DecodeError{"job " + uuid_text(job.id) + " stands in a place that its status denies"});
  }
  return job;
}

}  // namespace pawl::engine
