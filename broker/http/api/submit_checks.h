// What is looked at before jobs are submitted, by whatever request, and is not in their fields alone.
#pragma once

#include <string>

#include "broker/core/command.h"
#include "broker/http/api/routes.h"

namespace pawl::http::api {

/// True when the job that stands at `at` in the request is not for the queue of callbacks, which is the
/// broker's own, and its callback goes where the broker may call back; else answered. Said now, not when the
/// job has ended.
bool may_submit(Call& call, const core::NewJob& job, const std::string& at = {});
/// The same of all jobs of a list.
bool may_submit(Call& call, const std::vector<core::NewJob>& jobs);
bool may_submit(Call& call, const std::vector<core::NewMember>& members);

/// False, and answered, when the request has an Idempotency-Key, which means nothing here.
bool has_no_idempotency_key(Call& call);

/// Answers 422 for a header.
void refuse_header(Call& call, std::string_view pointer, std::string detail);

}  // namespace pawl::http::api
