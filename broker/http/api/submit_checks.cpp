#include "broker/http/api/submit_checks.h"

#include <functional>

#include "broker/http/api/answering.h"

namespace pawl::http::api {

namespace {

void note_wrong(const Call& call, const core::NewJob& job, const std::string& at, Problem& problem) {
  if (job.queue == core::callbacks_queue)
    problem.errors.push_back({at + "/queue", "is the broker's own: it makes these jobs when others end"});
  if (!job.callback) return;
  if (auto why = wrong_callback(call.context, *job.callback))
    problem.errors.push_back({at + "/callback/url", *std::move(why)});
}

bool is_clean(Call& call, const Problem& problem) {
  if (problem.errors.empty()) return true;
  refuse(call, problem);
  return false;
}

template <typename Items, typename JobOf>
bool all_allowed(Call& call, const Items& items, JobOf job_of) {
  Problem problem{problem::invalid_input, ""};
  for (std::size_t i = 0; i < items.size(); ++i)
    note_wrong(call, std::invoke(job_of, items[i]), "/jobs/" + std::to_string(i), problem);
  return is_clean(call, problem);
}

}  // namespace

bool may_submit(Call& call, const core::NewJob& job, const std::string& at) {
  Problem problem{problem::invalid_input, ""};
  note_wrong(call, job, at, problem);
  return is_clean(call, problem);
}

bool may_submit(Call& call, const std::vector<core::NewJob>& jobs) {
  return all_allowed(call, jobs, std::identity());
}
bool may_submit(Call& call, const std::vector<core::NewMember>& members) {
  return all_allowed(call, members, &core::NewMember::job);
}

bool has_no_idempotency_key(Call& call) {
  if (call.request.idempotency_key.empty()) return true;
  refuse_header(call, "/Idempotency-Key", "is taken by POST /jobs and POST /jobs/batch only");
  return false;
}

void refuse_header(Call& call, std::string_view pointer, std::string detail) {
  Problem problem{problem::invalid_input, ""};
  problem.errors.push_back({std::string(pointer), std::move(detail), FieldError::In::header});
  refuse(call, problem);
}

}  // namespace pawl::http::api
