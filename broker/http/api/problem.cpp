#include "broker/http/api/problem.h"

#include "broker/http/api/json_out.h"

namespace pawl::http::api {
namespace {

void append_field_error(std::string& out, const FieldError& error) {
  ObjectWriter object(out);
  object.text("pointer", error.pointer);
  if (error.in == FieldError::In::path) object.text("in", "path");
  if (error.in == FieldError::In::query) object.text("in", "query");
  if (error.in == FieldError::In::header) object.text("in", "header");
  object.text("detail", error.detail);
}

const ProblemType& type_of(core::Refusal why) {
  using enum core::Refusal;
  switch (why) {
    case unknown_job:
      return problem::unknown_job;
    case unknown_queue:
      return problem::unknown_queue;
    case lease_lost:
      return problem::lease_lost;
    case wrong_state:
      return problem::wrong_state;
    case idempotency_mismatch:
      return problem::idempotency_mismatch;
    case unique_key_taken:
      return problem::unique_key_taken;
    case queue_in_use:
      return problem::queue_in_use;
    case too_many_queues:
      return problem::too_many_queues;
    case unknown_schedule:
      return problem::unknown_schedule;
    case too_many_schedules:
      return problem::too_many_schedules;
    case too_many_log_lines:
      return problem::too_many_log_lines;
    case step_exists:
      return problem::step_exists;
    case too_many_steps:
      return problem::too_many_steps;
    case too_many_waits:
      return problem::too_many_waits;
    case unknown_workflow:
      return problem::unknown_workflow;
    case unknown_trigger:
      return problem::unknown_trigger;
    case too_many_triggers:
      return problem::too_many_triggers;
    case unknown_limit:
      return problem::unknown_limit;
    case schedule_in_use:
      return problem::schedule_in_use;
    case limit_in_use:
      return problem::limit_in_use;
    case too_many_limits:
      return problem::too_many_limits;
    case too_many_groups:
      return problem::too_many_groups;
    case too_many_paused_groups:
      return problem::too_many_paused_groups;
  }
  return problem::internal;
}

}  // namespace

void append_problem(std::string& out, const Problem& problem) {
  ObjectWriter object(out);
  object.begin("type");
  out += '"';
  out += wire::error::prefix;
  out += problem.type.name;
  out += '"';
  object.text("title", problem.type.title);
  object.integer("status", problem.type.status);
  if (!problem.detail.empty()) object.text("detail", problem.detail);
  if (!problem.errors.empty()) {
    object.list("errors", problem.errors,
                [&out](const FieldError& error) { append_field_error(out, error); });
  }
  if (problem.place) {
    object.integer("offset", problem.place->offset);
    object.integer("line", problem.place->line);
    object.integer("column", problem.place->column);
  }
  if (problem.job) object.job_id("jobId", *problem.job);
  if (problem.job_status) object.text("jobStatus", core::name_of(*problem.job_status));
}

std::string problem_text(const Problem& problem) {
  std::string out;
  out.reserve(160 + problem.detail.size() + 96 * problem.errors.size());
  append_problem(out, problem);
  return out;
}

Response problem_response(const Problem& problem) {
  Response response{problem.type.status, "application/problem+json", problem_text(problem), {}};
  if (problem.type.retry_after_s > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(problem.type.retry_after_s));
  }
  if (!problem.allow.empty()) response.headers.emplace_back("Allow", problem.allow);
  return response;
}

Problem problem_of(const core::Refused& refused) {
  if (!refused.fields.empty()) {
    Problem problem{problem::invalid_input, ""};
    for (const core::WrongField& field : refused.fields)
      problem.errors.push_back({field.pointer, field.detail});
    return problem;
  }
  Problem problem{type_of(refused.why), refused.detail};
  problem.job = refused.job;
  problem.job_status = refused.status;
  return problem;
}

Problem problem_of(engine::Busy busy) {
  switch (busy) {
    case engine::Busy::inbox_full:
      return {problem::overloaded, "Too many commands are waiting."};
    case engine::Busy::store_slow:
      return {problem::overloaded, "The store is catching up; submits must wait."};
    case engine::Busy::no_space:
      return {problem::disk_full, "Submits are refused until there is room again; settles and reads go on."};
    case engine::Busy::stopping:
      return {problem::stopping, ""};
    case engine::Busy::failed:
      return {problem::unavailable,
              "A write failed and the broker is about to restart; what it last did not answer is unknown."};
  }
  return {problem::internal, ""};
}

Problem unknown_target() {
  Problem problem{problem::invalid_input, ""};
  problem.errors.push_back({"/into", "names no queue; make it first, or leave it out"});
  return problem;
}

Problem problem_of(engine::ListError error) {
  switch (error) {
    case engine::ListError::bad_cursor: {
      Problem problem{problem::invalid_input, ""};
      problem.errors.push_back({"/cursor", "is not a cursor of this list", FieldError::In::query});
      return problem;
    }
    case engine::ListError::unknown_queue:
      return {problem::unknown_queue, ""};
    case engine::ListError::unknown_target:
      return unknown_target();
    case engine::ListError::unknown_workflow:
      return {problem::unknown_workflow, ""};
    case engine::ListError::unknown_job:
      return {problem::unknown_job, ""};
    case engine::ListError::not_searchable: {
      Problem problem{problem::invalid_input, ""};
      problem.errors.push_back({"/payload", "names a path that the queue does not declare in `searchable`",
                                FieldError::In::query});
      return problem;
    }
    case engine::ListError::store:
      return {problem::unavailable, "The store could not be read."};
    case engine::ListError::busy:
      return {problem::overloaded, "Too many lists are being read."};
  }
  return {problem::internal, ""};
}

}  // namespace pawl::http::api
